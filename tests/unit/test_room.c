/* test_room.c - a CT beyond what the host has room for is refused before anything is made. */
#include "runtime/daemon/room.h"

#include "tests/unit/daemon_fixture.h"

#include <sys/resource.h>

static void what_is_refused_names_bound_and_command(void)
{
	struct bounds_host h = {.ptys = 4096, .descriptors = 65536, .memory_kib = 64 << 20};

	CHECK(room_judge(&h, 5000, 4096, &err) == 0);
	CHECK(room_judge(&h, 5000, 4097, &err) < 0 && err.code == BERTH_ERR_RESOURCES);
	CHECK(strcmp(err.msg, "there is no room for CT 5000: 4096 CTs run, and this host has 4096 "
			      "terminals (kernel.pty.max), enough for 4096; "
			      "sysctl -w kernel.pty.max=5122") == 0);
	h.ptys = 65536;
	CHECK(room_judge(&h, 5000, 5000, &err) == 0);
	h.memory_kib = 2 << 20;
	CHECK(room_judge(&h, 5000, 5000, &err) < 0 && strstr(err.msg, "add RAM") != NULL);
}

/* By the rows of the life table, as if they ran. */
static void add_running(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		registry_add(&d, 1000 + i)->status = CT_RUNNING;
}

static enum berth_errcode start(const char *method)
{
	return code_of(call(method, ct_parameter(101)));
}

static void a_start_beyond_is_refused_and_nothing_is_done(void)
{
	struct rlimit was, few;
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	add_running(3);
	CHECK(getrlimit(RLIMIT_NOFILE, &was) == 0);
	few = was;
	few.rlim_cur = 512 + 3 * 4;
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	CHECK(start("io.berth.Container.Start") == BERTH_ERR_RESOURCES);
	CHECK(strstr(err.msg, "3 CTs run") != NULL && strstr(err.msg, "RLIMIT_NOFILE") != NULL);
	CHECK(start("io.berth.Container.Restart") == BERTH_ERR_RESOURCES);
	CHECK(worker_calls()[0] == '\0' && ct->status == CT_STOPPED && ct->job == NULL);
	/* It runs, so it is one of those that there is room for. */
	ct->status = CT_RUNNING;
	CHECK(start("io.berth.Container.Start") == BERTH_ERR_RUNNING);
	ct->status = CT_STOPPED;
	few.rlim_cur += 4;
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	on_worker("start", "echo error io.berth.BadTemplate 2 CT 101: no init; exit 1\n");
	CHECK(start("io.berth.Container.Start") == BERTH_ERR_BAD_TEMPLATE);
	CHECK(strcmp(worker_calls(), "start 101,cleanup 101,") == 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &was) == 0);
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(what_is_refused_names_bound_and_command);
	RUN(a_start_beyond_is_refused_and_nothing_is_done);
	return check_failures != 0;
}
