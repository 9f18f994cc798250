/* test_methods_lifecycle.c - which operation a CT's state allows, and what is said when it does not. */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/reboot.h"

static enum berth_errcode order(const char *method, uint32_t ctid)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "io.berth.Container.%s", method);
	return code_of(call(name, ct_parameter(ctid)));
}

static void each_state_refuses_what_it_cannot_do(void)
{
	static const struct {
		enum ct_status status;
		const char *method;
		enum berth_errcode code;
		const char *mend;
	} table[] = {
		{CT_STOPPED, "Stop", BERTH_ERR_NOT_RUNNING, "stopped"},
		{CT_STOPPED, "Umount", BERTH_ERR_NOT_MOUNTED, "not mounted"},
		{CT_MOUNTED, "Stop", BERTH_ERR_MOUNTED, "berth umount"},
		{CT_MOUNTED, "Mount", BERTH_ERR_MOUNTED, "already"},
		{CT_RUNNING, "Start", BERTH_ERR_RUNNING, "already"},
		{CT_RUNNING, "Mount", BERTH_ERR_RUNNING, "berth stop"},
		{CT_RUNNING, "Umount", BERTH_ERR_RUNNING, "berth stop"},
		{CT_STARTING, "Stop", BERTH_ERR_LOCKED, "starting"},
		{CT_STOPPING, "Start", BERTH_ERR_LOCKED, "stopping"},
		{CT_SUSPENDED, "Start", BERTH_ERR_LOCKED, "suspended"},
		{CT_UNKNOWN, "Start", BERTH_ERR_UNKNOWN, "cannot find out"},
		{CT_UNKNOWN, "Stop", BERTH_ERR_UNKNOWN, "berth stop 101 --fast"},
		{CT_UNKNOWN, "Mount", BERTH_ERR_UNKNOWN, "berth status 101"},
		{CT_UNKNOWN, "Destroy", BERTH_ERR_UNKNOWN, "berth status 101"},
		{CT_RELEASING, "Destroy", BERTH_ERR_LOCKED, "being released"},
		{CT_GIVEN, "Start", BERTH_ERR_LOCKED, "another host"},
		{CT_STOPPED, "Suspend", BERTH_ERR_NOT_RUNNING, "berth start 101"},
		{CT_STOPPED, "Resume", BERTH_ERR_NOT_RUNNING, "berth start 101"},
		{CT_RUNNING, "Resume", BERTH_ERR_RUNNING, "running"},
		{CT_SUSPENDED, "Stop", BERTH_ERR_LOCKED, "berth resume 101"},
		{CT_SUSPENDED, "Mount", BERTH_ERR_LOCKED, "berth resume 101"},
		{CT_SUSPENDED, "Suspend", BERTH_ERR_LOCKED, "berth resume 101"},
		{CT_SUSPENDING, "Stop", BERTH_ERR_LOCKED, "being suspended"},
		{CT_STARTING, "Send", BERTH_ERR_LOCKED, "starting"},
		{CT_UNKNOWN, "Send", BERTH_ERR_UNKNOWN, "cannot find out"},
		{CT_STOPPED, "Resolve", BERTH_ERR_VALUE, "no unfinished move"},
		{CT_GIVEN, "Destroy", BERTH_ERR_LOCKED, "--resolve --release 101"},
		{CT_INCOMING, "Start", BERTH_ERR_LOCKED, "--resolve --take 101"},
	};
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ct->status = table[i].status;
		CHECK(order(table[i].method, 101) == table[i].code);
		CHECK(strstr(err.msg, "CT 101") != NULL && strstr(err.msg, table[i].mend) != NULL);
		CHECK(ct->status == table[i].status && ct->job == NULL);
	}
	CHECK(worker_calls()[0] == '\0');
	host_end();
}

static void a_ct_that_is_not_there_or_not_named_is_refused(void)
{
	static const char *const methods[] = {"Start", "Stop", "Restart", "Mount", "Umount"};

	host_begin("");
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "io.berth.Container.%s", methods[i]);
		CHECK(order(methods[i], 101) == BERTH_ERR_NO_CONFIG);
		CHECK(code_of(call(name, NULL)) == BERTH_ERR_VALUE);
		CHECK(code_of(call(name, json_pack("{s:n}", "ct"))) == BERTH_ERR_VALUE);
		CHECK(code_of(call(name, json_pack("{s:s}", "ct", "50"))) == BERTH_ERR_VALUE);
	}
	host_end();
}

static void a_disabled_ct_is_not_started(void)
{
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "DISABLED=\"yes\"\n");
	CHECK(order("Start", 101) == BERTH_ERR_DISABLED &&
	      strstr(err.msg, "--disabled no") != NULL);
	CHECK(order("Restart", 101) == BERTH_ERR_DISABLED);
	CHECK(ct->job == NULL && worker_calls()[0] == '\0');
	/* It can be repaired all the same. */
	CHECK(order("Mount", 101) == BERTH_OK);
	host_end();
}

static void a_broken_ct_says_why_and_is_taken_back_when_it_is_mended(void)
{
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	put_config(101, "NAME\n");
	CHECK(registry_reload(&d, ct, &err) < 0);
	CHECK(order("Mount", 101) == BERTH_ERR_BROKEN && strstr(err.msg, "101.conf") != NULL);
	CHECK(order("Start", 101) == BERTH_ERR_BROKEN && ct->status == CT_BROKEN);
	put_config(101, "");
	CHECK(order("Mount", 101) == BERTH_OK && ct->status == CT_MOUNTED);
	host_end();
}

static void a_mount_tells_where_and_a_failed_one_is_cleaned_up(void)
{
	json_t *reply;
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	on_worker("mount", "echo result path=/some/where; say_done\n");
	reply = call("io.berth.Container.Mount", ct_parameter(101));
	CHECK(strcmp(json_string_value(json_object_get(parameters_of(reply), "path")),
		     "/some/where") == 0);
	CHECK(code_of(reply) == BERTH_OK && ct->status == CT_MOUNTED);
	on_worker("umount", "echo error io.berth.UmountFailed 16 busy; exit 1\n");
	CHECK(order("Umount", 101) == BERTH_ERR_UMOUNT && ct->status == CT_MOUNTED);
	on_worker("umount", "say_done\n");
	CHECK(order("Umount", 101) == BERTH_OK && ct->status == CT_STOPPED);
	(void)worker_calls();
	on_worker("mount", "kill -9 $$\n");
	on_worker("cleanup", "echo error io.berth.Stuck 16 stuck; exit 1\n");
	CHECK(order("Mount", 101) == BERTH_ERR_HELPER && ct->status == CT_RELEASING);
	CHECK(strcmp(worker_calls(), "mount 101,cleanup 101,") == 0 && ct->job == NULL);
	/* What was in the way has gone. */
	on_worker("cleanup", "say_done\n");
	CHECK(order("Mount", 101) == BERTH_ERR_LOCKED &&
	      strstr(err.msg, "berth status 101") != NULL);
	CHECK(order("Stop", 101) == BERTH_OK && ct->status == CT_STOPPED);
	host_end();
}

static void a_mounted_ct_is_unmounted_before_it_starts(void)
{
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	on_worker("start", "echo error io.berth.NoTemplate 2 none; exit 1\n");
	CHECK(order("Mount", 101) == BERTH_OK);
	(void)worker_calls();
	CHECK(order("Start", 101) == BERTH_ERR_NO_TEMPLATE);
	CHECK(strcmp(worker_calls(), "umount 101,start 101,cleanup 101,") == 0);
	/* It is in use: then it does not start. */
	CHECK(order("Mount", 101) == BERTH_OK);
	(void)worker_calls();
	on_worker("umount", "echo error io.berth.UmountFailed 16 busy; exit 1\n");
	CHECK(order("Start", 101) == BERTH_ERR_UMOUNT && ct->job == NULL);
	CHECK(strcmp(worker_calls(), "umount 101,") == 0);
	host_end();
}

static void a_restart_of_a_stopped_ct_is_a_start(void)
{
	host_begin("");
	(void)add_ct(101, "");
	on_worker("start", "echo error io.berth.NoTemplate 2 none; exit 1\n");
	CHECK(order("Restart", 101) == BERTH_ERR_NO_TEMPLATE);
	CHECK(strncmp(worker_calls(), "start 101,", 10) == 0);
	host_end();
}

static unsigned int timeout_of(struct running *r, json_t *asked)
{
	json_t *p = ct_parameter(101);
	struct client c;
	unsigned int timeout;

	if (asked != NULL)
		(void)json_object_set_new(p, "timeout", asked);
	client_open(&c);
	client_send(&c, "io.berth.Container.Stop", p, false);
	timeout = r->ct->job != NULL ? r->ct->job->timeout : 0;
	client_close(&c);
	/* Back to a running CT. */
	job_done(r->ct->job, NULL);
	r->ct->status = CT_RUNNING;
	return timeout;
}

static void the_timeout_is_the_callers_or_the_configs(void)
{
	struct running r;

	host_begin("");
	running_begin(&r, 101, "STOP_TIMEOUT=\"33\"\n");
	/* It is asked to end, and does not. */
	CHECK(kill(r.init, SIGSTOP) == 0 && waitpid(r.init, NULL, WUNTRACED) == r.init);
	CHECK(timeout_of(&r, json_integer(7)) == 7);
	CHECK(timeout_of(&r, NULL) == 33);
	CHECK(timeout_of(&r, json_integer(-1)) == 33);
	CHECK(timeout_of(&r, json_integer(100000000000)) == 33);
	CHECK(timeout_of(&r, json_string("7")) == 33);
	put_config(101, "STOP_TIMEOUT\n"); /* damaged: a CT can be stopped nevertheless */
	CHECK(timeout_of(&r, NULL) == 120);
	host_end();
	running_end(&r);
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(each_state_refuses_what_it_cannot_do);
	RUN(a_ct_that_is_not_there_or_not_named_is_refused);
	RUN(a_disabled_ct_is_not_started);
	RUN(a_broken_ct_says_why_and_is_taken_back_when_it_is_mended);
	RUN(a_mount_tells_where_and_a_failed_one_is_cleaned_up);
	RUN(a_mounted_ct_is_unmounted_before_it_starts);
	RUN(a_restart_of_a_stopped_ct_is_a_start);
	RUN(the_timeout_is_the_callers_or_the_configs);
	return check_failures != 0;
}
