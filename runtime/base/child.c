/* child.c - waiting with a limit. */
#include "runtime/base/child.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/ev.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

int fd_wait(int fd, short events, unsigned int ms)
{
	uint64_t now = ev_now_ms(), end = now + ms;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		uint64_t left = end > now ? end - now : 0;
		int r = poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX);

		if (r > 0)
			return 1;
		if (r < 0 && errno != EINTR)
			return -errno;
		now = ev_now_ms();
		if (now >= end)
			return 0;
	}
}

static int reap(pid_t pid, int *ret_status)
{
	int status = 0;
	pid_t r;

	do
		r = waitpid(pid, &status, WNOHANG | __WALL);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	if (r == 0)
		return -ETIMEDOUT;
	if (ret_status != NULL)
		*ret_status = status;
	return 0;
}

int child_wait(pid_t pid, unsigned int ms, int *ret_status)
{
	auto_close int fd = -EBADF;
	int r = reap(pid, ret_status);

	if (r != -ETIMEDOUT)
		return r;
	fd = pidfd_open(pid, 0);
	if (fd < 0)
		return -errno;
	r = fd_wait(fd, POLLIN, ms);
	return r < 0 ? r : reap(pid, ret_status);
}

int child_end(pid_t pid, unsigned int ms, int *ret_status)
{
	(void)kill(pid, SIGKILL);
	return child_wait(pid, ms, ret_status);
}
