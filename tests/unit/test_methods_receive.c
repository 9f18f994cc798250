/*
 * test_methods_receive.c - Receive: what comes is a CT of this host, or waits for a word, or nothing is left of it;
 * and the source hears why.
 *
 * covers: runtime/daemon/made.c
 */
#include "runtime/ct/journal.h"
#include "runtime/migrate/message.h"
#include "tests/unit/daemon_fixture.h"

#define ID "0a1b2c3d-0000-4000-8000-123456789abc"
#define ID_2 "0a1b2c3d-0000-4000-8000-123456789abd"
#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
/* As the real worker: all of it, then its journal, then its config. */
#define COMES                                                                                     \
	"L=$TOP/var/lib/berth; mkdir -p $L/private/$ctid; cp $TOP/facts $L/private/$ctid/facts; " \
	"cp $TOP/run/berth/ct/$ctid/candidate.conf $L/private/$ctid/incoming.conf; "              \
	"cp $TOP/move $L/state/$ctid.move; "
#define OWNS "cp $TOP/var/lib/berth/private/$ctid/incoming.conf $TOP/etc/berth/ct/$ctid.conf; "
#define UNDOES "rm -rf $TOP/var/lib/berth/private/$ctid $TOP/run/berth/ct/$ctid; say_done\n"

static struct message_offer offer;

static void put_offer(void)
{
	static const char config[] = "NAME=\"web\"\nIP_ADDRESS=\"10.0.0.9\"\n";
	char text[MESSAGE_SIZE + sizeof(config) + 1];
	auto_close int fd = -EBADF;
	char path[BERTH_PATH_MAX];
	size_t len;

	CHECK(message_offer_format(&offer, text) == 0);
	len = strlen(text) + 1;
	memcpy(text + len, config, sizeof(config));
	fd = open(path_below(top, "offer", path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && fd_write_all(fd, text, len + sizeof(config)) == 0);
}

static void begin(void)
{
	struct journal j = {.phase = JOURNAL_READY, .id = ID, .epoch = 1, .peer_ctid = 201};
	char text[2048], path[BERTH_PATH_MAX];

	host_begin("");
	offer = (struct message_offer){.ctid = 201,
				       .new_ctid = 101,
				       .uuid = "01234567-89ab-4cde-8f01-000000000101",
				       .epoch = 1,
				       .id = ID,
				       .template_name = "tiny",
				       .template_hash = HASH,
				       .layout = "overlay",
				       .driver = "image",
				       .created = 1,
				       .volume_bytes = 1 << 20};
	put_offer();
	(void)snprintf(j.uuid, sizeof(j.uuid), "%s", offer.uuid);
	CHECK(journal_format(&j, text, sizeof(text)) == 0);
	put_file(top, "move", text, 0600);
	put_facts(101);
	CHECK(file_read_line_at(AT_FDCWD, path_below(d.paths.lib, "private/101/facts", path), text,
				sizeof(text)) == 0);
	put_file(top, "facts", text, 0600);
	CHECK(tree_remove_at(AT_FDCWD, path_private(&d.paths, 101, path)) == 0);
	on_worker("receive-offer", "cat $TOP/offer >/proc/self/fd/${fds##*,}; say_done\n");
	on_worker("receive-answer", "cat /proc/self/fd/${fds##*,} >$TOP/answer; say_done\n");
	on_worker("destroy", UNDOES);
}

static void pass(struct client *c)
{
	static const char text[] = "{\"method\":\"io.berth.Container.Receive\"}";
	int fds[2] = {open("/dev/null", O_RDWR | O_CLOEXEC), open("/dev/null", O_RDWR | O_CLOEXEC)};

	client_open(c);
	CHECK(fd_send_message(c->fd, text, sizeof(text), fds, 2) == 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
	settle_down();
}

static enum berth_errcode receive(void)
{
	struct client c;
	enum berth_errcode code;

	pass(&c);
	code = code_of(client_wait(&c));
	client_close(&c);
	return code;
}

static enum berth_errcode resolve(bool take)
{
	return code_of(call("io.berth.Container.Resolve",
			    json_pack("{s:s, s:b}", "ct", "101", "take", take)));
}

static bool nothing_is_left(void)
{
	return registry_find(&d, 101) == NULL && !has_config_file(101) &&
	       !is_there(d.paths.lib, "state/101.intent") &&
	       !is_there(d.paths.lib, "state/101.move") && !is_there(d.paths.run, "ct/101") &&
	       !is_there(d.paths.lib, "private/101");
}

/* What the source was told. */
static bool is_answered(enum message_state state, const char *finding)
{
	char path[BERTH_PATH_MAX], text[MESSAGE_SIZE] = "";
	struct message_answer a = {0};
	bool found = finding == NULL;

	CHECK(file_read_line_at(AT_FDCWD, path_below(top, "answer", path), text, sizeof(text)) ==
	      0);
	CHECK(message_answer_parse(text, &a) == 0);
	for (unsigned int i = 0; i < a.n; i++)
		found = found || strstr(a.findings[i], finding) != NULL;
	return a.state == state && found;
}

static void what_came_is_a_ct(void)
{
	struct ct *ct;

	begin();
	on_worker("receive", COMES OWNS "say_done\n");
	CHECK(receive() == BERTH_OK);
	ct = registry_lookup(&d, "web", &err);
	CHECK(ct != NULL && ct->status == CT_STOPPED && !ct->being_created && ct->job == NULL);
	CHECK(strcmp(ct->facts.uuid, offer.uuid) == 0);
	CHECK(!is_there(d.paths.lib, "state/101.move") &&
	      !is_there(d.paths.lib, "state/101.intent"));
	CHECK(!is_there(run_dir(101), "offer") && !is_there(run_dir(101), "candidate.conf"));
	CHECK(strstr(worker_calls(),
		     "receive 101 655425536 01234567-89ab-4cde-8f01-000000000101 new,") != NULL);
	/* It stands, also when its worker died of that. */
	host_end();
	begin();
	on_worker("receive", COMES OWNS "kill -9 $$\n");
	CHECK(receive() == BERTH_OK && registry_lookup(&d, "web", &err) != NULL);
	host_end();
}

static void what_did_not_come_leaves_nothing(void)
{
	static const char *const ends[] = {"echo error io.berth.NoSpace 28 CT 101: full; exit 1\n",
					   "kill -9 $$\n",
					   "mkdir $TOP/var/lib/berth/private/$ctid; kill -9 $$\n"};

	begin();
	for (size_t i = 0; i < 3; i++) {
		on_worker("receive", ends[i]);
		CHECK(receive() == (i == 0 ? BERTH_ERR_NO_SPACE : BERTH_ERR_HELPER));
		CHECK(nothing_is_left() && strstr(worker_calls(), "destroy 101 create,") != NULL);
	}
	/* A word of another CT's move does not count. */
	on_worker(
		"receive",
		"sed s/000000000101/000000000102/ $TOP/move >$TOP/var/lib/berth/state/$ctid.move; "
		"kill -9 $$\n");
	CHECK(receive() == BERTH_ERR_HELPER && nothing_is_left());
	host_end();
}

static struct ct *wait_for_word(void)
{
	struct ct *ct;

	begin();
	on_worker("receive", COMES "kill -9 $$\n");
	CHECK(receive() == BERTH_ERR_HELPER);
	ct = registry_find(&d, 101);
	CHECK(ct != NULL && ct->status == CT_INCOMING && ct->job == NULL && !ct->being_created);
	CHECK(strstr(worker_calls(), "destroy") == NULL && is_there(d.paths.lib, "private/101"));
	return ct;
}

static void ready_without_the_last_word_it_waits(void)
{
	static const char *const orders[] = {"io.berth.Container.Start",
					     "io.berth.Container.Destroy"};
	struct ct *ct = wait_for_word();

	for (size_t i = 0; i < 2; i++)
		CHECK(code_of(call(orders[i], ct_parameter(101))) == BERTH_ERR_LOCKED);
	CHECK(worker_calls()[0] == '\0' && ct->status == CT_INCOMING);
	CHECK(resolve(false) == BERTH_OK && nothing_is_left());
	host_end();
}

static void an_admin_takes_it(void)
{
	struct ct *ct = wait_for_word();

	on_worker("receive", "echo error io.berth.Broken 5 CT 101: no; exit 1\n");
	CHECK(resolve(true) == BERTH_ERR_BROKEN && ct->status == CT_INCOMING);
	on_worker("receive", OWNS "say_done\n");
	CHECK(resolve(true) == BERTH_OK && ct->status == CT_STOPPED);
	CHECK(!is_there(d.paths.lib, "state/101.move") &&
	      !is_there(d.paths.lib, "state/101.intent"));
	host_end();
}

/* The config makes it this host's: but the one that came, and no other. */
static void a_config_that_somebody_put_there_owns_nothing(void)
{
	struct ct *ct = wait_for_word();

	put_config(101, "NAME=\"another\"\n");
	on_worker("receive", "echo error io.berth.Exists 17 CT 101: appeared; exit 1\n");
	CHECK(receive() == BERTH_ERR_EXISTS && ct->status == CT_INCOMING);
	CHECK(resolve(true) == BERTH_ERR_EXISTS && ct->status == CT_INCOMING);
	CHECK(is_there(d.paths.lib, "state/101.move"));
	host_end();
}

static void its_source_goes_on_and_nobody_else(void)
{
	struct ct *ct = wait_for_word();

	on_worker("receive", OWNS "say_done\n");
	/* A copy of it from elsewhere. */
	offer.epoch = 2;
	put_offer();
	CHECK(receive() == BERTH_ERR_UNSUPPORTED && is_answered(ANSWER_REFUSED, "this very CT"));
	offer.epoch = 1;
	offer.ctid = 301;
	put_offer();
	CHECK(receive() == BERTH_ERR_UNSUPPORTED && ct->status == CT_INCOMING);
	/* Given by a move that this one is not. */
	offer.ctid = 201;
	offer.given = true;
	(void)snprintf(offer.id, sizeof(offer.id), ID_2);
	put_offer();
	CHECK(receive() == BERTH_ERR_UNSUPPORTED && ct->status == CT_INCOMING);
	(void)snprintf(offer.id, sizeof(offer.id), ID);
	put_offer();
	(void)worker_calls();
	CHECK(receive() == BERTH_OK && ct->status == CT_STOPPED);
	CHECK(strstr(worker_calls(), " resume,") != NULL);
	host_end();
}

/* The source removes its own upon this answer. */
static void what_is_here_since_then_is_owned_if_it_is_whole(void)
{
	char path[BERTH_PATH_MAX];
	struct ct *ct;

	begin();
	on_worker("receive", COMES OWNS "say_done\n");
	CHECK(receive() == BERTH_OK);
	ct = registry_find(&d, 101);
	CHECK(ct != NULL);
	offer.given = true;
	put_offer();
	/* The facts that came say no epoch: an older copy. */
	CHECK(receive() == BERTH_ERR_UNSUPPORTED && is_answered(ANSWER_REFUSED, "this very CT"));
	ct->facts.epoch = offer.epoch = 0;
	put_offer();
	CHECK(receive() == BERTH_OK && is_answered(ANSWER_OWNED, NULL));
	CHECK(unlink(path_below(d.paths.lib, "private/101/facts", path)) == 0);
	CHECK(receive() == BERTH_ERR_UNSUPPORTED && is_answered(ANSWER_REFUSED, "broken"));
	CHECK(ct->status == CT_BROKEN);
	host_end();
}

static void what_was_given_and_is_not_here_is_not_taken_twice(void)
{
	begin();
	offer.given = true;
	put_offer();
	CHECK(receive() == BERTH_ERR_UNSUPPORTED && is_answered(ANSWER_REFUSED, "it was given"));
	CHECK(nothing_is_left());
	host_end();
}

static void all_that_is_in_the_way_is_told_at_once(void)
{
	begin();
	(void)add_ct(101, "NAME=\"other\"\n");
	(void)add_ct(102, "NAME=\"web\"\nIP_ADDRESS=\"10.0.0.9\"\n");
	(void)snprintf(offer.uuid, sizeof(offer.uuid), "01234567-89ab-4cde-8f01-000000000999");
	put_offer();
	on_worker("receive-offer", "cat $TOP/offer >/proc/self/fd/${fds##*,}; "
				   "echo result finding.0=no template; say_done\n");
	CHECK(receive() == BERTH_ERR_UNSUPPORTED);
	CHECK(is_answered(ANSWER_REFUSED, "the next free CTID is 103"));
	CHECK(is_answered(ANSWER_REFUSED, "no template") && is_answered(ANSWER_REFUSED, "'web'"));
	CHECK(d.n_cts == 2 && strstr(worker_calls(), "receive 101") == NULL);
	/* A check of what could come changes nothing either. */
	offer.new_ctid = 103;
	offer.check_only = true;
	put_offer();
	on_worker("receive-offer", "cat $TOP/offer >/proc/self/fd/${fds##*,}; say_done\n");
	put_config(102, "");
	CHECK(registry_reload(&d, registry_find(&d, 102), &err) == 0);
	CHECK(receive() == BERTH_OK && is_answered(ANSWER_CLEAR, NULL) && d.n_cts == 2);
	host_end();
}

static void an_offer_that_is_none_and_a_client_that_goes_leave_nothing(void)
{
	struct client c;

	begin();
	on_worker("receive-offer", "echo rubbish >/proc/self/fd/${fds##*,}; say_done\n");
	CHECK(receive() == BERTH_ERR_PROTOCOL && nothing_is_left());
	on_worker("receive-offer", "echo error io.berth.Protocol 74 none; exit 1\n");
	CHECK(receive() == BERTH_ERR_PROTOCOL && nothing_is_left());
	CHECK(code_of(call("io.berth.Container.Receive", NULL)) == BERTH_ERR_VALUE);
	/* In the middle of the volume. */
	on_worker("receive-offer", "cat $TOP/offer >/proc/self/fd/${fds##*,}; say_done\n");
	on_worker("receive", "echo >$TOP/up; exec sleep 1000\n");
	pass(&c);
	WAIT_FOR(is_there(top, "up"));
	client_close(&c);
	WAIT_FOR(d.n_cts == 0);
	CHECK(nothing_is_left());
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(what_came_is_a_ct);
	RUN(what_did_not_come_leaves_nothing);
	RUN(ready_without_the_last_word_it_waits);
	RUN(an_admin_takes_it);
	RUN(a_config_that_somebody_put_there_owns_nothing);
	RUN(its_source_goes_on_and_nobody_else);
	RUN(what_is_here_since_then_is_owned_if_it_is_whole);
	RUN(what_was_given_and_is_not_here_is_not_taken_twice);
	RUN(all_that_is_in_the_way_is_told_at_once);
	RUN(an_offer_that_is_none_and_a_client_that_goes_leave_nothing);
	return check_failures != 0;
}
