/* mend.c - descriptors of other processes, taken by pidfd_getfd(2) and put right. */
#include "runtime/checkpoint/mend.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/pidref.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

/* linux/timerfd.h, which cannot be had beside sys/timerfd.h. */
#define SET_TICKS _IOW('T', 0, uint64_t)

static const char *after(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p == NULL ? NULL : p + strlen(key);
}

int mend_timer_parse(const char *fdinfo, struct mend_timer *ret)
{
	const char *ticks = after(fdinfo, "\nticks: "), *value = after(fdinfo, "\nit_value: ("),
		   *interval = after(fdinfo, "\nit_interval: (");
	struct mend_timer t;

	if (ticks == NULL || value == NULL || interval == NULL ||
	    parse_next(&ticks, "", 10, &t.ticks) < 0 ||
	    parse_next(&value, "", 10, &t.value[0]) < 0 ||
	    parse_next(&value, ", ", 10, &t.value[1]) < 0 ||
	    parse_next(&interval, "", 10, &t.interval[0]) < 0 ||
	    parse_next(&interval, ", ", 10, &t.interval[1]) < 0 || t.value[1] > 999999999 ||
	    t.interval[1] > 999999999 || t.interval[0] > INT64_MAX)
		return -EINVAL;
	*ret = t;
	return 0;
}

static int set_timer(int fd, const struct mend_timer *t)
{
	const struct timespec period = {.tv_sec = (time_t)t->interval[0],
					.tv_nsec = (long)t->interval[1]};
	const struct itimerspec next = {.it_interval = period, .it_value = period};

	if (timerfd_settime(fd, 0, &next, NULL) < 0)
		return -errno;
	/* That forgets what had expired. */
	if (t->ticks > 0 && ioctl(fd, SET_TICKS, &t->ticks) < 0)
		return -errno;
	return 1;
}

static int mend_timer(int proc_fd, int pidfd, const char *name)
{
	auto_close int fd = -EBADF;
	char path[64], text[1024];
	struct mend_timer t;
	int number, r;

	(void)snprintf(path, sizeof(path), "fdinfo/%.40s", name);
	r = file_read_line_at(proc_fd, path, text, sizeof(text));
	if (r < 0 || parse_int(name, &number) < 0)
		return r;
	if (mend_timer_parse(text, &t) < 0 || t.value[0] != 0 || t.value[1] != 0 ||
	    (t.interval[0] == 0 && t.interval[1] == 0))
		return 0;
	fd = pidfd_getfd(pidfd, number, 0);
	return fd < 0 ? -errno : set_timer(fd, &t);
}

static int mend_socket(int proc_fd, int pidfd, const char *name)
{
	auto_close int fd = -EBADF;
	int number, off = 0, is = 0;
	socklen_t len = sizeof(is);

	(void)proc_fd;
	if (parse_int(name, &number) < 0)
		return 0;
	fd = pidfd_getfd(pidfd, number, 0);
	if (fd < 0)
		return -errno;
	/* Any other socket refuses the question. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &is, &len) < 0 || is != TCP_REPAIR_ON)
		return 0;
	return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)) < 0 ? -errno : 1;
}

/* Each descriptor whose link begins so. */
static int each(pid_t pid, const char *what, int (*fn)(int proc_fd, int pidfd, const char *name))
{
	char path[32], link[64];
	auto_close int proc_fd = -EBADF, pidfd = pid_open(pid);
	auto_closedir DIR *d = NULL;
	struct dirent *e;
	int n = 0, r = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	proc_fd = dir_open_at(AT_FDCWD, path);
	if (pidfd < 0 || proc_fd < 0)
		return pidfd < 0 ? pidfd : proc_fd;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (d == NULL)
		return -errno;
	while (r >= 0 && (e = readdir(d)) != NULL) {
		ssize_t len = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);

		if (len < 0)
			continue;
		link[len] = '\0';
		if (strncmp(link, what, strlen(what)) == 0) {
			r = fn(proc_fd, pidfd, e->d_name);
			n += r > 0;
		}
	}
	return r < 0 ? r : n;
}

int mend_timers(pid_t pid)
{
	return each(pid, "anon_inode:[timerfd]", mend_timer);
}

int mend_sockets(pid_t pid)
{
	return each(pid, "socket:", mend_socket);
}
