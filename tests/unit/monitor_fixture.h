/*
 * monitor_fixture.h - a running monitor over a plain process instead of a CT's init, and a
 * launch_enter of our own that only forks: for what the monitor and its clients do, not for namespaces.
 */
#pragma once

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/paths.h"
#include "runtime/cli/session.h"
#include "runtime/monitor/monitor.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>

enum {
	CTID = 101,
	ARGS_MAX = 64
};

struct fixture {
	struct berth_paths paths;
	char root[64];
	pid_t monitor, init;
	int dir; /* RUNDIR */
	int console; /* the slave, as init would have it */
	int notify; /* where the guest sends its datagrams */
};

static struct monitor fixture_monitor;

/* ---- our launch_enter ---- */

static void fake_fail(const struct launch_enter *e, const char *step)
{
	char buf[128] = "E";
	int32_t sys = errno;

	memcpy(buf + 1, &sys, sizeof(sys));
	memcpy(buf + 5, step, strlen(step));
	(void)send(e->reply_fd, buf, 5 + strlen(step), MSG_NOSIGNAL);
	_exit(255);
}

static void fake_pty(const struct launch_enter *e)
{
	struct winsize w = {.ws_row = e->rows, .ws_col = e->cols};
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	if (master < 0 || unlockpt(master) < 0)
		fake_fail(e, "pty");
	(void)ioctl(master, TIOCSWINSZ, &w);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		fake_fail(e, "controlling terminal");
	for (int i = 0; i < 3; i++)
		(void)dup2(slave, i);
	(void)fd_send_message(e->reply_fd, "P", 1, &master, 1);
}

static void fake_child(const struct launch_enter *e)
{
	char *args = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE, e->args_fd, 0);
	char *argv[ARGS_MAX], *env[ARGS_MAX], *p = args + 8;
	uint32_t counts[2];
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	memcpy(counts, args, sizeof(counts));
	for (uint32_t i = 0; i < counts[0] + counts[1]; i++, p += strlen(p) + 1)
		*(i < counts[0] ? &argv[i] : &env[i - counts[0]]) = p;
	argv[counts[0]] = env[counts[1]] = NULL;
	(void)setsid();
	if (e->pty)
		fake_pty(e);
	else
		for (int i = 0; i < 3; i++)
			(void)dup2(e->stdio[i], i);
	(void)execvpe(argv[0], argv, env);
	fake_fail(e, "exec");
}

/* A helper that the kernel holds is asked for by the name of the command. */
static bool fake_is_held(const struct launch_enter *e)
{
	const char *args = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE, e->args_fd, 0);
	bool held = args != MAP_FAILED && strcmp(args + 8, "held") == 0;

	(void)munmap((void *)(size_t)args, 65536);
	return held;
}

/* As the real one: the helper makes the session, a sibling of it, and tells its pid. */
static void fake_helper(const struct launch_enter *e, int sock)
{
	struct clone_args a = {.flags = CLONE_PARENT};
	bool held = fake_is_held(e);
	int32_t pid;
	char go;

	while (held)
		(void)raise(SIGSTOP);
	pid = (int32_t)syscall(SYS_clone3, &a, sizeof(a));
	if (pid == 0) {
		if (read(sock, &go, 1) != 1)
			_exit(1);
		fake_child(e);
	}
	(void)!write(sock, &pid, sizeof(pid));
	_exit(0);
}

int launch_enter_begin(const struct launch_enter *e, struct launch_entering *ret)
{
	int sock[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return -errno;
	ret->helper = fork();
	if (ret->helper == 0) {
		(void)close(sock[0]);
		fake_helper(e, sock[1]);
	}
	(void)close(sock[1]);
	ret->sock = sock[0];
	return ret->helper < 0 ? -errno : 0;
}

pid_t launch_enter_finish(const struct launch_entering *n)
{
	int32_t pid;
	ssize_t got = recv(n->sock, &pid, sizeof(pid), MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN ? -EINPROGRESS : -errno;
	if (got != (ssize_t)sizeof(pid))
		return -ECHILD;
	(void)send(n->sock, "G", 1, MSG_NOSIGNAL);
	return pid;
}

/* ---- the monitor ---- */

static int fixture_listen(const struct fixture *f)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[BERTH_PATH_MAX];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%.100s",
		       path_monitor_socket(&f->paths, CTID, path));
	(void)unlink(a.sun_path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 5) < 0)
		return -1;
	return fd;
}

/*
 * The init: waits for its end by a signal, or exits with n on SIGUSR1 when that is set. Born with all signals
 * blocked: one that comes at once is not lost to our own handlers.
 */
static pid_t fixture_init(int exit_with)
{
	sigset_t all, old;
	pid_t pid;
	int sig;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	pid = fork();
	if (pid != 0) {
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
		return pid;
	}
	for (sig = 1; sig < 32; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&old);
	if (exit_with >= 0)
		(void)sigaddset(&old, SIGUSR1);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (exit_with >= 0 && sigwait(&old, &sig) == 0)
		_exit(exit_with);
	for (;;)
		(void)pause();
}

static void fixture_outlive(int sig)
{
	(void)sig;
}

/* In the process that becomes the monitor. tell: gets init's pid. */
static void fixture_serve(struct fixture *f, int listen_fd, int master, int notify, int exit_with,
			  pid_t adopted, int tell)
{
	struct monitor_args *a = &fixture_monitor.args;
	struct sigaction act = {.sa_handler = fixture_outlive, .sa_flags = SA_RESTART};
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	(void)sigaction(SIGHUP, &act, NULL);
	(void)sigaction(SIGPIPE, &act, NULL);
	a->ctid = CTID;
	a->child = adopted == 0;
	a->init_pid = adopted == 0 ? fixture_init(exit_with) : adopted;
	a->init = pidfd_open(a->init_pid, 0);
	a->listen = listen_fd;
	a->dir = f->dir;
	a->console = master;
	a->notify = notify;
	a->devpts = open("/dev/pts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	a->seccomp = memfd_create("seccomp", MFD_CLOEXEC);
	if (ftruncate(a->seccomp, sizeof(struct seccomp_program)) < 0)
		_exit(97);
	a->cgroup.unified = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)!write(tell, &a->init_pid, sizeof(a->init_pid));
	if (harden_self() < 0 || harden_fds(a) < 0)
		_exit(99);
	_exit(monitor_run(&fixture_monitor) < 0 ? 98 : 0);
}

static void fixture_fork(struct fixture *f, int master, int notify, int exit_with, pid_t adopted)
{
	int tell[2], listen_fd = fixture_listen(f);

	if (listen_fd < 0 || pipe2(tell, O_CLOEXEC) < 0)
		abort();
	(void)fflush(NULL);
	f->monitor = fork();
	if (f->monitor == 0)
		fixture_serve(f, listen_fd, master, notify, exit_with, adopted, tell[1]);
	(void)close(listen_fd);
	if (read(tell[0], &f->init, sizeof(f->init)) != (ssize_t)sizeof(f->init))
		abort();
	(void)close(tell[0]);
	(void)close(tell[1]);
}

/* exit_with -1: init waits for a deadly signal; else SIGUSR1 makes it exit with that. */
static void fixture_start(struct fixture *f, int exit_with)
{
	char path[BERTH_PATH_MAX];
	int sock[2], master;

	(void)snprintf(f->root, sizeof(f->root), "/tmp/berth-test-XXXXXX");
	if (mkdtemp(f->root) == NULL || berth_paths_init(&f->paths, f->root, NULL) < 0 ||
	    dir_make(path_run_ct(&f->paths, CTID, path), 0700) < 0)
		abort();
	f->dir = dir_open_at(AT_FDCWD, path);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (f->dir < 0 || master < 0 || unlockpt(master) < 0 ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sock) < 0)
		abort();
	f->console = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	f->notify = sock[0];
	fixture_fork(f, master, sock[1], exit_with, 0);
	(void)close(master);
	(void)close(sock[1]);
}

/* Ends init with sig, waits for the monitor; returns its wait status. */
static int fixture_end(struct fixture *f, int sig)
{
	int status = -1;

	(void)kill(f->init, sig);
	(void)waitpid(f->monitor, &status, 0);
	return status;
}

__attribute__((unused)) static void fixture_clean(struct fixture *f)
{
	(void)close(f->dir);
	(void)close(f->console);
	(void)close(f->notify);
	(void)tree_remove_at(AT_FDCWD, f->root);
}

/* Text of a file of RUNDIR, "" when missing. */
__attribute__((unused)) static const char *fixture_file(const struct fixture *f, const char *name)
{
	static char buf[4096];
	auto_close int fd = openat(f->dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : fd_read_all(fd, buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}
