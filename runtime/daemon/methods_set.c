/*
 * methods_set.c - Set: all of the settings or none. First they are made true, then saved; when they
 * cannot be saved they are taken back.
 */
#include "runtime/daemon/set_recover.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/log.h"
#include "runtime/base/value.h"
#include "runtime/config/temporary.h"
#include "runtime/config/undo.h"
#include "runtime/daemon/come_back.h"
#include "runtime/daemon/disk_first.h"
#include "runtime/daemon/found.h"
#include "runtime/daemon/job.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/set_change.h"
#include "runtime/daemon/settings.h"
#include "runtime/daemon/space.h"

#include <string.h>
#include <time.h>

enum {
	FOR_MAX_S = 366 * 86400
};

/*
 * Panels give two dozen parameters of OpenVZ at a time that Linux has nothing for: one line names them all. privvmpages
 * is one where physpages has a limit; where it has none, it is said what that comes to.
 */
static void note_stored(struct job *j, const struct setting *list, int n, struct ct_config *c)
{
	char names[200] = "";
	size_t used = 0;

	for (int i = 0; i < n; i++) {
		const struct param *p = param_find_option(list[i].option);
		bool sum = p != NULL && strcmp(p->key, "PRIVVMPAGES") == 0;

		if (p == NULL || list[i].value == NULL ||
		    (p->apply != PARAM_STORED && (!sum || c->by_privvmpages)))
			continue;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s--%s",
					 used > 0 ? ", " : "", p->option);
		if (used >= sizeof(names))
			break;
	}
	if (used >= sizeof(names))
		memcpy(names + sizeof(names) - 4, "...", 4);
	if (used > 0)
		job_note(j, "CT %u: stored in the config, but not enforced by berth: %s",
			 j->ct->ctid, names);
}

/* The same memory may come by several options. */
static void note_memory(struct job *j, const struct setting *list, int n, const struct ct_config *c)
{
	bool memory = false;

	for (int i = 0; i < n && !memory; i++) {
		const struct param *p = param_find_option(list[i].option);

		memory = p != NULL &&
			 (strcmp(p->key, "PRIVVMPAGES") == 0 || strcmp(p->key, "PHYSPAGES") == 0 ||
			  strcmp(p->key, "SWAPPAGES") == 0);
	}
	if (memory && c->by_privvmpages)
		job_note(j,
			 "CT %u: physpages is unlimited, so privvmpages limits RAM and swap "
			 "together: "
			 "RAM %llu KiB, swap %llu KiB",
			 j->ct->ctid, (unsigned long long)c->ram >> 10,
			 (unsigned long long)c->swap >> 10);
}

/* What comes back then, if its CT lets it. */
static void note_shrink(struct job *j, const struct ct_config *c)
{
	struct conf_file *then = conf_copy(j->live);
	struct ct_config old;

	if (then != NULL && temporary_take_back(then, then, "DISKSPACE", INT64_MAX) > 0 &&
	    ct_config_from(then, j->d->host_conf, &old, NULL) == 0 && old.diskspace < c->diskspace)
		job_note(j,
			 "CT %u: a volume shrinks only while its CT is stopped: after that time "
			 "--diskspace comes back as soon as the CT is stopped, if its files fit",
			 j->ct->ctid);
	conf_free(then);
}

/* What the admin should know of each setting. */
static void set_notes(struct job *j, const struct set_order *o, bool running)
{
	struct ct_config c;
	char text[200];

	if (ct_config_from(j->live, j->d->host_conf, &c, NULL) == 0) {
		note_stored(j, o->list, o->n, &c);
		note_memory(j, o->list, o->n, &c);
		if (o->until != 0)
			note_shrink(j, &c);
	}
	for (int i = 0; i < o->n; i++) {
		const struct param *p = param_find_option(o->list[i].option);

		if (p != NULL && p->apply == PARAM_RESTART && running)
			job_note(j, "CT %u: --%s takes effect at the next start: berth restart %u",
				 j->ct->ctid, p->option, j->ct->ctid);
	}
	if (o->undo)
		job_note(j, "CT %u: %s %s", j->ct->ctid,
			 j->dry ? "would be undone; then" : "undone; now",
			 set_change_text(j, text, sizeof(text)));
	else if (!j->save)
		job_note(j, "CT %u: not saved; add --save to keep it after a restart", j->ct->ctid);
}

/* What the CT itself has stood in the way of. */
static void worker_notes(struct job *j, const struct worker_result *result)
{
	static const char *const keys[] = {"note.network", "note.guest", "note.disk"};
	char text[400];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (value_get(result->values, keys[i], text, sizeof(text)) == 0)
			job_note(j, "%s", text);
}

/* Worth its own words: without --save nothing of a CT that does not run would change. */
static void set_nothing(struct job *j)
{
	job_note(j, "CT %u does not run and --save was not given: nothing was changed",
		 j->ct->ctid);
	job_done(j, json_pack("{s:O}", "notes", j->notes));
}

static void set_fail(struct job *j, const struct berth_error *err)
{
	if (j->comes_back)
		come_back_ended(j->ct, j->was, j->back_key, err);
	job_fail(j, err);
}

/* ---- a config that cannot be written: what was applied is taken back ---- */

static void set_undone(struct job *j, const struct worker_result *result)
{
	struct berth_paths *p = &j->d->paths;
	uint32_t ctid = j->ct->ctid;
	struct berth_error err = j->error;

	if (!result->ok)
		log_line(LOG_LV_ERROR, ctid, "undo the settings: %s", result->error.msg);
	if (j->ct->status != CT_RUNNING)
		store_live_forget(p, ctid);
	else if (!result->ok && store_live_save(p, ctid, j->live, NULL) < 0)
		log_line(LOG_LV_ERROR, ctid,
			 "the settings are in effect but could not be recorded");
	store_candidate_forget(p, ctid);
	(void)registry_refresh(j->d, j->ct, NULL);
	set_fail(j, &err);
}

/* The worker goes from the candidate to what was in effect. Nothing is written first: a disk may be full. */
static void set_undo(struct job *j, const struct berth_error *err)
{
	static const char *const back[] = {"back", NULL};

	j->error = *err;
	job_worker(j, "apply", back, set_undone);
}

static void set_applied(struct job *j, const struct worker_result *result);

/*
 * Has the config been written? Then the end of the set is all that is missing. What it was to be is pending.conf; of a
 * set of an earlier version, or one that saves nothing, there is the candidate alone: *saves is false.
 */
static int is_saved(struct job *j, bool *saves, struct berth_error *err)
{
	const struct berth_paths *p = &j->d->paths;
	struct conf_file *saved, *pending = NULL;
	int r = store_conf_load(p, j->ct->ctid, &saved, err);

	if (r < 0)
		return r;
	r = store_pending_load(p, j->ct->ctid, &pending, err);
	*saves = r == 0;
	if (r == 0 || r == -ENOENT)
		r = conf_equal(saved, r == 0 ? pending : j->live);
	conf_free(saved);
	conf_free(pending);
	return r;
}

static void recover(struct job *j)
{
	struct berth_error err = {0};
	bool saves = false, done = conf_equal(j->live, j->before);
	int saved = is_saved(j, &saves, &err);

	if (saved < 0) {
		/* Which of both it is cannot be told now: the next berthd may know. */
		job_fail(j, &err);
		return;
	}
	if (saved > 0 || (done && !saves))
		store_undo_keep(&j->d->paths, j->ct->ctid); /* it is the last one */
	if (done) { /* at its very end, or before anything was to change */
		store_candidate_forget(&j->d->paths, j->ct->ctid);
		job_done(j, NULL);
		return;
	}
	if (saved > 0) {
		j->notes = json_array();
		job_worker(j, "apply", NULL, set_applied);
		return;
	}
	(void)berth_error_set(&err, BERTH_ERR_SYSTEM, ECANCELED,
			      "CT %u: undoing settings that berthd could not finish", j->ct->ctid);
	set_undo(j, &err);
}

/* A candidate that nobody has put away: berthd died while it was being applied. */
void set_recover(struct daemon *d, struct ct *ct)
{
	struct conf_file *candidate;
	struct ct_config c;
	struct berth_error err;
	struct job *j;

	if (store_candidate_load(&d->paths, ct->ctid, &candidate, NULL) < 0)
		return;
	j = job_begin(d, ct, "set", NULL, &err);
	if (j == NULL || store_live_load(&d->paths, ct->ctid, &j->before, &err) < 0) {
		conf_free(candidate);
		if (j != NULL)
			job_fail(j, &err);
		return;
	}
	j->live = candidate;
	if (ct_config_from(candidate, d->host_conf, &c, &err) < 0) { /* no set has written that */
		store_candidate_forget(&d->paths, ct->ctid);
		job_fail(j, &err);
		return;
	}
	recover(j);
}

/* ---- the way forward ---- */

/* Both files or none. A berthd that dies in between is followed by set_recover. */
static int set_save(struct job *j, struct berth_error *err)
{
	struct berth_paths *p = &j->d->paths;
	struct conf_file *old = NULL;
	uint32_t ctid = j->ct->ctid;
	int r = j->save ? store_conf_load(p, ctid, &old, err) : 0, live = 0;

	if (r == 0 && j->save)
		r = store_conf_save(p, ctid, j->conf, err);
	if (r == 0 && j->running)
		r = live = store_live_save(p, ctid, j->live, err);
	/* It may stand there all the same, and an undo goes to what stands there. */
	if (live < 0 && store_live_save(p, ctid, j->before, NULL) < 0)
		log_line(LOG_LV_ERROR, ctid, "%s/ct/%u/live.conf could not be put back", p->run,
			 ctid);
	if (r < 0 && old != NULL && store_conf_save(p, ctid, old, NULL) < 0)
		log_line(LOG_LV_ERROR, ctid,
			 "the config could not be put back: look at %s/ct/%u.conf", p->etc, ctid);
	conf_free(old);
	if (r == 0) {
		/* Of one that was not saved, the set before can still be undone. */
		store_undo_keep(p, ctid);
		store_candidate_forget(p, ctid);
	}
	return r;
}

/* Not before: it may be refused. */
static void tell_back(struct job *j)
{
	char text[200];

	log_line(LOG_LV_INFO, j->ct->ctid, "a temporary change is over; now %s",
		 set_change_text(j, text, sizeof(text)));
	come_back_ended(j->ct, j->conf, j->back_key, NULL);
}

static void set_saved(struct job *j, const struct worker_result *result)
{
	if (!result->ok) {
		set_undo(j, &result->error);
		return;
	}
	(void)registry_refresh(j->d, j->ct, NULL);
	if (j->comes_back)
		tell_back(j);
	event_emit(j->d, j->ct->ctid, "changed", NULL);
	job_done(j, json_pack("{s:O}", "notes", j->notes));
}

static bool disk_differs(const struct job *j)
{
	const char *was = conf_get(j->before, "DISKSPACE"), *is = conf_get(j->live, "DISKSPACE");

	return was == NULL || is == NULL ? was != is : strcmp(was, is) != 0;
}

static void set_applied(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;

	if (disk_differs(j))
		space_soon(); /* whatever became of it */
	if (result->died) {
		set_undo(j, &result->error);
		return;
	}
	if (!result->ok) {
		store_candidate_forget(&d->paths, ct->ctid);
		(void)registry_refresh(d, ct, NULL);
		set_fail(j, &result->error);
		return;
	}
	worker_notes(j, result);
	j->running = ct->status == CT_RUNNING;
	job_disk(j, set_save, set_saved);
}

/* A dry run: the worker has only looked. */
static void set_shown(struct job *j, const struct worker_result *result)
{
	store_asked_forget(&j->d->paths, j->ct->ctid);
	(void)registry_refresh(j->d, j->ct, NULL);
	if (!result->ok) {
		job_fail(j, &result->error);
		return;
	}
	job_done(j, json_pack("{s:O, s:o}", "notes", j->notes, "changes",
			      set_changes(j, result->values)));
}

/* What would take it back. Of what berthd itself takes back there is none. */
static void note_undo(const struct job *j)
{
	struct conf_file *undo = NULL;
	struct berth_error err = {0};
	int r;

	if (j->own)
		return;
	r = undo_note(j->was, j->save ? j->conf : j->was, j->before, j->live, &undo);
	if (r == 0)
		r = store_undo_save(&j->d->paths, j->ct->ctid, undo, &err);
	conf_free(undo);
	if (r < 0)
		log_line(LOG_LV_WARNING, j->ct->ctid,
			 "this set cannot be undone by `berth undo`: %s",
			 err.msg[0] != '\0' ? err.msg : strerror(-r));
}

/* What the worker reads, and the next berthd if this one dies. */
static int set_write(struct job *j, struct berth_error *err)
{
	const struct berth_paths *p = &j->d->paths;
	uint32_t ctid = j->ct->ctid;
	int r = 0;

	if (j->dry)
		return store_asked_save(p, ctid, j->live, err);
	if (j->save)
		r = store_pending_save(p, ctid, j->conf, err);
	else
		store_pending_forget(p, ctid);
	if (r == 0) {
		note_undo(j);
		r = store_candidate_save(p, ctid, j->live, err);
	}
	if (r < 0)
		store_candidate_forget(p, ctid);
	return r;
}

static void set_go(struct job *j, void *data)
{
	static const char *const dry[] = {"dry", NULL};
	const struct set_order *o = data;
	struct ct *ct = j->ct;
	struct berth_error err;
	int r;

	j->notes = json_array();
	r = set_change(j, o, &err);
	if (r == 0)
		r = set_write(j, &err);
	if (r < 0) {
		set_fail(j, &err);
		return;
	}
	registry_claim(ct, j->live);
	if (j->dry) {
		set_notes(j, o, false);
		job_worker(j, "apply", dry, set_shown);
		return;
	}
	if (!j->save && ct->status != CT_RUNNING) {
		(void)registry_refresh(j->d, ct, NULL);
		store_candidate_forget(&j->d->paths, ct->ctid);
		set_nothing(j);
		return;
	}
	set_notes(j, o, ct->status == CT_RUNNING);
	job_worker(j, "apply", NULL, set_applied);
}

int set_come_back(struct ct *ct)
{
	struct set_order o = {.come_back = true};
	struct life_info info = {.go = set_go, .data = &o};

	return ct->job == NULL && !ct->unsettled ? ct_event(ct, LIFE_SET, &info, NULL) : -EBUSY;
}

static int take_until(json_t *parameters, int64_t *ret, struct berth_error *err)
{
	const json_t *v = json_object_get(parameters, "for");
	json_int_t seconds = json_integer_value(v);

	*ret = 0;
	if (v == NULL || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || seconds < 1 || seconds > FOR_MAX_S)
		return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
				       "'for' must be seconds, from 1 to %d", FOR_MAX_S);
	*ret = (int64_t)time(NULL) + seconds;
	return 0;
}

static void set_order(struct rpc_call *call, struct ct *ct, struct set_order *o)
{
	struct life_info info = {.call = call, .go = set_go, .data = o};
	struct berth_error err;

	if (ct_event(ct, LIFE_SET, &info, &err) < 0)
		rpc_reply_error(call, &err);
}

void method_set(struct rpc_call *call, json_t *parameters, void *data)
{
	const json_t *word = json_object_get(parameters, "ct");
	struct ct *ct = disk_first(call, parameters, data, word, true, method_set)
				? NULL
				: method_ct(call, parameters, data);
	struct setting list[SETTINGS_MAX];
	struct set_order o = {.list = list,
			      .save = method_flag(parameters, "save"),
			      .dry = method_flag(parameters, "dry_run")};
	struct berth_error err;

	if (ct == NULL || method_wait(call, parameters, ct, method_set))
		return;
	found_rescan(ct->d);
	o.n = settings_get(parameters, list, &err);
	if (o.n >= 0)
		o.n = settings_get_unset(parameters, list, o.n, &err);
	if (o.n < 0 || take_until(parameters, &o.until, &err) < 0)
		rpc_reply_error(call, &err);
	else
		set_order(call, ct, &o);
}

void method_undo(struct rpc_call *call, json_t *parameters, void *data)
{
	const json_t *word = json_object_get(parameters, "ct");
	struct ct *ct = disk_first(call, parameters, data, word, true, method_undo)
				? NULL
				: method_ct(call, parameters, data);
	struct set_order o = {.undo = true, .dry = method_flag(parameters, "dry_run")};

	if (ct == NULL || method_wait(call, parameters, ct, method_undo))
		return;
	found_rescan(ct->d);
	set_order(call, ct, &o);
}
