/* test_boot_wait.c - calls of start --wait are answered once: by the boot, the end, or not at all. */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/boot_wait.h"

/* A CT that a start --wait has started and that has not booted. */
static void begin(struct running *r, struct client *c)
{
	char script[128];

	host_begin("");
	running_begin(r, 101, "");
	/* The start itself finds the CT running: its init and its state file are there. */
	attach_drop(r->ct);
	fd_close(&r->conn);
	r->ct->status = CT_STOPPED;
	(void)snprintf(script, sizeof(script), "echo result init_pid=%d; say_done\n", r->init);
	on_worker("start", script);
	client_open(c);
	client_send(c, "io.berth.Container.Start",
		    json_pack("{s:s, s:b}", "ct", "101", "wait", true), false);
	WAIT_FOR(r->ct->waiters != NULL);
	r->conn = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
	CHECK(r->conn >= 0 && client_take(c) == NULL);
}

static void end(struct running *r, struct client *c)
{
	client_close(c);
	host_end();
	running_end(r);
}

static void the_boot_answers(void)
{
	struct running r;
	struct client c;
	json_t *reply;

	begin(&r, &c);
	/* It waits, but it does not hold the CT. */
	CHECK(r.ct->job == NULL && r.ct->status == CT_RUNNING && !r.ct->booted);
	monitor_says(&r, (struct mon_record){.type = MON_STATE, .a = r.init, .b = 1}, NULL, 0);
	reply = client_wait(&c);
	CHECK(json_integer_value(json_object_get(parameters_of(reply), "init_pid")) == r.init);
	CHECK(code_of(reply) == BERTH_OK && r.ct->waiters == NULL);
	/* Said twice, heard once. */
	monitor_says(&r, (struct mon_record){.type = MON_STATE, .a = r.init, .b = 1}, NULL, 0);
	CHECK(client_take(&c) == NULL);
	end(&r, &c);
}

static void a_ct_that_ends_before_is_an_error(void)
{
	struct running r;
	struct client c;

	begin(&r, &c);
	boot_wait_fail(r.ct);
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_NOT_RUNNING);
	CHECK(strstr(err.msg, "CT 101") != NULL && strstr(err.msg, "berth console") != NULL);
	end(&r, &c);
}

static void a_ct_that_is_removed_is_one_too(void)
{
	struct running r;
	struct client c;

	begin(&r, &c);
	CHECK(kill(r.init, SIGKILL) == 0);
	registry_remove(&d, r.ct);
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_NOT_RUNNING);
	end(&r, &c);
}

static void who_has_gone_is_forgotten(void)
{
	struct running r;
	struct client c;

	begin(&r, &c);
	client_close(&c);
	CHECK(r.ct->waiters == NULL);
	boot_wait_done(r.ct);
	host_end();
	running_end(&r);
}

static void several_wait_for_one_boot(void)
{
	struct client more[3];
	struct running r;
	struct client c;

	begin(&r, &c);
	for (size_t i = 0; i < 3; i++) {
		attach_drop(r.ct);
		fd_close(&r.conn);
		r.ct->status = CT_STOPPED;
		client_open(&more[i]);
		client_send(&more[i], "io.berth.Container.Start",
			    json_pack("{s:s, s:b}", "ct", "101", "wait", true), false);
		WAIT_FOR(r.ct->job == NULL && r.ct->status == CT_RUNNING);
		r.conn = accept4(r.listener, NULL, NULL, SOCK_CLOEXEC);
	}
	client_close(&more[1]); /* one in the middle of the list */
	boot_wait_done(r.ct);
	CHECK(code_of(client_wait(&more[0])) == BERTH_OK);
	CHECK(code_of(client_wait(&more[2])) == BERTH_OK);
	CHECK(code_of(client_wait(&c)) == BERTH_OK && r.ct->waiters == NULL);
	client_close(&more[0]);
	client_close(&more[2]);
	end(&r, &c);
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(the_boot_answers);
	RUN(a_ct_that_ends_before_is_an_error);
	RUN(a_ct_that_is_removed_is_one_too);
	RUN(who_has_gone_is_forgotten);
	RUN(several_wait_for_one_boot);
	return check_failures != 0;
}
