/* exec.c - exec sessions: started by launch_enter, ours to reap, ended with their client. */
#include "runtime/monitor/monitor.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/monitor/wake.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

enum {
	REPLY_MAX = 256,
	ARGS_ONLY = 1,
	ARGS_AND_STDIO = 4
};

int exec_parse_failure(const char *buf, size_t len, int *ret_errno, char *text, size_t size)
{
	int32_t sys;
	size_t n;

	if (len < 1 + sizeof(sys) || buf[0] != 'E')
		return -EBADMSG;
	memcpy(&sys, buf + 1, sizeof(sys));
	if (sys <= 0)
		return -EBADMSG;
	n = strnlen(buf + 1 + sizeof(sys), len - 1 - sizeof(sys));
	if (n >= size)
		n = size - 1;
	memcpy(text, buf + 1 + sizeof(sys), n);
	text[n] = '\0';
	*ret_errno = sys;
	return 0;
}

/* A reply socket whose far end is the child's. Ours does not block. */
static int make_reply_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	return fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* launch_enter would wait for the thaw, and with it everybody else. */
static bool is_frozen(int cgroup)
{
	char text[128];

	return file_read_line_at(cgroup, "cgroup.events", text, sizeof(text)) == 0 &&
	       strstr(text, "frozen 1") != NULL;
}

static const char *refusal(const struct monitor *m, const struct mon_conn *c,
			   const struct mon_record *r, unsigned int n_fds, int *ret_errno)
{
	*ret_errno = EBUSY;
	if (!conn_may_exec(&m->table, c))
		return c->ran ? "one command a connection" : "512 commands run in it already";
	*ret_errno = EINVAL;
	if (n_fds != (r->a == 1 ? ARGS_ONLY : ARGS_AND_STDIO))
		return "wrong number of descriptors";
	*ret_errno = ENXIO;
	if (r->a == 1 && m->args.devpts < 0)
		return "no terminal: the monitor that held its devpts was killed; restart it";
	*ret_errno = ESRCH;
	if (m->exited)
		return "its init has exited";
	*ret_errno = EAGAIN;
	if (is_frozen(m->args.cgroup.unified))
		return "it is suspended; let it go on with: berth resume";
	return NULL;
}

static uint16_t clamp_size(int v)
{
	return v > 0 && v <= UINT16_MAX ? (uint16_t)v : 0;
}

/*
 * The CT owns the parent of the leaf and may remove it while no session runs. The descriptor of the
 * removed one still knows its parent; it is replaced under its own number.
 */
static int renew_leaf(int leaf)
{
	auto_close int inner = openat(leaf, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = -EBADF;

	if (inner < 0 || (mkdirat(inner, ".berth", 0755) < 0 && errno != EEXIST))
		return -errno;
	fd = openat(inner, ".berth", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 || dup3(fd, leaf, O_CLOEXEC) < 0 ? -errno : 0;
}

static int begin(struct monitor *m, struct mon_conn *c, const struct mon_record *r, const int *fds)
{
	struct launch_enter e = {
		.init_pidfd = m->args.init,
		.cgroup = &m->args.cgroup,
		.seccomp = m->seccomp,
		.devpts_fd = m->args.devpts,
		.pty = r->a == 1,
		.rows = clamp_size(r->b),
		.cols = clamp_size(r->c),
		.stdio = {fds[1], fds[2], fds[3]},
		.args_fd = fds[0],
	};
	int pair[2];
	auto_close int theirs = -EBADF;
	pid_t pid;
	int err = make_reply_pair(pair);

	if (err < 0)
		return err;
	theirs = pair[1];
	e.reply_fd = theirs;
	pid = launch_enter(&e);
	if (pid == -ENOENT && renew_leaf(m->args.cgroup.unified) == 0)
		pid = launch_enter(&e);
	if (pid < 0) {
		(void)close(pair[0]);
		return pid;
	}
	conn_session_begun(&m->table, c, pid, pair[0]);
	/* Should this fail, the reply is read when the child is reaped. */
	(void)wake_add(m->epoll, pair[0], EPOLLIN, WAKE_REPLY, conn_slot(&m->table, c));
	return 0;
}

void exec_begin(struct monitor *m, struct mon_conn *c, const struct mon_record *r, int *fds,
		unsigned int n_fds)
{
	int err;
	const char *why = refusal(m, c, r, n_fds, &err);

	if (why == NULL) {
		err = -begin(m, c, r, fds);
		why = err == EAGAIN ? "enter it: its numproc is used up; berth set CT --numproc N"
				      " gives it more"
				    : "enter it";
	}
	/* At once: the next session's child must not inherit the pipes of this one. */
	for (unsigned int i = 0; i < n_fds; i++)
		fd_close(&fds[i]);
	if (err != 0)
		monitor_send_error(m, c, err, why);
}

static void reply_close(struct monitor *m, struct mon_conn *c)
{
	if (c->reply < 0)
		return;
	wake_remove(m->epoll, c->reply);
	fd_close(&c->reply);
}

/* The child was in the CT when it sent it: only a real pty master goes on to the client. */
static bool is_pty_master(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 2);
}

static void reply_fd_take(struct monitor *m, struct mon_conn *c, int fd)
{
	struct mon_record r;

	mon_record_init(&r, MON_PTY);
	if (!is_pty_master(fd)) {
		c->failed = true;
		monitor_send_error(m, c, EBADMSG, "open a terminal in it");
		exec_signal(c, SIGKILL);
	} else {
		monitor_send(m, c, &r, fd);
	}
}

void exec_reply(struct monitor *m, struct mon_conn *c)
{
	char buf[REPLY_MAX], text[MON_TEXT_MAX];

	while (c->reply >= 0) {
		auto_close int fd = -EBADF;
		unsigned int n_fds = 0;
		ssize_t n = fd_recv_message(c->reply, buf, sizeof(buf), &fd, 1, &n_fds);
		int sys;

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			reply_close(m, c); /* the exec has happened */
			return;
		}
		if (n_fds == 1) {
			reply_fd_take(m, c, fd);
		} else if (exec_parse_failure(buf, (size_t)n, &sys, text, sizeof(text)) == 0) {
			c->failed = true;
			monitor_send_error(m, c, sys, text);
		}
	}
}

void exec_signal(const struct mon_conn *c, int sig)
{
	if (c->pid <= 0 || sig < 1 || sig > 64)
		return;
	/* It leads its group once it has made one; not reaped yet, so the pid is no one else's. */
	if (kill(-c->pid, sig) < 0)
		(void)kill(c->pid, sig);
}

static void session_ended(struct monitor *m, struct mon_conn *c, int status)
{
	struct mon_record r;

	/* First of all: the pid may be anybody's now and must not be signalled. */
	conn_session_ended(&m->table, c);
	exec_reply(m, c);
	reply_close(m, c);
	mon_record_init(&r, MON_EXIT);
	r.a = status;
	if (c->fd >= 0 && !c->failed)
		monitor_send(m, c, &r, -1);
	conn_release(&m->table, c);
}

void exec_reap(struct monitor *m)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		struct mon_conn *c = conn_by_pid(&m->table, pid);

		if (c != NULL)
			session_ended(m, c, status);
		else if (pid == m->args.init_pid && m->args.child && !m->exited)
			init_exit_record(m, true, status);
	}
}

void exec_kill_overdue(struct monitor *m)
{
	for (unsigned int i = 0; i < MON_CONNS && m->table.n_doomed > 0; i++) {
		struct mon_conn *c = &m->table.conns[i];

		if (!c->in_use || c->kill_at == 0 || c->kill_at > m->now)
			continue;
		exec_signal(c, SIGKILL);
		c->kill_at = 0;
	}
}
