/*
 * sys.h - system calls that glibc 2.36 does not wrap, and constants newer than its headers.
 * No allocation: enter.c uses them too.
 */
#pragma once

#include "runtime/base/fault.h"

#include <errno.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef MOVE_MOUNT_T_EMPTY_PATH
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#endif

/* Works like fork(2). cgroup_fd is used with CLONE_INTO_CGROUP only. Returns the pid or -errno. */
static inline pid_t sys_clone3(uint64_t flags, int exit_signal, int cgroup_fd)
{
	struct clone_args args = {
		.flags = flags,
		.exit_signal = (unsigned int)exit_signal,
		.cgroup = cgroup_fd >= 0 ? (unsigned int)cgroup_fd : 0,
	};
	long r = FAULT_POINT("clone3");

	if (r < 0)
		return (pid_t)r;
	r = syscall(SYS_clone3, &args, sizeof(args));
	return r < 0 ? -errno : (pid_t)r;
}

static inline int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .resolve = resolve};
	long r = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return r < 0 ? -errno : (int)r;
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return syscall(SYS_pivot_root, new_root, put_old) < 0 ? -errno : 0;
}

/* All signals as the kernel starts a process: default action, none blocked. */
static inline void sys_reset_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL); /* fails for KILL, STOP and glibc's own two */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
