/*
 * test_recover.c - a new berthd finds what an earlier one left, at every point where that one may have died.
 *
 * covers: runtime/daemon/methods_set.c
 */
#include "tests/unit/daemon_fixture.h"

#include "runtime/base/lock.h"
#include "runtime/daemon/reboot.h"
#include "runtime/daemon/recover.h"

static bool has_intent(uint32_t ctid)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "state/%u.intent", ctid);
	return is_there(d.paths.lib, name);
}

static void recover(void)
{
	CHECK(recover_all(&d, &err) == 0);
	WAIT_FOR(all_idle());
}

static void put_intent(uint32_t ctid, enum store_intent what)
{
	const struct store_intent_record rec = {
		what, ID_FIRST + (ctid - 101) * 65536, {FACTS_UUID, 0, 0}};

	CHECK(store_intent_write(&d.paths, ctid, &rec, &err) == 0);
}

static void put_stopped(uint32_t ctid, const char *conf)
{
	put_config(ctid, conf);
	put_facts(ctid);
}

static void stopped_cts_are_there_again(void)
{
	host_begin("");
	put_stopped(102, "NAME=\"b\"\n");
	put_stopped(101, "NAME=\"a\"\n");
	recover();
	CHECK(d.n_cts == 2 && registry_lookup(&d, "a", NULL) == registry_find(&d, 101));
	CHECK(d.cts[0]->status == CT_STOPPED && worker_calls()[0] == '\0');
	host_end();
}

static void a_running_ct_is_taken_up_and_what_is_left_of_one_is_cleaned(void)
{
	auto_close int listener = -EBADF;
	struct ct *ct;
	pid_t init, gone;

	host_begin("");
	put_stopped(101, "");
	put_stopped(102, "");
	CHECK(dir_make(run_dir(101), 0755) == 0);
	listener = monitor_socket(101);
	init = init_begin();
	put_state(101, init, getpid(), true);
	gone = init_begin();
	put_state(102, gone, 0, true);
	init_end(gone, SIGKILL);
	recover();
	ct = registry_find(&d, 101);
	CHECK(ct->status == CT_RUNNING && ct->run.init.pid == init && ct->monitor != NULL);
	CHECK(registry_find(&d, 102)->status == CT_STOPPED);
	CHECK(strcmp(worker_calls(), "cleanup 102,") == 0);
	host_end();
}

/* The starter was killed between the state file and the end of the launch. */
static void a_start_that_was_cut_short_is_cleaned(void)
{
	pid_t init;

	host_begin("");
	put_stopped(101, "");
	init = init_begin();
	put_state(101, init, getpid(), false);
	recover();
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0);
	CHECK(registry_find(&d, 101)->init_pidfd < 0);
	init_end(init, SIGKILL);
	host_end();
}

static void a_cgroup_alone_is_a_leftover(void)
{
	host_begin("");
	put_stopped(101, "");
	CHECK(cg_host_setup(d.cg, &err) == 0);
	CHECK(cg_ct_create(d.cg, 101, ID_FIRST, ID_FIRST, &err) == 0);
	recover();
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0);
	cgroups_end(101);
	host_end();
}

static void a_mounted_ct_stays_mounted(void)
{
	host_begin("");
	put_stopped(101, "");
	put_file(run_dir(101), "mounted", "1\n", 0644);
	put_file(run_dir(101), "volume", "", 0644);
	recover();
	CHECK(registry_find(&d, 101)->status == CT_MOUNTED && worker_calls()[0] == '\0');
	host_end();
}

static void a_damaged_ct_that_runs_can_still_be_stopped(void)
{
	auto_close int listener = -EBADF;
	struct ct *ct;
	pid_t init;

	host_begin("");
	put_stopped(101, "NAME\n");
	CHECK(dir_make(run_dir(101), 0755) == 0);
	listener = monitor_socket(101);
	init = init_begin();
	put_state(101, init, getpid(), true);
	recover();
	ct = registry_find(&d, 101);
	CHECK(ct->status == CT_RUNNING && ct->init_pidfd >= 0);
	host_end();
}

static void a_promised_restart_is_kept(void)
{
	struct ct *ct;

	host_begin("");
	put_stopped(101, "");
	put_stopped(102, "");
	ct = registry_add(&d, 101);
	CHECK(dir_make(run_dir(101), 0755) == 0);
	reboot_mark(&d, ct);
	registry_remove(&d, ct);
	/* One of an earlier boot of the host counts for nothing. */
	put_file(run_dir(102), "restart", "00000000-0000-4000-8000-000000000000", 0644);
	on_worker("start", "echo error io.berth.NoTemplate 2 none; exit 1\n");
	recover();
	CHECK(strcmp(worker_calls(), "start 101,cleanup 101,") == 0);
	host_end();
}

/* ---- creates and destroys that were cut short ---- */

static void a_create_without_its_config_is_undone(void)
{
	host_begin("");
	put_intent(101, INTENT_CREATE);
	put_facts(102); /* the private area is there, the commit point was not reached */
	put_intent(102, INTENT_CREATE);
	CHECK(recover_all(&d, &err) == 0);
	CHECK(registry_lookup(&d, "101", NULL) == NULL); /* nobody may touch it meanwhile */
	WAIT_FOR(all_idle());
	CHECK(d.n_cts == 0 && !has_intent(101) && !has_intent(102));
	CHECK(strlen(worker_calls()) == strlen("destroy 101 create,destroy 102 create,"));
	host_end();
}

static void a_create_with_config_and_private_area_stands(void)
{
	host_begin("");
	put_stopped(101, "NAME=\"web\"\n");
	put_intent(101, INTENT_CREATE);
	recover();
	CHECK(d.n_cts == 1 && registry_lookup(&d, "web", NULL) != NULL && !has_intent(101));
	CHECK(worker_calls()[0] == '\0');
	host_end();
}

static void a_destroy_is_finished(void)
{
	host_begin("");
	put_stopped(101, "NAME=\"web\"\n");
	put_intent(101, INTENT_DESTROY);
	recover();
	CHECK(d.n_cts == 0 && !has_intent(101) &&
	      strcmp(worker_calls(), "destroy 101 order,") == 0);
	host_end();
}

static void a_destroy_that_fails_again_gives_the_ct_back(void)
{
	host_begin("");
	put_stopped(101, "NAME=\"web\"\n");
	put_intent(101, INTENT_DESTROY);
	on_worker("destroy", "echo error io.berth.Stuck 16 stuck; exit 1\n");
	recover();
	CHECK(registry_lookup(&d, "web", NULL) != NULL && !has_intent(101));
	CHECK(d.cts[0]->status == CT_STOPPED && !d.cts[0]->being_created);
	host_end();
}

/* A destroy is refused under a CT that runs: an intent beside one is stale. */
static void a_running_ct_is_never_destroyed(void)
{
	auto_close int listener = -EBADF;
	pid_t init;

	host_begin("");
	put_stopped(101, "");
	CHECK(dir_make(run_dir(101), 0755) == 0);
	listener = monitor_socket(101);
	init = init_begin();
	put_state(101, init, getpid(), true);
	put_intent(101, INTENT_DESTROY);
	recover();
	CHECK(d.n_cts == 1 && d.cts[0]->status == CT_RUNNING && !has_intent(101));
	CHECK(worker_calls()[0] == '\0' && registry_lookup(&d, "101", NULL) != NULL);
	host_end();
}

/* Its ids must not go to another CT while something of it may be there. */
static void an_intent_keeps_its_range_of_ids(void)
{
	uint32_t base = 0;

	host_begin("");
	put_intent(101, INTENT_CREATE);
	on_worker("destroy", "while [ ! -e $TOP/go ]; do sleep 0.01; done; say_done\n");
	CHECK(recover_all(&d, &err) == 0);
	CHECK(registry_free_id_base(&d, &base, &err) == 0 && base == ID_FIRST + 65536);
	put_file(top, "go", "", 0644);
	WAIT_FOR(all_idle());
	CHECK(registry_free_id_base(&d, &base, &err) == 0 && base == ID_FIRST);
	host_end();
}

/* ---- workers of an earlier berthd ---- */

static void a_ct_that_a_worker_still_holds_is_judged_afterwards(void)
{
	auto_close int dir = -EBADF;
	struct client c;
	struct ct *ct;
	int fd;

	host_begin("");
	put_stopped(101, "");
	put_intent(101, INTENT_DESTROY);
	CHECK(dir_make(run_dir(101), 0755) == 0);
	dir = dir_open_at(AT_FDCWD, run_dir(101));
	fd = lock_take(dir, "lock", "start", NULL);
	on_worker("destroy", "rm $TOP/etc/berth/ct/$ctid.conf; say_done\n");
	recover();
	ct = registry_find(&d, 101);
	CHECK(ct != NULL && ct->unsettled && worker_calls()[0] == '\0' && has_intent(101));
	CHECK(job_begin(&d, ct, "start", NULL, &err) == NULL && err.code == BERTH_ERR_LOCKED);
	/* Who asks meanwhile waits, and hears what has become of it. */
	client_open(&c);
	client_send(&c, "io.berth.Container.Start", ct_parameter(101), false);
	CHECK(client_take(&c) == NULL);
	fd_close(&fd);
	WAIT_FOR(d.n_cts == 0);
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_NO_CONFIG);
	client_close(&c);
	CHECK(strcmp(worker_calls(), "destroy 101 order,") == 0);
	host_end();
}

static void what_has_only_a_run_directory_is_cleaned_and_removed(void)
{
	host_begin("");
	put_file(run_dir(101), "console.log", "", 0600);
	recover();
	CHECK(d.n_cts == 0 && strcmp(worker_calls(), "cleanup 101,") == 0);
	CHECK(!is_there(d.paths.run, "ct/101"));
	/* When something could not be released, its directory is kept for the next time. */
	put_file(run_dir(102), "console.log", "", 0600);
	on_worker("cleanup", "echo error io.berth.Stuck 16 stuck; exit 1\n");
	recover();
	CHECK(d.n_cts == 0 && is_there(d.paths.run, "ct/102"));
	host_end();
}

/* ---- a set that was cut short ---- */

static void put_candidate(uint32_t ctid, const char *text)
{
	put_file(run_dir(ctid), "candidate.conf", text, 0644);
}

static void an_unfinished_set_is_taken_back(void)
{
	auto_close int listener = -EBADF;
	pid_t init;

	host_begin("");
	put_stopped(101, "HOSTNAME=\"old\"\n");
	put_stopped(102, "HOSTNAME=\"old\"\n");
	CHECK(dir_make(run_dir(101), 0755) == 0 && dir_make(run_dir(102), 0755) == 0);
	listener = monitor_socket(101);
	init = init_begin();
	put_state(101, init, getpid(), true);
	put_candidate(101, "HOSTNAME=\"new\"\n");
	put_candidate(102, "HOSTNAME=\"new\"\n"); /* does not run: nothing was made true */
	/* From what may be in effect, back to what was. */
	on_worker("apply", "grep -q new $TOP/run/berth/ct/101/live.conf && "
			   "grep -q old $TOP/run/berth/ct/101/candidate.conf && say_done\n");
	recover();
	CHECK(strcmp(worker_calls(), "apply 101 back,") == 0);
	CHECK(!is_there(run_dir(101), "candidate.conf"));
	CHECK(!is_there(run_dir(102), "candidate.conf"));
	host_end();
}

/* The last berthd died behind the save: the set is true, and made so once more. */
static void a_set_that_was_saved_goes_through(void)
{
	auto_close int listener = -EBADF;
	pid_t init;

	host_begin("");
	put_stopped(101, "HOSTNAME=\"new\"\n");
	CHECK(dir_make(run_dir(101), 0755) == 0);
	listener = monitor_socket(101);
	init = init_begin();
	put_state(101, init, getpid(), true);
	put_file(run_dir(101), "live.conf", "HOSTNAME=\"old\"\n", 0644);
	put_candidate(101, "HOSTNAME=\"new\"\n");
	recover();
	CHECK(strcmp(worker_calls(), "apply 101,") == 0);
	CHECK(!is_there(run_dir(101), "candidate.conf"));
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(stopped_cts_are_there_again);
	RUN(a_running_ct_is_taken_up_and_what_is_left_of_one_is_cleaned);
	RUN(a_start_that_was_cut_short_is_cleaned);
	RUN(a_cgroup_alone_is_a_leftover);
	RUN(a_mounted_ct_stays_mounted);
	RUN(a_damaged_ct_that_runs_can_still_be_stopped);
	RUN(a_promised_restart_is_kept);
	RUN(a_create_without_its_config_is_undone);
	RUN(a_create_with_config_and_private_area_stands);
	RUN(a_destroy_is_finished);
	RUN(a_destroy_that_fails_again_gives_the_ct_back);
	RUN(a_running_ct_is_never_destroyed);
	RUN(an_intent_keeps_its_range_of_ids);
	RUN(a_ct_that_a_worker_still_holds_is_judged_afterwards);
	RUN(what_has_only_a_run_directory_is_cleaned_and_removed);
	RUN(an_unfinished_set_is_taken_back);
	RUN(a_set_that_was_saved_goes_through);
	return check_failures != 0;
}
