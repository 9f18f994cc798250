/*
 * methods_set.c - Set: all of the settings or none. First they are made true, then saved; when they
 * cannot be saved they are taken back.
 */
#include "runtime/daemon/set_recover.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/log.h"
#include "runtime/base/value.h"
#include "runtime/config/undo.h"
#include "runtime/daemon/disk_first.h"
#include "runtime/daemon/found.h"
#include "runtime/daemon/job.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/set_change.h"
#include "runtime/daemon/settings.h"
#include "runtime/daemon/space.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

enum {
	FOR_MAX_S = 366 * 86400
};

static void note(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct job *j, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)json_array_append_new(j->notes, json_string(text));
}

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
		note(j, "CT %u: stored in the config, but not enforced by berth: %s", j->ct->ctid,
		     names);
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
		note(j,
		     "CT %u: physpages is unlimited, so privvmpages limits RAM and swap together: "
		     "RAM %llu KiB, swap %llu KiB",
		     j->ct->ctid, (unsigned long long)c->ram >> 10,
		     (unsigned long long)c->swap >> 10);
}

/* What the admin should know of each setting. */
static void set_notes(struct job *j, const struct set_order *o, bool running)
{
	struct ct_config c;
	char text[200];

	if (ct_config_from(j->live, j->d->host_conf, &c, NULL) == 0) {
		note_stored(j, o->list, o->n, &c);
		note_memory(j, o->list, o->n, &c);
	}
	for (int i = 0; i < o->n; i++) {
		const struct param *p = param_find_option(o->list[i].option);

		if (p != NULL && p->apply == PARAM_RESTART && running)
			note(j, "CT %u: --%s takes effect at the next start: berth restart %u",
			     j->ct->ctid, p->option, j->ct->ctid);
	}
	if (o->come_back)
		log_line(LOG_LV_INFO, j->ct->ctid, "a temporary change is over; now %s",
			 set_change_text(j, text, sizeof(text)));
	else if (o->undo)
		note(j, "CT %u: undone; now %s", j->ct->ctid,
		     set_change_text(j, text, sizeof(text)));
	else if (!j->save)
		note(j, "CT %u: not saved; add --save to keep it after a restart", j->ct->ctid);
}

/* What the CT itself has stood in the way of. */
static void worker_notes(struct job *j, const struct worker_result *result)
{
	static const char *const keys[] = {"note.network", "note.guest", "note.disk"};
	char text[400];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (value_get(result->values, keys[i], text, sizeof(text)) == 0)
			note(j, "%s", text);
}

/* Worth its own words: without --save nothing of a CT that does not run would change. */
static void set_nothing(struct job *j)
{
	note(j, "CT %u does not run and --save was not given: nothing was changed", j->ct->ctid);
	job_done(j, json_pack("{s:O}", "notes", j->notes));
}

/* ---- a config that cannot be written: what was applied is taken back ---- */

static void set_undone(struct job *j, const struct worker_result *result)
{
	struct berth_paths *p = &j->d->paths;
	uint32_t ctid = j->ct->ctid;
	struct berth_error err = j->error;

	bool runs = j->ct->status == CT_RUNNING;

	if (!result->ok)
		log_line(LOG_LV_ERROR, ctid, "undo the settings: %s", result->error.msg);
	if (!runs || (result->ok && store_live_save(p, ctid, j->before, NULL) < 0))
		store_live_forget(p, ctid);
	store_candidate_forget(p, ctid);
	(void)registry_refresh(j->d, j->ct, NULL);
	job_fail(j, &err);
}

static void set_undo(struct job *j, const struct berth_error *err)
{
	static const char *const back[] = {"back", NULL};
	struct berth_paths *p = &j->d->paths;
	uint32_t ctid = j->ct->ctid;

	j->error = *err;
	/* The worker goes from what is in effect to the candidate. */
	if (store_live_save(p, ctid, j->live, NULL) < 0 ||
	    store_candidate_save(p, ctid, j->before, NULL) < 0) {
		log_line(LOG_LV_ERROR, ctid,
			 "the settings are in effect but could not be recorded");
		(void)registry_refresh(j->d, j->ct, NULL);
		job_fail(j, err);
		return;
	}
	job_worker(j, "apply", back, set_undone);
}

static void set_applied(struct job *j, const struct worker_result *result);

/* Is it what the config says? Then it was saved, and the end of the set is all that is missing. */
static bool is_saved(struct daemon *d, uint32_t ctid, const struct conf_file *candidate)
{
	struct conf_file *saved = NULL;
	bool same =
		store_conf_load(&d->paths, ctid, &saved, NULL) == 0 && conf_equal(saved, candidate);

	conf_free(saved);
	return same;
}

/* A candidate that nobody has put away: berthd died while it was being applied. */
void set_recover(struct daemon *d, struct ct *ct)
{
	struct conf_file *candidate;
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
	if (is_saved(d, ct->ctid, candidate)) {
		j->notes = json_array();
		job_worker(j, "apply", NULL, set_applied);
		return;
	}
	(void)berth_error_set(&err, BERTH_ERR_SYSTEM, ECANCELED,
			      "CT %u: undoing settings that berthd could not finish", ct->ctid);
	set_undo(j, &err);
}

/* ---- the way forward ---- */

/* What would take it back. Of what berthd itself takes back there is none. */
static void note_undo(const struct job *j)
{
	struct conf_file *undo = NULL;
	struct berth_error err = {0};
	int r;

	if (j->was == NULL || j->own)
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

/* Both files or none. A berthd that dies in between is followed by set_recover. */
static int set_save(struct job *j, struct berth_error *err)
{
	struct berth_paths *p = &j->d->paths;
	struct conf_file *old = NULL;
	uint32_t ctid = j->ct->ctid;
	int r = j->save ? store_conf_load(p, ctid, &old, err) : 0;

	if (r == 0)
		note_undo(j);

	if (r == 0 && j->save)
		r = store_conf_save(p, ctid, j->conf, err);
	if (r == 0 && j->running)
		r = store_live_save(p, ctid, j->live, err);
	if (r < 0 && old != NULL && store_conf_save(p, ctid, old, NULL) < 0)
		log_line(LOG_LV_ERROR, ctid,
			 "the config could not be put back: look at %s/ct/%u.conf", p->etc, ctid);
	conf_free(old);
	if (r == 0)
		store_candidate_forget(p, ctid);
	return r;
}

static void set_saved(struct job *j, const struct worker_result *result)
{
	if (!result->ok) {
		set_undo(j, &result->error);
		return;
	}
	(void)registry_refresh(j->d, j->ct, NULL);
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
		job_fail(j, &result->error);
		return;
	}
	worker_notes(j, result);
	j->running = ct->status == CT_RUNNING;
	job_disk(j, set_save, set_saved);
}

/* A dry run: the worker has only looked. */
static void set_shown(struct job *j, const struct worker_result *result)
{
	store_candidate_forget(&j->d->paths, j->ct->ctid);
	(void)registry_refresh(j->d, j->ct, NULL);
	if (!result->ok) {
		job_fail(j, &result->error);
		return;
	}
	job_done(j, json_pack("{s:O, s:o}", "notes", j->notes, "changes",
			      set_changes(j, result->values)));
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
		r = store_candidate_save(&j->d->paths, ct->ctid, j->live, &err);
	if (r < 0) {
		job_fail(j, &err);
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

void set_come_back(struct ct *ct)
{
	struct set_order o = {.come_back = true};
	struct life_info info = {.go = set_go, .data = &o};

	if (ct->job == NULL && !ct->unsettled)
		(void)ct_event(ct, LIFE_SET, &info, NULL);
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
