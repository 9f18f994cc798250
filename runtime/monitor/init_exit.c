/* init_exit.c - how the CT's init ended: found out once, written to RUNDIR/exit, told to everybody. */
#include "runtime/monitor/monitor.h"

#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/pidref.h"
#include "runtime/base/value.h"
#include "runtime/monitor/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

/* linux/pidfd.h of 6.15; older headers do not have it. */
enum {
	INFO_EXIT = 1 << 3
};

struct info {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t pids_and_ids[11];
	int32_t exit_code;
};

#define GET_INFO _IOWR(0xFF, 11, struct info)

static void write_record(struct monitor *m)
{
	char text[64];
	size_t used = 0;

	(void)value_put_u64(text, sizeof(text), &used, "wait_status", (uint64_t)m->exit_status);
	(void)value_put_u64(text, sizeof(text), &used, "known", m->exit_known ? 1 : 0);
	/* /run is a tmpfs: nothing to sync. A full one leaves it "unknown", as if we had died. */
	(void)file_replace_at(m->args.dir, "exit", text, used, 0600, false);
}

void init_exit_record(struct monitor *m, bool known, int wait_status)
{
	m->exited = true;
	m->exit_known = known;
	m->exit_status = known ? wait_status : 0;
	m->exit_asked = false;
	m->exit_deadline = m->now + MON_EXIT_WAIT_MS;
	console_drain(&m->console);
	write_record(m);
	monitor_push_state(m);
}

/* Only once its real parent has reaped it, and since Linux 6.15. */
static int ask_kernel(int pidfd, int *ret_status)
{
	struct info info = {.mask = INFO_EXIT};

	if (ioctl(pidfd, GET_INFO, &info) < 0)
		return -errno;
	if ((info.mask & INFO_EXIT) == 0)
		return -EAGAIN;
	*ret_status = info.exit_code;
	return 0;
}

int init_exit_parse_stat(const char *stat, uint64_t start_time, int *ret_status)
{
	const char *state = strrchr(stat, ')'), *last = strrchr(stat, ' ');
	uint64_t start;
	int code;

	/* pidref_parse_stat has checked that there are blanks behind the ')'. */
	if (pidref_parse_stat(stat, &start) < 0 || parse_int(last + 1, &code) < 0 || code < 0)
		return -EINVAL;
	if (start != start_time)
		return -ESRCH;
	if (state[2] != 'Z')
		return -EAGAIN;
	*ret_status = code;
	return 0;
}

/* As long as its parent has not reaped it, its status can be read there, in any kernel. */
static int ask_proc(const struct monitor *m, int *ret_status)
{
	char path[40], text[1024];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", m->args.init_pid);
	r = file_read_line_at(AT_FDCWD, path, text, sizeof(text));
	return r < 0 ? r : init_exit_parse_stat(text, m->init_start, ret_status);
}

void init_exit_probe(struct monitor *m)
{
	int status, r;

	if (m->exited)
		return;
	if (!m->exit_asked) {
		/* It stays readable for ever: from here on the ticks ask. */
		wake_remove(m->epoll, m->args.init);
		m->exit_asked = true;
		m->exit_deadline = m->now + MON_PROBE_MS;
	}
	exec_reap(m);
	if (m->exited)
		return;
	r = ask_proc(m, &status);
	if (r < 0)
		r = ask_kernel(m->args.init, &status);
	if (r == 0)
		init_exit_record(m, true, status);
	else if (m->now >= m->exit_deadline || r == -ENOTTY || r == -EINVAL)
		init_exit_record(m, false, 0);
}
