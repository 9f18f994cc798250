/*
 * test_lost.c - what has processes is nobody's leftover before a worker has looked at it.
 *
 * covers: runtime/daemon/recover.c
 */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/lost.h"
#include "runtime/daemon/recover.h"

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
	CHECK(registry_find(&d, 101)->status == CT_RUNNING);
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

static void while_nobody_can_tell_it_runs_and_can_be_killed(void)
{
	begin();
	on_worker("adopt", "echo error io.berth.NoSpace 28 CT 101: full; exit 1\n");
	recover();
	CHECK(strcmp(worker_calls(), "adopt 101,") == 0);
	CHECK(registry_find(&d, 101)->status == CT_RUNNING);
	CHECK(code_of(call("io.berth.Container.Start", ct_parameter(101))) == BERTH_ERR_RUNNING);
	CHECK(code_of(call("io.berth.Container.Destroy", ct_parameter(101))) == BERTH_ERR_RUNNING);
	CHECK(code_of(call("io.berth.Container.Stop", ct_parameter(101))) == BERTH_ERR_BROKEN);
	CHECK(strstr(err.msg, "berth stop 101 --fast") != NULL && worker_calls()[0] == '\0');
	CHECK(code_of(call("io.berth.Container.Stop",
			   json_pack("{s:s, s:b}", "ct", "101", "fast", true))) == BERTH_OK);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0);
	CHECK(registry_find(&d, 101)->status == CT_STOPPED);
	CHECK(waitpid(inside, NULL, 0) == inside);
	inside = init_begin();
	end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(it_is_adopted_when_its_init_is_found);
	RUN(what_has_no_init_is_cleaned_up);
	RUN(while_nobody_can_tell_it_runs_and_can_be_killed);
	return check_failures != 0;
}
