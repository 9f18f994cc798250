/* transport.c - the command that reaches another host. */
#include "runtime/cli/transport.h"

#include "runtime/base/child.h"
#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WORDS_MAX = 64,
	TEXT_MAX = 4096,
	TERM_MS = 5000 /* from SIGTERM to SIGKILL */
};

struct words {
	char text[TEXT_MAX];
	size_t used;
	const char *argv[WORDS_MAX + 1];
	int n;
};

/* -E2BIG */
static int add(struct words *w, const char *word, size_t len)
{
	if (w->n == WORDS_MAX || len + 1 > sizeof(w->text) - w->used)
		return -E2BIG;
	w->argv[w->n++] = w->text + w->used;
	memcpy(w->text + w->used, word, len);
	w->used += len;
	w->text[w->used++] = '\0';
	return 0;
}

/* As rsync does with -e: at blanks, without a shell. */
static int add_split(struct words *w, const char *text)
{
	int r = 0;

	for (text += strspn(text, " "); r == 0 && *text != '\0'; text += strspn(text, " ")) {
		size_t len = strcspn(text, " ");

		r = add(w, text, len);
		text += len;
	}
	return r;
}

static int build(struct words *w, const char *command, const char *ssh_options, const char *host)
{
	static const char *const tail[] = {"berth", "receive"};
	int r = add_split(w, command != NULL ? command
					     : "ssh -o BatchMode=yes -o ServerAliveInterval=15");

	if (r == 0 && command == NULL && ssh_options != NULL)
		r = add_split(w, ssh_options);
	if (r == 0)
		r = add(w, host, strlen(host));
	for (int i = 0; r == 0 && i < 2; i++)
		r = add(w, tail[i], strlen(tail[i]));
	return r == 0 && w->n < 4 ? -EINVAL : r; /* an empty command */
}

static void run(const struct words *w, int in, int out)
{
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	(void)execvp(w->argv[0], (char *const *)(size_t)w->argv);
	(void)dprintf(STDERR_FILENO, "berth: run %s: %s\n", w->argv[0], strerror(errno));
	_exit(127);
}

int transport_start(const char *command, const char *ssh_options, const char *host,
		    struct transport *ret, struct berth_error *err)
{
	struct words w = {.n = 0};
	int from[2] = {-EBADF, -EBADF}, to[2] = {-EBADF, -EBADF}, e;
	pid_t pid = -1;

	e = build(&w, command, ssh_options, host);
	if (e < 0)
		return berth_error_set(err, BERTH_ERR_VALUE, -e,
				       "the command that reaches %.60s is empty or too long", host);
	if (pipe2(from, O_CLOEXEC) == 0 && pipe2(to, O_CLOEXEC) == 0)
		pid = fork();
	e = errno;
	if (pid == 0)
		run(&w, to[0], from[1]);
	fd_close(&to[0]);
	fd_close(&from[1]);
	if (pid < 0) {
		fd_close(&to[1]);
		fd_close(&from[0]);
		return berth_error_sys(err, e, "run %.100s", w.argv[0]);
	}
	*ret = (struct transport){.pid = pid, .fds = {from[0], to[1]}};
	return 0;
}

int transport_end(struct transport *t, unsigned int patience_ms)
{
	int status = 0, r;

	fd_close(&t->fds[0]);
	fd_close(&t->fds[1]);
	r = child_wait(t->pid, patience_ms, &status);
	if (r == -ETIMEDOUT) {
		(void)kill(t->pid, SIGTERM);
		r = child_wait(t->pid, TERM_MS, &status);
	}
	if (r == -ETIMEDOUT)
		r = child_end(t->pid, TERM_MS, &status);
	if (r < 0)
		return 255;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
