/*
 * seen.c - who answers for the CT's view (runtime/view/view.h): a child without any privilege. The monitor holds the
 * connection, so readers wait while there is nobody; that is for as long as a fork takes. Where it ends again and again the connection is
 * given up: then they get an error, and do not wait.
 */
#include "runtime/monitor/monitor.h"

#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/pidref.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SOON_MS = 1000,
	FAILURES_MAX = 20
};

static bool is_wanted(const struct monitor *m)
{
	return m->args.view_uid > 0 && m->args.view.fuse >= 0;
}

/* 0 where it cannot be told: then its CT has the host's boot time. */
static int64_t boot_offset(pid_t init)
{
	char path[64], text[256];
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/timens_offsets", init);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return view_clock_offset(text, "boottime");
}

/* For doctor, and for who begins a new monitor. */
static void tell(struct monitor *m)
{
	struct pidref who;
	char text[64];

	if (m->view_pid <= 0 || pidref_get(m->view_pid, &who) < 0) {
		(void)unlinkat(m->args.dir, "view", 0);
		return;
	}
	(void)snprintf(text, sizeof(text), "pid=%d\nstart=%llu\n", who.pid,
		       (unsigned long long)who.start_time);
	(void)file_replace_at(m->args.dir, "view", text, strlen(text), 0600, false);
}

void seen_begin(struct monitor *m)
{
	const struct view_serve s = {.fds = &m->args.view,
				     .uid = (uid_t)m->args.view_uid,
				     .boot_offset = boot_offset(m->args.init_pid),
				     .until = -1};
	pid_t pid;

	if (!is_wanted(m) || m->view_pid > 0 || m->exited)
		return;
	m->view_begun = m->now;
	pid = FAULT_POINT("view.begin") != 0 ? -1 : fork();
	if (pid == 0)
		view_serve(&s);
	m->view_pid = pid > 0 ? pid : 0;
	if (pid < 0)
		m->view_failures++;
	tell(m);
}

void seen_ended(struct monitor *m, int status)
{
	bool soon = m->now - m->view_begun < SOON_MS;

	m->view_pid = 0;
	m->view_failures = soon ? m->view_failures + 1 : 0;
	if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || m->view_failures > FAILURES_MAX)
		view_fds_close(&m->args.view);
	if (m->view_failures <= 1)
		seen_begin(m);
	else
		tell(m);
}

bool seen_is_due(const struct monitor *m)
{
	return is_wanted(m) && m->view_pid <= 0 && !m->exited;
}
