/* fd.c - files by directory descriptor. */
#include "runtime/base/fd.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum {
	FD_PASS_MAX = 16,
	RESERVE_FDS = 16
};

int fd_write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t fd_read_all(int fd, void *buf, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, (char *)buf + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* openat(2), at its point "open.NAME". */
static int open_file(int dirfd, const char *name, int flags, mode_t mode)
{
	int r = fault_file("open", name), fd;

	if (r < 0)
		return r;
	fd = openat(dirfd, name, flags, mode);
	return fd < 0 ? -errno : fd;
}

int file_read_at(int dirfd, const char *name, size_t max, char **ret, size_t *ret_len)
{
	auto_close int fd =
		open_file(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	auto_free char *buf = NULL;
	size_t size = 4096, got = 0;
	int r = fd < 0 ? fd : fault_file("read", name);

	if (r < 0)
		return r;
	for (;;) {
		char *bigger = realloc(buf, size + 1);
		ssize_t n;

		if (bigger == NULL)
			return -ENOMEM;
		buf = bigger;
		n = fd_read_all(fd, buf + got, size - got);
		if (n < 0)
			return (int)n;
		got += (size_t)n;
		if (got < size)
			break;
		if (size > max)
			return -EFBIG;
		size *= 2;
	}
	if (got > max)
		return -EFBIG;
	buf[got] = '\0';
	if (ret_len != NULL)
		*ret_len = got;
	*ret = take_ptr(buf);
	return 0;
}

/* The kernel gives a value whole, so that a last newline is its end and asking for more would be in vain. */
static ssize_t read_value(int fd, char *buf, size_t size)
{
	ssize_t n, more;

	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0 || ((size_t)n < size && buf[n - 1] == '\n'))
		return n;
	more = fd_read_all(fd, buf + n, size - (size_t)n);
	return more < 0 ? more : n + more;
}

static int read_text(int dirfd, const char *name, char *buf, size_t size,
		     ssize_t (*read_fd)(int fd, char *buf, size_t size))
{
	auto_close int fd =
		open_file(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	ssize_t n = fd < 0 ? fd : fault_file("read", name);

	if (n < 0)
		return (int)n;
	n = read_fd(fd, buf, size - 1);
	if (n < 0)
		return (int)n;
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return 0;
}

static ssize_t read_whole(int fd, char *buf, size_t size)
{
	return fd_read_all(fd, buf, size);
}

int file_read_line_at(int dirfd, const char *name, char *buf, size_t size)
{
	return read_text(dirfd, name, buf, size, read_whole);
}

int file_read_value_at(int dirfd, const char *name, char *buf, size_t size)
{
	return read_text(dirfd, name, buf, size, read_value);
}

bool file_is_cached(const char *path)
{
	const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				     .resolve = RESOLVE_CACHED};
	auto_close int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	char byte;
	struct iovec v = {&byte, 1};

	if (fd < 0)
		return errno != EAGAIN;
	return preadv2(fd, &v, 1, 0, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

int file_write_value_at(int dirfd, const char *name, const char *value)
{
	auto_close int fd = open_file(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0);
	int r = fd < 0 ? fd : fault_file("write", name);

	if (r < 0)
		return r;
	if (write(fd, value, strlen(value)) < 0)
		return -errno;
	return 0;
}

/* The new content must be on disk before the name points at it, and the name before we report. */
static int commit(int dirfd, int fd, const char *tmp, const char *name, unsigned int flags,
		  bool durable)
{
	int r = durable ? fault_file("fsync", name) : 0;

	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = fault_file("rename", name);
	if (r == 0 && renameat2(dirfd, tmp, dirfd, name, flags) < 0)
		r = -errno;
	if (r < 0)
		return r;
	r = durable ? fault_file("fsyncdir", name) : 0;
	if (r == 0 && durable && fsync(dirfd) < 0)
		r = -errno;
	/* A new file that is not on disk for sure is none; of a replaced one the old content is gone. */
	if (r < 0 && (flags & RENAME_NOREPLACE) != 0)
		(void)unlinkat(dirfd, name, 0);
	return r;
}

static int write_and_name(int dirfd, const char *name, const void *buf, size_t len, mode_t mode,
			  unsigned int flags, bool durable)
{
	char tmp[NAME_MAX + 1];
	auto_close int fd = -EBADF;
	int r;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.tmp", name) >= sizeof(tmp))
		return -ENAMETOOLONG;
	/* One writer a file: a leftover is ours, from a crash. */
	(void)unlinkat(dirfd, tmp, 0);
	fd = open_file(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return fd;
	r = fault_file("write", name);
	if (r == 0)
		r = fd_write_all(fd, buf, len);
	if (r == 0)
		r = commit(dirfd, fd, tmp, name, flags, durable);
	if (r < 0)
		(void)unlinkat(dirfd, tmp, 0);
	return r;
}

int file_replace_at(int dirfd, const char *name, const void *buf, size_t len, mode_t mode,
		    bool durable)
{
	return write_and_name(dirfd, name, buf, len, mode, 0, durable);
}

int file_create_at(int dirfd, const char *name, const void *buf, size_t len, mode_t mode,
		   bool durable)
{
	return write_and_name(dirfd, name, buf, len, mode, RENAME_NOREPLACE, durable);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int dir_make(const char *path, mode_t mode)
{
	char buf[PATH_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(buf))
		return -ENAMETOOLONG;
	memcpy(buf, path, len + 1);
	for (char *p = buf + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(buf, mode) < 0 && errno != EEXIST)
			return -errno;
		if (c == '\0')
			return is_directory(buf) ? 0 : -ENOTDIR;
		*p = c;
	}
}

int dir_open_at(int dirfd, const char *path)
{
	return open_file(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0);
}

DIR *dir_stream_at(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int e = errno;

	if (d == NULL && fd >= 0)
		(void)close(fd);
	errno = e;
	return d;
}

int file_unlink_at(int dirfd, const char *name)
{
	int r = fault_file("unlink", name);

	if (r == 0 && unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

/* A mount point below is refused, a bind mount of the same file system too: -EXDEV. */
static int dir_open_same_mount(int dirfd, const char *name)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

enum {
	EMPTY_TRIES = 3
};

static int tree_empty(int fd, int depth);

static int tree_entry_remove(int dirfd, const char *name, int depth)
{
	auto_close int fd = -EBADF;
	int e, r = fault_file("remove", name);

	if (r < 0)
		return r;
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	e = errno;
	if (e != EISDIR && e != EPERM)
		return -e;
	fd = dir_open_same_mount(dirfd, name);
	/* No directory after all: an immutable file, or no right to it. */
	if (fd == -ENOTDIR || fd == -ELOOP)
		return -e;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd; /* somebody else removes it too */
	/* A file that somebody replaces just then (a ledger) may come in behind the look. */
	for (int i = 0; i < EMPTY_TRIES; i++) {
		r = tree_empty(fd, depth + 1);
		if (r < 0)
			return r;
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY)
			return -errno;
	}
	return -ENOTEMPTY;
}

static int tree_empty(int fd, int depth)
{
	auto_closedir DIR *d = NULL;
	struct dirent *e;

	if (depth > 256)
		return -ELOOP;
	d = dir_stream_at(fd, ".");
	if (d == NULL)
		return -errno;
	while ((e = readdir(d)) != NULL) {
		int r;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = tree_entry_remove(fd, e->d_name, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

/* wait false: only begins to write. */
static int flush_files(int dirfd, bool wait)
{
	auto_closedir DIR *d = dir_stream_at(dirfd, ".");
	struct dirent *e;

	if (d == NULL)
		return -errno;
	while ((errno = 0, e = readdir(d)) != NULL) {
		auto_close int fd = -EBADF;
		struct stat st;

		if (fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (!S_ISREG(st.st_mode))
			continue;
		fd = openat(dirfd, e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 || (wait && fsync(fd) < 0))
			return -errno;
		if (!wait)
			(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	return -errno;
}

int dir_flush(int dirfd)
{
	int r = flush_files(dirfd, false);

	if (r == 0)
		r = flush_files(dirfd, true);
	return r == 0 && fsync(dirfd) < 0 ? -errno : r;
}

int tree_remove_at(int dirfd, const char *name)
{
	const char *slash = strrchr(name, '/');
	auto_close int parent = -EBADF;
	char path[PATH_MAX];

	if (slash == NULL)
		return tree_entry_remove(dirfd, name, 0);
	if ((size_t)snprintf(path, sizeof(path), "%.*s", (int)(slash - name + 1), name) >=
	    sizeof(path))
		return -ENAMETOOLONG;
	parent = openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return errno == ENOENT ? 0 : -errno;
	return tree_entry_remove(parent, slash + 1, 0);
}

int fd_send_message(int sock, const void *buf, size_t len, const int *fds, unsigned int n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	} control = {0};
	/* sendmsg(2) does not write through iov_base: the cast drops const, no more. */
	struct iovec iov = {.iov_base = (void *)(size_t)buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > FD_PASS_MAX)
		return -EINVAL;
	if (n_fds > 0) {
		struct cmsghdr *c;

		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	for (;;) {
		ssize_t n = sendmsg(sock, &msg, MSG_NOSIGNAL);

		if (n >= 0)
			return (size_t)n == len ? 0 : -EMSGSIZE;
		if (errno != EINTR)
			return -errno;
	}
}

static unsigned int collect_fds(struct msghdr *msg, int *out, unsigned int max)
{
	unsigned int n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < bytes / sizeof(int) && n < max; i++, n++)
			memcpy(&out[n], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
	return n;
}

ssize_t fd_recv_message(int sock, void *buf, size_t size, int *fds, unsigned int max_fds,
			unsigned int *ret_n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	} control = {0};
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.space,
			     .msg_controllen = sizeof(control.space)};
	int got[FD_PASS_MAX];
	unsigned int n_got;
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	n_got = collect_fds(&msg, got, FD_PASS_MAX);
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || n_got > max_fds) {
		for (unsigned int i = 0; i < n_got; i++)
			(void)close(got[i]);
		return -EBADMSG;
	}
	if (n_got > 0)
		memcpy(fds, got, n_got * sizeof(int));
	*ret_n_fds = n_got;
	return n;
}

ssize_t fd_recv_stream(int sock, void *buf, size_t size, int *fds, unsigned int max_fds,
		       unsigned int *ret_n_fds, bool *ret_cut)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	} control = {0};
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = max_fds > 0 ? control.space : NULL,
			     .msg_controllen = max_fds > 0 ? sizeof(control.space) : 0};
	int got[FD_PASS_MAX];
	unsigned int n_got;
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	n_got = max_fds > 0 ? collect_fds(&msg, got, FD_PASS_MAX) : 0;
	*ret_cut = (msg.msg_flags & MSG_CTRUNC) != 0 || n_got > max_fds;
	for (unsigned int i = 0; *ret_cut && i < n_got; i++)
		(void)close(got[i]);
	*ret_n_fds = *ret_cut ? 0 : n_got;
	if (*ret_n_fds > 0)
		memcpy(fds, got, n_got * sizeof(int));
	return n;
}

void fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -EBADF;
}

bool fd_is_reserve(int fd)
{
	struct rlimit l;

	return fd >= 0 && getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur != RLIM_INFINITY &&
	       (rlim_t)fd + RESERVE_FDS >= l.rlim_cur;
}
