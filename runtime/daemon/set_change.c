/* set_change.c - what a set makes of a CT's two configs. */
#include "runtime/daemon/set_change.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/text.h"
#include "runtime/base/value.h"
#include "runtime/config/temporary.h"
#include "runtime/config/undo.h"
#include "runtime/daemon/come_back.h"
#include "runtime/daemon/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

static int load(struct job *j, struct berth_error *err)
{
	const struct berth_paths *p = &j->d->paths;
	uint32_t ctid = j->ct->ctid;
	int r = store_conf_load(p, ctid, &j->conf, err);

	if (r == 0)
		r = store_live_load(p, ctid, &j->live, err);
	if (r < 0)
		return r;
	j->was = conf_copy(j->conf);
	j->before = conf_copy(j->live);
	if (j->was == NULL || j->before == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "CT %u: set", ctid);
	return 0;
}

/* Is it a config that a CT can have? */
static int check(struct job *j, const struct conf_file *was, const struct conf_file *f,
		 struct berth_error *err)
{
	struct daemon *d = j->d;
	struct ct_config before, typed;
	bool damaged = ct_config_from(was, d->host_conf, &before, NULL) < 0;
	int r = ct_config_from(f, d->host_conf, &typed, err);

	if (r == 0)
		r = settings_check_host(j->ct->ctid, damaged ? NULL : &before, &typed, err);
	if (r == 0)
		r = registry_check_unique(d, j->ct, f, err);
	return r;
}

static int take_settings(struct job *j, const struct set_order *o, struct berth_error *err)
{
	struct setting saved[SETTINGS_MAX], live[SETTINGS_MAX];
	int n_saved, n_live, r;

	if (!j->save)
		return settings_apply(j->d, j->live, o->list, o->n, err);
	n_saved = settings_for(j->conf, j->live, o->list, o->n, saved);
	n_live = settings_for(j->live, j->conf, o->list, o->n, live);
	r = settings_apply(j->d, j->conf, saved, n_saved, err);
	return r < 0 ? r : settings_apply(j->d, j->live, live, n_live, err);
}

/* ---- what comes back by itself ---- */

static void copy_line(const char *key, const char *value, void *data)
{
	if (temporary_key(key) != NULL)
		(void)conf_set(data, key, value);
}

/* Who compares the two files (set_recover) must find the lines in both. */
static int copy_lines(const struct conf_file *from, struct conf_file *to)
{
	int r = temporary_keep_all(to);

	if (r == 0)
		conf_each(from, copy_line, to);
	return r;
}

static int mark(struct job *j, const struct set_order *o, struct berth_error *err)
{
	int r = 0;

	if (!j->save)
		return 0;
	/* What was named, also with the value that it has: it stays, or comes back at the new time. */
	for (int i = 0; r == 0 && i < o->n; i++) {
		const struct param *p = param_find_option(o->list[i].option);

		if (p != NULL && o->until == 0)
			temporary_keep(j->conf, p->key);
		else if (p != NULL)
			r = temporary_prolong(j->conf, p->key, o->until);
	}
	if (o->until == 0)
		temporary_keep_changed(j->conf, j->was);
	else if (r == 0)
		r = temporary_mark(j->conf, j->was, o->until);
	if (r == 0)
		r = copy_lines(j->conf, j->live);
	return r < 0 ? berth_error_sys(err, r, "CT %u: note what comes back", j->ct->ctid) : 0;
}

static int come_back(struct job *j, struct berth_error *err)
{
	int64_t now = (int64_t)time(NULL);
	const char *key;
	int r;

	if (come_back_pick(j->ct, j->was, now, &j->back_key) < 0)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "CT %u: set", j->ct->ctid);
	key = j->back_key;
	r = temporary_take_back(j->conf, j->was, key, now);
	if (r > 0)
		r = temporary_take_back(j->live, j->was, key, now);
	if (r > 0)
		r = copy_lines(j->conf, j->live);
	j->save = true;
	return r < 0 ? berth_error_sys(err, r, "CT %u: take a temporary change back", j->ct->ctid)
		     : 0;
}

/* ---- undo ---- */

/* ", " between them; what is too long is cut. */
static void add_left(const char *key, void *data)
{
	char **keys = data;

	text_set(keys, "%s%s%s", text_or_empty(*keys), *keys != NULL ? ", " : "", key);
}

static int nothing_to_undo(const struct job *j, const char *left, struct berth_error *err)
{
	if (left != NULL)
		return berth_error_set(err, BERTH_ERR_VALUE, ENOENT,
				       "CT %u: nothing to undo: what the last set changed was "
				       "changed again since: %.200s",
				       j->ct->ctid, left);
	return berth_error_set(err, BERTH_ERR_VALUE, ENOENT,
			       "CT %u: nothing to undo: all is as it was before the last set",
			       j->ct->ctid);
}

static int take_back_last(struct job *j, struct berth_error *err)
{
	uint32_t ctid = j->ct->ctid;
	auto_free char *left = NULL;
	struct conf_file *note;
	int r = store_undo_load(&j->d->paths, ctid, &note, err);

	if (r < 0)
		return r;
	r = undo_apply(note, j->conf, j->live, &j->save, add_left, &left);
	conf_free(note);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: read what the last set has changed", ctid);
	if (conf_equal(j->live, j->before) && conf_equal(j->conf, j->was))
		return nothing_to_undo(j, left, err);
	if (left != NULL)
		job_note(j, "CT %u: left as it is, as it was changed again since: %s", ctid, left);
	if (!j->save && j->ct->status != CT_RUNNING)
		return berth_error_set(err, BERTH_ERR_VALUE, ENOENT,
				       "CT %u: nothing to undo: the last set was not saved, and "
				       "ended with the run",
				       ctid);
	return 0;
}

int set_change(struct job *j, const struct set_order *o, struct berth_error *err)
{
	int r = check_create_only(j->ct, o->list, o->n, err);

	j->save = o->save || o->until != 0;
	j->dry = o->dry;
	j->comes_back = o->come_back; /* also of one whose config cannot be read: see set_fail */
	if (r == 0)
		r = load(j, err);
	if (r < 0)
		return r;
	if (o->undo)
		r = take_back_last(j, err);
	else if (o->come_back)
		r = come_back(j, err);
	else
		r = take_settings(j, o, err);
	if (r == 0 && !o->undo && !o->come_back)
		r = mark(j, o, err);
	if (r == 0 && j->save)
		r = check(j, j->was, j->conf, err);
	return r < 0 ? r : check(j, j->before, j->live, err);
}

/* ---- what would be written ---- */

static void add_change(json_t *list, const char *where, const char *old, const char *new)
{
	json_t *c = json_pack("{s:s}", "where", where);

	if (old != NULL)
		(void)json_object_set_new(c, "old", json_string(old));
	if (new != NULL)
		(void)json_object_set_new(c, "new", json_string(new));
	(void)json_array_append_new(list, c);
}

/* The worker's. */
static void add_reported(json_t *list, const char *values)
{
	static const char *const halves[] = {"where", "old", "new"};
	char name[32], text[3][400];

	for (unsigned int i = 0;; i++) {
		for (size_t k = 0; k < 3; k++) {
			(void)snprintf(name, sizeof(name), "change.%u.%s", i, halves[k]);
			if (value_get(values, name, text[k], sizeof(text[k])) < 0)
				return;
		}
		add_change(list, text[0], text[1], text[2]);
	}
}

struct differing {
	json_t *list;
	const struct conf_file *other;
	const char *where;
	bool gone; /* the keys are those of the old file, which the new one lacks */
};

static void add_differing(const char *key, const char *value, void *data)
{
	const struct differing *d = data;
	const char *other = conf_get(d->other, key);
	auto_free char *is = NULL, *was = NULL;

	if (d->gone ? other != NULL : other != NULL && strcmp(other, value) == 0)
		return;
	if (asprintf(&is, "%s=\"%s\"", key, value) < 0)
		abort();
	if (other != NULL && asprintf(&was, "%s=\"%s\"", key, other) < 0)
		abort();
	add_change(d->list, d->where, d->gone ? is : was, d->gone ? NULL : is);
}

static void add_file(json_t *list, const char *where, const struct conf_file *was,
		     const struct conf_file *is)
{
	struct differing d = {.list = list, .other = was, .where = where};

	conf_each(is, add_differing, &d);
	d.other = is;
	d.gone = true;
	conf_each(was, add_differing, &d);
}

json_t *set_changes(const struct job *j, const char *values)
{
	const struct berth_paths *p = &j->d->paths;
	char path[BERTH_PATH_MAX], dir[BERTH_PATH_MAX];
	json_t *list = json_array();

	add_reported(list, values);
	if (j->save)
		add_file(list, path_ct_config(p, j->ct->ctid, path), j->was, j->conf);
	else
		add_file(list, path_below(path_run_ct(p, j->ct->ctid, dir), "live.conf", path),
			 j->before, j->live);
	return list;
}

const char *set_change_text(const struct job *j, char *buf, size_t size)
{
	json_t *list = set_changes(j, ""), *c;
	size_t i, used = 0;

	buf[0] = '\0';
	json_array_foreach(list, i, c)
	{
		const char *old = json_string_value(json_object_get(c, "old"));
		const char *new = json_string_value(json_object_get(c, "new"));
		const char *text = new != NULL ? new : old;

		if (temporary_key(text) != NULL || used >= size)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%.*s%s", used > 0 ? " " : "",
					 new != NULL ? (int)strlen(text) : (int)strcspn(text, "="),
					 text, new != NULL ? "" : " unset");
	}
	json_decref(list);
	return buf[0] != '\0' ? buf : "nothing";
}
