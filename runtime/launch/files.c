/* files.c - the guest's files of a CT that does not run. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <sys/wait.h>

/*
 * In the child: from the host's root to the CT's, which owns what it writes. Should its caller be killed it
 * finishes all the same, and holds the CT's lock until then.
 */
static void write_as_root(int userns_fd, int root_fd, const struct guest_config *g,
			  struct berth_error *err)
{
	int r;

	if (setns(userns_fd, CLONE_NEWUSER) < 0) {
		(void)berth_error_sys(err, errno, "join the container's user namespace");
		return;
	}
	r = process_become_root();
	if (r < 0)
		(void)berth_error_sys(err, -r, "become root of the container's user namespace");
	else
		(void)guest_setup(root_fd, g, err);
}

int launch_write_files(int userns_fd, int root_fd, const struct guest_config *g,
		       struct berth_error *err)
{
	struct berth_error said = {0};
	int report[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	pid = sys_clone3(0, SIGCHLD, -1);
	if (pid == 0) {
		write_as_root(userns_fd, root_fd, g, &said);
		(void)fd_write_all(report[1], &said, sizeof(said));
		_exit(0);
	}
	(void)close(report[1]);
	n = pid < 0 ? 0 : fd_read_all(report[0], &said, sizeof(said));
	(void)close(report[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(said))
		return berth_error_sys(err, pid < 0 ? -pid : ECHILD,
				       "start the writer of the guest's files");
	if (said.sys != 0 && err != NULL)
		*err = said;
	return -said.sys;
}
