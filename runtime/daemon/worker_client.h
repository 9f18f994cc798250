/*
 * worker_client.h - starts a berth-worker and tells how it ended.
 */
#pragma once

#include "runtime/daemon/daemon.h"

struct worker_run;

struct worker_result {
	bool ok;
	bool died; /* not ok, and it has undone nothing */
	char ended_for[200]; /* died: berthd itself ended it, and why; "" otherwise */
	struct berth_error error; /* when not ok */
	const char *values; /* KEY=VALUE lines of the worker's results (runtime/base/value.h) */
};

typedef void worker_done_fn(const struct worker_result *result, void *data);
typedef void worker_progress_fn(const char *stage, int percent, void *data);

/*
 * Gives the operation to the spare worker (spare.h), or starts one.
 * argv: OP and its arguments, NULL-terminated. keep: the CT's lock, if any, so that it outlives berthd; and behind it
 * what is passed on, at most ORDER_PASS_MAX. They stay the caller's. done is called exactly once, from the event loop.
 */
int worker_start(struct daemon *d, const char *const *argv, const int *keep, unsigned int n_keep,
		 worker_progress_fn *progress, worker_done_fn *done, void *data,
		 struct berth_error *err);

/* As worker_start. *ret is the worker until done is called. */
int worker_start_run(struct daemon *d, const char *const *argv, const int *keep,
		     unsigned int n_keep, worker_progress_fn *progress, worker_done_fn *done,
		     void *data, struct worker_run **ret, struct berth_error *err);

/*
 * SIGKILL; done is told that it died, and why, when it has. The same happens to a worker that says nothing for
 * WORKER_TIMEOUT of berth.conf.
 */
void worker_end(struct worker_run *w, const char *why);
