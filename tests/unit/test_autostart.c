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

static void the_wish_and_the_order_count(void)
{
	host_begin("VE_PARALLEL=\"1\"\n");
	no_template();
	on_worker("cleanup",
		  "sed -i '$d' $TOP/calls; say_done\n"); /* only the starts stand there */
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
	CHECK(strcmp(worker_calls(), "start 102,start 106,start 105,start 101,") == 0);
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

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(the_wish_and_the_order_count);
	RUN(only_once_a_boot);
	RUN(the_mark_comes_last);
	RUN(several_at_a_time_when_the_host_says_so);
	RUN(who_runs_or_is_held_or_has_gone_is_passed_over);
	return check_failures != 0;
}
