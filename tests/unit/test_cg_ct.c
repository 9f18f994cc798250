/*
 * test_cg_ct.c - the cgroups of a living CT on this host's real hierarchies, as root.
 *
 * Works below /berth-unit-PID of every hierarchy and leaves nothing. The same program runs on
 * hybrid and on pure v2 hosts; what this host has decides which file is looked at.
 * With the argument "time" it only prints what the steps of a start cost.
 */
#include "cgroups/host.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

enum {
	CT = 4242,
	OWNER = 300000,
	MIB = 1 << 20
};

static struct cg_host *host;
static struct berth_error err;
static char parent[64];

static bool ok(int r)
{
	if (r < 0)
		(void)fprintf(stderr, "error %d: %s\n", r, err.msg);
	return r >= 0;
}

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void sleep_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&t, NULL);
}

static struct cg_limits no_limits(void)
{
	return (struct cg_limits){.memory = CG_UNLIMITED,
				  .swap = CG_UNLIMITED,
				  .pids = CG_UNLIMITED,
				  .cpuunits = 1000,
				  .ioprio = UINT32_MAX};
}

/* The file of a controller as it reads now. */
static const char *value_of(enum cg_ctrl c, const char *v2, const char *v1)
{
	static char buf[CG_VALUE_MAX];
	const struct cg_hier *hi = cg_hier_of(host, c);

	buf[0] = '\0';
	if (hi == NULL || cg_read(hi, CT, hi->v2 ? v2 : v1, buf, sizeof(buf)) < 0)
		return "?";
	return buf;
}

static pid_t clone_into(int cgroup)
{
	struct clone_args a = {.flags = CLONE_INTO_CGROUP,
			       .exit_signal = SIGCHLD,
			       .cgroup = (uint64_t)(unsigned int)cgroup};

	return (pid_t)syscall(SYS_clone3, &a, sizeof(a));
}

typedef int child_fn(void);

/* Starts fn in the CT, as launch does: born in the unified cgroup, then "0" into v1. */
static pid_t start_in(child_fn *fn, bool exec)
{
	struct cg_attach a;
	pid_t pid;

	if (!ok(cg_ct_attach(host, CT, exec, &a, &err)))
		return -1;
	pid = clone_into(a.unified);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned int i = 0; i < a.n_v1; i++)
			if (write(a.v1[i], "0", 1) != 1)
				_exit(99);
		_exit(fn());
	}
	CHECK(pid > 0);
	cg_attach_close(&a);
	return pid;
}

static int wait_status(pid_t pid)
{
	int status = -1;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static int run_in(child_fn *fn)
{
	pid_t pid = start_in(fn, false);

	return pid > 0 ? wait_status(pid) : -1;
}

static bool exits_0(child_fn *fn)
{
	int status = run_in(fn);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		(void)fprintf(stderr, "child: status %x\n", (unsigned int)status);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int child_sleep(void)
{
	sleep_ms(60000);
	return 0;
}

static void fresh(void)
{
	CHECK(ok(cg_ct_create(host, CT, OWNER, OWNER, &err)));
}

static void gone(void)
{
	CHECK(ok(cg_ct_remove(host, CT, 3000, &err)));
	CHECK(!cg_ct_exists(host, CT));
}

/* No CTID directory in any hierarchy. */
static bool nothing_left(void)
{
	for (unsigned int i = 0; i < host->n_hier; i++)
		if (cg_has_file(&host->hier[i], "4242"))
			return false;
	return true;
}

static void a_created_ct_is_delegated_below_its_limits(void)
{
	static const char *const inner[] = {"4242/inner", "4242/inner/cgroup.procs",
					    "4242/inner/cgroup.subtree_control"};
	static const char *const outer[] = {"4242", "4242/cgroup.procs",
					    "4242/inner/cgroup.freeze"};
	int berth = host->hier[0].berth;
	char buf[64];
	struct stat st;
	uint32_t ctids[4];

	fresh();
	for (size_t i = 0; i < 3; i++) {
		CHECK(fstatat(berth, inner[i], &st, 0) == 0 && st.st_uid == OWNER);
		CHECK(fstatat(berth, outer[i], &st, 0) == 0 && st.st_uid == 0);
	}
	CHECK(cg_read(&host->hier[0], CT, "cgroup.max.depth", buf, sizeof(buf)) == 0 &&
	      strcmp(buf, "8") == 0);
	CHECK(cg_read(&host->hier[0], CT, "cgroup.max.descendants", buf, sizeof(buf)) == 0 &&
	      strcmp(buf, "256") == 0);
	CHECK(cg_ct_exists(host, CT) && cg_ct_populated(host, CT, &err) == 0);
	CHECK(cg_ct_list(host, ctids, 4, &err) == 1 && ctids[0] == CT);
	/* What v2 gives to the outer cgroup must be visible in the inner one. */
	if (host->of[CG_MEMORY] == 0)
		CHECK(cg_has_file(&host->hier[0], "4242/inner/memory.current"));
	gone();
	CHECK(nothing_left());
	CHECK(cg_ct_list(host, ctids, 4, &err) == 0);
	CHECK(ok(cg_ct_remove(host, CT, 0, &err)));
}

static void a_leftover_is_remade_without_its_old_limits(void)
{
	struct cg_limits l = no_limits();

	fresh();
	l.pids = 7;
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	fresh();
	CHECK(strcmp(value_of(CG_PIDS, "pids.max", "pids.max"), "max") == 0);
	gone();
}

static void a_populated_ct_is_not_remade(void)
{
	pid_t pid;

	fresh();
	pid = start_in(child_sleep, false);
	CHECK(cg_ct_create(host, CT, OWNER, OWNER, &err) == -EBUSY);
	CHECK(err.code == BERTH_ERR_RUNNING);
	CHECK(cg_ct_populated(host, CT, &err) == 1);
	CHECK(cg_ct_remove(host, CT, 50, &err) == -EBUSY && err.code == BERTH_ERR_STUCK);
	CHECK(cg_ct_populated(host, CT, &err) == 1);
	CHECK(ok(cg_ct_kill(host, CT, &err)));
	(void)wait_status(pid);
	gone();
}

static void limits_are_written_and_taken_back(void)
{
	struct cg_limits l = no_limits();
	bool v2 = host->of[CG_MEMORY] == 0;

	fresh();
	l.memory = 64 * MIB;
	l.swap = 32 * MIB;
	l.pids = 20;
	l.cpulimit = 30;
	l.cpuunits = 2000;
	(void)snprintf(l.cpumask, sizeof(l.cpumask), "0");
	CHECK(ok(cg_limits_check(host, &l, &err)));
	CHECK(ok(cg_ct_apply(host, CT, &l, &err)));
	CHECK(strcmp(value_of(CG_MEMORY, "memory.max", "memory.limit_in_bytes"), "67108864") == 0);
	CHECK(strcmp(value_of(CG_MEMORY, "memory.swap.max", "memory.memsw.limit_in_bytes"),
		     v2 ? "33554432" : "100663296") == 0);
	CHECK(strcmp(value_of(CG_PIDS, "pids.max", "pids.max"), "20") == 0);
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

static int child_devices(void)
{
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	auto_close int ptmx = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	auto_close int kmsg = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);

	if (null < 0 || (ptmx < 0 && errno == EPERM))
		return 1;
	return kmsg < 0 && errno == EPERM ? 0 : 2;
}

static int child_kmsg_reads(void)
{
	auto_close int writing = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	auto_close int reading = -EBADF;

	if (writing >= 0)
		return 1;
	reading = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);
	return reading >= 0 ? 0 : 2;
}

static int child_mknod(void)
{
	return mknodat(AT_FDCWD, "/tmp/berth-unit-node", S_IFBLK | 0600, makedev(7, 0)) < 0 &&
			       errno == EPERM
		       ? 0
		       : 1;
}

static void a_device_outside_of_the_policy_is_refused(void)
{
	const struct cg_device kmsg = {'c', 1, 11, true, false, false};

	fresh();
	CHECK(ok(cg_ct_devices(host, CT, NULL, 0, &err)));
	CHECK(exits_0(child_devices));
	CHECK(exits_0(child_mknod));
	/* Live change, both ways. */
	CHECK(ok(cg_ct_devices(host, CT, &kmsg, 1, &err)));
	CHECK(exits_0(child_kmsg_reads));
	CHECK(ok(cg_ct_devices(host, CT, NULL, 0, &err)));
	CHECK(exits_0(child_devices));
	gone();
	CHECK(cg_ct_devices(host, CT, NULL, 0, &err) == -ENOENT &&
	      err.code == BERTH_ERR_NOT_RUNNING);
}

/* Its own cgroup, as /proc says, ends with "berth/4242/inner" in every hierarchy of ours. */
static int child_where(void)
{
	auto_free char *text = NULL;
	char own[CG_PARENT_MAX];

	if (file_read_at(AT_FDCWD, "/proc/self/cgroup", 65536, &text, NULL) < 0)
		return 1;
	if (cg_parse_own(text, NULL, own, sizeof(own)) < 0 ||
	    strstr(own, "/berth/4242/inner") == NULL)
		return 2;
	for (unsigned int i = 1; i < host->n_hier; i++)
		if (cg_parse_own(text, host->hier[i].controller, own, sizeof(own)) < 0 ||
		    strstr(own, "/berth/4242") == NULL)
			return 3;
	return 0;
}

static void init_and_exec_are_born_in_every_hierarchy(void)
{
	pid_t pid;
	int status;

	fresh();
	CHECK(exits_0(child_where));
	pid = start_in(child_where, true);
	status = wait_status(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(cg_has_file(&host->hier[0], "4242/inner/.berth"));
	gone();
	CHECK(nothing_left());
}

static void a_frozen_ct_stands_still_and_can_be_killed(void)
{
	pid_t pid;
	uint64_t v = 0;
	int status;

	fresh();
	pid = start_in(child_sleep, false);
	CHECK(ok(cg_ct_freeze(host, CT, true, &err)));
	CHECK(cg_read_key(&host->hier[0], CT, "cgroup.events", "frozen", &v) == 0 && v == 1);
	CHECK(ok(cg_ct_freeze(host, CT, false, &err)));
	CHECK(ok(cg_ct_freeze(host, CT, true, &err)));
	CHECK(ok(cg_ct_kill(host, CT, &err)));
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	gone();
	CHECK(cg_ct_freeze(host, CT, true, &err) == -ENOENT && err.code == BERTH_ERR_NOT_RUNNING);
}

static void killing_one_by_one_reaches_the_whole_subtree(void)
{
	pid_t a, b;

	fresh();
	a = start_in(child_sleep, false);
	CHECK(mkdirat(host->hier[0].berth, "4242/inner/deep", 0755) == 0);
	b = start_in(child_sleep, true);
	CHECK(ok(cg_kill_by_pids(host, CT, &err)));
	CHECK(WIFSIGNALED(wait_status(a)) && WIFSIGNALED(wait_status(b)));
	gone();
}

static void a_ct_cannot_make_cgroups_without_end(void)
{
	int n = 0, berth = host->hier[0].berth;
	char name[64];

	fresh();
	for (; n < 400; n++) {
		(void)snprintf(name, sizeof(name), "4242/inner/%d", n);
		if (mkdirat(berth, name, 0755) < 0)
			break;
	}
	CHECK(errno == EAGAIN && n == 255);
	gone();
	CHECK(nothing_left());
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

static bool moved_to(const char *group)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	return file_write_value_at(host->hier[0].root, path, "0") == 0;
}

/* As under systemd: berthd in PARENT/daemon, without a parent given. */
static int child_daemon_leaf(void)
{
	struct cg_host *h = NULL;
	char leaf[96];
	int r;

	(void)snprintf(leaf, sizeof(leaf), "%s/daemon", parent + 1);
	if (mkdirat(host->hier[0].root, leaf, 0755) < 0 || !moved_to(leaf))
		return 1;
	if (!ok(cg_host_open(NULL, &h, &err)))
		return 2;
	r = strcmp(h->hier[0].parent, parent + 1) == 0 ? 0 : 3;
	/* The CTs of both views are the same ones. */
	if (r == 0 && (h->hier[0].berth < 0 || !cg_has_file(&h->hier[0], "4242")))
		r = 4;
	cg_host_free(h);
	return r;
}

static int run_child(child_fn *fn)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	return wait_status(pid);
}

static void a_daemon_leaf_makes_its_parent_the_parent(void)
{
	char leaf[96];

	fresh();
	CHECK(run_child(child_daemon_leaf) == 0);
	gone();
	(void)snprintf(leaf, sizeof(leaf), "%s/daemon", parent + 1);
	CHECK(unlinkat(host->hier[0].root, leaf, AT_REMOVEDIR) == 0);
}

/* A parent that holds processes cannot give controllers to children: v2's rule, said clearly. */
static int child_busy_parent(void)
{
	struct cg_host *h = NULL;
	char group[96];
	int r;

	(void)snprintf(group, sizeof(group), "%s-busy", parent);
	if (mkdirat(host->hier[0].root, group + 1, 0755) < 0 || !moved_to(group + 1))
		return 1;
	if (!ok(cg_host_open(group, &h, &err)))
		return 2;
	r = cg_host_setup(h, &err) == -EBUSY && err.code == BERTH_ERR_UNSUPPORTED &&
			    strstr(err.msg, "DelegateSubgroup=daemon") != NULL
		    ? 0
		    : 3;
	(void)cg_host_teardown(h, NULL);
	cg_host_free(h);
	return r;
}

static void a_parent_with_processes_is_refused_on_v2(void)
{
	char group[96];

	if (host->of[CG_MEMORY] != 0)
		return;
	CHECK(run_child(child_busy_parent) == 0);
	(void)snprintf(group, sizeof(group), "%s-busy", parent + 1);
	CHECK(unlinkat(host->hier[0].root, group, AT_REMOVEDIR) == 0);
}

static void print_finding(const char *name, const char *level, const char *text, const char *fix,
			  void *data)
{
	unsigned int *n = data;

	(*n)++;
	(void)printf("# %s %s: %s%s%s\n", level, name, text, fix[0] != '\0' ? "; mend: " : "", fix);
	CHECK((strcmp(level, "ok") == 0) == (fix[0] == '\0'));
}

static void doctor_agrees_with_the_probe(void)
{
	const struct cg_probe *p = cg_host_probe(host);
	unsigned int n = 0;

	CHECK(p->hybrid == (host->n_hier > 1));
	CHECK(p->memory && p->cpu && p->pids && p->freeze && p->kill && p->devices);
	CHECK(p->memory_high == (host->of[CG_MEMORY] == 0));
	cg_doctor(host, print_finding, &n);
	CHECK(n >= 9);
}

static void print_times(void)
{
	struct cg_limits l = {.memory = 512ull * MIB,
			      .swap = 256ull * MIB,
			      .pids = 1000,
			      .cpulimit = 50,
			      .cpuunits = 1000,
			      .ioprio = 4};
	struct cg_host *h = NULL;
	struct cg_stat s;
	double t[9];
	pid_t pid;

	t[0] = now_ms();
	CHECK(ok(cg_host_open(parent, &h, &err)));
	t[1] = now_ms();
	CHECK(ok(cg_ct_create(h, CT, OWNER, OWNER, &err)));
	t[2] = now_ms();
	CHECK(ok(cg_ct_apply(h, CT, &l, &err)));
	t[3] = now_ms();
	CHECK(ok(cg_ct_devices(h, CT, NULL, 0, &err)));
	t[4] = now_ms();
	pid = start_in(child_where, false);
	t[5] = now_ms();
	(void)wait_status(pid);
	t[6] = now_ms();
	CHECK(ok(cg_ct_stat(h, CT, &s, &err)));
	t[7] = now_ms();
	CHECK(ok(cg_ct_remove(h, CT, 3000, &err)));
	t[8] = now_ms();
	cg_host_free(h);
	(void)printf("# ms: open %.3f create %.3f apply %.3f devices %.3f clone %.3f child %.3f "
		     "stat %.3f remove %.3f\n",
		     t[1] - t[0], t[2] - t[1], t[3] - t[2], t[4] - t[3], t[5] - t[4], t[6] - t[5],
		     t[7] - t[6], t[8] - t[7]);
}

static void everything_made_is_gone_at_the_end(void)
{
	CHECK(nothing_left());
	CHECK(ok(cg_host_teardown(host, &err)));
	for (unsigned int i = 0; i < host->n_hier; i++) {
		CHECK(unlinkat(host->hier[i].root, parent + 1, AT_REMOVEDIR) == 0);
		CHECK(faccessat(host->hier[i].root, parent + 1, F_OK, 0) < 0);
	}
}

static void run_all(void)
{
	RUN(a_created_ct_is_delegated_below_its_limits);
	RUN(a_leftover_is_remade_without_its_old_limits);
	RUN(a_populated_ct_is_not_remade);
	RUN(limits_are_written_and_taken_back);
	RUN(a_failed_apply_leaves_the_old_limits);
	RUN(what_cannot_be_enforced_is_refused);
	RUN(a_missing_controller_refuses_its_limit);
	RUN(a_fork_beyond_numproc_is_refused_and_counted);
	RUN(a_memory_hog_is_killed_and_counted);
	RUN(lowering_memory_below_its_use_is_refused_not_fatal);
	RUN(a_busy_loop_gets_its_cpulimit);
	RUN(a_device_outside_of_the_policy_is_refused);
	RUN(init_and_exec_are_born_in_every_hierarchy);
	RUN(a_frozen_ct_stands_still_and_can_be_killed);
	RUN(killing_one_by_one_reaches_the_whole_subtree);
	RUN(a_ct_cannot_make_cgroups_without_end);
	RUN(stat_of_a_stopped_ct_says_so);
	RUN(an_io_limit_is_written_for_the_disk);
	RUN(a_daemon_leaf_makes_its_parent_the_parent);
	RUN(a_parent_with_processes_is_refused_on_v2);
	RUN(doctor_agrees_with_the_probe);
}

int main(int argc, char **argv)
{
	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIPPED: test_cg_ct needs root\n");
		return 77;
	}
	(void)snprintf(parent, sizeof(parent), "/berth-unit-%d", (int)getpid());
	if (!ok(cg_host_open(parent, &host, &err)) || !ok(cg_host_setup(host, &err)))
		return 1;
	CHECK(ok(cg_host_setup(host, &err)));
	if (argc > 1 && strcmp(argv[1], "time") == 0) {
		for (int i = 0; i < 8; i++)
			print_times();
	} else {
		run_all();
	}
	RUN(everything_made_is_gone_at_the_end);
	cg_host_free(host);
	return check_failures != 0;
}
