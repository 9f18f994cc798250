/* destroy.c - the way out of a CT. */
#include "runtime/daemon/destroy.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/ct/journal.h"

#include <fcntl.h>
#include <string.h>

enum {
	TRIES_AT_ONCE = 3, /* of a worker that is killed */
	WAIT_FIRST_MS = 10000,
	WAIT_MAX_MS = 600000
};

/* 1, 0 or -errno: what cannot be looked at is not gone. */
static int has_config(struct daemon *d, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];

	if (access(path_ct_config(&d->paths, ctid, path), F_OK) == 0)
		return 1;
	return ct_is_absent(-errno) ? 0 : -errno;
}

/* The config is gone, so there is no way back: its admin has ordered the rest as well. */
static void destroy_again(struct ct *ct)
{
	int stands = has_config(ct->d, ct->ctid);
	struct job *j;

	if (stands < 0) {
		ct_timer_set(ct, LIFE_T_DESTROY, WAIT_FIRST_MS);
		return;
	}
	if (stands == 1) { /* somebody brought it back */
		store_intent_clear(&ct->d->paths, ct->ctid, true);
		if (ct->job == NULL)
			registry_settled(ct->d, ct);
		return;
	}
	j = job_begin(ct->d, ct, "destroy", NULL, NULL);
	if (j != NULL)
		destroy_run(j);
	else
		ct_timer_set(ct, LIFE_T_DESTROY, WAIT_FIRST_MS);
}

static void destroy_later(struct ct *ct)
{
	uint64_t wait = ct->destroy_wait_ms * 2;

	wait = wait < WAIT_FIRST_MS ? WAIT_FIRST_MS : wait;
	ct->destroy_wait_ms = wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
	log_line(LOG_LV_WARNING, ct->ctid, "destroy: tried again in %llu s",
		 (unsigned long long)ct->destroy_wait_ms / 1000);
	ct->go_on = destroy_again;
	ct_timer_set(ct, LIFE_T_DESTROY, ct->destroy_wait_ms);
}

/*
 * The config goes first: while it is there nothing is lost, and the CT lives on. An intent that
 * stayed would have the next berthd destroy it, whatever has become of it by then.
 */
static int take_intent_back(struct job *j, struct berth_error *err)
{
	(void)err;
	if (has_config(j->d, j->ct->ctid) != 0)
		store_intent_clear(&j->d->paths, j->ct->ctid, true);
	return 0;
}

static void destroy_given_up(struct job *j, const struct worker_result *result)
{
	struct ct *ct = j->ct;
	struct berth_error err = j->error;
	bool stands = has_config(j->d, ct->ctid) != 0;

	(void)result;
	ct->being_created = false;
	registry_settled(j->d, ct);
	job_fail(j, &err);
	if (!stands)
		destroy_later(ct);
}

static void destroy_failed(struct job *j, const struct berth_error *err)
{
	j->error = *err;
	job_disk(j, take_intent_back, destroy_given_up);
}

void destroy_worker(struct job *j, job_next_fn *next)
{
	static const char *const kinds[] = {
		[INTENT_NONE] = "none",
		[INTENT_CREATE] = "create",
		[INTENT_DESTROY] = "order",
		[INTENT_LEFT] = "left",
	};
	char id[3][40];
	const char *args[] = {kinds[j->ct->going_by], id[0], id[1], id[2], NULL};

	area_id_format(&j->ct->going, id);
	job_worker(j, "destroy", args, next);
}

bool destroy_go_on(struct job *j, job_next_fn *next)
{
	if (++j->died >= TRIES_AT_ONCE)
		return false;
	log_line(LOG_LV_WARNING, j->ct->ctid, "the worker of %s died: another one continues",
		 j->what);
	destroy_worker(j, next);
	return true;
}

static int forget_intent(struct job *j, struct berth_error *err)
{
	/* First: a CT to come with this CTID has not moved. */
	if (journal_clear(&j->d->paths, j->ct->ctid, err) < 0)
		log_line(LOG_LV_WARNING, j->ct->ctid, "%s", err->msg);
	store_intent_clear(&j->d->paths, j->ct->ctid, false);
	return 0;
}

static void forgotten(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	uint32_t ctid = ct->ctid;

	(void)result;
	job_done(j, take_ptr(j->reply));
	registry_remove(d, ct);
	event_emit(d, ctid, "destroyed", NULL);
}

static void destroyed(struct job *j, const struct worker_result *result)
{
	if (result->died && destroy_go_on(j, destroyed))
		return;
	if (!result->ok) {
		destroy_failed(j, &result->error);
		return;
	}
	job_disk(j, forget_intent, forgotten);
}

void destroy_run(struct job *j)
{
	destroy_worker(j, destroyed);
}

/* Writes down which private area is ordered to go: that one, and none that is put in its place. */
static int destroy_intent(struct job *j, struct berth_error *err)
{
	struct daemon *d = j->d;
	const struct ct *ct = j->ct;
	struct store_intent_record rec = {INTENT_DESTROY, .id_base = ct->facts.id_base};
	char path[BERTH_PATH_MAX];
	auto_close int areas = dir_open_at(AT_FDCWD, path_below(d->paths.lib, "private", path));
	int r = areas < 0 ? areas : area_id_read(areas, ct->ctid, &rec.area);

	if (r < 0 && r != -ENOENT)
		return berth_error_set(err, BERTH_ERR_DESTROY, -r,
				       "CT %u: %s/%u cannot be read: %s; nothing was removed",
				       ct->ctid, path, ct->ctid, strerror(-r));
	j->area = rec.area;
	r = store_intent_write(&d->paths, ct->ctid, &rec, err);
	/* A full disk gets room by a destroy; one that cannot be written would keep half of it. */
	if (r == -EROFS)
		return r;
	if (r < 0)
		log_line(LOG_LV_WARNING, ct->ctid, "destroy without an intent: %s", err->msg);
	return 0;
}

static void destroy_begun(struct job *j, const struct worker_result *result)
{
	struct berth_error err = result->error;

	if (!result->ok) {
		registry_settled(j->d, j->ct); /* nothing was done */
		job_fail(j, &err);
		return;
	}
	j->ct->going = j->area;
	j->ct->going_by = INTENT_DESTROY;
	destroy_run(j);
}

void destroy_order(struct job *j)
{
	job_disk(j, destroy_intent, destroy_begun);
}
