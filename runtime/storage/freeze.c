/* freeze.c - FIFREEZE with a guard. */
#include "runtime/storage/freeze.h"

#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	AGAIN_MS = 10
};

/*
 * Nothing is done here but that: the pipe ends with whoever froze, which no signal ends before its freeze is complete. Until
 * then, that is, until each write(2) that is under way has ended, FITHAW is EINVAL: see freeze_super in the kernel's fs/super.c.
 */
static _Noreturn void guard_run(int mount_fd, int pipe_fd, unsigned int most_ms)
{
	int r = fd_wait(pipe_fd, POLLIN, most_ms);

	while (ioctl(mount_fd, FITHAW, 0) < 0 && r < 0)
		r = fd_wait(pipe_fd, POLLIN, AGAIN_MS);
	_exit(0);
}

static void guard_end(struct freeze *f)
{
	fd_close(&f->guard_pipe);
	(void)child_wait(f->guard, 10000, NULL);
}

int freeze_begin(int mount_fd, unsigned int most_ms, struct freeze *ret, struct berth_error *err)
{
	struct freeze f = {.mount_fd = mount_fd, .guard_pipe = -EBADF};
	int fds[2], sys;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	f.guard_pipe = fds[1];
	f.guard = fork();
	if (f.guard == 0) {
		(void)close(fds[1]);
		/* A terminal's interrupt is for who froze. */
		(void)setsid();
		guard_run(mount_fd, fds[0], most_ms);
	}
	(void)close(fds[0]);
	if (f.guard < 0) {
		sys = errno;
		fd_close(&f.guard_pipe);
		return berth_error_sys(err, sys, "fork");
	}
	f.at_ms = clock_now_ms();
	if (ioctl(mount_fd, FIFREEZE, 0) < 0) {
		sys = errno;
		/* Another's freeze is not ours to end. */
		(void)child_end(f.guard, 10000, NULL);
		fd_close(&f.guard_pipe);
		return berth_error_sys(err, sys, "freeze a volume's file system (FIFREEZE)");
	}
	*ret = f;
	return 0;
}

int freeze_end(struct freeze *f, uint64_t *ret_ms, struct berth_error *err)
{
	int r = ioctl(f->mount_fd, FITHAW, 0) < 0 ? -errno : 0;

	*ret_ms = clock_now_ms() - f->at_ms;
	guard_end(f);
	if (r == -EINVAL)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "its disk would have to stand still for too long");
	return r < 0 ? berth_error_sys(err, r, "thaw a volume's file system (FITHAW)") : 0;
}
