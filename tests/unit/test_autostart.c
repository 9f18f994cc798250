/* test_autostart.c - who starts with the host, in which order, how many at a time, and only once. */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/autostart.h"

static bool is_over(void)
{
	return is_there(d.paths.run, "autostarted");
}

static void no_template(void)
{
	on_worker("start", "echo error io.berth.NoTemplate 2 none; exit 1\n");
}

/* Of worker_calls, "start 101,start 102,": a cleanup goes on beside the next start. */
static const char *starts(void)
{
	static char only[400];
	const char *p = worker_calls();

	only[0] = '\0';
	while (*p != '\0') {
		size_t n = strcspn(p, ",") + 1;

		if (strncmp(p, "start ", 6) == 0)
			(void)snprintf(only + strlen(only), sizeof(only) - strlen(only), "%.*s",
				       (int)n, p);
		p += n;
	}
	return only;
}

static void the_wish_and_the_order_count(void)
{
	host_begin("VE_PARALLEL=\"1\"\n");
	no_template();
	on_worker("cleanup", "say_done\n");
	(void)add_ct(101, "ONBOOT=\"yes\"\n");
	(void)add_ct(102, "ONBOOT=\"yes\"\nBOOTORDER=\"5\"\n");
	(void)add_ct(103, "BOOTORDER=\"9\"\n");
	(void)add_ct(104, "ONBOOT=\"yes\"\nDISABLED=\"yes\"\nBOOTORDER=\"9\"\n");
	(void)add_ct(105, "ONBOOT=\"yes\"\nBOOTORDER=\"1\"\n");
	(void)add_ct(106, "ONBOOT=\"yes\"\nBOOTORDER=\"5\"\n");
	(void)add_ct(107, "ONBOOT=\"yes\"\n");
	put_config(107, "ONBOOT\n"); /* damaged meanwhile */
	autostart_begin(&d);
	WAIT_FOR(is_over() && all_idle());
	CHECK(strcmp(starts(), "start 102,start 106,start 105,start 101,") == 0);
	host_end();
}

static void only_once_a_boot(void)
{
	host_begin("");
	no_template();
	(void)add_ct(101, "ONBOOT=\"yes\"\n");
	put_file(d.paths.run, "autostarted", "", 0644);
	autostart_begin(&d);
	settle_down();
	CHECK(worker_calls()[0] == '\0' && d.cts[0]->job == NULL);
	host_end();
}

/* A berthd that dies before the end is followed by one that goes on. */
static void the_mark_comes_last(void)
{
	host_begin("VE_PARALLEL=\"1\"\n");
	on_worker("start", "while [ ! -e $TOP/go ]; do sleep 0.01; done; kill -9 $$\n");
	(void)add_ct(101, "ONBOOT=\"yes\"\n");
	(void)add_ct(102, "ONBOOT=\"yes\"\n");
	autostart_begin(&d);
	WAIT_FOR(d.cts[0]->job != NULL);
	settle_down();
	CHECK(d.cts[0]->status == CT_STARTING && d.cts[1]->job == NULL && !is_over());
	put_file(top, "go", "", 0644);
	WAIT_FOR(is_over() && all_idle());
	host_end();
}

static void several_at_a_time_when_the_host_says_so(void)
{
	host_begin("VE_PARALLEL=\"2\"\n");
	on_worker("start", "while [ ! -e $TOP/go ]; do sleep 0.01; done; kill -9 $$\n");
	for (uint32_t i = 101; i < 104; i++)
		(void)add_ct(i, "ONBOOT=\"yes\"\n");
	autostart_begin(&d);
	WAIT_FOR(d.cts[1]->job != NULL);
	settle_down();
	CHECK(d.cts[0]->job != NULL && d.cts[2]->job == NULL);
	put_file(top, "go", "", 0644);
	WAIT_FOR(is_over() && all_idle());
	host_end();
}

static void who_runs_or_is_held_or_has_gone_is_passed_over(void)
{
	struct running r;
	struct job *j;

	host_begin("");
	no_template();
	running_begin(&r, 101, "ONBOOT=\"yes\"\n");
	j = job_begin(&d, add_ct(102, "ONBOOT=\"yes\"\n"), "backup", NULL, &err);
	(void)add_ct(103, "ONBOOT=\"yes\"\n");
	autostart_begin(&d);
	registry_remove(&d, registry_find(&d, 103));
	WAIT_FOR(is_over());
	CHECK(worker_calls()[0] == '\0' && r.ct->status == CT_RUNNING);
	job_done(j, NULL);
	host_end();
	running_end(&r);
}

static void what_is_being_cleaned_up_is_started_after_that(void)
{
	struct ct *ct;

	host_begin("");
	on_worker("start", "while [ ! -e $TOP/go ]; do sleep 0.01; done; kill -9 $$\n");
	ct = add_ct(101, "ONBOOT=\"yes\"\n");
	ct->status = CT_RELEASING;
	autostart_begin(&d);
	settle_down();
	CHECK(ct->job == NULL && !is_over());
	ct->status = CT_STOPPED;
	WAIT_FOR(ct->status == CT_STARTING);
	put_file(top, "go", "", 0644);
	WAIT_FOR(is_over() && all_idle());
	host_end();
}

static void count(struct ev_source *s, void *data)
{
	(void)s;
	(*(unsigned int *)data)++;
}

/* Not at the next tick of a clock: a host of 1000 CTs would wait most of the time. */
static void the_end_of_a_start_is_told_at_once(void)
{
	struct ev_source *timer;
	unsigned int told = 0;

	host_begin("");
	on_worker("start", "while [ ! -e $TOP/go ]; do sleep 0.01; done; kill -9 $$\n");
	(void)add_ct(101, "ONBOOT=\"yes\"\n");
	autostart_begin(&d);
	CHECK(d.on_start_ended != NULL);
	WAIT_FOR(d.cts[0]->status == CT_STARTING);
	CHECK(ev_add_timer(d.ev, 0, count, &told, &timer) == 0);
	if (!is_over())
		WAIT_FOR(is_over());
	CHECK(d.on_start_ended == NULL); /* nothing is left to be started */
	d.on_start_ended = timer;
	settle_down();
	CHECK(told == 0);
	put_file(top, "go", "", 0644);
	WAIT_FOR(all_idle());
	CHECK(told == 1);
	d.on_start_ended = NULL;
	ev_remove(timer);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(the_wish_and_the_order_count);
	RUN(only_once_a_boot);
	RUN(the_mark_comes_last);
	RUN(the_end_of_a_start_is_told_at_once);
	RUN(several_at_a_time_when_the_host_says_so);
	RUN(what_is_being_cleaned_up_is_started_after_that);
	RUN(who_runs_or_is_held_or_has_gone_is_passed_over);
	return check_failures != 0;
}
