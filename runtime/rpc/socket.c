/* socket.c - unix sockets at paths of any length. */
#include "runtime/rpc/impl.h"

#include "runtime/base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
	LISTEN_BACKLOG = 128
};

/* The address of NAME in the directory dirfd: sun_path is too short for many real paths. */
static int address_make(int dirfd, const char *name, struct sockaddr_un *ret)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dirfd, name);

	if (n < 0 || (size_t)n >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	*ret = a;
	return 0;
}

/* Opens the directory of path; *ret_name points at the last part of path. */
static int parent_open(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int n, fd;

	if (slash == NULL || slash[1] == '\0')
		return -EINVAL;
	n = snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1), path);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return -ENAMETOOLONG;
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_name = slash + 1;
	return fd;
}

/* Made under another name and renamed: whoever finds the socket finds it ready, with its owner. */
static int socket_publish(int fd, int dirfd, const char *name, gid_t gid)
{
	struct sockaddr_un address;
	char tmp[64];
	int n = snprintf(tmp, sizeof(tmp), "%s.new", name);
	int r;

	if (n < 0 || (size_t)n >= sizeof(tmp))
		return -ENAMETOOLONG;
	r = address_make(dirfd, tmp, &address);
	if (r < 0)
		return r;
	(void)unlinkat(dirfd, tmp, 0);
	/* bind(2) takes the mode of the new file from the socket's own. */
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (fchownat(dirfd, tmp, 0, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dirfd, tmp, 0660, 0) < 0 || listen(fd, LISTEN_BACKLOG) < 0 ||
	    renameat(dirfd, tmp, dirfd, name) < 0) {
		r = -errno;
		(void)unlinkat(dirfd, tmp, 0);
		return r;
	}
	return 0;
}

int socket_listen(const char *path, gid_t gid, struct berth_error *err)
{
	const char *name = NULL;
	auto_close int dirfd = parent_open(path, &name);
	auto_close int fd = -EBADF;
	struct stat st;
	int r;

	if (dirfd < 0)
		return berth_error_sys(err, dirfd, "open the directory of the socket %s", path);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISSOCK(st.st_mode))
		return berth_error_set(err, BERTH_ERR_SYSTEM, EEXIST,
				       "%s is in the way of berthd's socket and is no socket; "
				       "move it away",
				       path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return berth_error_sys(err, errno, "make a unix socket");
	r = socket_publish(fd, dirfd, name, gid);
	if (r < 0)
		return berth_error_sys(err, r, "listen at %s", path);
	return take_fd(&fd);
}

static int connect_as(const char *path, int flags, unsigned int limit_s)
{
	const struct timeval limit = {.tv_sec = limit_s}; /* 0: none; see socket(7) */
	const char *name = NULL;
	auto_close int dirfd = parent_open(path, &name);
	auto_close int fd = -EBADF;
	struct sockaddr_un address;
	int r;

	if (dirfd < 0)
		return dirfd;
	r = address_make(dirfd, name, &address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return take_fd(&fd);
}

int socket_connect(const char *path)
{
	return connect_as(path, 0, 0);
}

int socket_connect_within(const char *path, unsigned int limit_s)
{
	return connect_as(path, 0, limit_s);
}

int socket_connect_at_once(const char *path)
{
	return connect_as(path, SOCK_NONBLOCK, 0);
}
