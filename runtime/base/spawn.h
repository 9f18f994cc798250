/*
 * spawn.h - programs that we run: no shell, a clean environment, only the descriptors named.
 */
#pragma once

#include "runtime/base/error.h"

#include <sys/types.h>

struct spawn_fds {
	int in, out, err; /* -1: /dev/null */
	const int *keep; /* further descriptors, inherited under their own numbers */
	unsigned int n_keep;
};

/*
 * Starts argv[0] (looked up in /usr/sbin:/usr/bin:/sbin:/bin unless it has a slash). env NULL: PATH
 * and LANG=C.UTF-8 only. Signals are reset. Stores the pid and, if ret_pidfd is not NULL, a pidfd.
 */
int spawn_program(const char *const *argv, const char *const *env, const struct spawn_fds *fds,
		  pid_t *ret_pid, int *ret_pidfd, struct berth_error *err);

/* The env of a program of ours: the one of NULL, what was added, JOURNAL_STREAM (log.h), a test's faults (fault.h). */
const char *const *spawn_own_env(void);
/* One "NAME=VALUE" more for it, which must stay where it is. The next one takes its place. */
void spawn_own_env_add(const char *assignment);

/*
 * Runs argv to its end. Returns 0 when it exits 0; otherwise a BERTH_ERR_HELPER that quotes the
 * last line the program wrote to stderr.
 */
int spawn_run(const char *const *argv, struct berth_error *err);

/* As spawn_run; the first out_size-1 bytes of its stdout go into out, NUL-terminated. */
int spawn_run_output(const char *const *argv, char *out, size_t out_size, struct berth_error *err);

/*
 * As spawn_run; the program inherits the descriptors keep[0..n_keep-1] under their own numbers, and
 * an exit status of at most max_ok is success. Returns the exit status. A program that complains on
 * stdout only is quoted from there.
 */
int spawn_run_keep(const char *const *argv, const int *keep, unsigned int n_keep, int max_ok,
		   struct berth_error *err);
