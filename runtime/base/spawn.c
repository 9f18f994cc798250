/* spawn.c - programs that we run. */
#include "runtime/base/spawn.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

static const char *const default_env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
					  NULL};

enum {
	OWN_ENV_MORE = 2
};

static const char *own_env_more[OWN_ENV_MORE];

const char *const *spawn_own_env(void)
{
	static const char *env[5 + OWN_ENV_MORE];
	size_t n = 0;

	env[n++] = default_env[0];
	env[n++] = default_env[1];
	for (size_t i = 0; i < OWN_ENV_MORE && own_env_more[i] != NULL; i++)
		env[n++] = own_env_more[i];
	if (log_environment() != NULL)
		env[n++] = log_environment();
	if (fault_environment() != NULL)
		env[n++] = fault_environment();
	env[n] = NULL;
	return env;
}

void spawn_own_env_add(const char *assignment)
{
	size_t name = strcspn(assignment, "=") + 1, i = 0;

	while (i < OWN_ENV_MORE && own_env_more[i] != NULL &&
	       strncmp(own_env_more[i], assignment, name) != 0)
		i++;
	if (i < OWN_ENV_MORE)
		own_env_more[i] = assignment;
}

static const char *find_program(const char *name, char *buf, size_t size)
{
	static const char *const dirs[] = {"/usr/sbin", "/usr/bin",	   "/sbin",
					   "/bin",	"/usr/local/sbin", "/usr/local/bin"};

	if (strchr(name, '/') != NULL)
		return name;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)snprintf(buf, size, "%s/%s", dirs[i], name);
		if (access(buf, X_OK) == 0)
			return buf;
	}
	return NULL;
}

static void add_stdio(posix_spawn_file_actions_t *acts, int fd, int target)
{
	if (fd >= 0)
		(void)posix_spawn_file_actions_adddup2(acts, fd, target);
	else
		(void)posix_spawn_file_actions_addopen(acts, target, "/dev/null", O_RDWR, 0);
}

static bool is_kept(const struct spawn_fds *fds, int fd)
{
	for (unsigned int i = 0; i < fds->n_keep; i++)
		if (fds->keep[i] == fd)
			return true;
	return false;
}

/*
 * Close-on-exec is too late: we go on as soon as the child has our memory no more, and it might still hold the lock
 * of a file that we have just closed.
 */
static void add_closes(posix_spawn_file_actions_t *acts, const struct spawn_fds *fds)
{
	int end = STDERR_FILENO + 1;

	for (unsigned int i = 0; i < fds->n_keep; i++)
		end = fds->keep[i] >= end ? fds->keep[i] + 1 : end;
	for (int fd = STDERR_FILENO + 1; fd < end; fd++)
		/* dup2 onto itself clears close-on-exec in the child only (POSIX 2024, glibc >= 2.29). */
		if (is_kept(fds, fd))
			(void)posix_spawn_file_actions_adddup2(acts, fd, fd);
		else
			(void)posix_spawn_file_actions_addclose(acts, fd);
	(void)posix_spawn_file_actions_addclosefrom_np(acts, end);
}

int spawn_program(const char *const *argv, const char *const *env, const struct spawn_fds *fds,
		  pid_t *ret_pid, int *ret_pidfd, struct berth_error *err)
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t none, all;
	char buf[256];
	const char *path = find_program(argv[0], buf, sizeof(buf));
	pid_t pid;
	int r;

	if (path == NULL)
		return berth_error_set(err, BERTH_ERR_HELPER, ENOENT,
				       "program '%s' is not installed", argv[0]);
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawn_file_actions_init(&acts);
	add_stdio(&acts, fds->in, STDIN_FILENO);
	add_stdio(&acts, fds->out, STDOUT_FILENO);
	add_stdio(&acts, fds->err, STDERR_FILENO);
	add_closes(&acts, fds);
	/* posix_spawn takes char *const []; it does not write through them. */
	r = -fault_file("spawn", path);
	if (r == 0)
		r = posix_spawn(&pid, path, &acts, &attr, (char *const *)(size_t)argv,
				(char *const *)(size_t)(env != NULL ? env : default_env));
	(void)posix_spawn_file_actions_destroy(&acts);
	(void)posix_spawnattr_destroy(&attr);
	if (r != 0)
		return berth_error_set(err, BERTH_ERR_HELPER, r, "run %s: %s", path, strerror(r));
	if (ret_pidfd != NULL)
		*ret_pidfd =
			pidfd_open(pid, 0); /* our child, not reaped yet: it cannot be reused */
	*ret_pid = pid;
	return 0;
}

/* Keeps the last bytes of a stream: a program's complaint stands at its end. */
static void tail_append(char *tail, size_t size, const char *buf, size_t n)
{
	size_t have = strlen(tail);

	if (n >= size) {
		buf += n - (size - 1);
		n = size - 1;
	}
	if (have + n >= size) {
		size_t drop = have + n - (size - 1);

		memmove(tail, tail + drop, have - drop + 1);
		have -= drop;
	}
	memcpy(tail + have, buf, n);
	tail[have + n] = '\0';
}

/* out is a text at any moment. */
static int drain(int out_fd, int err_fd, char *out, size_t out_size, char *tail, size_t tail_size)
{
	struct pollfd p[2] = {{.fd = out_fd, .events = POLLIN}, {.fd = err_fd, .events = POLLIN}};
	size_t got = 0;

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		char buf[4096];

		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue; /* revents are not set */
			return -errno;
		}
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			if (p[i].fd < 0 || p[i].revents == 0)
				continue;
			n = read(p[i].fd, buf, sizeof(buf));
			if (n <= 0) {
				p[i].fd = -1;
				continue;
			}
			if (i == 1)
				tail_append(tail, tail_size, buf, (size_t)n);
			for (ssize_t k = 0; i == 0 && k < n && got + 1 < out_size; k++)
				out[got++] = buf[k];
			if (out_size > 0)
				out[got] = '\0';
		}
	}
	return 0;
}

static const char *last_line(char *text)
{
	size_t n = strlen(text);
	char *line;

	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	line = strrchr(text, '\n');
	return line != NULL ? line + 1 : text;
}

/* Runs argv to its end; returns the exit status, 128 + the signal, or -errno. */
static int run_to_end(const char *const *argv, const int *keep, unsigned int n_keep, char *out,
		      size_t out_size, char *tail, size_t tail_size, struct berth_error *err)
{
	int out_pipe[2], err_pipe[2], status;
	struct spawn_fds fds = {.in = -1, .keep = keep, .n_keep = n_keep};
	pid_t pid;
	int r, lost = 0;

	if (out_size > 0)
		out[0] = '\0';
	if (pipe2(out_pipe, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "pipe");
	if (pipe2(err_pipe, O_CLOEXEC) < 0) {
		r = berth_error_sys(err, errno, "pipe");
		(void)close(out_pipe[0]);
		(void)close(out_pipe[1]);
		return r;
	}
	fds.out = out_pipe[1];
	fds.err = err_pipe[1];
	r = spawn_program(argv, NULL, &fds, &pid, NULL, err);
	(void)close(out_pipe[1]);
	(void)close(err_pipe[1]);
	if (r == 0)
		lost = drain(out_pipe[0], err_pipe[0], out, out_size, tail, tail_size);
	(void)close(out_pipe[0]);
	(void)close(err_pipe[0]);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return berth_error_sys(err, errno, "wait for %s", argv[0]);
	if (lost < 0)
		return berth_error_sys(err, lost, "hear what %s says", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_failed(const char *name, int status, char *text, struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_HELPER, EIO, "%s failed (%s %d): %s", name,
			       status < 128 ? "exit status" : "signal",
			       status < 128 ? status : status - 128, last_line(text));
}

int spawn_run_output(const char *const *argv, char *out, size_t out_size, struct berth_error *err)
{
	char tail[512] = "";
	int r = run_to_end(argv, NULL, 0, out, out_size, tail, sizeof(tail), err);

	return r > 0 ? run_failed(argv[0], r, tail, err) : r;
}

int spawn_run_keep(const char *const *argv, const int *keep, unsigned int n_keep, int max_ok,
		   struct berth_error *err)
{
	char tail[512] = "", out[4096] = "";
	int r = run_to_end(argv, keep, n_keep, out, sizeof(out), tail, sizeof(tail), err);

	if (r <= max_ok)
		return r;
	return run_failed(argv[0], r, tail[0] != '\0' ? tail : out, err);
}

int spawn_run(const char *const *argv, struct berth_error *err)
{
	return spawn_run_output(argv, NULL, 0, err);
}
