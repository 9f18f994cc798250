/* test_life_monitor.c - a monitor has gone: does its CT get another one, and never two? */
#include "tests/unit/daemon_fixture.h"

/* The worker becomes the new monitor: the test goes on listening, the state file names it. */
static const char new_monitor[] = "cp $TOP/new-state $TOP/run/berth/ct/$ctid/state; say_done\n";

static void prepare_new_state(const struct running *r)
{
	char from[BERTH_PATH_MAX];
	auto_free char *text = NULL;

	put_state(r->ct->ctid, r->init, getpid(), true);
	CHECK(file_read_at(AT_FDCWD, path_below(run_dir(r->ct->ctid), "state", from), 4096, &text,
			   NULL) == 0);
	put_file(top, "new-state", text, 0644);
}

/* Its monitor dies: the pid of its state file is another's from now on. */
static void monitor_dies(struct running *r)
{
	r->ct->run.monitor.start_time++;
	fd_close(&r->conn);
	settle_down();
}

static void a_killed_monitor_gets_a_successor_with_what_was_kept(void)
{
	struct running r;
	int p[2];

	host_begin("");
	running_begin(&r, 101, "");
	CHECK(pipe2(p, O_CLOEXEC) == 0);
	monitor_says(&r, (struct mon_record){.type = MON_KEPT, .a = 1}, &p[0], 1);
	prepare_new_state(&r);
	on_worker("adopt", new_monitor);
	monitor_dies(&r);
	WAIT_FOR(r.ct->job == NULL && r.ct->monitor != NULL);
	CHECK(strcmp(worker_calls(), "adopt 101 console,") == 0);
	CHECK(r.ct->status == CT_RUNNING && !ct_timer_is_set(r.ct, LIFE_T_MONITOR) &&
	      r.ct->init_watch != NULL);
	(void)close(p[0]);
	(void)close(p[1]);
	host_end();
	running_end(&r);
}

static void a_monitor_that_lives_is_only_connected_to_again(void)
{
	struct running r;

	host_begin("");
	running_begin(&r, 101, "");
	fd_close(&r.conn); /* it was busy and hung up */
	settle_down();
	CHECK(r.ct->monitor != NULL && r.ct->job == NULL && worker_calls()[0] == '\0');
	/* It lives, but nobody listens yet: again, later. */
	r.conn = accept4(r.listener, NULL, NULL, SOCK_CLOEXEC);
	fd_close(&r.listener);
	fd_close(&r.conn);
	settle_down();
	CHECK(r.ct->monitor == NULL && ct_timer_is_set(r.ct, LIFE_T_MONITOR) && r.ct->job == NULL);
	r.listener = monitor_socket(101);
	WAIT_FOR(r.ct->monitor != NULL);
	CHECK(!ct_timer_is_set(r.ct, LIFE_T_MONITOR) && worker_calls()[0] == '\0');
	host_end();
	running_end(&r);
}

static void while_another_operation_holds_the_ct_it_waits(void)
{
	struct running r;
	struct job *j;

	host_begin("");
	running_begin(&r, 101, "");
	prepare_new_state(&r);
	on_worker("adopt", new_monitor);
	j = job_begin(&d, r.ct, "set", NULL, &err);
	monitor_dies(&r);
	CHECK(r.ct->monitor == NULL && ct_timer_is_set(r.ct, LIFE_T_MONITOR) &&
	      worker_calls()[0] == '\0');
	job_done(j, NULL);
	WAIT_FOR(r.ct->monitor != NULL && r.ct->job == NULL);
	CHECK(strncmp(worker_calls(), "adopt 101", 9) == 0);
	host_end();
	running_end(&r);
}

static void a_failed_adoption_leaves_a_running_ct_and_is_tried_again(void)
{
	struct running r;

	host_begin("");
	running_begin(&r, 101, "");
	on_worker("adopt", "echo error io.berth.System 5 no; exit 1\n");
	monitor_dies(&r);
	WAIT_FOR(r.ct->job == NULL && ct_timer_is_set(r.ct, LIFE_T_MONITOR));
	CHECK(r.ct->status == CT_RUNNING && !attach_init_has_ended(r.ct));
	/* Also when the worker said done, and what it became cannot be talked to. */
	ct_timer_clear(r.ct, LIFE_T_MONITOR);
	fd_close(&r.listener);
	on_worker("adopt", "say_done\n");
	(void)ct_event(r.ct, LIFE_MONITOR_GONE, NULL, NULL);
	WAIT_FOR(r.ct->job == NULL);
	CHECK(ct_timer_is_set(r.ct, LIFE_T_MONITOR) && r.ct->status == CT_RUNNING &&
	      r.ct->monitor == NULL);
	host_end();
	running_end(&r);
}

static void the_monitor_of_a_dead_init_has_no_successor(void)
{
	struct running r;

	host_begin("");
	running_begin(&r, 101, "");
	init_end(r.init, SIGKILL);
	fd_close(&r.conn);
	WAIT_FOR(r.ct->job == NULL && r.ct->status == CT_STOPPED);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0 && r.ct->init_pidfd < 0);
	host_end();
	running_end(&r);
}

static void a_ct_that_is_being_stopped_needs_no_monitor(void)
{
	struct running r;
	struct job *j;

	host_begin("");
	running_begin(&r, 101, "");
	j = job_begin(&d, r.ct, "stop", NULL, &err);
	r.ct->status = CT_STOPPING;
	monitor_dies(&r);
	CHECK(r.ct->monitor == NULL && !ct_timer_is_set(r.ct, LIFE_T_MONITOR) &&
	      worker_calls()[0] == '\0');
	CHECK(r.ct->init_watch != NULL); /* its end is noticed all the same */
	job_done(j, NULL);
	host_end();
	running_end(&r);
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_killed_monitor_gets_a_successor_with_what_was_kept);
	RUN(a_monitor_that_lives_is_only_connected_to_again);
	RUN(while_another_operation_holds_the_ct_it_waits);
	RUN(a_failed_adoption_leaves_a_running_ct_and_is_tried_again);
	RUN(the_monitor_of_a_dead_init_has_no_successor);
	RUN(a_ct_that_is_being_stopped_needs_no_monitor);
	return check_failures != 0;
}
