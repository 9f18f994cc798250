/* unpack_jail.c - the way of the unpacking child out of all privilege. */
#include "templates/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The address sanitizer's shadow memory is larger than any limit. */
#if defined(__SANITIZE_ADDRESS__)
#define UNPACK_NO_MEMORY_LIMIT
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNPACK_NO_MEMORY_LIMIT
#endif
#endif

enum {
	MEMORY_MAX_MIB = 1024,
	FILES_MAX = 64
};

/* The mount becomes "/" of a mount namespace in which nothing else is left. */
static int enter_root(const char *root, int tree_fd)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (syscall(SYS_move_mount, tree_fd, "", AT_FDCWD, root, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	if (chdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

static int drop_capabilities(void)
{
	static const unsigned int keep[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
					    CAP_SETFCAP};
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		data[keep[i] / 32].effective |= 1u << keep[i] % 32;
		data[keep[i] / 32].permitted |= 1u << keep[i] % 32;
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

static int become_nobody(int userns_fd)
{
	if (setns(userns_fd, CLONE_NEWUSER) < 0 ||
	    unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return -errno;
	/* The system calls themselves: no other thread is there to be told. */
	if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 ||
	    syscall(SYS_setresuid, 0, 0, 0) < 0)
		return -errno;
	/* A change of ids forgets the parent's death; nobody would kill us at our deadline. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return drop_capabilities();
}

static int limit(__rlimit_resource_t what, uint64_t value)
{
	struct rlimit l = {.rlim_cur = value, .rlim_max = value};

	return setrlimit(what, &l) < 0 ? -errno : 0;
}

static int set_limits(const struct unpack_limits *l)
{
	int r = limit(RLIMIT_FSIZE, l->lengths != 0 ? l->lengths : l->bytes);

	if (r == 0)
		r = limit(RLIMIT_CPU, l->seconds);
	if (r == 0)
		r = limit(RLIMIT_NOFILE, FILES_MAX);
	if (r == 0)
		r = limit(RLIMIT_CORE, 0);
	if (r == 0)
		r = limit(RLIMIT_NPROC, 0); /* no other process beside this one */
#ifndef UNPACK_NO_MEMORY_LIMIT
	if (r == 0)
		r = limit(RLIMIT_AS, (uint64_t)MEMORY_MAX_MIB << 20);
#endif
	return r;
}

/* While the host's /dev/null is still there. */
static int cover_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	return 0;
}

/* All descriptors but a, b and stdio. */
static int close_others(int a, int b)
{
	unsigned int lo = (unsigned int)(a < b ? a : b), hi = (unsigned int)(a < b ? b : a);

	if (lo <= STDERR_FILENO)
		return -EBADF;
	if (lo > 3 && close_range(3, lo - 1, 0) < 0)
		return -errno;
	if (hi - lo > 1 && close_range(lo + 1, hi - 1, 0) < 0)
		return -errno;
	return close_range(hi + 1, ~0u, 0) < 0 ? -errno : 0;
}

static int say_why(int report_fd, int r, const char *step)
{
	struct unpack_report m = {.kind = UNPACK_FAILED, .sys = (uint32_t)-r};
	ssize_t n;

	(void)snprintf(m.text, sizeof(m.text), "%s: %s", step, strerror(-r));
	n = write(report_fd, &m, sizeof(m));
	return n < 0 ? 3 : 2;
}

int unpack_child(const char *root, int tree_fd, int userns_fd, int archive_fd, int report_fd,
		 const struct unpack_limits *limits)
{
	int r = set_limits(limits);

	if (r == 0)
		r = cover_stdio();
	if (r < 0)
		return say_why(report_fd, r, "set the unpacker's limits");
	r = enter_root(root, tree_fd);
	if (r < 0)
		return say_why(report_fd, r, "enter the directory to unpack into");
	r = become_nobody(userns_fd);
	if (r < 0)
		return say_why(report_fd, r, "drop the unpacker's privileges");
	r = close_others(archive_fd, report_fd);
	if (r < 0)
		return say_why(report_fd, r, "close the unpacker's descriptors");
	r = unpack_filter_load();
	if (r < 0)
		return say_why(report_fd, r, "confine the unpacker's system calls");
	return unpack_run(archive_fd, report_fd, limits);
}
