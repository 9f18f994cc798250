/* session_console.c - a CT's console, live and its log. */
#include "runtime/cli/session.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/cli/session_loop.h"
#include "runtime/cli/session_term.h"
#include "runtime/cli/session_wire.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

struct typing {
	struct session *session;
	struct term_escape escape;
};

static size_t watch_escape(void *data, char *buf, size_t len)
{
	struct typing *t = data;

	return term_escape_feed(&t->escape, buf, len, &t->session->detach);
}

static int attach(struct session *s, struct berth_error *err)
{
	struct mon_record r;
	int pair[2], in, e;
	auto_close int theirs = -EBADF, fd = -EBADF;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return berth_error_sys(err, errno, "CT %u: make a socket", s->ctid);
	theirs = pair[1];
	(void)fcntl(pair[0], F_SETFL, O_RDWR | O_NONBLOCK);
	in = fcntl(pair[0], F_DUPFD_CLOEXEC, 3);
	pump_init(&s->pumps[0], STDIN_FILENO, false, in, true);
	pump_init(&s->pumps[1], pair[0], true, STDOUT_FILENO, false);
	s->n_pumps = 2;
	mon_record_init(&r, MON_CONSOLE);
	session_window(s, &r.b, &r.c);
	e = wire_send(s->sock, &r, &theirs, 1, s->ctid, err);
	if (e == 0)
		e = wire_receive(s->sock, &r, &fd, s->ctid, err);
	if (e < 0)
		return e;
	if (r.type == MON_ERROR)
		return wire_error(&r, r.a == EBUSY ? BERTH_ERR_LOCKED : BERTH_ERR_UNSUPPORTED,
				  s->ctid, "attach to its console", err);
	return 0;
}

int session_console(const struct berth_paths *p, uint32_t ctid, struct berth_error *err)
{
	auto_ptr(session_freep) struct session *s = session_new(SESSION_CONSOLE, ctid, err);
	struct typing typing = {.session = s};
	struct term_saved term;
	int r;

	if (s == NULL)
		return err == NULL ? -ENOMEM : -err->sys;
	s->sock = wire_connect(p, ctid, err);
	if (s->sock < 0)
		return s->sock;
	r = attach(s, err);
	if (r < 0)
		return r;
	s->pumps[0].filter = watch_escape;
	s->pumps[0].filter_data = &typing;
	term_raw(STDIN_FILENO, &term);
	r = session_run(s, "keep its console", err);
	term_restore(&term);
	return r;
}

static int show(int out_fd, bool clean, const char *text, size_t len, struct berth_error *err)
{
	char buf[4 * MON_TEXT_MAX];
	size_t n = clean ? term_clean(text, len, buf) : len;
	int r = fd_write_all(out_fd, clean ? buf : text, n);

	return r < 0 ? berth_error_sys(err, r, "write the console's log") : 0;
}

/* The files that the monitor keeps: the older one first. */
static int show_files(const struct berth_paths *p, uint32_t ctid, int out_fd, bool clean,
		      struct berth_error *err)
{
	static const char *const names[] = {"console.log.1", "console.log"};
	char path[BERTH_PATH_MAX], buf[MON_TEXT_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(p, ctid, path));
	int found = 0, r = 0;

	for (unsigned int i = 0; dir >= 0 && i < 2; i++) {
		auto_close int fd = openat(dir, names[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		ssize_t n;

		found += fd >= 0;
		while (fd >= 0 && r == 0 && (n = fd_read_all(fd, buf, sizeof(buf))) > 0)
			r = show(out_fd, clean, buf, (size_t)n, err);
	}
	if (r == 0 && found == 0)
		return -ENOENT;
	return r;
}

static int show_records(int sock, uint32_t ctid, int out_fd, bool clean, struct berth_error *err)
{
	struct mon_record r;
	int e;

	mon_record_init(&r, MON_CONSOLE_LOG);
	e = wire_send(sock, &r, NULL, 0, ctid, err);
	while (e == 0) {
		auto_close int fd = -EBADF;

		e = wire_receive(sock, &r, &fd, ctid, err);
		if (e < 0 || r.type == MON_END)
			break;
		if (r.type == MON_ERROR)
			return wire_error(&r, BERTH_ERR_SYSTEM, ctid, "read its console's log",
					  err);
		if (r.type == MON_DATA)
			e = show(out_fd, clean, r.text, (size_t)r.a, err);
	}
	return e;
}

int session_console_log(const struct berth_paths *p, uint32_t ctid, int out_fd, bool clean,
			struct berth_error *err)
{
	struct berth_error no_monitor = {0};
	auto_close int sock = wire_connect(p, ctid, &no_monitor);
	int r;

	if (sock >= 0)
		return show_records(sock, ctid, out_fd, clean, err);
	/* None, or a dead one (BERTH_ERR_HELPER). */
	r = no_monitor.code == BERTH_ERR_NOT_RUNNING || no_monitor.code == BERTH_ERR_HELPER
		    ? show_files(p, ctid, out_fd, clean, err)
		    : -ENOENT;
	if (r == -ENOENT)
		return berth_error_set(err, no_monitor.code, no_monitor.sys, "%s", no_monitor.msg);
	return r;
}
