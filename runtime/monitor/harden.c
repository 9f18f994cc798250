/* harden.c - the monitor makes itself small and hard to reach before it serves. */
#include "runtime/monitor/monitor.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum {
	NOFILE_WANTED = 2048
};

/*
 * What entering a CT takes: joining namespaces (SYS_ADMIN, SYS_CHROOT, SYS_PTRACE for a process that
 * is not dumpable), becoming its mapped root (SETUID, SETGID, SETPCAP), its cgroup.procs and our own
 * files (DAC_OVERRIDE, DAC_READ_SEARCH, CHOWN, FOWNER), its signals (KILL), its rlimits and OOM
 * score (SYS_RESOURCE), its login uid (AUDIT_CONTROL). In the CT's user namespace a session has what launch_capability_mask says.
 */
static const uint64_t kept =
	1ull << CAP_SYS_ADMIN | 1ull << CAP_SYS_CHROOT | 1ull << CAP_SYS_PTRACE |
	1ull << CAP_SETUID | 1ull << CAP_SETGID | 1ull << CAP_SETPCAP | 1ull << CAP_DAC_OVERRIDE |
	1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_CHOWN | 1ull << CAP_FOWNER | 1ull << CAP_KILL |
	1ull << CAP_SYS_RESOURCE | 1ull << CAP_AUDIT_CONTROL;

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (unsigned int cap = 0; cap < 64; cap++)
		if ((kept & 1ull << cap) == 0)
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t mask = (uint32_t)(kept >> (32 * i));

		data[i].effective &= mask;
		data[i].permitted &= mask;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* -1000 is for those who may lower it; without CAP_SYS_RESOURCE the CT still runs. */
static void spare_from_oom(void)
{
	auto_close int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "-1000", 5) < 0)
		(void)!write(fd, "-900", 4);
}

/* Room for every connection and session; launch_enter gives a session limits of its own. */
static void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= NOFILE_WANTED)
		return;
	l.rlim_cur = NOFILE_WANTED;
	if (l.rlim_max < NOFILE_WANTED)
		l.rlim_max = NOFILE_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

/* Its memory holds console output. The hard limit stays: exec sessions begin with it. */
static void forbid_core(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_CORE, &l) < 0)
		return;
	l.rlim_cur = 0;
	(void)setrlimit(RLIMIT_CORE, &l);
}

int harden_self(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NAME, "berth-monitor") < 0)
		return -errno;
	forbid_core();
	raise_descriptors();
	spare_from_oom();
	return drop_capabilities();
}

static int stdio_to_null(void)
{
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++)
		if (null != fd && dup3(null, fd, O_CLOEXEC) < 0)
			return -errno;
	if (null < 3)
		(void)take_fd(&null);
	return 0;
}

static int set_nonblocking(int fd)
{
	int flags = fd < 0 ? 0 : fcntl(fd, F_GETFL);

	if (flags < 0 || (fd >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return -errno;
	return 0;
}

int harden_fds(const struct monitor_args *a)
{
	const int served[] = {a->listen, a->console, a->notify};
	int fds[MONITOR_FDS_MAX];
	unsigned int n = monitor_args_fds(a, fds), next = 3;
	int r;

	for (unsigned int i = 0; i < n; i++) {
		if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
		if ((unsigned int)fds[i] > next)
			(void)close_range(next, (unsigned int)fds[i] - 1, 0);
		next = (unsigned int)fds[i] + 1;
	}
	(void)close_range(next, ~0u, 0);
	for (unsigned int i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
		r = set_nonblocking(served[i]);
		if (r < 0)
			return r;
	}
	return stdio_to_null();
}
