/* job.c - one operation on one CT. */
#include "runtime/daemon/job.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/lock.h"
#include "runtime/base/log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void client_gone(struct rpc_call *call, void *data)
{
	struct job *j = data;

	(void)call;
	j->call = NULL;
}

static int take_ct_lock(struct daemon *d, const struct ct *ct, const char *what,
			struct berth_error *err)
{
	auto_close int dir = paths_run_ct_open(&d->paths, ct->ctid, err);
	struct berth_error why = {0};
	int fd;

	if (dir < 0)
		return dir;
	fd = lock_take(dir, "lock", what, &why);
	if (fd < 0)
		return berth_error_set(err, why.code, why.sys, "CT %u: %.300s", ct->ctid, why.msg);
	return fd;
}

struct job *job_begin(struct daemon *d, struct ct *ct, const char *what, struct rpc_call *call,
		      struct berth_error *err)
{
	struct job *j;
	int lock_fd;

	if (ct->job != NULL) {
		(void)berth_error_set(err, BERTH_ERR_LOCKED, EWOULDBLOCK,
				      "CT %u is locked by %s; try again when it has ended",
				      ct->ctid, ct->job->what);
		return NULL;
	}
	if (ct->unsettled) {
		(void)berth_error_set(err, BERTH_ERR_LOCKED, EWOULDBLOCK,
				      "CT %u is locked by what an earlier berthd began; try again "
				      "when it has ended",
				      ct->ctid);
		return NULL;
	}
	lock_fd = take_ct_lock(d, ct, what, err);
	if (lock_fd < 0)
		return NULL;
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		abort();
	j->d = d;
	j->ct = ct;
	j->what = what;
	j->call = call;
	j->own = call == NULL;
	j->lock_fd = lock_fd;
	ct->job = j;
	if (call != NULL)
		rpc_call_on_gone(call, client_gone, j);
	return j;
}

static void on_progress(const char *stage, int percent, void *data)
{
	struct job *j = data;
	json_t *p;

	if (j->call == NULL || !rpc_call_wants_more(j->call))
		return;
	p = percent < 0 ? json_pack("{s:s}", "stage", stage)
			: json_pack("{s:s, s:i}", "stage", stage, "percent", percent);
	rpc_reply_more(j->call,
		       json_pack("{s:o, s:I}", "progress", p, "ctid", (json_int_t)j->ct->ctid));
}

static void on_done(const struct worker_result *result, void *data)
{
	struct job *j = data;
	struct worker_result r = *result;

	if (r.died)
		(void)berth_error_set(&r.error, r.error.code, r.error.sys,
				      "CT %u: the worker of %s died before it had finished; see "
				      "berthd's log: journalctl -u berthd",
				      j->ct->ctid, j->what);
	j->next(j, &r);
}

void job_worker(struct job *j, const char *op, const char *const *args, job_next_fn *next)
{
	const char *argv[8];
	struct worker_result failed = {.values = ""};
	int keep[3] = {j->lock_fd}, n = 0;
	unsigned int n_keep = 1;
	char ctid[16];

	for (int i = 0; i < 2 && j->give_kept; i++)
		if (j->ct->kept[i] >= 0)
			keep[n_keep++] = j->ct->kept[i];
	(void)snprintf(ctid, sizeof(ctid), "%u", j->ct->ctid);
	argv[n++] = op;
	argv[n++] = ctid;
	while (args != NULL && *args != NULL && n < 7)
		argv[n++] = *args++;
	argv[n] = NULL;
	j->next = next;
	if (worker_start(j->d, argv, keep, n_keep, on_progress, on_done, j, &failed.error) < 0)
		next(j, &failed);
}

struct rpc_call *job_take_call(struct job *j)
{
	struct rpc_call *call = j->call;

	j->call = NULL;
	if (call != NULL)
		rpc_call_on_gone(call, NULL, NULL);
	return call;
}

static struct rpc_call *job_release(struct job *j)
{
	struct rpc_call *call = job_take_call(j);

	ev_remove(j->timer);
	(void)close(j->lock_fd);
	conf_free(j->conf);
	conf_free(j->live);
	conf_free(j->before);
	json_decref(j->notes);
	j->ct->job = NULL;
	free(j);
	return call;
}

void job_done(struct job *j, json_t *parameters)
{
	struct rpc_call *call;

	log_line(LOG_LV_INFO, j->ct->ctid, "%s: done", j->what);
	call = job_release(j);
	if (call != NULL)
		rpc_reply(call, parameters);
	else
		json_decref(parameters);
}

void job_fail(struct job *j, const struct berth_error *err)
{
	struct berth_error e = *err;
	struct rpc_call *call;

	berth_error_name_ct(&e, j->ct->ctid);
	log_line(LOG_LV_ERROR, j->ct->ctid, "%s: %s", j->what, e.msg);
	call = job_release(j);
	if (call != NULL)
		rpc_reply_error(call, &e);
}

void job_retry_later(struct ct *ct, uint64_t ms, ev_timer_fn *fn)
{
	job_retry_cancel(ct);
	if (ev_add_timer(ct->d->ev, ms, fn, ct, &ct->retry) < 0)
		abort();
}

void job_retry_cancel(struct ct *ct)
{
	ev_remove(ct->retry);
	ct->retry = NULL;
}
