/* methods_create.c - Create. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/base/value.h"
#include "runtime/daemon/create.h"
#include "runtime/daemon/disk_first.h"
#include "runtime/daemon/found.h"
#include "runtime/daemon/login_order.h"
#include "runtime/daemon/made.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/obstacle.h"
#include "runtime/daemon/settings.h"

#include <fcntl.h>
#include <string.h>

/* The config of a new CT: the sample, then what was asked for, then this host's defaults. */
static int create_conf(struct daemon *d, const struct ct *ct, const struct setting *list, int n,
		       struct conf_file **ret, struct berth_error *err)
{
	struct conf_file *f;
	struct ct_config typed;
	int r = conf_parse("", 0, &f, err);

	if (r < 0)
		return r;
	if (settings_find(list, n, "config") == NULL && d->host.configfile[0] != '\0')
		r = settings_sample(d, f, d->host.configfile, err);
	if (r == 0)
		r = settings_apply(d, f, list, n, err);
	if (r == 0 && conf_get(f, "OSTEMPLATE") == NULL)
		(void)conf_set(f, "OSTEMPLATE", d->host.def_ostemplate);
	if (r == 0 && conf_get(f, "VE_LAYOUT") == NULL)
		(void)conf_set(f, "VE_LAYOUT", d->host.ve_layout);
	if (r == 0)
		r = ct_config_from(f, d->host_conf, &typed, err);
	if (r == 0)
		r = settings_check_host(ct->ctid, NULL, &typed, err);
	if (r == 0)
		r = registry_check_unique(d, ct, f, err);
	if (r < 0)
		conf_free(f);
	else
		*ret = f;
	return r;
}

static void worker_notes(struct job *j, const struct worker_result *result)
{
	static const char *const keys[] = {"note.disk", "note.arch", "note.copy"};
	char text[400];

	j->notes = json_array();
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (value_get(result->values, keys[i], text, sizeof(text)) == 0)
			(void)json_array_append_new(j->notes, json_string(text));
}

static void created(struct job *j, const struct worker_result *result)
{
	j->ends_with_client = false; /* from here on it is finished, or undone */
	if (!result->ok) {
		made_undo(j, &result->error); /* a killed worker undid nothing */
		return;
	}
	worker_notes(j, result);
	made_stands(j, "created");
}

/* The uuid is what proves later that something was made by this create and by no other. */
static int create_uuid(struct ct *ct, struct berth_error *err)
{
	struct area_id id = {0};
	/* random(4): a version 4 UUID for each read. */
	int r = file_read_line_at(AT_FDCWD, "/proc/sys/kernel/random/uuid", id.uuid,
				  sizeof(id.uuid));

	if (r < 0 || strlen(id.uuid) != 36)
		return berth_error_sys(err, r < 0 ? r : EIO,
				       "CT %u: read /proc/sys/kernel/random/uuid", ct->ctid);
	ct->going = id;
	ct->going_by = INTENT_CREATE;
	return 0;
}

static int create_begin(struct job *j, const struct setting *list, int n, struct berth_error *err)
{
	int r = create_conf(j->d, j->ct, list, n, &j->conf, err);

	return r < 0 ? r : create_take(j, err);
}

/* What it is to have is in j->conf. */
int create_take(struct job *j, struct berth_error *err)
{
	int r = registry_free_id_base(j->d, &j->ct->facts.id_base, err);

	if (r == 0)
		r = create_uuid(j->ct, err);
	if (r == 0)
		made_claim(j->ct, j->conf);
	return r;
}

static void create_run(struct job *j)
{
	char base[16], from[16];
	const char *args[3 + LOGIN_MAX] = {base, j->ct->going.uuid};

	for (int i = 0; i < LOGIN_MAX; i++)
		args[2 + i] = j->login[i];
	if (j->source != NULL) {
		(void)snprintf(from, sizeof(from), "%u", j->source->ct->ctid);
		args[2] = "from";
		args[3] = from;
	}
	(void)snprintf(base, sizeof(base), "%u", j->ct->facts.id_base);
	j->ends_with_client =
		true; /* nobody has it yet: a create that nobody waits for makes nothing */
	job_worker(j, "create", args, created);
}

int create_ctid(struct daemon *d, json_t *parameters, uint32_t *ret, struct berth_error *err)
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
	return obstacle_check(d, (uint32_t)n, err);
}

void create_written(struct job *j, const struct worker_result *result)
{
	struct berth_error gone;

	if (result->ok && j->call == NULL) {
		(void)berth_error_set(&gone, BERTH_ERR_SYSTEM, ECANCELED,
				      "CT %u: the client that ordered it has gone", j->ct->ctid);
		made_refuse(j, &gone);
	} else if (result->ok) {
		create_run(j);
	} else {
		made_refuse(j, &result->error);
	}
}

/* Its name, as create_conf will take it; "": none. */
static const char *sample_of(const struct daemon *d, const struct setting *list, int n)
{
	const char *asked = n > 0 ? settings_find(list, n, "config") : NULL;

	return asked != NULL ? asked : d->host.configfile;
}

struct job *create_job(struct daemon *d, uint32_t ctid, const char *what, struct rpc_call *call,
		       struct berth_error *err)
{
	struct ct *ct = registry_add(d, ctid);
	char path[BERTH_PATH_MAX];
	struct job *j;

	ct->being_created = true;
	j = job_begin(d, ct, what, call, err);
	if (j == NULL) {
		/* Made for the lock, and empty: before, there was none (obstacle.c). */
		(void)rmdir(path_run_ct(&d->paths, ctid, path));
		registry_remove(d, ct);
	}
	return j;
}

void method_create(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	struct setting list[SETTINGS_MAX];
	struct berth_error err;
	struct job *j;
	uint32_t ctid = 0;
	int n;

	n = settings_get(parameters, list, &err);
	if (disk_first_create(call, parameters, d, sample_of(d, list, n), method_create))
		return;
	found_rescan(d); /* what has been put back has its number, name, addresses and ids */
	if (n < 0 || create_ctid(d, parameters, &ctid, &err) < 0) {
		rpc_reply_error(call, &err);
		return;
	}
	j = create_job(d, ctid, "create", call, &err);
	if (j == NULL) {
		rpc_reply_error(call, &err);
		return;
	}
	if (login_order(j, parameters, j->login, &err) < 0 || create_begin(j, list, n, &err) < 0)
		made_refuse(j, &err);
	else
		job_disk(j, made_begin, create_written);
}
