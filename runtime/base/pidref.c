/* pidref.c - a process that cannot be mistaken for another. */
#include "runtime/base/pidref.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

int pidref_parse_stat(const char *stat, uint64_t *ret_start_time)
{
	/* Field 2 is the name in parentheses and may hold anything, even ") ": the last ')' ends it. */
	const char *p = strrchr(stat, ')');
	char word[24];

	if (p == NULL)
		return -EINVAL;
	p++;
	for (int field = 3; field <= 22; field++) {
		size_t len;

		if (*p != ' ')
			return -EINVAL;
		p++;
		len = strcspn(p, " \n");
		if (field == 22) {
			if (len == 0 || len >= sizeof(word))
				return -EINVAL;
			memcpy(word, p, len);
			word[len] = '\0';
			return parse_u64(word, ret_start_time);
		}
		p += len;
	}
	return -EINVAL;
}

int pidref_get(pid_t pid, struct pidref *ref)
{
	char path[40], text[1024];
	uint64_t start;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = file_read_line_at(AT_FDCWD, path, text, sizeof(text));
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	r = pidref_parse_stat(text, &start);
	if (r < 0)
		return r;
	ref->pid = pid;
	ref->start_time = start;
	return 0;
}

int pid_open(pid_t pid)
{
	int fd = pidfd_open(pid, 0), r = fd < 0 ? -errno : fd;

	/*
	 * A number that no process has any more, while a session or group of others still goes by it: EINVAL, on newer
	 * kernels ENOENT. With a number above 0 and no flags there is nothing else that they could mean.
	 */
	return pid > 0 && (r == -EINVAL || r == -ENOENT) ? -ESRCH : r;
}

int pidref_open(const struct pidref *ref)
{
	auto_close int fd = -EBADF;
	struct pidref now;
	int r;

	if (ref->pid <= 0)
		return -ESRCH;
	r = FAULT_POINT("pidfd_open");
	if (r < 0)
		return r;
	fd = pid_open(ref->pid);
	if (fd < 0)
		return fd;
	/* The pidfd holds the pid now: what we read is about the same process. */
	r = pidref_get(ref->pid, &now);
	/* A /proc that does not show it, while the kernel has it, tells nothing. */
	if (r == -ESRCH && pidfd_send_signal(fd, 0, NULL, 0) == 0)
		return -EIO;
	if (r < 0)
		return r;
	if (now.start_time != ref->start_time)
		return -ESRCH;
	return take_fd(&fd);
}

int pidref_runs(const struct pidref *ref)
{
	auto_close int fd = pidref_open(ref);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	if (poll(&p, 1, 0) < 0)
		return -errno;
	return (p.revents & POLLIN) == 0;
}

int boot_id_read(char buf[BOOT_ID_LEN + 1])
{
	return file_read_line_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", buf, BOOT_ID_LEN + 1);
}
