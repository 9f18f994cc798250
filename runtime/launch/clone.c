/*
 * clone.c - the parent's side of a start, and stage 1 (see child.h).
 *
 * Stage 1 exists because a process cannot both keep its host privilege and be the owner of new
 * namespaces: it makes what the CT's root must not change, joins the CT's user namespace, so that all
 * others belong to that, and clones init as its own sibling, so that init is the child of the program that becomes the monitor.
 */
#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

enum {
	END_MS = 10000,
	GO_TIMEOUT_SEC = 60
};

#define INIT_NAMESPACES \
	((uint64_t)CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

/* What stage 1 says on a pipe. */
struct stage_report {
	pid_t init;
	struct berth_error err;
};

static int name_ct(struct berth_error *err, uint32_t ctid, int r)
{
	berth_error_name_ct(err, ctid);
	return r;
}

/* ---- stage 1 ---- */

/*
 * Its clocks begin with it: what uptime(1), sysinfo(2), ps and the kernel's /proc/uptime and btime go by. They are
 * those of what is cloned from here on, and the CT's, as criu has to join them. A kernel without time namespaces shows
 * the host's. The dumpable flag went with the ids, and /proc/self with it; nobody is in the CT yet who could use it.
 */
static int stage_clocks(void)
{
	char text[256];
	int r;

	if (unshare(CLONE_NEWTIME) < 0)
		return errno == EINVAL || errno == ENOSYS ? 0 : -errno;
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return -errno;
	/* We may be in such a namespace ourselves: what is written is told from the host's clocks, what we read is not. */
	r = file_read_line_at(AT_FDCWD, "/proc/self/timens_offsets", text, sizeof(text));
	if (r == 0) {
		int64_t mono = view_clock_offset(text, "monotonic");
		int64_t boot = view_clock_offset(text, "boottime");

		mono -= (int64_t)(clock_monotonic_ns() / 1000000000);
		boot -= (int64_t)(clock_boottime_ns() / 1000000000);
		(void)snprintf(text, sizeof(text), "monotonic %lld 0\nboottime %lld 0",
			       (long long)mono, (long long)boot);
		r = file_write_value_at(AT_FDCWD, "/proc/self/timens_offsets", text);
	}
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : r;
}

static int stage_join(const struct launch_spec *spec, bool in_cgroup, struct cage *cage,
		      struct berth_error *err)
{
	int r = 0;

	if (spec->cgroup != NULL)
		r = process_join_cgroups(spec->cgroup, !in_cgroup);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_LIMIT, -r,
				       "join the container's cgroups (cgroup.procs): %s",
				       strerror(-r));
	process_settle_oom(true);
	r = process_settle_host();
	if (r < 0)
		return berth_error_sys(err, -r, "set resource limits");
	if (setns(spec->netns_fd, CLONE_NEWNET) < 0)
		return berth_error_sys(err, errno, "join the container's network namespace");
	r = cage_make(spec, cage, err);
	if (r == 0)
		r = mounts_stage(spec, cage, err);
	if (r < 0)
		return r;
	if (setns(spec->userns_fd, CLONE_NEWUSER) < 0)
		return berth_error_sys(err, errno, "join the container's user namespace");
	r = process_become_root();
	if (r < 0)
		return berth_error_sys(err, -r, "become root of the container's user namespace");
	r = stage_clocks();
	return r < 0 ? berth_error_sys(err, -r, "make the container's clocks") : 0;
}

static _Noreturn void stage_run(const struct launch_spec *spec, bool in_cgroup, int sock,
				int report_fd)
{
	struct stage_report rep = {.init = -1};
	struct cage cage;

	cage_init(&cage);
	if (stage_join(spec, in_cgroup, &cage, &rep.err) == 0) {
		rep.init = sys_clone3(INIT_NAMESPACES | CLONE_PARENT, 0, -1);
		if (rep.init == 0) {
			(void)close(report_fd);
			init_run(spec, &cage, sock);
		}
		if (rep.init < 0)
			(void)berth_error_sys(&rep.err, -rep.init,
					      "make the container's namespaces (limits: "
					      "/proc/sys/user/max_*_namespaces, pids.max)");
	}
	(void)fd_write_all(report_fd, &rep, sizeof(rep));
	_exit(rep.init > 0 ? 0 : 1);
}

/* Stage 1 starts inside the cgroup; older or stranger hierarchies are joined by writing. */
static pid_t clone_stage(const struct launch_spec *spec, bool *ret_in_cgroup)
{
	int unified = spec->cgroup != NULL ? spec->cgroup->unified : -EBADF;
	pid_t pid;

	*ret_in_cgroup = unified >= 0;
	pid = sys_clone3(unified >= 0 ? CLONE_INTO_CGROUP : 0, SIGCHLD, unified);
	if (pid < 0 && unified >= 0) {
		*ret_in_cgroup = false;
		pid = sys_clone3(0, SIGCHLD, -1);
	}
	return pid;
}

/* ---- the parent ---- */

/* One write below PIPE_BUF: whole or nothing. */
static int read_report(int report_fd, pid_t stage, pid_t *ret_init, struct berth_error *err)
{
	struct stage_report rep;
	ssize_t n;

	if (fd_wait(report_fd, POLLIN, GO_TIMEOUT_SEC * 1000) != 1)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "the process that starts the container did not answer "
				       "within %d seconds: it is frozen, or waits in the kernel; "
				       "see /proc/%d/stack",
				       (int)GO_TIMEOUT_SEC, stage);
	n = fd_read_all(report_fd, &rep, sizeof(rep));
	if (n != (ssize_t)sizeof(rep))
		return berth_error_set(err, BERTH_ERR_RESOURCES, ECHILD,
				       "the process that starts the container was killed; is there "
				       "too little memory? see dmesg");
	if (rep.init <= 0) {
		*err = rep.err;
		return -rep.err.sys;
	}
	*ret_init = rep.init;
	return 0;
}

/* It has reported, or is of no use any more. */
static void reap_stage(struct launch_child *c)
{
	if (c->stage > 0)
		(void)child_end(c->stage, END_MS, NULL);
	c->stage = 0;
}

/* go: our end of the socket, init's end. */
static int start_stage(const struct launch_spec *spec, const int go[2], struct launch_child *c,
		       struct berth_error *err)
{
	bool in_cgroup;
	int report[2], r;

	if (pipe2(report, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	c->stage = clone_stage(spec, &in_cgroup);
	if (c->stage == 0) {
		(void)close(report[0]);
		(void)close(go[0]); /* else init would wait for ever for a caller that was killed */
		stage_run(spec, in_cgroup, go[1], report[1]);
	}
	(void)close(report[1]);
	r = c->stage < 0 ? berth_error_sys(err, -c->stage, "clone3")
			 : read_report(report[0], c->stage, &c->pid, err);
	(void)close(report[0]);
	return r;
}

int launch_clone(const struct launch_spec *spec, struct launch_child *ret, struct berth_error *err)
{
	struct launch_child c = {.pid = -1,
				 .pidfd = -EBADF,
				 .go_fd = -EBADF,
				 .console_fd = -EBADF,
				 .devpts_fd = -EBADF,
				 .notify_fd = -EBADF};
	struct timeval limit = {.tv_sec = GO_TIMEOUT_SEC};
	struct berth_error local = {0};
	int sv[2], r;

	if (err == NULL)
		err = &local;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return name_ct(err, spec->ctid, berth_error_sys(err, errno, "socketpair"));
	c.go_fd = sv[0];
	(void)setsockopt(c.go_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	r = start_stage(spec, sv, &c, err);
	(void)close(sv[1]);
	if (r == 0) {
		c.pidfd = pidfd_open(c.pid, 0); /* our child, not reaped yet: it cannot be reused */
		r = c.pidfd < 0 ? berth_error_sys(err, errno, "pidfd_open") : 0;
	}
	if (r < 0) {
		launch_abort(&c);
		return name_ct(err, spec->ctid, r);
	}
	*ret = c;
	return 0;
}

/* One message of init. 1: it has become the CT's init. */
static int handle_message(struct launch_child *c, bool *ready, struct berth_error *err)
{
	struct launch_msg m;
	int fds[3];
	unsigned int n_fds = 0;
	ssize_t n = fd_recv_message(c->go_fd, &m, sizeof(m), fds, 3, &n_fds);

	if (n == 0 && *ready)
		return 1;
	if (n == 0)
		return berth_error_set(
			err, BERTH_ERR_RESOURCES, ECHILD,
			"the container's init was killed before it was ready; is its memory too "
			"small? see dmesg, and give it more with --ram");
	if (n == -EAGAIN)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "the container's init was not ready within %d seconds",
				       (int)GO_TIMEOUT_SEC);
	if (n != (ssize_t)sizeof(m) || (m.type == LAUNCH_MSG_FDS) != (n_fds == 3))
		return berth_error_set(err, BERTH_ERR_SYSTEM, n < 0 ? (int)-n : EBADMSG,
				       "the starting init sent a bad report");
	if (m.type == LAUNCH_MSG_ERROR) {
		*err = m.err;
		return -m.err.sys;
	}
	if (m.type == LAUNCH_MSG_READY)
		*ready = true;
	if (m.type == LAUNCH_MSG_FDS) {
		c->console_fd = fds[0];
		c->devpts_fd = fds[1];
		c->notify_fd = fds[2];
	}
	return 0;
}

int launch_go(const struct launch_spec *spec, struct launch_child *child, struct berth_error *err)
{
	struct berth_error local = {0};
	bool ready = false;
	int r;

	if (err == NULL)
		err = &local;
	/* If init has died its end is closed; handle_message will find out. */
	(void)send(child->go_fd, "G", 1, MSG_NOSIGNAL);
	do
		r = handle_message(child, &ready, err);
	while (r == 0);
	reap_stage(child);
	if (r < 0)
		return name_ct(err, spec->ctid, r);
	fd_close(&child->go_fd);
	return 0;
}

void launch_abort(struct launch_child *child)
{
	/* What does not end is left to the cleanup, which looks at the cgroup. */
	if (child->pid > 0)
		(void)child_end(child->pid, END_MS, NULL);
	child->pid = -1;
	reap_stage(child);
	fd_close(&child->go_fd);
	fd_close(&child->pidfd);
	fd_close(&child->console_fd);
	fd_close(&child->devpts_fd);
	fd_close(&child->notify_fd);
}
