/*
 * methods_set.c - Set: all of the settings or none. First they are made true, then saved; when they
 * cannot be saved they are taken back.
 */
#include "runtime/daemon/set_recover.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/log.h"
#include "runtime/base/value.h"
#include "runtime/daemon/disk_first.h"
#include "runtime/daemon/found.h"
#include "runtime/daemon/job.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/settings.h"
#include "runtime/daemon/space.h"

#include <stdarg.h>
#include <string.h>

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

		if (p == NULL || (p->apply != PARAM_STORED && (!sum || c->by_privvmpages)))
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
static void set_notes(struct job *j, const struct setting *list, int n, bool running)
{
	struct ct_config c;

	if (ct_config_from(j->live, j->d->host_conf, &c, NULL) == 0) {
		note_stored(j, list, n, &c);
		note_memory(j, list, n, &c);
	}
	for (int i = 0; i < n; i++) {
		const struct param *p = param_find_option(list[i].option);

		if (p != NULL && p->apply == PARAM_RESTART && running)
			note(j, "CT %u: --%s takes effect at the next start: berth restart %u",
			     j->ct->ctid, p->option, j->ct->ctid);
	}
	if (!j->save)
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

/* Both files or none. A berthd that dies in between is followed by set_recover. */
static int set_save(struct job *j, struct berth_error *err)
{
	struct berth_paths *p = &j->d->paths;
	struct conf_file *old = NULL;
	uint32_t ctid = j->ct->ctid;
	int r = j->save ? store_conf_load(p, ctid, &old, err) : 0;

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

static int check_create_only(const struct ct *ct, const struct setting *list, int n,
			     struct berth_error *err)
{
	for (int i = 0; i < n; i++) {
		const struct param *p = param_find_option(list[i].option);

		if (p != NULL && p->apply == PARAM_CREATE)
			return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
					       "CT %u: --%s is fixed when a CT is created",
					       ct->ctid, p->option);
	}
	return 0;
}

/* One of the two configs after the settings: is it one that a CT can have? */
static int set_config(struct job *j, struct conf_file *f, const struct setting *list, int n,
		      struct berth_error *err)
{
	struct daemon *d = j->d;
	struct ct_config before, typed;
	bool damaged = ct_config_from(f, d->host_conf, &before, NULL) < 0;
	int r = settings_apply(d, f, list, n, err);

	if (r == 0)
		r = ct_config_from(f, d->host_conf, &typed, err);
	if (r == 0)
		r = settings_check_host(j->ct->ctid, damaged ? NULL : &before, &typed, err);
	if (r == 0)
		r = registry_check_unique(d, j->ct, f, err);
	return r;
}

/*
 * j->conf: to be saved; j->live: to be in effect (they differ after a set without --save). What is
 * not saved is not asked of the saved config: an address may be in the other one only.
 */
static int set_begin(struct job *j, const struct setting *list, int n, struct berth_error *err)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct setting saved[SETTINGS_MAX], live[SETTINGS_MAX];
	int r = check_create_only(ct, list, n, err), n_saved, n_live;

	if (r == 0)
		r = store_conf_load(&d->paths, ct->ctid, &j->conf, err);
	if (r == 0)
		r = store_live_load(&d->paths, ct->ctid, &j->live, err);
	if (r < 0)
		return r;
	j->before = conf_copy(j->live);
	if (j->before == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "CT %u: set", ct->ctid);
	if (j->save) {
		n_saved = settings_for(j->conf, j->live, list, n, saved);
		n_live = settings_for(j->live, j->conf, list, n, live);
		r = set_config(j, j->conf, saved, n_saved, err);
		if (r == 0)
			r = set_config(j, j->live, live, n_live, err);
	} else {
		r = set_config(j, j->live, list, n, err);
	}
	if (r == 0)
		r = store_candidate_save(&d->paths, ct->ctid, j->live, err);
	if (r == 0)
		registry_claim(ct, j->live);
	return r;
}

struct set_order {
	const struct setting *list;
	int n;
	bool save;
};

static void set_go(struct job *j, void *data)
{
	const struct set_order *o = data;
	struct ct *ct = j->ct;
	struct berth_error err;

	j->save = o->save;
	j->notes = json_array();
	if (set_begin(j, o->list, o->n, &err) < 0) {
		job_fail(j, &err);
		return;
	}
	if (!j->save && ct->status != CT_RUNNING) {
		(void)registry_refresh(j->d, ct, NULL);
		store_candidate_forget(&j->d->paths, ct->ctid);
		set_nothing(j);
		return;
	}
	set_notes(j, o->list, o->n, ct->status == CT_RUNNING);
	job_worker(j, "apply", NULL, set_applied);
}

void method_set(struct rpc_call *call, json_t *parameters, void *data)
{
	const json_t *word = json_object_get(parameters, "ct");
	struct ct *ct = disk_first(call, parameters, data, word, true, method_set)
				? NULL
				: method_ct(call, parameters, data);
	struct setting list[SETTINGS_MAX];
	struct set_order o = {.list = list, .save = method_flag(parameters, "save")};
	struct life_info info = {.call = call, .go = set_go, .data = &o};
	struct berth_error err;

	if (ct == NULL || method_wait(call, parameters, ct, method_set))
		return;
	found_rescan(ct->d);
	o.n = settings_get(parameters, list, &err);
	if (o.n < 0 || ct_event(ct, LIFE_SET, &info, &err) < 0)
		rpc_reply_error(call, &err);
}
