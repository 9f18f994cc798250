/* session_exec.c - a command in a CT, with pipes or on a pty of the CT. */
#include "runtime/cli/session.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/cli/session_loop.h"
#include "runtime/cli/session_term.h"
#include "runtime/cli/session_wire.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
	ROWS_DEFAULT = 24,
	COLS_DEFAULT = 80
};

/* A pipe whose end "ours" (0: the reading one) does not block. */
static int make_pipe(int ours, int pair[2])
{
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	return fcntl(pair[ours], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* ends: what the CT gets. */
static int make_pipes(struct session *s, int ends[3])
{
	for (int i = 0; i < 3; i++) {
		int pair[2];
		int ours = i == 0 ? 1 : 0;
		int r = make_pipe(ours, pair);

		if (r < 0)
			return r;
		ends[i] = pair[1 - ours];
		if (i == 0) {
			pump_init(&s->pumps[0], STDIN_FILENO, false, pair[ours], true);
			pump_lend(&s->pumps[0], pair[0]);
		} else {
			pump_init(&s->pumps[i], pair[ours], true, i, false);
		}
		s->n_pumps++;
	}
	return 0;
}

static int send_exec(struct session *s, const char *const *argv, const char *const *env,
		     const int *ends, struct berth_error *err)
{
	auto_close int args = wire_args(argv, env, err);
	struct mon_record r;
	int fds[4];

	if (args < 0)
		return args;
	mon_record_init(&r, MON_EXEC);
	fds[0] = args;
	if (ends == NULL) {
		r.a = 1;
		r.b = ROWS_DEFAULT;
		r.c = COLS_DEFAULT;
		session_window(s, &r.b, &r.c);
		return wire_send(s->sock, &r, fds, 1, s->ctid, err);
	}
	for (int i = 0; i < 3; i++)
		fds[1 + i] = ends[i];
	return wire_send(s->sock, &r, fds, 4, s->ctid, err);
}

static int exec_pipes(struct session *s, const char *const *argv, const char *const *env,
		      const char *what, struct berth_error *err)
{
	int ends[3] = {-1, -1, -1};
	int r = make_pipes(s, ends);

	if (r < 0)
		(void)berth_error_sys(err, r, "CT %u: make pipes", s->ctid);
	else
		r = send_exec(s, argv, env, ends, err);
	/* The command's copies are to be the only ones: else its end is never seen. */
	for (int i = 0; i < 3; i++)
		fd_close(&ends[i]);
	return r < 0 ? r : session_run(s, what, err);
}

/* What came out of the CT must be a pty master and nothing else. */
static int check_master(const struct session *s, struct berth_error *err)
{
	unsigned int number;
	struct stat st;

	if (fstat(s->master, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) ||
	    ioctl(s->master, TIOCGPTN, &number) < 0)
		return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				       "CT %u: its terminal is not a pty master", s->ctid);
	return 0;
}

static int receive_master(struct session *s, const char *what, struct berth_error *err)
{
	struct mon_record r;
	int e = wire_receive(s->sock, &r, &s->master, s->ctid, err);

	if (e < 0)
		return e;
	if (r.type == MON_ERROR)
		return wire_error(&r, BERTH_ERR_EXEC, s->ctid, what, err);
	if (r.type != MON_PTY || s->master < 0)
		return berth_error_set(err, BERTH_ERR_EXEC, ECHILD,
				       "CT %u: cannot %s: it ended before it had its terminal",
				       s->ctid, what);
	return check_master(s, err);
}

static int pump_master(struct session *s, struct berth_error *err)
{
	int in, out;

	if (fcntl(s->master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return berth_error_sys(err, errno, "CT %u: set up its terminal", s->ctid);
	in = fcntl(s->master, F_DUPFD_CLOEXEC, 3);
	out = fcntl(s->master, F_DUPFD_CLOEXEC, 3);
	pump_init(&s->pumps[0], STDIN_FILENO, false, in, true);
	pump_init(&s->pumps[1], out, true, STDOUT_FILENO, false);
	s->pumps[0].send_eof = true;
	s->n_pumps = 2;
	return 0;
}

static int exec_pty(struct session *s, const char *const *argv, const char *const *env,
		    const char *what, struct berth_error *err)
{
	struct term_saved term;
	int r = send_exec(s, argv, env, NULL, err);

	if (r == 0)
		r = receive_master(s, what, err);
	if (r == 0)
		r = pump_master(s, err);
	if (r < 0)
		return r;
	term_raw(STDIN_FILENO, &term);
	r = session_run(s, what, err);
	term_restore(&term);
	return r;
}

int session_exec(const struct berth_paths *p, uint32_t ctid, const char *const *argv,
		 const char *const *env, bool pty, int *ret_status, struct berth_error *err)
{
	auto_ptr(session_freep) struct session *s =
		session_new(pty ? SESSION_PTY : SESSION_PIPES, ctid, err);
	char what[160];
	int r;

	if (s == NULL)
		return err == NULL ? -ENOMEM : -err->sys;
	s->sock = wire_connect(p, ctid, err);
	if (s->sock < 0)
		return s->sock;
	(void)snprintf(what, sizeof(what), "run '%.140s'", argv[0]);
	r = pty ? exec_pty(s, argv, env, what, err) : exec_pipes(s, argv, env, what, err);
	if (r == 0)
		*ret_status = s->status;
	return r;
}
