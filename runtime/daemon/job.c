/* job.c - one operation on one CT. */
#include "runtime/daemon/job.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/lock.h"
#include "runtime/base/log.h"
#include "runtime/daemon/audit.h"
#include "runtime/daemon/read_ahead.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

static void client_gone(struct rpc_call *call, void *data)
{
	struct job *j = data;

	(void)call;
	j->call = NULL;
	j->left = true;
	if (j->ends_with_client)
		(void)ct_event(j->ct, LIFE_CANCEL, NULL, NULL);
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

int job_refuse_busy(const struct ct *ct, struct berth_error *err)
{
	if (ct->job != NULL)
		return berth_error_set(err, BERTH_ERR_LOCKED, EWOULDBLOCK,
				       "CT %u is locked by %s; try again when it has ended",
				       ct->ctid, ct->job->what);
	if (ct->unsettled)
		return berth_error_set(err, BERTH_ERR_LOCKED, EWOULDBLOCK,
				       "CT %u is locked by what an earlier berthd began; try again "
				       "when it has ended",
				       ct->ctid);
	return 0;
}

struct job *job_begin(struct daemon *d, struct ct *ct, const char *what, struct rpc_call *call,
		      struct berth_error *err)
{
	struct job *j;
	int lock_fd;

	if (job_refuse_busy(ct, err) < 0)
		return NULL;
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
	j->halt_fd = -EBADF;
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

struct read_first {
	struct job *j;
	struct worker_result result;
	char *values;
};

static void read_first_work(void *data)
{
	const struct read_first *f = data;

	read_ahead_ct(&f->j->d->paths, f->j->ct->ctid);
}

static void read_first_done(void *data)
{
	struct read_first *f = data;

	f->j->next(f->j, &f->result);
	free(f->values);
	free(f);
}

/* What comes next looks at the CT's config and facts, in the loop: a thread reads them first, if need be. */
static void go_on(struct job *j, const struct worker_result *r)
{
	struct read_first *f;

	if (read_ahead_is_done(&j->d->paths, j->ct->ctid)) {
		j->next(j, r);
		return;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		abort();
	*f = (struct read_first){.j = j, .result = *r, .values = strdup(r->values)};
	if (f->values == NULL)
		abort();
	f->result.values = f->values;
	if (offload_run(j->d->disk, read_first_work, read_first_done, f) < 0)
		abort();
}

static void on_done(const struct worker_result *result, void *data)
{
	struct job *j = data;
	struct worker_result r = *result;

	j->worker = NULL;
	if (r.died && r.ended_for[0] != '\0')
		(void)berth_error_set(&r.error, BERTH_ERR_TIMEOUT, ECANCELED,
				      "CT %u: %s was ended: %.200s", j->ct->ctid, j->what,
				      r.ended_for);
	else if (r.died)
		(void)berth_error_set(&r.error, r.error.code, r.error.sys,
				      "CT %u: the worker of %s died before it had finished; see "
				      "berthd's log: journalctl -u berthd",
				      j->ct->ctid, j->what);
	go_on(j, &r);
}

static void life_worker_ended(struct job *j, const struct worker_result *result)
{
	enum life_event event = result->ok ? LIFE_DONE : result->died ? LIFE_DIED : LIFE_FAILED;

	(void)ct_event(j->ct, event, &(struct life_info){.job = j, .result = result}, NULL);
}

void job_life_worker(struct job *j, const char *op, const char *const *args)
{
	job_worker(j, op, args, life_worker_ended);
}

void job_end_worker(struct job *j, const char *why)
{
	if (j->worker != NULL)
		worker_end(j->worker, why);
}

void job_take_fds(struct job *j)
{
	if (j->call != NULL && j->n_fds == 0)
		j->n_fds = rpc_call_take_fds(j->call, j->fds);
}

void job_worker(struct job *j, const char *op, const char *const *args, job_next_fn *next)
{
	const char *argv[12];
	struct worker_result failed = {.values = ""};
	int keep[3 + RPC_FDS_MAX] = {j->lock_fd}, n = 0;
	unsigned int n_keep = 1;
	char ctid[16];

	for (int i = 0; i < 2 && j->give_kept; i++)
		if (j->ct->kept[i] >= 0)
			keep[n_keep++] = j->ct->kept[i];
	for (unsigned int i = 0; i < j->n_fds; i++)
		keep[n_keep++] = j->fds[i];
	(void)snprintf(ctid, sizeof(ctid), "%u", j->ct->ctid);
	argv[n++] = op;
	argv[n++] = ctid;
	while (args != NULL && *args != NULL && n < 11)
		argv[n++] = *args++;
	argv[n] = NULL;
	j->next = next;
	if (worker_start_run(j->d, argv, keep, n_keep, on_progress, on_done, j, &j->worker,
			     &failed.error) < 0)
		next(j, &failed);
}

static void disk_work(void *data)
{
	struct job *j = data;

	j->disk_result.ok = j->disk(j, &j->disk_result.error) == 0;
	/* What comes next looks at them, in the loop. */
	if (!read_ahead_is_done(&j->d->paths, j->ct->ctid))
		read_ahead_ct(&j->d->paths, j->ct->ctid);
}

static void disk_done(void *data)
{
	struct job *j = data;
	struct worker_result r = j->disk_result;

	j->next(j, &r);
}

void job_disk(struct job *j, job_disk_fn *work, job_next_fn *next)
{
	j->disk = work;
	j->next = next;
	j->disk_result = (struct worker_result){.values = ""};
	if (offload_run(j->d->disk, disk_work, disk_done, j) < 0)
		abort();
}

void job_note(struct job *j, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)json_array_append_new(j->notes, json_string(text));
}

struct rpc_call *job_take_call(struct job *j)
{
	struct rpc_call *call = j->call;

	j->call = NULL;
	if (call != NULL)
		rpc_call_on_gone(call, NULL, NULL);
	return call;
}

void job_join(struct job *j, struct rpc_call *call)
{
	if (call != NULL)
		call_list_add(&j->joined, call);
}

void job_answer_joined(struct job *j, const struct berth_error *err)
{
	struct rpc_call *call;

	while ((call = call_list_take(&j->joined)) != NULL)
		if (err == NULL)
			rpc_reply(call, NULL);
		else
			rpc_reply_error(call, err);
}

static struct rpc_call *job_release(struct job *j)
{
	struct rpc_call *call = job_take_call(j);

	if (j->source != NULL)
		job_done(j->source, NULL);
	(void)close(j->lock_fd);
	for (unsigned int i = 0; i < j->n_fds + j->n_held; i++)
		(void)close(j->fds[i]);
	free(j->move);
	free(j->back_key);
	fd_close(&j->halt_fd);
	conf_free(j->conf);
	conf_free(j->live);
	conf_free(j->before);
	conf_free(j->was);
	json_decref(j->notes);
	json_decref(j->findings);
	json_decref(j->reply);
	j->ct->job = NULL;
	ct_pend_hurry(j->ct);
	free(j);
	return call;
}

void job_done(struct job *j, json_t *parameters)
{
	struct rpc_call *call;

	log_line(LOG_LV_INFO, j->ct->ctid, "%s: done", j->what);
	if (j->left)
		audit_job(j->d, j->ct->ctid, j->what, NULL);
	job_answer_joined(j, NULL);
	call = job_release(j);
	if (call != NULL)
		rpc_reply(call, parameters);
	else
		json_decref(parameters);
}

void job_fail(struct job *j, const struct berth_error *err)
{
	struct berth_error e = *err;
	json_t *more = NULL;
	struct rpc_call *call;

	berth_error_name_ct(&e, j->ct->ctid);
	/* come_back.h tells once what it will try again. */
	log_line(j->comes_back ? LOG_LV_DEBUG : LOG_LV_ERROR, j->ct->ctid, "%s: %s", j->what,
		 e.msg);
	if (j->left)
		audit_job(j->d, j->ct->ctid, j->what, &e);
	job_answer_joined(j, &e);
	if (json_array_size(j->findings) > 0)
		more = json_pack("{s:O}", "findings", j->findings);
	call = job_release(j);
	if (call != NULL)
		rpc_reply_error_with(call, &e, more);
	else
		json_decref(more);
}
