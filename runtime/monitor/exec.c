/*
 * exec.c - exec sessions: brought into the CT by launch_enter_*, ours to reap, ended with their client. The way in
 * may take any time, or for ever; nothing waits for it but its own client.
 */
#include "runtime/monitor/monitor.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/sys.h"
#include "runtime/monitor/wake.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
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

/* The helper would stand still until the thaw. */
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
		return "it is frozen; berthd or the host's admin must thaw it first "
		       "(cgroup.freeze)";
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

/*
 * A directory for one more cgroup is not always to be had: the CT may have used up its own. Init's has room for
 * one more process at any time. Found below the CT's, whatever /proc says. A descriptor or -errno.
 */
static int init_cgroup(const struct monitor *m)
{
	auto_close int inner =
		openat(m->args.cgroup.unified, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char file[32], text[4096];
	auto_close int fd = -EBADF;
	const char *line, *path;
	ssize_t n;

	(void)snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)m->args.init_pid);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	n = inner < 0 || fd < 0 ? -1 : fd_read_all(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	path = line == NULL ? NULL : strstr(line, "/inner");
	if (path == NULL)
		return -ENOENT;
	path += strlen("/inner");
	text[(size_t)(path - text) + strcspn(path, "\n")] = '\0';
	path += strspn(path, "/");
	return sys_openat2(inner, *path != '\0' ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC,
			   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/* Where the leaf is gone and cannot be made again. */
static int enter_beside_init(const struct monitor *m, struct launch_enter *e,
			     struct launch_entering *ret)
{
	struct cg_attach beside = m->args.cgroup;
	int r;

	beside.unified = init_cgroup(m);
	if (beside.unified < 0)
		return beside.unified;
	e->cgroup = &beside;
	r = launch_enter_begin(e, ret);
	e->cgroup = &m->args.cgroup;
	(void)close(beside.unified);
	return r;
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
	struct launch_entering entering;
	int pair[2];
	auto_close int theirs = -EBADF;
	int err = make_reply_pair(pair);

	if (err < 0)
		return err;
	theirs = pair[1];
	e.reply_fd = theirs;
	err = launch_enter_begin(&e, &entering);
	if (err == -ENOENT)
		err = renew_leaf(m->args.cgroup.unified) == 0 ? launch_enter_begin(&e, &entering)
							      : enter_beside_init(m, &e, &entering);
	if (err < 0) {
		(void)close(pair[0]);
		return err;
	}
	conn_session_begun(&m->table, c, entering.helper, entering.sock, pair[0]);
	c->enter_until = m->now + MON_ENTER_MS;
	/* Should these fail, a tick hears the one, and the other is read when the child is reaped. */
	(void)wake_add(m->epoll, entering.sock, EPOLLIN, WAKE_ENTER, conn_slot(&m->table, c));
	(void)wake_add(m->epoll, pair[0], EPOLLIN, WAKE_REPLY, conn_slot(&m->table, c));
	return 0;
}

static void tell_not_entered(struct monitor *m, struct mon_conn *c, int err)
{
	switch (err) {
	case EAGAIN:
		monitor_send_error(
			m, c, err,
			"enter it: its numproc is used up; raise it: berth set CT --numproc N");
		break;
	case ETIMEDOUT:
		monitor_send_error(m, c, err,
				   "enter it: it has not let the command in for 10 s (frozen, or "
				   "short of CPU or memory; see: berth list -o "
				   "cpulimit,physpages,physpages.l)");
		break;
	default:
		monitor_send_error(m, c, err, "enter it");
	}
}

void exec_begin(struct monitor *m, struct mon_conn *c, const struct mon_record *r, int *fds,
		unsigned int n_fds)
{
	int err;
	const char *why = refusal(m, c, r, n_fds, &err);

	if (why == NULL)
		err = -begin(m, c, r, fds);
	/* At once: the next session's child must not inherit the pipes of this one. */
	for (unsigned int i = 0; i < n_fds; i++)
		fd_close(&fds[i]);
	if (why != NULL)
		monitor_send_error(m, c, err, why);
	else if (err != 0)
		tell_not_entered(m, c, err);
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

void exec_signal(struct mon_conn *c, int sig)
{
	if (sig < 1 || sig > 64)
		return;
	if (c->enter >= 0) {
		c->early_signal = sig;
		return;
	}
	if (c->pid <= 0)
		return;
	/* It leads its group once it has made one; not reaped yet, so the pid is no one else's. */
	if (kill(-c->pid, sig) < 0)
		(void)kill(c->pid, sig);
}

/* The helper no longer says anything; pid 0: there is no session, which the client has been told. */
static void entered(struct monitor *m, struct mon_conn *c, pid_t pid)
{
	int sock = c->enter;

	wake_remove(m->epoll, sock);
	(void)close(sock);
	if (pid <= 0) {
		reply_close(m, c);
		c->failed = true;
	}
	conn_session_entered(&m->table, c, pid > 0 ? pid : 0);
	if (pid > 0 && c->early_signal != 0)
		exec_signal(c, c->early_signal);
	conn_release(&m->table, c);
}

void exec_entered(struct monitor *m, struct mon_conn *c)
{
	struct launch_entering e = {.helper = c->helper, .sock = c->enter};
	pid_t pid;

	if (c->enter < 0)
		return;
	pid = launch_enter_finish(&e);
	if (pid == -EINPROGRESS)
		return;
	if (pid < 0) {
		/* First of all: a client that does not take the error is dropped. */
		entered(m, c, 0);
		tell_not_entered(m, c, -pid);
	} else {
		entered(m, c, pid);
	}
}

void exec_enter_drop(struct monitor *m, struct mon_conn *c)
{
	if (c->enter < 0)
		return;
	/* Not reaped yet, so the pid is no one else's. Its session, should there be one, ends by itself. */
	if (c->helper > 0)
		(void)kill(c->helper, SIGKILL);
	entered(m, c, 0);
}

void exec_enter_overdue(struct monitor *m)
{
	for (unsigned int i = 0; i < MON_CONNS && m->table.n_entering > 0; i++) {
		struct mon_conn *c = &m->table.conns[i];

		if (!c->in_use || c->enter < 0)
			continue;
		exec_entered(m, c);
		if (c->enter < 0 || c->enter_until > m->now)
			continue;
		exec_enter_drop(m, c);
		tell_not_entered(m, c, ETIMEDOUT);
	}
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

/* A child of ours has been reaped. */
static void ended(struct monitor *m, pid_t pid, int status)
{
	for (unsigned int i = 0; i < MON_CONNS; i++) {
		struct mon_conn *c = &m->table.conns[i];

		if (!c->in_use)
			continue;
		if (c->pid == pid) {
			session_ended(m, c, status);
			return;
		}
		if (c->helper == pid) {
			conn_helper_ended(&m->table, c);
			conn_release(&m->table, c);
			return;
		}
	}
	if (pid == m->args.init_pid && m->args.child && !m->exited)
		init_exit_record(m, true, status);
	else if (pid == m->view_pid)
		seen_ended(m, status);
}

static void reap_one(struct monitor *m, pid_t pid)
{
	int status;

	if (pid > 0 && waitpid(pid, &status, WNOHANG | __WALL) == pid)
		ended(m, pid, status);
}

/*
 * While one is on its way only those whose pid we know: a session may die before its helper has told us of it, and
 * reaped as nobody's its pid would be free for another process by the time we hear.
 */
void exec_reap(struct monitor *m)
{
	int status;
	pid_t pid;

	m->reap_again = m->table.n_entering > 0;
	if (m->reap_again) {
		for (unsigned int i = 0; i < MON_CONNS; i++) {
			struct mon_conn *c = &m->table.conns[i];

			reap_one(m, c->in_use ? c->helper : 0);
			reap_one(m, c->in_use ? c->pid : 0);
		}
		reap_one(m, m->args.child && !m->exited ? m->args.init_pid : 0);
		reap_one(m, m->view_pid);
		return;
	}
	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
		ended(m, pid, status);
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
