/* spare.c - the worker that waits. */
#include "runtime/daemon/spare.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "runtime/wire/order.h"

#include <sys/socket.h>

void spare_keep(struct daemon *d)
{
	const char *argv[] = {d->worker_path, ORDER_WAIT, NULL, NULL, NULL};
	struct spawn_fds fds = {.out = -1, .err = STDERR_FILENO};
	int sv[2];
	pid_t pid;

	if (!d->keep_spare || d->spare_fd > 0)
		return;
	if (d->paths.root[0] != '\0') {
		argv[1] = "--root";
		argv[2] = d->paths.root;
		argv[3] = ORDER_WAIT;
	}
	if (FAULT_POINT("spare.socket") < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return;
	fds.in = sv[1];
	d->spare_fd = sv[0];
	if (spawn_program(argv, spawn_own_env(), &fds, &pid, &d->spare_pidfd, NULL) < 0)
		spare_drop(d);
	(void)close(sv[1]);
}

int spare_order(struct daemon *d, const char *const *argv, int report_fd, const int *keep,
		unsigned int n_keep, int *ret_pidfd)
{
	int fds[ORDER_FDS] = {report_fd};
	char buf[ORDER_SIZE];
	int len = order_pack(argv, buf), r;

	if (d->spare_fd <= 0)
		return -ECHILD;
	if (len < 0)
		return len;
	if (n_keep > ORDER_FDS - 1)
		return -E2BIG;
	for (unsigned int i = 0; i < n_keep; i++)
		fds[1 + i] = keep[i];
	r = fd_send_message(d->spare_fd, buf, (size_t)len, fds, 1 + n_keep);
	if (r >= 0 && d->spare_pidfd > 0) {
		*ret_pidfd = d->spare_pidfd;
		d->spare_pidfd = 0;
	}
	spare_drop(d);
	return r;
}

void spare_drop(struct daemon *d)
{
	if (d->spare_fd > 0)
		(void)close(d->spare_fd);
	d->spare_fd = 0;
	if (d->spare_pidfd > 0)
		(void)close(d->spare_pidfd);
	d->spare_pidfd = 0;
}
