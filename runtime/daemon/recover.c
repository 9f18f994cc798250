/*
 * recover.c - start-up of berthd: what is on disk becomes the registry again.
 *
 * A worker of an earlier berthd may still be at work; it holds the CT's lock. Such a CT is unsettled:
 * no job can begin on it, and it is looked at again until the lock is free. Only then its files say
 * what it is.
 */
#include "runtime/daemon/recover.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/lock.h"
#include "runtime/base/log.h"
#include "runtime/daemon/adopt.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/destroy.h"
#include "runtime/daemon/ended.h"
#include "runtime/daemon/lifecycle.h"
#include "runtime/daemon/lost.h"
#include "runtime/daemon/reboot.h"
#include "runtime/daemon/set_recover.h"
#include "runtime/daemon/strays.h"

#include <fcntl.h>
#include <string.h>

enum {
	SETTLE_MS = 200
};

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool has_config(struct daemon *d, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];

	return exists(path_ct_config(&d->paths, ctid, path));
}

static bool has_private(struct daemon *d, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];

	return exists(path_private(&d->paths, ctid, path));
}

/* Does a stopped CT still have something of a run: files, cgroup, network? */
static bool has_leftovers(struct daemon *d, const struct ct *ct)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(&d->paths, ct->ctid, path));

	if (dir >= 0 &&
	    (faccessat(dir, "state", F_OK, 0) == 0 || faccessat(dir, "volume", F_OK, 0) == 0 ||
	     faccessat(dir, "exit", F_OK, 0) == 0))
		return true;
	return cg_ct_exists(d->cg, ct->ctid);
}

/* ---- a CT that runs or has run ---- */

static void adopt(struct daemon *d, struct ct *ct)
{
	struct berth_error err;

	if (attach_take(d, ct, &err) < 0) {
		adopt_monitor_gone(d, ct);
		return;
	}
	log_line(LOG_LV_INFO, ct->ctid, "adopted: init is %d", ct->run.init.pid);
	set_recover(d, ct);
}

/* A restart that the last berthd had promised: it died between the end and the new start. */
static void start_again(struct daemon *d, struct ct *ct)
{
	struct berth_error err;
	struct job *j = job_begin(d, ct, "restart", NULL, &err);

	if (j != NULL)
		lifecycle_start(j);
	else
		log_line(LOG_LV_ERROR, ct->ctid, "restart: %s", err.msg);
}

/* Whatever is damaged: a CT that runs is run on, so that its admin can stop it. */
static void settle_ct(struct daemon *d, struct ct *ct)
{
	struct ct_run run;
	bool runs = ct_run_load(&d->paths, ct->ctid, &run, NULL) == 0;

	registry_settled(d, ct);
	if (!runs)
		store_candidate_forget(&d->paths, ct->ctid);
	if (runs && run.launched)
		adopt(d, ct);
	else if (ct->status == CT_MOUNTED)
		return;
	else if (runs || has_leftovers(d, ct))
		ended_clean(d, ct);
	else if (ct->status == CT_STOPPED && reboot_is_marked(d, ct))
		start_again(d, ct);
}

/* ---- a CTID without a config ---- */

static void collected(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;

	if (!result->ok) {
		job_fail(j, &result->error);
	} else {
		strays_remove_run(d, ct->ctid);
		job_done(j, NULL);
	}
	registry_remove(d, ct);
}

static void collect(struct daemon *d, struct ct *ct)
{
	struct berth_error err;
	struct job *j = job_begin(d, ct, "collect", NULL, &err);

	if (j != NULL) {
		job_worker(j, "cleanup", NULL, collected);
		return;
	}
	log_line(LOG_LV_ERROR, ct->ctid, "collect: %s", err.msg);
	registry_remove(d, ct);
}

/* ---- intents ---- */

static void finish(struct daemon *d, struct ct *ct, enum store_intent what)
{
	struct berth_error err;
	struct job *j;

	ct->being_created = true; /* nobody may touch it until it is gone */
	ct->going_by = what;
	log_line(LOG_LV_WARNING, ct->ctid, "an unfinished %s is %s",
		 what == INTENT_DESTROY ? "destroy" : "create",
		 what == INTENT_DESTROY ? "finished" : "undone");
	j = job_begin(d, ct, "recovery", NULL, &err);
	if (j != NULL)
		destroy_run(j);
	else
		log_line(LOG_LV_ERROR, ct->ctid, "recovery: %s", err.msg);
}

/*
 * A create with config and private area has come to its commit point: it stands, however damaged.
 * A destroy is finished, but never under a CT that runs: it was refused while that was so.
 */
static void settle_intent(struct daemon *d, struct ct *ct, enum store_intent what)
{
	struct ct_run run;
	bool stands;

	if (what == INTENT_CREATE)
		stands = has_config(d, ct->ctid) && has_private(d, ct->ctid);
	else
		stands = ct_run_load(&d->paths, ct->ctid, &run, NULL) == 0;
	if (!stands) {
		finish(d, ct, what);
		return;
	}
	store_intent_clear(&d->paths, ct->ctid, true);
	ct->being_created = false;
	settle_ct(d, ct);
}

/* ---- each CT ---- */

static bool is_held(struct daemon *d, const struct ct *ct)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(&d->paths, ct->ctid, path));

	return dir >= 0 && lock_is_held(dir, "lock");
}

static void settle_again(struct ev_source *s, void *data);

/* What its files say is true, as far as it goes. */
static void settle_judged(struct daemon *d, struct ct *ct)
{
	enum store_intent what = ct->intent;
	struct ct_run run;

	ct->intent = INTENT_NONE;
	if (what != INTENT_NONE) {
		settle_intent(d, ct, what);
	} else if (has_config(d, ct->ctid) || ct_run_load(&d->paths, ct->ctid, &run, NULL) == 0) {
		ct->being_created = false;
		settle_ct(d, ct);
	} else {
		collect(d, ct);
	}
}

static void settle(struct daemon *d, struct ct *ct)
{
	job_retry_cancel(ct);
	ct->unsettled = is_held(d, ct);
	if (ct->unsettled) {
		job_retry_later(ct, SETTLE_MS, settle_again);
		return;
	}
	if (lost_may_run(d, ct))
		lost_find(d, ct, settle_judged);
	else
		settle_judged(d, ct);
}

static void settle_again(struct ev_source *s, void *data)
{
	struct ct *ct = data;

	(void)s;
	settle(ct->d, ct);
}

static void take_intent(uint32_t ctid, const struct store_intent_record *rec, void *data)
{
	struct daemon *d = data;
	struct ct *ct = registry_find(d, ctid);

	if (ct == NULL) {
		ct = registry_add(d, ctid);
		ct->being_created = true;
	}
	ct->intent = rec->what;
	ct->going = rec->area;
	if (ct->facts.id_base == 0)
		ct->facts.id_base = rec->id_base;
}

/* Settling may take a CT out of the registry: by CTID, not by place. */
static void settle_all(struct daemon *d)
{
	auto_free uint32_t *list = calloc(d->n_cts + 1, sizeof(*list));
	size_t n = d->n_cts;

	if (list == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		list[i] = d->cts[i]->ctid;
	for (size_t i = 0; i < n; i++) {
		struct ct *ct = registry_find(d, list[i]);

		if (ct != NULL)
			settle(d, ct);
	}
}

int recover_all(struct daemon *d, struct berth_error *err)
{
	auto_free uint32_t *list = NULL;
	int n = ct_info_list(&d->paths, &list, err), r;

	if (n < 0)
		return n;
	/* Before any is settled: ids, names and addresses of all of them are taken. */
	for (int i = 0; i < n; i++)
		(void)registry_reload(d, registry_add(d, list[i]), NULL);
	r = store_intent_each(&d->paths, take_intent, d, err);
	if (r < 0)
		return r;
	strays_collect(d);
	strays_report(d);
	settle_all(d);
	return 0;
}
