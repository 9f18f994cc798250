/*
 * process.c - attributes that a process of the CT must have before it runs the CT's code. Calls no
 * malloc: the monitor's exec sessions use it too.
 */
#include "runtime/base/child.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define ALL_NAMESPACES                                                                             \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | \
	 CLONE_NEWCGROUP)

enum {
	END_MS = 1000
};

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/*
 * OpenVZ's list for upstream kernels and audit_control (PAM and systemd ask for it). sys_admin and
 * net_admin reach only what the CT's own user namespace owns. Absent because they reach the host or
 * nothing at all from a user namespace: sys_module sys_rawio sys_time sys_pacct mac_admin mac_override
 * syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore.
 */
uint64_t launch_capability_mask(void)
{
	return CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) |
	       CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_KILL) | CAP_BIT(CAP_SETGID) |
	       CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETPCAP) | CAP_BIT(CAP_LINUX_IMMUTABLE) |
	       CAP_BIT(CAP_NET_BIND_SERVICE) | CAP_BIT(CAP_NET_BROADCAST) | CAP_BIT(CAP_NET_ADMIN) |
	       CAP_BIT(CAP_NET_RAW) | CAP_BIT(CAP_IPC_LOCK) | CAP_BIT(CAP_IPC_OWNER) |
	       CAP_BIT(CAP_SYS_CHROOT) | CAP_BIT(CAP_SYS_PTRACE) | CAP_BIT(CAP_SYS_ADMIN) |
	       CAP_BIT(CAP_SYS_BOOT) | CAP_BIT(CAP_SYS_NICE) | CAP_BIT(CAP_SYS_RESOURCE) |
	       CAP_BIT(CAP_SYS_TTY_CONFIG) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_LEASE) |
	       CAP_BIT(CAP_AUDIT_WRITE) | CAP_BIT(CAP_AUDIT_CONTROL) | CAP_BIT(CAP_SETFCAP);
}

/*
 * What the kernel gives its own PID 1, with hard limits wide enough for the CT's systemd: its root cannot
 * raise a hard limit (that takes CAP_SYS_RESOURCE on the host). Memory behind each is charged to
 * the CT's cgroup. No real-time priority.
 */
struct limit_row {
	__rlimit_resource_t resource;
	rlim_t soft, hard;
};

static const struct limit_row limits[] = {
	{RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_STACK, 8 << 20, RLIM_INFINITY},
	{RLIMIT_CORE, 0, RLIM_INFINITY},
	{RLIMIT_RSS, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_NPROC, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_NOFILE, 1024, 1048576},
	{RLIMIT_MEMLOCK, 8 << 20, RLIM_INFINITY},
	{RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_LOCKS, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_SIGPENDING, 65536, 65536},
	{RLIMIT_MSGQUEUE, 819200, 819200},
	{RLIMIT_NICE, 0, 0},
	{RLIMIT_RTPRIO, 0, 0},
	{RLIMIT_RTTIME, RLIM_INFINITY, RLIM_INFINITY},
};

static rlim_t limit_min(rlim_t a, rlim_t b)
{
	return a < b ? a : b; /* RLIM_INFINITY is the largest value */
}

static int limit_set(const struct limit_row *row)
{
	struct rlimit want = {.rlim_cur = row->soft, .rlim_max = row->hard};
	struct rlimit have;

	if (setrlimit(row->resource, &want) == 0)
		return 0;
	if (errno != EPERM || getrlimit(row->resource, &have) < 0)
		return -errno;
	want.rlim_max = limit_min(want.rlim_max, have.rlim_max);
	want.rlim_cur = limit_min(want.rlim_cur, want.rlim_max);
	return setrlimit(row->resource, &want) < 0 ? -errno : 0;
}

void process_settle_oom(bool is_init)
{
	/*
	 * Raising it needs no privilege, so it works on hosts whose root has no CAP_SYS_RESOURCE; with that
	 * it is also the floor below which the CT cannot go (proc(5)).
	 */
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", is_init ? 0 : GUEST_OOM_SCORE);
	(void)file_write_value_at(AT_FDCWD, "/proc/self/oom_score_adj", text);
}

int process_settle_host(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int r = limit_set(&limits[i]);

		if (r < 0)
			return r;
	}
	/* As if nobody had ever logged in; a kernel without audit has no such file. */
	(void)file_write_value_at(AT_FDCWD, "/proc/self/loginuid", "4294967295");
	return 0;
}

int process_join_cgroups(const struct cg_attach *a, bool with_unified)
{
	int r;

	for (unsigned int i = 0; i < a->n_v1; i++)
		if (write(a->v1[i], "0", 1) < 0)
			return -errno;
	if (!with_unified || a->unified < 0)
		return 0;
	r = file_write_value_at(a->unified, "cgroup.procs", "0");
	return r;
}

int process_become_root(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return -errno;
	return 0;
}

/*
 * A CT that was restored has a time namespace. A kernel without them knows no such flag, and refuses it before it
 * joins anything.
 */
static int join_namespaces(int init_pidfd)
{
	if (setns(init_pidfd, ALL_NAMESPACES | CLONE_NEWTIME) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	return setns(init_pidfd, ALL_NAMESPACES) < 0 ? -errno : 0;
}

int process_enter(int init_pidfd, const struct cg_attach *cgroup, bool with_unified)
{
	int r;

	/* Before: a full CT is out of memory as soon as we are in, and its init must not be the only victim. */
	process_settle_oom(false);
	r = process_join_cgroups(cgroup, with_unified);
	if (r == 0)
		r = process_settle_host();
	if (r < 0)
		return r;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	r = join_namespaces(init_pidfd);
	if (r < 0)
		return r;
	/* No path is looked up between here and the loss of the host's ids. */
	r = process_become_root();
	if (r < 0)
		return r;
	/* A change of ids resets it. */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

static void sort_fds(int *fds, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++)
		for (unsigned int k = i; k > 0 && fds[k - 1] > fds[k]; k--) {
			int t = fds[k];

			fds[k] = fds[k - 1];
			fds[k - 1] = t;
		}
}

int process_close_others(int *keep, unsigned int n)
{
	int next = 0;

	sort_fds(keep, n);
	for (unsigned int i = 0; i < n; i++) {
		if (keep[i] < 0)
			return -EBADF;
		if (keep[i] > next &&
		    close_range((unsigned int)next, (unsigned int)keep[i] - 1, 0) < 0)
			return -errno;
		next = keep[i] + 1;
	}
	return close_range((unsigned int)next, ~0U, 0) < 0 ? -errno : 0;
}

int process_new_keyring(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
		return 0;
	return errno == ENOSYS ? 0 : -errno; /* a kernel without keys has none to share */
}

int process_bound_caps(void)
{
	uint64_t keep = launch_capability_mask();

	for (int cap = 0; cap < 64; cap++) {
		if ((keep & CAP_BIT(cap)) != 0)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return errno == EINVAL ? 0 : -errno; /* past the last one */
	}
	return 0;
}

int process_check_cwd(void)
{
	char buf[4096];
	long n = syscall(SYS_getcwd, buf, sizeof(buf));

	if (n < 0)
		return -errno;
	return buf[0] == '/' ? 0 : -EXDEV; /* "(unreachable)/..." */
}

void process_end(pid_t pid)
{
	(void)child_end(pid, END_MS, NULL);
}
