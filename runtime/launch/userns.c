/*
 * userns.c - the user namespace of a CT.
 *
 * Its maker has the effective ids of the CT's mapped root. The kernel charges namespaces, inotify
 * watches and the like of the CT to (owner, parent namespace) as well; with root as the common
 * owner one CT could use up what all others need.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* The child: makes the namespace, says so with an errno (0 is success), waits for the end of file. */
static _Noreturn void userns_child(uint32_t id_base, int sock)
{
	int32_t status = 0;
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (setresgid((gid_t)-1, id_base, (gid_t)-1) < 0 ||
	    setresuid((uid_t)-1, id_base, (uid_t)-1) < 0)
		status = errno;
	/* Hosts that forbid user namespaces to users still allow them to CAP_SYS_ADMIN. */
	if (status == 0)
		status = -caps_raise_effective();
	if (status == 0 && unshare(CLONE_NEWUSER) < 0)
		status = errno;
	if (write(sock, &status, sizeof(status)) == (ssize_t)sizeof(status))
		(void)fd_read_all(sock, &c, 1);
	_exit(0);
}

static int write_maps(int proc_fd, uint32_t id_base)
{
	char map[64];
	int r;

	(void)snprintf(map, sizeof(map), "0 %u %u\n", id_base, (unsigned int)IDMAP_SIZE);
	r = file_write_value_at(proc_fd, "uid_map", map);
	if (r == 0)
		r = file_write_value_at(proc_fd, "gid_map", map);
	return r;
}

/* The parent's half: sock is its end, pid the child. */
static int userns_finish(pid_t pid, int sock, uint32_t id_base, int *ret, struct berth_error *err)
{
	auto_close int proc_fd = -EBADF;
	char path[32];
	int32_t status;
	int fd, r;

	if (fd_read_all(sock, &status, sizeof(status)) != (ssize_t)sizeof(status))
		return berth_error_sys(err, ECHILD, "make a user namespace: the child died");
	if (status != 0)
		return berth_error_sys(err, status,
				       "make a user namespace as uid %u (see "
				       "/proc/sys/user/max_user_namespaces)",
				       id_base);
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	proc_fd = dir_open_at(AT_FDCWD, path);
	if (proc_fd < 0)
		return berth_error_sys(err, -proc_fd, "open %s", path);
	r = write_maps(proc_fd, id_base);
	if (r < 0)
		return berth_error_sys(err, -r, "map ids %u to %u in %s/uid_map", id_base,
				       id_base + IDMAP_SIZE - 1, path);
	fd = openat(proc_fd, "ns/user", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return berth_error_sys(err, errno, "open %s/ns/user", path);
	*ret = fd;
	return 0;
}

int launch_userns(uint32_t id_base, int *ret_userns_fd, struct berth_error *err)
{
	int sv[2], r;
	pid_t pid;

	if (id_base < IDMAP_BASE_MIN || id_base > UINT32_MAX - IDMAP_SIZE)
		return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
				       "id base %u: not in %d..%u, the host's own ids", id_base,
				       (int)IDMAP_BASE_MIN, UINT32_MAX - IDMAP_SIZE);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return berth_error_sys(err, errno, "make a user namespace: socketpair");
	pid = sys_clone3(0, SIGCHLD, -1);
	if (pid == 0) {
		(void)close(sv[0]);
		userns_child(id_base, sv[1]);
	}
	(void)close(sv[1]);
	if (pid < 0)
		r = berth_error_sys(err, -pid, "make a user namespace: clone3");
	else
		r = userns_finish(pid, sv[0], id_base, ret_userns_fd, err);
	(void)close(sv[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
