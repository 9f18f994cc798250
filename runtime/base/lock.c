/* lock.c - one operation a CT. */
#include "runtime/base/lock.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int lock_refused(int fd, struct berth_error *err)
{
	char text[128] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	size_t pid_len = strcspn(text, "\n");
	const char *what = n > 0 && text[pid_len] == '\n' ? text + pid_len + 1 : "an operation";

	return berth_error_set(err, BERTH_ERR_LOCKED, EWOULDBLOCK,
			       "locked by %.*s (pid %.*s); try again when it has ended",
			       (int)strcspn(what, "\n"), what, (int)pid_len, text);
}

/* The file behind fd has lost its name: whoever comes next locks another one. */
static bool is_unlinked(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* Over the old text: a full tmpfs has no page for a new one. */
static bool name_holder(int fd, const char *what)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%d\n%.100s\n", getpid(), what);

	return pwrite(fd, text, (size_t)n, 0) == n && ftruncate(fd, n) == 0;
}

int lock_take(int dirfd, const char *name, const char *what, struct berth_error *err)
{
	auto_close int fd = -EBADF;
	int n;

	do {
		fd_close(&fd);
		n = fault_file("lock", name);
		if (n < 0)
			return berth_error_sys(err, n, "open lock file %s", name);
		fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return berth_error_sys(err, errno, "open lock file %s", name);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno == EWOULDBLOCK)
				return lock_refused(fd, err);
			return berth_error_sys(err, errno, "lock %s", name);
		}
	} while (is_unlinked(fd));
	(void)name_holder(fd, what);
	return take_fd(&fd);
}

int lock_is_held(int dirfd, const char *name)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : -errno;
}
