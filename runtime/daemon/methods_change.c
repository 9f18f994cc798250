/* methods_change.c - Create, Set, Destroy: the methods that change what a CT is. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"
#include "runtime/config/param.h"
#include "runtime/ct/store.h"
#include "runtime/daemon/job.h"
#include "runtime/daemon/lifecycle.h"
#include "runtime/daemon/methods.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

enum {
	SETTINGS_MAX = 256
};

/* The settings of a call; the strings stay owned by parameters. Returns the count. */
static int settings_get(json_t *parameters, struct setting *list, struct berth_error *err)
{
	json_t *array = json_object_get(parameters, "settings"), *item;
	size_t i;

	if (!json_is_array(array) || json_array_size(array) > SETTINGS_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "'settings' must be an array of at most %d settings",
				       SETTINGS_MAX);
	json_array_foreach(array, i, item)
	{
		list[i].option = json_string_value(json_object_get(item, "option"));
		list[i].value = json_string_value(json_object_get(item, "value"));
		if (list[i].option == NULL || list[i].value == NULL)
			return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
					       "setting %zu needs the strings 'option' and 'value'",
					       i);
	}
	return (int)json_array_size(array);
}

static const char *setting_find(const struct setting *list, int n, const char *option)
{
	for (int i = n - 1; i >= 0; i--)
		if (strcmp(list[i].option, option) == 0)
			return list[i].value;
	return NULL;
}

static int sample_merge(struct daemon *d, struct conf_file *f, const char *name,
			struct berth_error *err)
{
	struct conf_file *sample;
	int r = store_sample_load(&d->paths, name, &sample, err);

	if (r < 0)
		return r;
	r = param_apply_sample(f, sample, err);
	if (r == 0)
		(void)conf_set(f, "ORIGIN_SAMPLE", name);
	conf_free(sample);
	return r;
}

/* "config" and "applyconfig" name samples; all others are parameters. */
static int settings_apply(struct daemon *d, struct conf_file *f, const struct setting *list, int n,
			  struct berth_error *err)
{
	struct setting rest[SETTINGS_MAX];
	size_t n_rest = 0;

	for (int i = 0; i < n; i++) {
		if (strcmp(list[i].option, "config") == 0 ||
		    strcmp(list[i].option, "applyconfig") == 0) {
			int r = sample_merge(d, f, list[i].value, err);

			if (r < 0)
				return r;
		} else {
			rest[n_rest++] = list[i];
		}
	}
	return param_apply_all(f, rest, n_rest, err);
}

/* ---- create ---- */

/* The config of a new CT: the sample, then what was asked for, then this host's defaults. */
static int create_conf(struct daemon *d, const struct ct *ct, const struct setting *list, int n,
		       struct conf_file **ret, struct berth_error *err)
{
	struct conf_file *f;
	struct ct_config typed;
	int r = conf_parse("", 0, &f, err);

	if (r < 0)
		return r;
	if (setting_find(list, n, "config") == NULL && d->host.configfile[0] != '\0')
		r = sample_merge(d, f, d->host.configfile, err);
	if (r == 0)
		r = settings_apply(d, f, list, n, err);
	if (r == 0 && conf_get(f, "OSTEMPLATE") == NULL)
		(void)conf_set(f, "OSTEMPLATE", d->host.def_ostemplate);
	if (r == 0 && conf_get(f, "VE_LAYOUT") == NULL)
		(void)conf_set(f, "VE_LAYOUT", d->host.ve_layout);
	if (r == 0)
		r = ct_config_from(f, d->host_conf, &typed, err);
	if (r == 0)
		r = registry_check_unique(d, ct, f, err);
	if (r < 0)
		conf_free(f);
	else
		*ret = f;
	return r;
}

static void create_gone(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct berth_error err = j->error;

	(void)result;
	store_intent_clear(&d->paths, ct->ctid);
	job_fail(j, &err);
	registry_remove(d, ct);
}

static void created(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct ct_info info;

	if (!result->ok) {
		j->error = result->error;
		job_worker(j, "destroy", NULL, create_gone); /* a killed worker undid nothing */
		return;
	}
	ct->being_created = false;
	if (ct_info_load(&d->paths, ct->ctid, &info, NULL) == 0)
		ct->facts = info.facts;
	(void)registry_refresh(d, ct, NULL);
	store_intent_clear(&d->paths, ct->ctid);
	event_emit(d, ct->ctid, "created", NULL);
	job_done(j, json_pack("{s:I}", "ctid", (json_int_t)ct->ctid));
}

static int create_begin(struct job *j, const struct setting *list, int n, struct berth_error *err)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	int r = registry_free_id_base(d, &ct->facts.id_base, err);

	if (r == 0)
		r = create_conf(d, ct, list, n, &j->conf, err);
	if (r == 0)
		r = store_intent_write(&d->paths, ct->ctid, INTENT_CREATE, err);
	if (r == 0) {
		const char *name = conf_get(j->conf, "NAME"), *a = conf_get(j->conf, "IP_ADDRESS");

		/* From now on they are taken, also for a create at the same time. */
		(void)snprintf(ct->name, sizeof(ct->name), "%s", name != NULL ? name : "");
		ct->addrs = a != NULL ? strdup(a) : NULL;
		r = store_candidate_save(&d->paths, ct->ctid, j->conf, err);
	}
	return r;
}

static void create_run(struct job *j)
{
	char base[16], uuid[40] = "";
	const char *args[] = {base, uuid, NULL};

	(void)snprintf(base, sizeof(base), "%u", j->ct->facts.id_base);
	/* random(4): a version 4 UUID for each read. */
	(void)file_read_line_at(AT_FDCWD, "/proc/sys/kernel/random/uuid", uuid, sizeof(uuid));
	job_worker(j, "create", args, created);
}

static int create_ctid(struct daemon *d, json_t *parameters, uint32_t *ret, struct berth_error *err)
{
	json_t *asked = json_object_get(parameters, "ctid");
	json_int_t n = json_integer_value(asked);

	if (asked == NULL || json_is_null(asked)) {
		*ret = registry_free_ctid(d);
		return 0;
	}
	if (!json_is_integer(asked) || n < CTID_MIN || n > (json_int_t)CTID_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
				       "CTID %lld: use %d to %u (1 to 100 are reserved)",
				       (long long)n, CTID_MIN, CTID_MAX);
	if (registry_find(d, (uint32_t)n) != NULL)
		return berth_error_set(err, BERTH_ERR_EXISTS, EEXIST,
				       "CT %lld exists already; the next free CTID is %u",
				       (long long)n, registry_free_ctid(d));
	*ret = (uint32_t)n;
	return 0;
}

/* Drops what create made before its worker ran. */
static void create_refuse(struct daemon *d, struct ct *ct, const struct berth_error *err)
{
	char path[BERTH_PATH_MAX], name[16];
	auto_close int dir = dir_open_at(AT_FDCWD, path_below(d->paths.run, "ct", path));

	store_intent_clear(&d->paths, ct->ctid);
	(void)snprintf(name, sizeof(name), "%u", ct->ctid);
	job_fail(ct->job, err);
	if (dir >= 0)
		(void)tree_remove_at(dir, name);
	registry_remove(d, ct);
}

void method_create(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	struct setting list[SETTINGS_MAX];
	struct berth_error err;
	struct ct *ct;
	struct job *j;
	uint32_t ctid = 0;
	int n = settings_get(parameters, list, &err);

	if (n < 0 || create_ctid(d, parameters, &ctid, &err) < 0) {
		rpc_reply_error(call, &err);
		return;
	}
	ct = registry_add(d, ctid);
	ct->being_created = true;
	j = job_begin(d, ct, "create", call, &err);
	if (j == NULL) {
		registry_remove(d, ct);
		rpc_reply_error(call, &err);
		return;
	}
	if (create_begin(j, list, n, &err) < 0)
		create_refuse(d, ct, &err);
	else
		create_run(j);
}

/* ---- set ---- */

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

/* What the admin should know of each setting. */
static void set_notes(struct job *j, const struct setting *list, int n, bool running)
{
	for (int i = 0; i < n; i++) {
		const struct param *p = param_find_option(list[i].option);

		if (p == NULL)
			continue;
		if (p->apply == PARAM_STORED)
			note(j,
			     "CT %u: --%s is kept in the config, but Linux has nothing that "
			     "enforces it",
			     j->ct->ctid, p->option);
		else if (p->apply == PARAM_RESTART && running)
			note(j, "CT %u: --%s takes effect at the next start: berth restart %u",
			     j->ct->ctid, p->option, j->ct->ctid);
	}
	if (!j->save)
		note(j, "CT %u: not saved; add --save to keep it after a restart", j->ct->ctid);
}

/* What the CT itself has stood in the way of. */
static void worker_notes(struct job *j, const struct worker_result *result)
{
	static const char *const keys[] = {"note.network", "note.guest"};
	char text[400];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (value_get(result->values, keys[i], text, sizeof(text)) == 0)
			note(j, "%s", text);
}

static void set_applied(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct berth_error err = result->error;
	int r = result->ok ? 0 : -EIO;

	if (r == 0)
		worker_notes(j, result);
	if (r == 0 && j->save)
		r = store_conf_save(&d->paths, ct->ctid, j->conf, &err);
	if (r == 0 && ct->status == CT_RUNNING)
		r = store_live_save(&d->paths, ct->ctid, j->live, &err);
	if (r < 0) {
		job_fail(j, &err);
		return;
	}
	if (j->save)
		(void)registry_refresh(d, ct, NULL);
	event_emit(d, ct->ctid, "changed", NULL);
	job_done(j, json_pack("{s:O}", "notes", j->notes));
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

/* j->conf: to be saved; j->live: to be in effect (they differ after a set without --save). */
static int set_begin(struct job *j, const struct setting *list, int n, struct berth_error *err)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct ct_config typed;
	int r = check_create_only(ct, list, n, err);

	if (r == 0)
		r = store_conf_load(&d->paths, ct->ctid, &j->conf, err);
	if (r == 0)
		r = store_live_load(&d->paths, ct->ctid, &j->live, err);
	if (r == 0)
		r = settings_apply(d, j->conf, list, n, err);
	if (r == 0)
		r = settings_apply(d, j->live, list, n, err);
	if (r == 0)
		r = ct_config_from(j->live, d->host_conf, &typed, err);
	if (r == 0)
		r = registry_check_unique(d, ct, j->live, err);
	if (r == 0)
		r = store_candidate_save(&d->paths, ct->ctid, j->live, err);
	return r;
}

void method_set(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	struct ct *ct = method_ct(call, parameters, d);
	struct setting list[SETTINGS_MAX];
	struct berth_error err;
	struct job *j;
	int n;

	if (ct == NULL)
		return;
	n = settings_get(parameters, list, &err);
	j = n < 0 ? NULL : job_begin(d, ct, "set", call, &err);
	if (j == NULL) {
		rpc_reply_error(call, &err);
		return;
	}
	j->save = method_flag(parameters, "save");
	j->notes = json_array();
	if (set_begin(j, list, n, &err) < 0) {
		job_fail(j, &err);
		return;
	}
	set_notes(j, list, n, ct->status == CT_RUNNING);
	job_worker(j, "apply", NULL, set_applied);
}

/* ---- destroy ---- */

static void destroyed(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	uint32_t ctid = ct->ctid;

	if (!result->ok) {
		job_fail(j, &result->error); /* the intent stays: a restart tries again */
		return;
	}
	store_intent_clear(&d->paths, ctid);
	job_done(j, NULL);
	registry_remove(d, ct);
	event_emit(d, ctid, "destroyed", NULL);
}

void method_destroy(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	struct ct *ct = method_ct(call, parameters, d);
	struct berth_error err;
	struct job *j = NULL;

	if (ct == NULL)
		return;
	if (ct->job == NULL && ct->status != CT_STOPPED && ct->status != CT_BROKEN)
		(void)berth_error_set(
			&err, ct->status == CT_MOUNTED ? BERTH_ERR_MOUNTED : BERTH_ERR_RUNNING,
			EBUSY, "CT %u is %s; first: berth %s %u", ct->ctid,
			ct_status_name(ct->status), ct->status == CT_MOUNTED ? "umount" : "stop",
			ct->ctid);
	else
		j = job_begin(d, ct, "destroy", call, &err);
	if (j == NULL) {
		rpc_reply_error(call, &err);
		return;
	}
	(void)lifecycle_cancel_reboot(ct);
	if (store_intent_write(&d->paths, ct->ctid, INTENT_DESTROY, &err) < 0)
		log_line(LOG_LV_WARNING, ct->ctid, "destroy without an intent: %s", err.msg);
	job_worker(j, "destroy", NULL, destroyed);
}
