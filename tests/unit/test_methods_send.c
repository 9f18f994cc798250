/* test_methods_send.c - Send and Resolve: whatever the worker said, the journal says whose the CT is. */
#include "runtime/ct/journal.h"
#include "tests/unit/daemon_fixture.h"

#define ID "0a1b2c3d-0000-4000-8000-123456789abc"
#define GIVES "cp $TOP/move $TOP/var/lib/berth/state/101.move; "
#define REMOVES \
	"rm $TOP/etc/berth/ct/$ctid.conf; rm -r $TOP/var/lib/berth/private/$ctid; say_done\n"

static struct ct *ct;

/* What a worker puts into state/101.move. */
static void put_move(const char *uuid)
{
	struct journal j = {.phase = JOURNAL_GIVEN, .id = ID, .epoch = 1, .peer_ctid = 101};
	char text[1024];

	(void)snprintf(j.uuid, sizeof(j.uuid), "%s", uuid);
	CHECK(journal_format(&j, text, sizeof(text)) == 0);
	put_file(top, "move", text, 0600);
}

static void begin(void)
{
	host_begin("");
	ct = add_ct(101, "NAME=\"web\"\n");
	put_move(ct->facts.uuid);
	on_worker("destroy", REMOVES);
}

static json_t *parameters(const char *flag)
{
	json_t *p = json_pack("{s:s, s:s}", "ct", "101", "peer", "host-b");

	if (flag != NULL)
		(void)json_object_set_new(p, flag, json_true());
	return p;
}

/* With two descriptors, as berth passes the ends of its transport. */
static void pass(struct client *c, json_t *p)
{
	json_t *m = json_pack("{s:s, s:o}", "method", "io.berth.Container.Send", "parameters", p);
	char *text = json_dumps(m, JSON_COMPACT);
	int fds[2] = {open("/dev/null", O_RDWR | O_CLOEXEC), open("/dev/null", O_RDWR | O_CLOEXEC)};

	client_open(c);
	CHECK(fd_send_message(c->fd, text, strlen(text) + 1, fds, 2) == 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
	free(text);
	json_decref(m);
	settle_down();
}

static enum berth_errcode send_with(json_t *p)
{
	struct client c;
	enum berth_errcode code;

	pass(&c, p);
	code = code_of(client_wait(&c));
	client_close(&c);
	return code;
}

static enum berth_errcode order(const char *method)
{
	return code_of(call(method, ct_parameter(101)));
}

static enum berth_errcode resolve(bool take)
{
	return code_of(call("io.berth.Container.Resolve",
			    json_pack("{s:s, s:b}", "ct", "101", "take", take)));
}

static bool has_journal(void)
{
	return is_there(d.paths.lib, "state/101.move");
}

static void what_was_given_goes_here(void)
{
	begin();
	on_worker("send", "[ ${fds%,*} != $fds ] && " GIVES "say_done\n");
	CHECK(send_with(parameters(NULL)) == BERTH_OK);
	CHECK(registry_find(&d, 101) == NULL && !has_journal() && !has_config_file(101));
	CHECK(!is_there(d.paths.lib, "state/101.intent"));
	host_end();
}

static void with_keep_it_stays_given_and_nothing_starts_it(void)
{
	static const char *const orders[] = {"io.berth.Container.Start", "io.berth.Container.Mount",
					     "io.berth.Container.Destroy",
					     "io.berth.Container.Restart"};

	begin();
	on_worker("send", GIVES "say_done\n");
	CHECK(send_with(parameters("keep")) == BERTH_OK && ct->status == CT_GIVEN);
	(void)worker_calls();
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		CHECK(order(orders[i]) == BERTH_ERR_LOCKED && strstr(err.msg, "has moved") != NULL);
	CHECK(worker_calls()[0] == '\0' && has_config_file(101));
	CHECK(resolve(false) == BERTH_OK);
	CHECK(registry_find(&d, 101) == NULL && !has_journal());
	host_end();
}

static void without_a_journal_it_is_as_before(void)
{
	static const char *const ends[] = {"echo error io.berth.Protocol 32 cut; exit 1\n",
					   "kill -9 $$\n"};

	begin();
	for (size_t i = 0; i < 2; i++) {
		on_worker("send", ends[i]);
		CHECK(send_with(parameters(NULL)) != BERTH_OK && ct->status == CT_STOPPED);
		CHECK(ct->job == NULL && has_config_file(101));
	}
	/* Also when the worker said "done", and when the journal is about another CT that had the number. */
	on_worker("send", "say_done\n");
	CHECK(send_with(parameters(NULL)) == BERTH_OK && ct->status == CT_STOPPED);
	put_move(ID);
	on_worker("send", GIVES "say_done\n");
	CHECK(send_with(parameters(NULL)) == BERTH_OK && ct->status == CT_STOPPED);
	CHECK(has_config_file(101) && strstr(worker_calls(), "destroy") == NULL);
	host_end();
}

static void killed_with_a_journal_it_is_given_until_somebody_knows(void)
{
	begin();
	on_worker("send", GIVES "kill -9 $$\n");
	CHECK(send_with(parameters(NULL)) != BERTH_OK && ct->status == CT_GIVEN);
	CHECK(has_config_file(101) && strstr(worker_calls(), "destroy") == NULL);
	CHECK(order("io.berth.Container.Start") == BERTH_ERR_LOCKED);
	/* A damaged one is no "no". */
	put_file(d.paths.lib, "state/101.move", "phase=giv\n", 0600);
	on_worker("send", "kill -9 $$\n");
	CHECK(send_with(parameters(NULL)) != BERTH_OK && ct->status == CT_BROKEN);
	CHECK(order("io.berth.Container.Start") != BERTH_OK);
	put_file(top, "var/lib/berth/state/101.move", "", 0600);
	host_end();
}

static void an_admin_takes_it_back(void)
{
	begin();
	CHECK(resolve(true) == BERTH_ERR_VALUE && resolve(false) == BERTH_ERR_VALUE);
	on_worker("send", GIVES "kill -9 $$\n");
	CHECK(send_with(parameters(NULL)) != BERTH_OK && ct->status == CT_GIVEN);
	CHECK(resolve(true) == BERTH_OK && ct->status == CT_STOPPED && !has_journal());
	host_end();
}

static void a_client_that_goes_ends_it(void)
{
	struct client c;

	begin();
	on_worker("send", "echo >$TOP/up; exec sleep 1000\n");
	pass(&c, parameters(NULL));
	WAIT_FOR(is_there(top, "up"));
	CHECK(ct->status == CT_SENDING && order("io.berth.Container.Start") == BERTH_ERR_LOCKED);
	client_close(&c);
	WAIT_FOR(ct->job == NULL);
	CHECK(ct->status == CT_STOPPED);
	host_end();
}

static void one_that_runs_is_checked_only(void)
{
	struct running r;

	host_begin("");
	on_worker("send", "say_done\n");
	running_begin(&r, 101, "");
	ct = r.ct;
	(void)worker_calls();
	CHECK(send_with(parameters(NULL)) == BERTH_ERR_RUNNING && ct->status == CT_RUNNING);
	CHECK(worker_calls()[0] == '\0');
	CHECK(send_with(parameters("check_only")) == BERTH_OK && ct->status == CT_RUNNING);
	CHECK(strstr(worker_calls(), " host-b check,") != NULL);
	running_end(&r);
	host_end();
}

/* Most of it while it runs; then it is suspended and released, and the rest goes. */
static void begin_online(struct running *r)
{
	host_begin("");
	running_begin(r, 101, "");
	ct = r->ct;
	put_move(ct->facts.uuid);
	on_worker("destroy", REMOVES);
	on_worker("suspend", "mkdir -p $TOP/var/lib/berth/private/$ctid/dump; "
			     ": >$TOP/var/lib/berth/private/$ctid/dump/record; say_done\n");
	on_worker("cleanup", "rm -f $TOP/run/berth/ct/$ctid/state; say_done\n");
	(void)worker_calls();
}

static void end_online(struct running *r)
{
	init_end(r->init, SIGKILL);
	host_end();
	running_end(r);
}

static bool is_marked(void)
{
	return is_there(d.paths.lib, "private/101/moving");
}

static void one_that_runs_is_suspended_when_most_of_it_is_there(void)
{
	json_t *reply, *receipt;
	struct client c;
	struct running r;

	begin_online(&r);
	on_worker("send", "case \"$*\" in *ahead*) echo result bytes_ahead=5; say_done;; "
			  "*last*) " GIVES "echo result bytes=7; say_done;; esac\n");
	pass(&c, parameters("online"));
	reply = client_wait(&c);
	receipt = json_object_get(json_object_get(reply, "parameters"), "receipt");
	CHECK(json_integer_value(json_object_get(receipt, "ahead_bytes")) == 5);
	CHECK(json_integer_value(json_object_get(receipt, "volume_bytes")) == 7);
	CHECK(json_is_integer(json_object_get(receipt, "frozen_ms")));
	CHECK(code_of(reply) == BERTH_OK);
	client_close(&c);
	CHECK(registry_find(&d, 101) == NULL && !has_journal() && !has_config_file(101));
	end_online(&r);
}

/* Whatever ends it before it is given: it goes on here. */
/* "last MS," and this. */
static bool goes_on_behind_last(const char *calls)
{
	const char *p = strstr(worker_calls(), "last ");

	p = p == NULL ? NULL : strchr(p, ',');
	return p != NULL && strncmp(p + 1, calls, strlen(calls)) == 0;
}

static void what_stays_here_is_resumed_by_itself(void)
{
	static const char *const ends[] = {"echo error io.berth.Protocol 32 cut; exit 1",
					   "kill -9 $$"};

	for (size_t i = 0; i < 2; i++) {
		struct running r;
		char script[200];

		begin_online(&r);
		(void)snprintf(script, sizeof(script),
			       "case \"$*\" in *ahead*) say_done;; *last*) %s;; esac\n", ends[i]);
		on_worker("send", script);
		on_worker("resume", "echo error io.berth.Broken 116 stale; exit 1\n");
		CHECK(send_with(parameters("online")) != BERTH_OK);
		WAIT_FOR(ct->job == NULL);
		/* It is tried once, and not for ever. */
		CHECK(goes_on_behind_last("resume 101,cleanup 101,"));
		CHECK(ct->status == CT_SUSPENDED && !is_marked() && !has_journal());
		end_online(&r);
	}
}

/* A worker that died, or a lack of the moment, is no reason to leave it suspended; there is an end to it. */
static void a_resume_that_died_is_tried_again(void)
{
	struct running r;

	begin_online(&r);
	on_worker("send", "case \"$*\" in *ahead*) say_done;; *last*) echo error io.berth.Protocol "
			  "32 cut; exit 1;; esac\n");
	on_worker("resume", "kill -9 $$\n");
	CHECK(send_with(parameters("online")) != BERTH_OK);
	WAIT_FOR(ct->job == NULL);
	CHECK(goes_on_behind_last(
		"resume 101,cleanup 101,resume 101,cleanup 101,resume 101,cleanup "
		"101,"));
	CHECK(ct->status == CT_SUSPENDED && !is_marked());
	end_online(&r);
}

static void what_fails_ahead_has_not_stopped_it(void)
{
	struct running r;

	begin_online(&r);
	on_worker("send", "echo error io.berth.Protocol 32 cut; exit 1\n");
	CHECK(send_with(parameters("online")) == BERTH_ERR_PROTOCOL);
	CHECK(strstr(worker_calls(), "suspend") == NULL && ct->status == CT_RUNNING);
	on_worker("send", "say_done\n");
	on_worker("suspend", "echo error io.berth.HelperFailed 5 a message queue; exit 1\n");
	CHECK(send_with(parameters("online")) == BERTH_ERR_HELPER && ct->status == CT_RUNNING);
	CHECK(!is_marked() && strstr(worker_calls(), "last") == NULL);
	end_online(&r);
}

static void what_makes_no_sense_is_refused(void)
{
	json_t *p;

	begin();
	/* Without descriptors. */
	CHECK(code_of(call("io.berth.Container.Send", parameters(NULL))) == BERTH_ERR_VALUE);
	CHECK(ct->status == CT_STOPPED && ct->job == NULL);
	p = parameters(NULL);
	(void)json_object_set_new(p, "new_ctid", json_integer(100));
	CHECK(send_with(p) == BERTH_ERR_VALUE);
	p = parameters(NULL);
	(void)json_object_set_new(p, "new_name", json_string("../x"));
	CHECK(send_with(p) == BERTH_ERR_VALUE);
	p = parameters(NULL);
	(void)json_object_set_new(p, "peer", json_string("a\nb"));
	CHECK(send_with(p) == BERTH_ERR_VALUE);
	CHECK(ct->status == CT_STOPPED && worker_calls()[0] == '\0');
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(what_was_given_goes_here);
	RUN(with_keep_it_stays_given_and_nothing_starts_it);
	RUN(without_a_journal_it_is_as_before);
	RUN(killed_with_a_journal_it_is_given_until_somebody_knows);
	RUN(an_admin_takes_it_back);
	RUN(a_client_that_goes_ends_it);
	RUN(one_that_runs_is_checked_only);
	RUN(one_that_runs_is_suspended_when_most_of_it_is_there);
	RUN(what_stays_here_is_resumed_by_itself);
	RUN(a_resume_that_died_is_tried_again);
	RUN(what_fails_ahead_has_not_stopped_it);
	RUN(what_makes_no_sense_is_refused);
	return check_failures != 0;
}
