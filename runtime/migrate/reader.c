/* reader.c - starts the confined reader and hears what it says. */
#include "runtime/migrate/reader.h"

#include "runtime/base/child.h"
#include "runtime/base/fd.h"
#include "runtime/migrate/confine.h"
#include "runtime/migrate/message.h"
#include "runtime/migrate/reader_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	END_MS = 10000,
	GRACE_MS = 5000 /* beyond what the source has: its own words tell more */
};

typedef int child_fn(const struct reader_order *o, int report_fd);

static void child_run(const struct reader_order *o, int report_fd, child_fn *fn)
{
	const struct confine c = {.uid = o->uid,
				  .file_bytes = o->file_bytes,
				  .fds = {o->in, o->out, report_fd, o->file}};
	int r = confine_self(&c);

	if (r < 0) {
		struct berth_error err;

		(void)berth_error_sys(&err, r, "confine the process that reads the stream");
		reader_report(report_fd, READER_FAILED, 0, &err);
		_exit(1);
	}
	_exit(fn(o, report_fd) < 0);
}

static int start(const struct reader_order *o, child_fn *fn, struct reader *ret,
		 struct berth_error *err)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	pid = fork();
	if (pid == 0)
		child_run(o, p[1], fn);
	(void)close(p[1]);
	if (pid < 0) {
		int e = errno;

		(void)close(p[0]);
		return berth_error_sys(err, e, "fork the process that reads the stream");
	}
	*ret = (struct reader){.pid = pid,
			       .report_fd = p[0],
			       .quiet_ms = o->quiet_ms + GRACE_MS,
			       .pause_ms =
				       (o->pause_ms != 0 ? o->pause_ms : o->quiet_ms) + GRACE_MS};
	return 0;
}

int reader_start_offer(const struct reader_order *o, struct reader *ret, struct berth_error *err)
{
	return start(o, reader_child_offer, ret, err);
}

int reader_start_blocks(const struct reader_order *o, struct reader *ret, struct berth_error *err)
{
	return start(o, reader_child_blocks, ret, err);
}

int reader_start_word(const struct reader_order *o, struct reader *ret, struct berth_error *err)
{
	return start(o, reader_child_word, ret, err);
}

int reader_next(struct reader *r, enum reader_said *ret, uint64_t *ret_bytes,
		struct berth_error *err)
{
	struct reader_report m;
	char text[MESSAGE_REASON_MAX];
	unsigned int quiet_ms = r->pauses ? r->pause_ms : r->quiet_ms;
	int w = fd_wait(r->report_fd, POLLIN, quiet_ms);
	ssize_t n = w <= 0 ? w : read(r->report_fd, &m, sizeof(m));

	if (w == 0)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "the stream has not gone on for %u s", quiet_ms / 1000);
	/* One write below PIPE_BUF is never torn. */
	if (n != (ssize_t)sizeof(m) || m.kind > READER_FAILED)
		return berth_error_set(err, BERTH_ERR_HELPER, ECHILD,
				       "the process that reads the stream has died");
	*ret = (enum reader_said)m.kind;
	*ret_bytes = m.bytes;
	r->pauses = *ret == READER_ROUND;
	if (*ret != READER_FAILED && *ret != READER_ABORT)
		return 0;
	m.text[sizeof(m.text) - 1] = '\0';
	message_reason(m.text, text);
	if (*ret == READER_ABORT)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, ECANCELED,
				       "the source keeps it: %s", text);
	return berth_error_set(err,
			       m.code > BERTH_OK && m.code < BERTH_ERR_MAX
				       ? (enum berth_errcode)m.code
				       : BERTH_ERR_PROTOCOL,
			       m.sys > 0 && m.sys < 4096 ? (int)m.sys : EIO, "%s", text);
}

void reader_end(struct reader *r)
{
	if (r->pid <= 0)
		return;
	(void)child_end(r->pid, END_MS, NULL);
	fd_close(&r->report_fd);
	r->pid = 0;
}
