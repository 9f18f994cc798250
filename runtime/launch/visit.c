/*
 * visit.c - a function of ours inside a running CT. What it opens there may be anything that the tenant
 * has mounted, a file system that never answers included: so it runs in a child that can be left
 * behind, which holds no lock, no report pipe, nothing of its parent's.
 */
#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

struct visit_reply {
	int32_t result;
	struct berth_error err;
};

/* ---- the child ---- */

/* 0, 1 and 2 lead nowhere; all but the socket and what joining takes is closed. */
static int visit_close(const struct launch_visit *v, int sock)
{
	int keep[5 + 1 + CG_V1_MAX] = {0, 1, 2, sock, v->init_pidfd};
	unsigned int n = 5;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			return -errno;
	if (v->cgroup->unified >= 0)
		keep[n++] = v->cgroup->unified;
	for (unsigned int i = 0; i < v->cgroup->n_v1; i++)
		keep[n++] = v->cgroup->v1[i];
	return process_close_others(keep, n);
}

/* Closed before the cgroup is joined: there the CT, or its limits, may stop us. */
static int visit_enter(const struct launch_visit *v, int sock, struct berth_error *err)
{
	int keep[] = {0, 1, 2, sock};
	int r = visit_close(v, sock);

	if (r == 0)
		r = process_enter(v->init_pidfd, v->cgroup, true);
	if (r == 0)
		r = process_close_others(keep, 4);
	return r < 0 ? berth_error_sys(err, -r, "enter it") : 0;
}

static _Noreturn void visit_run(const struct launch_visit *v, int sock)
{
	struct visit_reply reply = {0};
	int fd = -EBADF;
	int r = visit_enter(v, sock, &reply.err);

	if (r == 0)
		r = v->fn(v->data, &fd, &reply.err);
	reply.result = r;
	(void)fd_send_message(sock, &reply, sizeof(reply), &fd, fd >= 0 ? 1 : 0);
	_exit(0);
}

/* ---- the caller ---- */

/* late, killed: why it may be that no answer came in time, or none at all. */
static int visit_collect(int sock, unsigned int timeout_ms, const char *late, const char *killed,
			 int *ret_fd, struct berth_error *err)
{
	struct visit_reply reply;
	unsigned int n_fds = 0;
	auto_close int fd = -EBADF;
	ssize_t n;

	if (fd_wait(sock, POLLIN, timeout_ms) != 1)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "it did not answer within %u ms: %s", timeout_ms, late);
	n = fd_recv_message(sock, &reply, sizeof(reply), &fd, 1, &n_fds);
	if (n != (ssize_t)sizeof(reply))
		return berth_error_set(err, BERTH_ERR_RESOURCES, ECHILD,
				       "the helper inside was killed; %s", killed);
	if (reply.result < 0) {
		*err = reply.err;
		return reply.result;
	}
	if (ret_fd != NULL)
		*ret_fd = take_fd(&fd);
	return 0;
}

int launch_visit(const struct launch_visit *v, int *ret_fd, struct berth_error *err)
{
	struct berth_error local = {0};
	int sock[2], r;
	pid_t pid;

	if (err == NULL)
		err = &local;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return berth_error_sys(err, errno, "socketpair");
	pid = sys_clone3(0, SIGCHLD, -1);
	if (pid == 0)
		visit_run(v, sock[1]);
	(void)close(sock[1]);
	if (pid < 0) {
		r = berth_error_sys(err, -pid, "clone3");
	} else {
		r = visit_collect(sock[0], v->timeout_ms,
				  "it is suspended, or one of its own file systems hangs",
				  "is its memory too small?", ret_fd, err);
		/* A child that a file system of the tenant's holds ends when the CT does. */
		process_end(pid);
	}
	(void)close(sock[0]);
	return r;
}

/* ---- in a network namespace, before or beside the CT ---- */

/* What it runs works on a tenant's input, and is charged to the host. 0 or -errno. */
static int net_limit(void)
{
	static const struct {
		__rlimit_resource_t what;
		rlim_t max; /* bytes, seconds */
	} limits[] = {
		{RLIMIT_AS, 1 << 30}, {RLIMIT_FSIZE, 64 << 20}, {RLIMIT_CPU, 20}, {RLIMIT_CORE, 0}};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (setrlimit(limits[i].what, &(struct rlimit){limits[i].max, limits[i].max}) < 0)
			return -errno;
	return 0;
}

/* The first process of a PID namespace: what it runs ends with it. 0 or -errno. */
static int net_end_with_parent(int sock)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return fd_wait(sock, POLLHUP, 0) == 0 ? 0 : -ESRCH; /* it died before */
}

static _Noreturn void net_run(const struct launch_in_net *n, int sock)
{
	struct visit_reply reply = {0};
	int keep[8] = {0, 1, 2, sock}, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned int n_keep = 4;
	int r = 0;

	for (unsigned int i = 0; i < n->n_fds && i < 4; i++)
		keep[n_keep++] = n->fds[i];
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    setns(n->netns_fd, CLONE_NEWNET) < 0 || setns(n->userns_fd, CLONE_NEWUSER) < 0)
		r = -errno;
	if (r == 0)
		r = process_become_root();
	if (r == 0)
		r = net_limit();
	if (r == 0)
		r = process_close_others(keep, n_keep);
	if (r == 0)
		r = net_end_with_parent(sock);
	reply.result = r < 0 ? berth_error_sys(&reply.err, r, "join the container's network")
			     : n->fn(n->data, &reply.err);
	(void)fd_send_message(sock, &reply, sizeof(reply), NULL, 0);
	_exit(0);
}

int launch_in_net(const struct launch_in_net *n, struct berth_error *err)
{
	int sock[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return berth_error_sys(err, errno, "socketpair");
	pid = sys_clone3(CLONE_NEWPID, SIGCHLD, -1);
	if (pid == 0)
		net_run(n, sock[1]);
	(void)close(sock[1]);
	if (pid < 0) {
		r = berth_error_sys(err, -pid, "clone3");
	} else {
		r = visit_collect(sock[0], n->timeout_ms,
				  "its network has very many routes or rules",
				  "its network has more routes or rules than 1 GiB of memory and "
				  "20 s of processor time are enough for",
				  NULL, err);
		process_end(pid);
	}
	(void)close(sock[0]);
	return r;
}
