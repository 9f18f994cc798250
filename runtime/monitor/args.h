/*
 * args.h - the command line of berth-monitor, written by its starter (the worker that started the
 * CT, or berthd when it adopts one whose monitor died):
 *
 *	berth-monitor CTID RUNDIR KEY=VALUE...
 *
 * RUNDIR is RUN/ct/CTID, absolute; it is there for ps(1), files are reached by dir=. Each key at
 * most once, in any order. FD is the number of an inherited descriptor, 3..65535, each used once.
 *
 *	init=FD        pidfd of the CT's init				required
 *	initpid=PID    its pid						required
 *	listen=FD      SOCK_SEQPACKET socket, bound at RUNDIR/monitor.sock and listening; required
 *	dir=FD         RUNDIR, open for reading				required
 *	seccomp=FD     a file holding a whole struct seccomp_program	required
 *	exec=FD        directory of the exec leaf in the unified cgroup hierarchy; required
 *	v1=FD,FD,...   tasks files of the v1 hierarchies, at most CG_V1_MAX; default none
 *	console=FD     pty master of /dev/console; default -1: lost, as when adopting
 *	devpts=FD      root directory of the CT's devpts; default -1: no pty sessions
 *	view=FD,FD,... the connection of its view and the sources of that, all of struct view_fds; default: no view
 *	viewuid=UID    who serves the view; required with it
 *	notify=FD      datagram socket that hears READY=1; default -1
 *	child=0|1      1: init is our child; default 1
 *	booted=0|1     1: READY=1 has been seen before (restored, adopted); default 0
 */
#pragma once

#include "runtime/launch/launch.h"
#include "runtime/view/view.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct monitor_args {
	uint32_t ctid;
	const char *rundir;
	int init, listen, dir, seccomp, console, devpts, notify;
	pid_t init_pid;
	struct cg_attach cgroup;
	struct view_fds view; /* there when view_uid is not 0 */
	int view_uid;
	bool child, booted;
};

enum {
	MONITOR_FDS_MAX = 8 + CG_V1_MAX + 1 + VIEW_SOURCES
};

/* Pure. -EINVAL: *ret_bad is the word at fault, or the name of a missing key. */
int monitor_args_parse(int argc, const char *const *argv, struct monitor_args *ret,
		       const char **ret_bad);

/* All descriptors in it, ascending; returns the count. */
unsigned int monitor_args_fds(const struct monitor_args *a, int fds[MONITOR_FDS_MAX]);
