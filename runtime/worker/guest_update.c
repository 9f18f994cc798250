/* guest_update.c - changes hostname and DNS inside a running CT. */
#include "runtime/worker/guest_update.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/*
 * In the child. No path is resolved between joining the mount namespace and dropping to the CT's ids,
 * and the child cannot be traced by the tenant until it is one of them (security.md 2.1).
 */
static int update_inside(int init_pidfd, const struct guest_config *g, struct berth_error *err)
{
	auto_close int root = -EBADF;

	if (prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    setns(init_pidfd, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS) < 0 ||
	    setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return berth_error_sys(err, errno, "join the CT");
	if (g->hostname != NULL && sethostname(g->hostname, strlen(g->hostname)) < 0)
		return berth_error_sys(err, errno, "set the hostname");
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return berth_error_sys(err, errno, "open the CT's root");
	return guest_setup(root, g, err);
}

int guest_update(uint32_t ctid, const struct pidref *init, const struct guest_config *g,
		 struct berth_error *err)
{
	auto_close int init_fd = pidref_open(init);
	struct berth_error child_err = {0};
	int pipe_fds[2];
	ssize_t n;
	pid_t pid;

	if (init_fd < 0)
		return berth_error_sys(err, init_fd, "CT %u: open its init", ctid);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	pid = fork();
	if (pid == 0) {
		int r = update_inside(init_fd, g, &child_err);

		if (r < 0)
			(void)fd_write_all(pipe_fds[1], &child_err, sizeof(child_err));
		_exit(r < 0);
	}
	(void)close(pipe_fds[1]);
	n = pid < 0 ? -1 : fd_read_all(pipe_fds[0], &child_err, sizeof(child_err));
	(void)close(pipe_fds[0]);
	if (pid < 0)
		return berth_error_sys(err, errno, "fork");
	(void)waitpid(pid, NULL, 0);
	if (n == (ssize_t)sizeof(child_err)) {
		child_err.msg[sizeof(child_err.msg) - 1] = '\0';
		return berth_error_set(err, BERTH_ERR_EXEC, child_err.sys, "CT %u: %.300s", ctid,
				       child_err.msg);
	}
	return 0;
}
