/* files.c - the guest's files of a CT that does not run. */
#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <poll.h>

enum {
	FILES_TIMEOUT_SEC = 60
};

/*
 * In the child: from the host's root to the CT's, which owns what it writes. Should its caller be killed it
 * finishes all the same, and holds the CT's lock until then.
 */
static void run_as_root(const struct launch_in_root *f, struct berth_error *err)
{
	int r;

	if (setns(f->userns_fd, CLONE_NEWUSER) < 0) {
		(void)berth_error_sys(err, errno, "join the container's user namespace");
		return;
	}
	r = process_become_root();
	if (r < 0)
		(void)berth_error_sys(err, -r, "become root of the container's user namespace");
	else
		(void)f->fn(f->data, f->root_fd, err);
}

static ssize_t hear(int fd, struct berth_error *said)
{
	if (fd_wait(fd, POLLIN, FILES_TIMEOUT_SEC * 1000) != 1)
		return -ETIMEDOUT;
	return fd_read_all(fd, said, sizeof(*said));
}

int launch_in_root(const struct launch_in_root *f, struct berth_error *err)
{
	struct berth_error said = {0};
	int report[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	pid = sys_clone3(0, SIGCHLD, -1);
	if (pid == 0) {
		run_as_root(f, &said);
		(void)fd_write_all(report[1], &said, sizeof(said));
		_exit(0);
	}
	(void)close(report[1]);
	n = pid < 0 ? 0 : hear(report[0], &said);
	(void)close(report[0]);
	if (pid > 0)
		process_end(pid);
	if (n == -ETIMEDOUT)
		return berth_error_set(
			err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
			"writing the container's own files took more than %d seconds",
			(int)FILES_TIMEOUT_SEC);
	if (n != (ssize_t)sizeof(said))
		return berth_error_sys(err, pid < 0 ? -pid : ECHILD,
				       "start the process that writes the container's own files");
	if (said.sys != 0 && err != NULL)
		*err = said;
	return -said.sys;
}

static int write_files(void *data, int root_fd, struct berth_error *err)
{
	const struct guest_config *g = data;
	int r = guest_setup(root_fd, g, err);

	return r == 0 ? guest_check_resolver(root_fd, g, err) : r;
}

int launch_write_files(int userns_fd, int root_fd, const struct guest_config *g,
		       struct berth_error *err)
{
	struct guest_config copy = *g;

	return launch_in_root(&(struct launch_in_root){.userns_fd = userns_fd,
						       .root_fd = root_fd,
						       .fn = write_files,
						       .data = &copy},
			      err);
}
