/*
 * enter.c - a command inside a running CT. No malloc, no libc call that might: the monitor must not grow.
 *
 * Three processes. The caller (monitor) is never in reach of the CT. The helper joins all namespaces but
 * the pid namespace, so the CT cannot see it; it is not dumpable, becomes the CT's root and closes
 * every descriptor that is not the session's. The session is cloned by it, is the caller's child and
 * the first that the CT can see: by then it holds nothing of the host, and its memory still counts as
 * the host's (no ptrace) until execve replaces it.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

enum {
	KEEP_MAX = 6 + 2 + CG_V1_MAX,
	REPLY_FD = 3,
	FD_ABOVE_STDIO = 10
};

/* ---- the session ---- */

static _Noreturn void session_fail(int reply_fd, int r, const char *step)
{
	char msg[96] = {'E'};
	int32_t error = r < 0 ? -r : r;
	size_t n = strnlen(step, sizeof(msg) - 6);

	memcpy(msg + 1, &error, sizeof(error));
	memcpy(msg + 5, step, n);
	(void)fd_send_message(reply_fd, msg, n + 6, NULL, 0);
	_exit(error == ENOENT ? 127 : 126);
}

/* The arguments into fresh pages: a client that still holds the memfd can change nothing later. */
static int load_args(int args_fd, char **argv, char **envp)
{
	struct stat st;
	ssize_t n;
	char *buf;

	if (fstat(args_fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || st.st_size > ARGS_SIZE_MAX)
		return -E2BIG;
	buf = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	if (buf == MAP_FAILED)
		return -errno;
	n = pread(args_fd, buf, (size_t)st.st_size, 0);
	if (n < 0)
		return -errno;
	return args_parse(buf, (size_t)n, argv, envp);
}

/* What every command may count on; the client's own values win. */
static int default_env(char **envp)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char home[] = "HOME=/root";
	size_t n = 0;

	while (envp[n] != NULL)
		n++;
	if (n + 2 > ARGS_MAX)
		return -E2BIG;
	if (args_env(envp, "PATH") == NULL)
		envp[n++] = path;
	if (args_env(envp, "HOME") == NULL)
		envp[n++] = home;
	envp[n] = NULL;
	return 0;
}

/* The master of a fresh pty goes to the client, its slave is ours; never a terminal that is in use. */
static int open_session_pty(const struct launch_enter *e, int master, int *ret_slave)
{
	struct winsize size = {.ws_row = e->rows, .ws_col = e->cols};
	int unlock = 0, slave, r;

	if (master < 0)
		return master;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return -errno;
	if (e->rows > 0 && e->cols > 0)
		(void)ioctl(master, TIOCSWINSZ, &size);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	r = fd_send_message(e->reply_fd, "P", 1, &master, 1);
	(void)close(master);
	*ret_slave = slave;
	return r;
}

/* Onto 0, 1 and 2, by way of numbers that cannot collide. */
static int place_stdio(const int fds[3])
{
	int high[3];

	for (int i = 0; i < 3; i++) {
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FD_ABOVE_STDIO);
		if (high[i] < 0)
			return -errno;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], i) < 0)
			return -errno;
	return 0;
}

static int session_terminal(const struct launch_enter *e, int master)
{
	int slave = -EBADF, r;

	if (setsid() < 0)
		return -errno;
	if (!e->pty)
		return 0;
	r = open_session_pty(e, master, &slave);
	if (r == 0 && ioctl(slave, TIOCSCTTY, 0) < 0)
		r = -errno;
	return r < 0 ? r : slave;
}

/* Descriptors 0..2 are the command's, REPLY_FD closes on exec, there is no other. */
static int session_fds(const struct launch_enter *e, int slave)
{
	const int ptys[3] = {slave, slave, slave};
	int reply = fcntl(e->reply_fd, F_DUPFD_CLOEXEC, FD_ABOVE_STDIO);
	int r;

	if (reply < 0)
		return -errno;
	r = place_stdio(e->pty ? ptys : e->stdio);
	if (r < 0)
		return r;
	if (dup3(reply, REPLY_FD, O_CLOEXEC) < 0 || close_range(REPLY_FD + 1, ~0U, 0) < 0)
		return -errno;
	return 0;
}

/* execvpe without its allocations. Returns -errno. */
static int exec_by_path(char *const *argv, char *const *envp)
{
	const char *path = args_env(envp, "PATH");
	size_t name_len = strlen(argv[0]);
	int r = -ENOENT;

	if (strchr(argv[0], '/') != NULL) {
		(void)execve(argv[0], argv, envp);
		return -errno;
	}
	while (path != NULL && *path != '\0') {
		size_t n = strcspn(path, ":");
		char file[4096];

		if (n > 0 && n + 1 + name_len < sizeof(file)) {
			memcpy(file, path, n);
			file[n] = '/';
			memcpy(file + n + 1, argv[0], name_len + 1);
			(void)execve(file, argv, envp);
			if (errno != ENOENT && errno != ENOTDIR)
				r = -errno;
		}
		path += n + (path[n] == ':');
	}
	return r;
}

static int session_confine(const struct launch_enter *e)
{
	int r = process_bound_caps();

	return r < 0 ? r : seccomp_program_load(e->seccomp);
}

static _Noreturn void session_run(const struct launch_enter *e, int master)
{
	static char *argv[ARGS_MAX + 1], *envp[ARGS_MAX + 1];
	int slave, r;

	(void)umask(022);
	r = process_new_keyring();
	if (r < 0)
		session_fail(e->reply_fd, r, "keyring");
	r = load_args(e->args_fd, argv, envp);
	if (r == 0)
		r = default_env(envp);
	if (r < 0)
		session_fail(e->reply_fd, r, "arguments");
	slave = session_terminal(e, master);
	if (slave < 0)
		session_fail(e->reply_fd, slave, "terminal");
	r = session_fds(e, slave);
	if (r < 0)
		session_fail(e->reply_fd, r, "descriptors");
	r = chdir("/") < 0 ? -errno : process_check_cwd();
	if (r < 0)
		session_fail(REPLY_FD, r, "working directory");
	r = session_confine(e);
	if (r < 0)
		session_fail(REPLY_FD, r, "confinement");
	session_fail(REPLY_FD, exec_by_path(argv, envp), "exec");
}

/* Runs only when the caller has taken notice of us: else it has given up, and so do we. */
static _Noreturn void session_start(const struct launch_enter *e, int master, int sock)
{
	char c = 0;

	if (read(sock, &c, 1) != 1 || c != 'G')
		_exit(1);
	(void)close(sock);
	session_run(e, master);
}

/* ---- the helper ---- */

/* What the session needs into keep. master: < 0 as long as there is none. */
static unsigned int session_keeps(const struct launch_enter *e, int master, int sock, int *keep)
{
	unsigned int n = 0;

	keep[n++] = sock;
	keep[n++] = e->args_fd;
	keep[n++] = e->reply_fd;
	if (e->pty)
		keep[n++] = master >= 0 ? master : e->devpts_fd;
	for (int i = 0; !e->pty && i < 3; i++)
		keep[n++] = e->stdio[i];
	return n;
}

/*
 * Closes all that neither the way in nor the session needs. First of all: in the CT's cgroups we may be
 * held for ever, and with us the caller's ends of other sessions' sockets, which would not end.
 */
static int close_callers(const struct launch_enter *e, int sock)
{
	int keep[KEEP_MAX];
	unsigned int n = session_keeps(e, -EBADF, sock, keep);

	keep[n++] = e->init_pidfd;
	if (e->cgroup->unified >= 0)
		keep[n++] = e->cgroup->unified;
	for (unsigned int i = 0; i < e->cgroup->n_v1; i++)
		keep[n++] = e->cgroup->v1[i];
	return process_close_others(keep, n);
}

/* Closes all that is not named: the session, which the CT sees, is born without the host's. */
static int close_others(const struct launch_enter *e, int master, int sock)
{
	int keep[KEEP_MAX];

	return process_close_others(keep, session_keeps(e, master, sock, keep));
}

/*
 * As the CT's root. When the tenant has taken all terminals of the CT, the host's devpts, of which a part is kept
 * from tenants, has one for the admin; programs cannot tell its name then.
 */
static int open_master(const struct launch_enter *e, int host_dev)
{
	int fd = openat(e->devpts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd;

	if (r != -ENOSPC || host_dev < 0)
		return r;
	fd = openat(host_dev, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? r : fd;
}

static _Noreturn void helper_run(const struct launch_enter *e, bool in_cgroup, int sock)
{
	int32_t pid = close_callers(e, sock);
	int host_dev = -EBADF, master = -EBADF;

	/* The caller outlives most signals; one that is sent to the session early must not be lost. */
	sys_reset_signals();
	if (pid == 0)
		pid = FAULT_POINT("enter.helper");
	if (pid == 0 && e->pty)
		host_dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (pid == 0)
		pid = process_enter(e->init_pidfd, e->cgroup, !in_cgroup);
	if (pid == 0 && e->pty)
		master = open_master(e, host_dev);
	if (pid == 0)
		pid = close_others(e, master, sock);
	if (pid == 0) {
		pid = sys_clone3(CLONE_PARENT, 0, -1);
		if (pid == 0)
			session_start(e, master, sock);
	}
	(void)fd_write_all(sock, &pid, sizeof(pid));
	_exit(0);
}

/* ---- the caller ---- */

/*
 * The helper is born in the CT's memory, with our OOM score: for that moment it is that of a session, or in a full
 * CT the kernel would find init to kill and nothing else.
 */
static pid_t clone_into_cgroup(int unified)
{
	auto_close int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char own[16];
	ssize_t n = fd < 0 ? -1 : pread(fd, own, sizeof(own), 0);
	pid_t pid;

	if (n > 0)
		process_settle_oom(false);
	pid = sys_clone3(CLONE_INTO_CGROUP, SIGCHLD, unified);
	if (pid != 0 && n > 0)
		(void)!pwrite(fd, own, (size_t)n, 0);
	return pid;
}

static pid_t clone_helper(const struct launch_enter *e, const int sock[2])
{
	bool in_cgroup = e->cgroup->unified >= 0;
	pid_t pid;

	if (in_cgroup)
		pid = clone_into_cgroup(e->cgroup->unified);
	else
		pid = sys_clone3(0, SIGCHLD, -1);
	if (pid < 0 && in_cgroup) {
		if (faccessat(e->cgroup->unified, "cgroup.procs", F_OK, 0) < 0 && errno == ENOENT)
			return -ENOENT;
		/* An older or stranger hierarchy: the helper writes itself in. */
		in_cgroup = false;
		pid = sys_clone3(0, SIGCHLD, -1);
	}
	if (pid == 0)
		helper_run(e, in_cgroup, sock[1]);
	return pid;
}

int launch_enter_begin(const struct launch_enter *e, struct launch_entering *ret)
{
	int sock[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return -errno;
	pid = clone_helper(e, sock);
	(void)close(sock[1]);
	if (pid < 0) {
		(void)close(sock[0]);
		return pid;
	}
	*ret = (struct launch_entering){.helper = pid, .sock = sock[0]};
	return 0;
}

pid_t launch_enter_finish(const struct launch_entering *n)
{
	int32_t pid = 0;
	ssize_t got;

	do
		got = recv(n->sock, &pid, sizeof(pid), MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	/* The helper's own report may be EAGAIN: no process is to be had. */
	if (got < 0)
		return errno == EAGAIN ? -EINPROGRESS : -errno;
	if (got != (ssize_t)sizeof(pid) || pid == 0)
		return -ECHILD; /* it died, for instance for want of memory */
	/* A session that has died meanwhile is reaped like any other. */
	if (pid > 0)
		(void)send(n->sock, "G", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	return pid;
}
