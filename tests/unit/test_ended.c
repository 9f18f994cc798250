/* test_ended.c - a CT ends by itself: released once, and started again exactly when it asked for that. */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/ended.h"
#include "runtime/daemon/reboot.h"

static struct client watcher;

/* The events that came, as "stopped,started,". */
static const char *events(void)
{
	static char text[512];
	json_t *reply;

	text[0] = '\0';
	while ((reply = client_take(&watcher)) != NULL) {
		const char *e = json_string_value(json_object_get(parameters_of(reply), "event"));

		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s,", e);
		json_decref(reply);
	}
	return text;
}

static void begin(struct running *r)
{
	host_begin("");
	running_begin(r, 101, "");
	client_open(&watcher);
	client_send(&watcher, "io.berth.Container.Monitor", NULL, true);
	on_worker("cleanup", "rm -f $TOP/run/berth/ct/$ctid/state $TOP/run/berth/ct/$ctid/exit; "
			     "say_done\n");
	/* There is nothing to start: it is enough to see that it was tried. */
	on_worker("start", "echo error io.berth.NoTemplate 2 none; exit 1\n");
}

static void end(struct running *r)
{
	client_close(&watcher);
	host_end();
	running_end(r);
}

/* As the kernel and the monitor do it: init ends, the record is written, the monitor hangs up. */
static void ends_with(struct running *r, int wait_status)
{
	init_end(r->init, SIGKILL);
	put_exit(101, wait_status);
	fd_close(&r->conn);
	settle_down();
}

static void a_poweroff_inside_releases_everything_and_stays_off(void)
{
	struct running r;
	int p[2];

	begin(&r);
	CHECK(pipe2(p, O_CLOEXEC) == 0);
	monitor_says(&r, (struct mon_record){.type = MON_KEPT, .a = 1}, &p[0], 1);
	ends_with(&r, SIGINT);
	WAIT_FOR(r.ct->job == NULL && r.ct->status == CT_STOPPED);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0);
	CHECK(r.ct->init_pidfd < 0 && r.ct->monitor == NULL && r.ct->kept[0] < 0);
	CHECK(strcmp(events(), "stopped,") == 0 && !is_there(run_dir(101), "restart"));
	(void)close(p[0]);
	(void)close(p[1]);
	end(&r);
}

static void a_reboot_inside_starts_it_again(void)
{
	struct running r;

	begin(&r);
	ends_with(&r, SIGHUP);
	WAIT_FOR(r.ct->job == NULL && r.ct->status == CT_STOPPED);
	CHECK(strcmp(worker_calls(), "cleanup 101,start 101,cleanup 101,") == 0);
	CHECK(strcmp(events(), "rebooted,") == 0);
	CHECK(!is_there(run_dir(101),
			"restart")); /* the start has failed: no second try by itself */
	end(&r);
}

static void an_end_that_nobody_saw_is_no_reboot(void)
{
	struct running r;

	begin(&r);
	init_end(r.init, SIGKILL);
	fd_close(&r.conn); /* monitor and init were killed together */
	WAIT_FOR(r.ct->job == NULL && r.ct->status == CT_STOPPED);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0 && strcmp(events(), "stopped,") == 0);
	end(&r);
}

/* A loop is slowed down, and its admin can end it. */
static void the_second_quick_reboot_waits_and_a_stop_ends_it(void)
{
	struct running r;

	begin(&r);
	r.ct->started_ms = ev_now_ms();
	r.ct->quick_reboots = 1;
	ends_with(&r, SIGHUP);
	WAIT_FOR(r.ct->job == NULL && r.ct->reboot != NULL);
	CHECK(r.ct->status == CT_STOPPED && strcmp(worker_calls(), "cleanup 101,") == 0);
	CHECK(reboot_is_marked(&d, r.ct)); /* a new berthd would start it */
	CHECK(code_of(call("io.berth.Container.Stop", ct_parameter(101))) == BERTH_OK);
	CHECK(r.ct->reboot == NULL && !reboot_is_marked(&d, r.ct));
	CHECK(worker_calls()[0] == '\0' && !ended_cancel_reboot(r.ct));
	end(&r);
}

static void the_second_quick_reboot_comes_after_all(void)
{
	struct running r;

	begin(&r);
	r.ct->started_ms = ev_now_ms();
	r.ct->quick_reboots = 1;
	ends_with(&r, SIGHUP);
	WAIT_FOR(r.ct->job == NULL && r.ct->reboot != NULL);
	(void)worker_calls();
	CHECK(ev_timer_set(r.ct->reboot, 1) == 0); /* test_reboot.c knows how long it is */
	WAIT_FOR(r.ct->reboot == NULL && r.ct->job == NULL);
	CHECK(strcmp(worker_calls(), "start 101,cleanup 101,") == 0);
	end(&r);
}

static void what_could_not_be_released_is_not_started(void)
{
	struct running r;

	begin(&r);
	on_worker("cleanup", "echo error io.berth.Stuck 16 stuck; exit 1\n");
	ends_with(&r, SIGHUP);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0 && r.ct->reboot == NULL);
	end(&r);
}

static void an_operation_that_is_under_way_comes_first(void)
{
	struct running r;
	struct job *j;

	begin(&r);
	j = job_begin(&d, r.ct, "set", NULL, &err);
	ends_with(&r, SIGINT);
	CHECK(r.ct->job == j && r.ct->retry != NULL && worker_calls()[0] == '\0');
	job_done(j, NULL);
	WAIT_FOR(r.ct->status == CT_STOPPED && r.ct->job == NULL);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0);
	end(&r);
}

/* The pidfd may tell before the monitor has written how it ended. */
static void the_exit_record_is_waited_for(void)
{
	struct running r;

	begin(&r);
	init_end(r.init, SIGKILL);
	settle_down();
	CHECK(r.ct->job == NULL && r.ct->retry != NULL && worker_calls()[0] == '\0');
	put_exit(101, SIGHUP);
	fd_close(&r.conn);
	WAIT_FOR(r.ct->job == NULL && r.ct->status == CT_STOPPED);
	CHECK(strncmp(worker_calls(), "cleanup 101,start 101,", 22) == 0);
	end(&r);
}

static void what_an_earlier_berthd_left_is_cleaned_and_restarted(void)
{
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	on_worker("start", "echo error io.berth.NoTemplate 2 none; exit 1\n");
	ended_clean(&d, ct);
	WAIT_FOR(ct->job == NULL);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0);
	reboot_mark(&d, ct);
	ct->started_ms = ev_now_ms() - 60000;
	ended_clean(&d, ct);
	WAIT_FOR(ct->job == NULL);
	CHECK(strncmp(worker_calls(), "cleanup 101,start 101,", 22) == 0);
	/* One that somebody holds is left alone. */
	ct->unsettled = true;
	ended_clean(&d, ct);
	CHECK(ct->job == NULL && worker_calls()[0] == '\0');
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_poweroff_inside_releases_everything_and_stays_off);
	RUN(a_reboot_inside_starts_it_again);
	RUN(an_end_that_nobody_saw_is_no_reboot);
	RUN(the_second_quick_reboot_waits_and_a_stop_ends_it);
	RUN(the_second_quick_reboot_comes_after_all);
	RUN(what_could_not_be_released_is_not_started);
	RUN(an_operation_that_is_under_way_comes_first);
	RUN(the_exit_record_is_waited_for);
	RUN(what_an_earlier_berthd_left_is_cleaned_and_restarted);
	return check_failures != 0;
}
