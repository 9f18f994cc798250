/*
 * test_cg_limits.c - limits of a living CT: written, biting, counted, refused, taken back.
 *
 * covers: cgroups/apply.c cgroups/io.c cgroups/stat.c
 */
#include "cgroups/host.h"
#include "tests/unit/cg_live.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static void limits_are_written_and_taken_back(void)
{
	struct cg_limits l = no_limits();
	bool v2 = host->of[CG_MEMORY] == 0;

	fresh();
	l.memory = 64 * MIB;
	l.swap = 32 * MIB;
	l.pids = 20;
	l.cgroups = 10;
	l.cpulimit = 30;
	l.cpuunits = 2000;
	(void)snprintf(l.cpumask, sizeof(l.cpumask), "0");
	CHECK(ok(cg_limits_check(host, &l, &err)));
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(strcmp(value_of(CG_MEMORY, "memory.max", "memory.limit_in_bytes"), "67108864") == 0);
	CHECK(strcmp(value_of(CG_MEMORY, "memory.swap.max", "memory.memsw.limit_in_bytes"),
		     v2 ? "33554432" : "100663296") == 0);
	CHECK(strcmp(value_of(CG_PIDS, "pids.max", "pids.max"), "20") == 0);
	CHECK(strcmp(value_of(CG_CORE, "cgroup.max.descendants", ""), "12") == 0);
	CHECK(v2 ||
	      strcmp(value_of(CG_MEMORY, "", "memory.kmem.tcp.limit_in_bytes"), "16777216") == 0);
	CHECK(strcmp(value_of(CG_CPU, "cpu.max", "cpu.cfs_quota_us"),
		     host->of[CG_CPU] == 0 ? "30000 100000" : "30000") == 0);
	CHECK(strcmp(value_of(CG_CPU, "cpu.weight", "cpu.shares"),
		     host->of[CG_CPU] == 0 ? "200" : "2048") == 0);
	CHECK(strcmp(value_of(CG_CPUSET, "cpuset.cpus", "cpuset.cpus"), "0") == 0);

	/* Up past the old sum, then down below the old RAM: both orders of v1. */
	l.memory = 256 * MIB;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	l.memory = 16 * MIB;
	l.swap = 0;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(strcmp(value_of(CG_MEMORY, "memory.max", "memory.limit_in_bytes"), "16777216") == 0);
	l = no_limits();
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(strcmp(value_of(CG_PIDS, "pids.max", "pids.max"), "max") == 0);
	CHECK(strcmp(value_of(CG_MEMORY, "memory.max", "memory.limit_in_bytes"),
		     v2 ? "max" : "9223372036854771712") == 0);
	CHECK(strcmp(value_of(CG_CPUSET, "cpuset.cpus", "cpuset.cpus"), "0") != 0);
	gone();
}

static void a_failed_apply_leaves_the_old_limits(void)
{
	struct cg_limits l = no_limits();

	fresh();
	l.memory = 64 * MIB;
	l.swap = 0;
	l.pids = 20;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	l.memory = 128 * MIB;
	l.pids = 40;
	/* The kernel has no such CPU: one of the last rows fails. */
	(void)snprintf(l.cpumask, sizeof(l.cpumask), "not-a-cpu");
	CHECK(cg_ct_apply(host, CT, &l, &err) < 0 && err.code == BERTH_ERR_LIMIT);
	CHECK(strstr(err.msg, "cpumask") != NULL && strstr(err.msg, "cpuset.cpus") != NULL);
	CHECK(strcmp(value_of(CG_MEMORY, "memory.max", "memory.limit_in_bytes"), "67108864") == 0);
	CHECK(strcmp(value_of(CG_PIDS, "pids.max", "pids.max"), "20") == 0);
	gone();
}

static void what_cannot_be_enforced_is_refused(void)
{
	struct cg_limits l = no_limits();

	(void)snprintf(l.cpumask, sizeof(l.cpumask), "0-9999");
	CHECK(cg_limits_check(host, &l, &err) < 0 && err.code == BERTH_ERR_LIMIT);
	(void)snprintf(l.cpumask, sizeof(l.cpumask), "x");
	CHECK(cg_limits_check(host, &l, &err) < 0 && err.code == BERTH_ERR_VALUE);
	l = no_limits();
	l.io_bps = 1000;
	CHECK(cg_limits_check(host, &l, &err) < 0 && strstr(err.msg, "iolimit") != NULL);
	l = no_limits();
	l.swap = MIB;
	CHECK(host->of[CG_MEMORY] <= 0 || cg_limits_check(host, &l, &err) < 0);
	CHECK(cg_ct_apply(host, CT, &l, &err) < 0);
	l = no_limits();
	l.pids = 10;
	CHECK(cg_ct_apply(host, CT, &l, &err) == -ENOENT && err.code == BERTH_ERR_NOT_RUNNING);
}

/* A controller that nobody mounts: as on a host without it. */
static void a_missing_controller_refuses_its_limit(void)
{
	struct cg_limits l = no_limits();
	int was = host->of[CG_PIDS];

	fresh();
	host->of[CG_PIDS] = -1;
	CHECK(ok(cg_limits_check(host, &l, &err)));
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	l.pids = 10;
	CHECK(cg_limits_check(host, &l, &err) == -EOPNOTSUPP && err.code == BERTH_ERR_LIMIT);
	CHECK(strstr(err.msg, "numproc") != NULL && strstr(err.msg, "pids.max") != NULL);
	CHECK(cg_ct_apply(host, CT, &l, &err) == -EOPNOTSUPP);
	host->of[CG_PIDS] = was;
	gone();
}

/* Forks until refused: exit 0 when the kernel says EAGAIN before 10 children. */
static int child_fork_bomb(void)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)pause();
			_exit(0);
		}
		if (pid < 0)
			return errno == EAGAIN ? 0 : 2;
	}
	return 1;
}

static void a_fork_beyond_numproc_is_refused_and_counted(void)
{
	struct cg_limits l = no_limits();
	struct cg_stat s;

	fresh();
	l.pids = 4;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(exits_0(child_fork_bomb));
	CHECK(ok(cg_ct_stat(host, CT, &s, &err)));
	CHECK(s.pids == 3 && s.pids_max_seen >= 3 && s.pids_failcnt >= 1);
	CHECK(ok(cg_ct_kill(host, CT, &err)));
	gone();
}

static int child_hog(void)
{
	for (int i = 0; i < 64; i++) {
		char *p =
			mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 2;
		memset(p, 1, MIB);
	}
	return 0;
}

static void a_memory_hog_is_killed_and_counted(void)
{
	struct cg_limits l = no_limits();
	struct cg_stat s;
	int status;

	fresh();
	l.memory = 24 * MIB;
	l.swap = 0;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	status = run_in(child_hog);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(ok(cg_ct_stat(host, CT, &s, &err)));
	CHECK(s.oom_kills == 1 && s.memory_failcnt >= 1);
	CHECK(s.memory_max_seen > 16 * MIB && s.memory_max_seen <= 24 * MIB);
	l.memory = 128 * MIB;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(exits_0(child_hog));
	gone();
}

static int held_pipe[2];

static int child_hold(void)
{
	char *p = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 2;
	memset(p, 1, 32 * MIB);
	if (write(held_pipe[1], "x", 1) != 1)
		return 3;
	sleep_ms(60000);
	return 0;
}

static void lowering_memory_below_its_use_is_refused_not_fatal(void)
{
	struct cg_limits l = no_limits();
	char c;
	pid_t pid;

	fresh();
	l.memory = 64 * MIB;
	l.swap = 0;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(pipe2(held_pipe, O_CLOEXEC) == 0);
	pid = start_in(child_hold, false);
	CHECK(read(held_pipe[0], &c, 1) == 1);
	l.memory = 16 * MIB;
	CHECK(cg_ct_apply(host, CT, &l, &err) == -EBUSY && err.code == BERTH_ERR_LIMIT);
	CHECK(strstr(err.msg, "in use") != NULL && strstr(err.msg, "16384 KiB") != NULL);
	CHECK(waitpid(pid, NULL, WNOHANG) == 0);
	CHECK(strcmp(value_of(CG_MEMORY, "memory.max", "memory.limit_in_bytes"), "67108864") == 0);
	l.memory = 48 * MIB;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(ok(cg_ct_kill(host, CT, &err)));
	(void)wait_status(pid);
	(void)close(held_pipe[0]);
	(void)close(held_pipe[1]);
	gone();
}

static int child_burn(void)
{
	double end = now_ms() + 1000;
	struct rusage u;

	while (now_ms() < end)
		;
	(void)getrusage(RUSAGE_SELF, &u);
	/* 20 %: 200 ms and a period's slack. */
	return u.ru_utime.tv_sec == 0 && u.ru_utime.tv_usec + u.ru_stime.tv_usec < 400000 ? 0 : 1;
}

static void a_busy_loop_gets_its_cpulimit(void)
{
	struct cg_limits l = no_limits();
	struct cg_stat s;

	fresh();
	l.cpulimit = 20;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(exits_0(child_burn));
	CHECK(ok(cg_ct_stat(host, CT, &s, &err)));
	CHECK(s.cpu_usec > 20000 && s.cpu_usec < 450000);
	gone();
}

static void stat_of_a_stopped_ct_says_so(void)
{
	struct cg_stat s;

	CHECK(cg_ct_stat(host, CT, &s, &err) == -ENOENT && err.code == BERTH_ERR_NOT_RUNNING);
	CHECK(cg_ct_populated(host, CT, &err) == 0);
}

static void an_io_limit_is_written_for_the_disk(void)
{
	const struct cg_hier *hi = cg_hier_of(host, CG_IO);
	struct cg_limits l = no_limits();
	struct stat st = {0};

	if (stat("/dev/vda", &st) < 0 || hi == NULL)
		return;
	fresh();
	l.io_dev = st.st_rdev;
	l.io_bps = 4 * MIB;
	l.io_iops = 100;
	CHECK(ok(cg_limits_check(host, &l, &err)));
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(strstr(value_of(CG_IO, "io.max", "blkio.throttle.read_bps_device"),
		     hi->v2 ? "rbps=4194304 wbps=4194304 riops=100" : " 4194304") != NULL);
	/* A later failure puts the device's line back, and no limit takes it away. */
	l.io_bps = 0;
	l.io_iops = 0;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(value_of(CG_IO, "io.max", "blkio.throttle.read_bps_device")[0] == '\0');
	gone();
}

int main(void)
{
	int r = live_begin("test_cg_limits");

	if (r != 0)
		return r;
	RUN(limits_are_written_and_taken_back);
	RUN(a_failed_apply_leaves_the_old_limits);
	RUN(what_cannot_be_enforced_is_refused);
	RUN(a_missing_controller_refuses_its_limit);
	RUN(a_fork_beyond_numproc_is_refused_and_counted);
	RUN(a_memory_hog_is_killed_and_counted);
	RUN(lowering_memory_below_its_use_is_refused_not_fatal);
	RUN(a_busy_loop_gets_its_cpulimit);
	RUN(stat_of_a_stopped_ct_says_so);
	RUN(an_io_limit_is_written_for_the_disk);
	return live_end();
}
