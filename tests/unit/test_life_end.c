/*
 * test_life_end.c - a CT ends by itself: released once, and started again exactly when it asked for that.
 *
 * covers: runtime/daemon/life_release.c runtime/daemon/end_note.c runtime/daemon/ct_timer.c
 */
#include "tests/unit/daemon_fixture.h"

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
	WAIT_FOR(r.ct->job == NULL && ct_timer_is_set(r.ct, LIFE_T_REBOOT));
	CHECK(r.ct->status == CT_STOPPED && strcmp(worker_calls(), "cleanup 101,") == 0);
	CHECK(reboot_is_marked(&d, r.ct)); /* a new berthd would start it */
	CHECK(code_of(call("io.berth.Container.Stop", ct_parameter(101))) == BERTH_OK);
	CHECK(!ct_timer_is_set(r.ct, LIFE_T_REBOOT) && !reboot_is_marked(&d, r.ct));
	CHECK(worker_calls()[0] == '\0');
	CHECK(code_of(call("io.berth.Container.Stop", ct_parameter(101))) == BERTH_ERR_NOT_RUNNING);
	end(&r);
}

static void the_second_quick_reboot_comes_after_all(void)
{
	struct running r;

	begin(&r);
	r.ct->started_ms = ev_now_ms();
	r.ct->quick_reboots = 1;
	ends_with(&r, SIGHUP);
	WAIT_FOR(r.ct->job == NULL && ct_timer_is_set(r.ct, LIFE_T_REBOOT));
	(void)worker_calls();
	ct_timer_set(r.ct, LIFE_T_REBOOT, 1); /* test_reboot.c knows how long it is */
	WAIT_FOR(!ct_timer_is_set(r.ct, LIFE_T_REBOOT) && r.ct->job == NULL);
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
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0 && !ct_timer_is_set(r.ct, LIFE_T_REBOOT));
	end(&r);
}

static void an_operation_that_is_under_way_comes_first(void)
{
	struct running r;
	struct job *j;

	begin(&r);
	j = job_begin(&d, r.ct, "set", NULL, &err);
	ends_with(&r, SIGINT);
	CHECK(r.ct->job == j && r.ct->pending != 0 && worker_calls()[0] == '\0');
	CHECK(r.ct->status == CT_RUNNING);
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
	CHECK(r.ct->job == NULL && ct_timer_is_set(r.ct, LIFE_T_RECORD) &&
	      worker_calls()[0] == '\0');
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
	(void)ct_event(ct, LIFE_T_CLEAN, NULL, NULL);
	WAIT_FOR(ct->job == NULL);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0);
	reboot_mark(&d, ct);
	ct->started_ms = ev_now_ms() - 60000;
	(void)ct_event(ct, LIFE_T_CLEAN, NULL, NULL);
	WAIT_FOR(ct->job == NULL);
	CHECK(strncmp(worker_calls(), "cleanup 101,start 101,", 22) == 0);
	/* One that somebody holds is left alone. */
	ct->unsettled = true;
	(void)ct_event(ct, LIFE_T_CLEAN, NULL, NULL);
	CHECK(ct->job == NULL && worker_calls()[0] == '\0');
	host_end();
}

/* T7: whoever kills it, the CT does not stay half-released. */
static void a_cleanup_that_is_killed_is_tried_again_until_it_is_done(void)
{
	struct running r;

	begin(&r);
	on_worker("cleanup",
		  "[ -e $TOP/go ] || kill -9 $$; rm -f $TOP/run/berth/ct/$ctid/state; say_done\n");
	ends_with(&r, SIGINT);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(strcmp(worker_calls(), "cleanup 101,cleanup 101,cleanup 101,") == 0);
	CHECK(r.ct->status == CT_RELEASING && ct_timer_is_set(r.ct, LIFE_T_CLEAN));
	put_file(top, "go", "", 0644);
	/* Its admin need not wait for the time. */
	CHECK(code_of(call("io.berth.Container.Stop", ct_parameter(101))) == BERTH_OK);
	CHECK(r.ct->status == CT_STOPPED && !ct_timer_is_set(r.ct, LIFE_T_CLEAN));
	end(&r);
}

/* The cleanup has the last word: it looked for itself, and touched nothing. */
static void a_cleanup_that_finds_it_alive_gives_it_back(void)
{
	struct running r;

	begin(&r);
	on_worker("cleanup", "echo error io.berth.Running 16 CT 101 runs; exit 1\n");
	(void)ct_event(r.ct, LIFE_NOT_KNOWN, NULL, NULL);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(r.ct->status == CT_RUNNING && r.ct->init_pidfd >= 0);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0 && kill(r.init, 0) == 0);
	end(&r);
}

static void a_cleanup_that_cannot_tell_leaves_it_alone(void)
{
	struct running r;

	begin(&r);
	on_worker("cleanup", "echo error io.berth.Unknown 24 too many files; exit 1\n");
	(void)ct_event(r.ct, LIFE_NOT_KNOWN, NULL, NULL);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(r.ct->status == CT_UNKNOWN && ct_timer_is_set(r.ct, LIFE_T_LOOK));
	CHECK(strstr(text_or_empty(r.ct->why), "too many files") != NULL);
	/* It lives, and that is found by itself. */
	WAIT_FOR(r.ct->status == CT_RUNNING);
	CHECK(r.ct->why == NULL && kill(r.init, 0) == 0);
	end(&r);
}

static const char *reason_of(uint32_t ctid)
{
	static char text[64];
	json_t *reply = call("io.berth.Container.Get", ct_parameter(ctid));
	json_t *e = json_object_get(json_object_get(parameters_of(reply), "container"), "last_end");
	const char *word = json_string_value(json_object_get(e, "reason"));

	(void)snprintf(text, sizeof(text), "%s %d", word != NULL ? word : "none",
		       (int)json_integer_value(json_object_get(json_object_get(e, "counts"),
							       word != NULL ? word : "")));
	json_decref(reply);
	return text;
}

static void every_end_has_a_reason_that_is_kept(void)
{
	struct running r;
	struct ct_ends e;

	begin(&r);
	CHECK(strcmp(reason_of(101), "none 0") == 0);
	ends_with(&r, SIGINT);
	WAIT_FOR(r.ct->job == NULL && r.ct->status == CT_STOPPED);
	CHECK(strcmp(reason_of(101), "halted 1") == 0);
	ct_ends_load(&d.paths, 101, &e);
	CHECK(e.last == END_HALTED && e.count[END_HALTED] == 1 && e.at > 0);
	end(&r);
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
	RUN(a_cleanup_that_is_killed_is_tried_again_until_it_is_done);
	RUN(a_cleanup_that_finds_it_alive_gives_it_back);
	RUN(a_cleanup_that_cannot_tell_leaves_it_alone);
	RUN(every_end_has_a_reason_that_is_kept);
	return check_failures != 0;
}
