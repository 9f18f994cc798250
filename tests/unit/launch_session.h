/*
 * launch_session.h - a command in the CT of test_launch.c, which includes this once it has one: ct, filter,
 * cg_exec and out are its.
 */
#pragma once

static int make_args(const char *const *argv)
{
	uint32_t counts[2] = {0, 1};
	int fd = memfd_create("args", MFD_CLOEXEC);

	while (argv[counts[0]] != NULL)
		counts[0]++;
	CHECK(write(fd, counts, sizeof(counts)) == sizeof(counts));
	for (; *argv != NULL; argv++)
		CHECK(fd_write_all(fd, *argv, strlen(*argv) + 1) == 0);
	CHECK(fd_write_all(fd, "TERM=linux", 11) == 0);
	return fd;
}

/* Until the session's end closes the socket at execve; returns the pty master or -1. */
static int read_replies(int sock)
{
	char msg[128];
	unsigned int n_fds;
	int master = -1;
	ssize_t n;

	exec_errno = 0;
	exec_error[0] = '\0';
	while ((n = fd_recv_message(sock, msg, sizeof(msg), &master, 1, &n_fds)) > 0) {
		if (msg[0] != 'E')
			continue;
		memcpy(&exec_errno, msg + 1, sizeof(exec_errno));
		(void)snprintf(exec_error, sizeof(exec_error), "%s", msg + 5);
	}
	return master;
}

static void read_output(int fd)
{
	size_t got = 0;
	ssize_t n;

	/* A pty master answers EIO when the last slave is closed. */
	while (got < sizeof(out) - 1 && (n = read(fd, out + got, sizeof(out) - 1 - got)) > 0)
		got += (size_t)n;
	out[got] = '\0';
}

static int patience = CHECK_PATIENCE_MS;

/* As the monitor does it, but that we may wait. -EINPROGRESS: it did not come in, and was given up. */
static pid_t enter(const struct launch_enter *e)
{
	struct launch_entering n;
	int r;

	CHECK(launch_enter_begin(e, &n) == 0);
	(void)poll(&(struct pollfd){.fd = n.sock, .events = POLLIN}, 1, patience);
	r = launch_enter_finish(&n);
	(void)close(n.sock);
	if (r == -EINPROGRESS)
		(void)kill(n.helper, SIGKILL);
	CHECK(waitpid(n.helper, NULL, 0) == n.helper);
	return r;
}

/* Runs argv in the CT; its output is in out. Returns the wait status, or -errno of enter. */
static int session_argv(const char *const *argv, bool pty)
{
	auto_close int args = make_args(argv);
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int sock[2], pipes[2], master, status;
	struct launch_enter e;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) == 0);
	CHECK(pipe2(pipes, O_CLOEXEC) == 0);
	e = (struct launch_enter){
		.init_pidfd = ct.pidfd,
		.cgroup = &cg_exec,
		.seccomp = &filter,
		.devpts_fd = ct.devpts_fd,
		.pty = pty,
		.rows = 33,
		.cols = 111,
		.stdio = {null, pipes[1], pipes[1]},
		.args_fd = args,
		.reply_fd = sock[1],
	};
	pid = enter(&e);
	(void)close(sock[1]);
	(void)close(pipes[1]);
	master = pid > 0 ? read_replies(sock[0]) : -1;
	read_output(pty ? master : pipes[0]);
	(void)close(sock[0]);
	(void)close(pipes[0]);
	fd_close(&master);
	return pid < 0 ? pid : waitpid(pid, &status, 0) == pid ? status : -1;
}

static int session(const char *script)
{
	return session_argv((const char *const[]){"sh", "-c", script, NULL}, false);
}
