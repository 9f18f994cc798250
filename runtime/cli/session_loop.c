/* session_loop.c - the loop of a client session. */
#include "runtime/cli/session_loop.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/cli/session_wire.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

/*
 * After the end, what lies in a pipe is all that the command wrote. A pty's bytes may come a
 * moment later, and a background process may go on writing: hence a bound on bytes and time.
 */
enum {
	PTY_REST_MAX = 1 << 20,
	REST_WAIT_MS = 50
};

static int take_signals(struct session *s)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	(void)sigemptyset(&set);
	for (unsigned int i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		(void)sigaddset(&set, taken[i]);
	if (sigprocmask(SIG_BLOCK, &set, &s->old_mask) < 0)
		return -errno;
	(void)sigaction(SIGPIPE, &ignore, &s->old_pipe);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? -errno : 0;
}

struct session *session_new(enum session_kind kind, uint32_t ctid, struct berth_error *err)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL) {
		(void)berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory");
		return NULL;
	}
	s->kind = kind;
	s->ctid = ctid;
	s->sock = s->master = s->winsize_fd = -1;
	r = take_signals(s);
	if (r < 0) {
		(void)berth_error_sys(err, r, "CT %u: take signals", ctid);
		session_free(s);
		return NULL;
	}
	for (int fd = 0; fd < 3 && s->winsize_fd < 0; fd++)
		if (isatty(fd))
			s->winsize_fd = fd;
	return s;
}

void session_free(struct session *s)
{
	struct signalfd_siginfo info;

	if (s == NULL)
		return;
	for (unsigned int i = 0; i < s->n_pumps; i++)
		pump_close(&s->pumps[i]);
	fd_close(&s->master);
	fd_close(&s->sock);
	/* What came meanwhile was meant for the session. */
	while (s->signals >= 0 && read(s->signals, &info, sizeof(info)) > 0)
		;
	fd_close(&s->signals);
	(void)sigaction(SIGPIPE, &s->old_pipe, NULL);
	(void)sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
	free(s);
}

void session_window(const struct session *s, int32_t *ret_rows, int32_t *ret_cols)
{
	struct winsize w;

	if (s->winsize_fd < 0 || ioctl(s->winsize_fd, TIOCGWINSZ, &w) < 0)
		return;
	*ret_rows = w.ws_row;
	*ret_cols = w.ws_col;
}

static int resize(const struct session *s, struct berth_error *err)
{
	struct mon_record r;

	mon_record_init(&r, MON_RESIZE);
	session_window(s, &r.b, &r.c);
	if (s->kind == SESSION_CONSOLE && r.b > 0)
		return wire_send(s->sock, &r, NULL, 0, s->ctid, err);
	if (s->kind == SESSION_PTY && r.b > 0) {
		struct winsize w = {.ws_row = (unsigned short)r.b, .ws_col = (unsigned short)r.c};

		(void)ioctl(s->master, TIOCSWINSZ, &w);
	}
	return 0;
}

/* From here on only what is under way is still copied out. */
static void begin_end(struct session *s, int status)
{
	s->ended = true;
	s->status = status;
	for (unsigned int i = 0; i < s->n_pumps; i++) {
		if (i == 0)
			pump_close(&s->pumps[0]);
		else
			pump_finish(&s->pumps[i], s->kind == SESSION_PIPES ? 0 : PTY_REST_MAX);
	}
}

static int on_signal(struct session *s, struct berth_error *err)
{
	struct signalfd_siginfo info;
	struct mon_record r;

	if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	if (info.ssi_signo == SIGWINCH)
		return resize(s, err);
	if (s->kind != SESSION_PIPES) {
		/* The terminal has gone or we are to go; hanging up ends the command. */
		begin_end(s, (int)info.ssi_signo);
		return 0;
	}
	mon_record_init(&r, MON_SIGNAL);
	r.a = (int32_t)info.ssi_signo;
	return wire_send(s->sock, &r, NULL, 0, s->ctid, err);
}

static int on_record(struct session *s, const char *what, struct berth_error *err)
{
	struct mon_record r;
	auto_close int fd = -EBADF;
	int e = wire_receive(s->sock, &r, &fd, s->ctid, err);

	if (e == -ESRCH && s->kind == SESSION_CONSOLE) {
		begin_end(s, 0); /* the CT has stopped: a console ends like that */
		return 0;
	}
	if (e < 0)
		return e;
	if (r.type == MON_ERROR)
		return wire_error(&r, BERTH_ERR_EXEC, s->ctid, what, err);
	if (r.type == MON_EXIT)
		begin_end(s, r.a);
	return 0;
}

static bool is_drained(const struct session *s)
{
	for (unsigned int i = 1; i < s->n_pumps; i++)
		if (!pump_is_done(&s->pumps[i]))
			return false;
	return true;
}

static bool holds_bytes(const struct session *s)
{
	for (unsigned int i = 1; i < s->n_pumps; i++)
		if (s->pumps[i].to >= 0 && s->pumps[i].done < s->pumps[i].len)
			return true;
	return false;
}

enum {
	AT_SOCK,
	AT_SIGNALS,
	AT_PUMPS,
	N_FDS = AT_PUMPS + 6
};

static int wait_for(const struct session *s, struct pollfd fds[N_FDS])
{
	int timeout = s->ended && !holds_bytes(s) ? REST_WAIT_MS : -1;
	int n;

	fds[AT_SOCK] = (struct pollfd){.fd = s->ended ? -1 : s->sock, .events = POLLIN};
	fds[AT_SIGNALS] = (struct pollfd){.fd = s->signals, .events = POLLIN};
	for (unsigned int i = 0; i < s->n_pumps; i++)
		pump_want(&s->pumps[i], &fds[AT_PUMPS + 2 * i]);
	do {
		n = poll(fds, AT_PUMPS + 2 * s->n_pumps, timeout);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int session_run(struct session *s, const char *what, struct berth_error *err)
{
	struct pollfd fds[N_FDS];
	int r;

	while (!s->detach && !(s->ended && is_drained(s))) {
		r = wait_for(s, fds);
		if (r < 0)
			return berth_error_sys(err, r, "CT %u: wait", s->ctid);
		if (r == 0)
			break;
		/* Bytes first: the end of the command is told after its last output. */
		for (unsigned int i = 0; i < s->n_pumps; i++)
			pump_run(&s->pumps[i], &fds[AT_PUMPS + 2 * i]);
		if (fds[AT_SIGNALS].revents != 0) {
			if (s->ended)
				break;
			r = on_signal(s, err);
			if (r < 0)
				return r;
		}
		if (!s->ended && fds[AT_SOCK].revents != 0) {
			r = on_record(s, what, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}
