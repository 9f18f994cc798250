/*
 * test_life_look.c - what has processes is nobody's leftover before a worker has looked at it.
 *
 * covers: runtime/daemon/recover.c runtime/ct/look.c
 */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/recover.h"

#include <sys/resource.h>

static pid_t inside; /* the process in the cgroup of CT 101 */

/* CT 101 has a process in its cgroup, and no state file. */
static void begin(void)
{
	struct cg_attach attach;
	char pid[16];

	host_begin("");
	put_config(101, "");
	put_facts(101);
	CHECK(dir_make(run_dir(101), 0755) == 0);
	CHECK(cg_host_setup(d.cg, &err) == 0);
	CHECK(cg_ct_create(d.cg, 101, ID_FIRST, ID_FIRST, &err) == 0);
	CHECK(cg_ct_attach(d.cg, 101, false, &attach, &err) == 0);
	inside = init_begin();
	(void)snprintf(pid, sizeof(pid), "%d", inside);
	CHECK(file_write_value_at(attach.unified, "cgroup.procs", pid) == 0);
	cg_attach_close(&attach);
}

static void end(void)
{
	WAIT_FOR(all_idle());
	init_end(inside, SIGKILL);
	cgroups_end(101);
	host_end();
}

static void recover(void)
{
	CHECK(recover_all(&d, &err) == 0);
	/* From the first moment on. */
	CHECK(registry_find(&d, 101)->status == CT_UNKNOWN);
	WAIT_FOR(all_idle());
	settle_down();
	WAIT_FOR(all_idle());
}

static void it_is_adopted_when_its_init_is_found(void)
{
	auto_close int listener = -EBADF;
	char state[128], kept[128], script[300];
	struct ct *ct;

	begin();
	listener = monitor_socket(101);
	/* The worker writes the state file anew. */
	put_state(101, inside, getpid(), true);
	(void)snprintf(state, sizeof(state), "%s/state", run_dir(101));
	(void)snprintf(kept, sizeof(kept), "%s/kept", run_dir(101));
	CHECK(rename(state, kept) == 0);
	(void)snprintf(script, sizeof(script), "mv %s %s; say_done\n", kept, state);
	on_worker("adopt", script);
	recover();
	ct = registry_find(&d, 101);
	CHECK(strcmp(worker_calls(), "adopt 101,") == 0);
	CHECK(ct->status == CT_RUNNING && ct->run.init.pid == inside && ct->monitor != NULL);
	attach_drop(ct);
	end();
}

static void what_has_no_init_is_cleaned_up(void)
{
	begin();
	on_worker("adopt", "echo error io.berth.NotRunning 3 CT 101: no init; exit 1\n");
	recover();
	CHECK(strcmp(worker_calls(), "adopt 101,cleanup 101,") == 0);
	CHECK(registry_find(&d, 101)->status == CT_STOPPED);
	end();
}

static void while_nobody_can_tell_nothing_is_done_and_it_can_be_killed(void)
{
	begin();
	on_worker("adopt", "echo error io.berth.NoSpace 28 CT 101: full; exit 1\n");
	recover();
	CHECK(strcmp(worker_calls(), "adopt 101,") == 0);
	CHECK(registry_find(&d, 101)->status == CT_UNKNOWN);
	CHECK(code_of(call("io.berth.Container.Start", ct_parameter(101))) == BERTH_ERR_UNKNOWN);
	CHECK(code_of(call("io.berth.Container.Destroy", ct_parameter(101))) == BERTH_ERR_UNKNOWN);
	CHECK(code_of(call("io.berth.Container.Stop", ct_parameter(101))) == BERTH_ERR_UNKNOWN);
	CHECK(strstr(err.msg, "berth stop 101 --fast") != NULL && worker_calls()[0] == '\0');
	CHECK(code_of(call("io.berth.Container.Stop",
			   json_pack("{s:s, s:b}", "ct", "101", "fast", true))) == BERTH_OK);
	CHECK(strcmp(worker_calls(), "cleanup 101 kill,") == 0);
	CHECK(registry_find(&d, 101)->status == CT_STOPPED);
	end();
}

/* Every open fails from now on. */
static void no_descriptors(bool none)
{
	static struct rlimit before;
	struct rlimit now;
	int fd;

	if (!none) {
		CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
		return;
	}
	fd = open("/", O_RDONLY | O_CLOEXEC); /* the next number that is free */
	CHECK(fd >= 0 && getrlimit(RLIMIT_NOFILE, &before) == 0);
	now = before;
	now.rlim_cur = (rlim_t)fd;
	(void)close(fd);
	CHECK(setrlimit(RLIMIT_NOFILE, &now) == 0);
}

/* D3: that nobody can look is no proof. */
static void without_descriptors_nothing_is_done_until_it_can_be_told(void)
{
	struct running r;

	host_begin("");
	running_begin(&r, 101, "");
	attach_drop(r.ct);
	r.ct->status = CT_UNKNOWN;
	no_descriptors(true);
	for (int i = 0; i < 3; i++) {
		(void)ct_event(r.ct, LIFE_T_LOOK, NULL, NULL);
		CHECK(r.ct->status == CT_UNKNOWN && ct_timer_is_set(r.ct, LIFE_T_LOOK));
		CHECK(strstr(text_or_empty(r.ct->why), "Too many open files") != NULL);
	}
	/* Nor is it one for a CT that was to be looked at for its config. */
	(void)ct_event(r.ct, LIFE_ALIVE, NULL, NULL);
	CHECK(r.ct->status == CT_UNKNOWN && r.ct->job == NULL);
	no_descriptors(false);
	CHECK(worker_calls()[0] == '\0' && kill(r.init, 0) == 0);
	WAIT_FOR(r.ct->status == CT_RUNNING);
	CHECK(r.ct->init_pidfd >= 0 && r.ct->monitor != NULL && r.ct->why == NULL);
	host_end();
	running_end(&r);
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(it_is_adopted_when_its_init_is_found);
	RUN(what_has_no_init_is_cleaned_up);
	RUN(while_nobody_can_tell_nothing_is_done_and_it_can_be_killed);
	RUN(without_descriptors_nothing_is_done_until_it_can_be_told);
	return check_failures != 0;
}
