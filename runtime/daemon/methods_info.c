/* methods_info.c - List, Get, Monitor: what a CT is and what it uses. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/config/param.h"
#include "runtime/ct/mounted.h"
#include "runtime/ct/store.h"
#include "runtime/daemon/found.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/space.h"
#include "runtime/storage/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

/* -1 stands for "no limit" on the wire. */
static json_int_t limit_json(uint64_t v)
{
	return v > INT64_MAX ? -1 : (json_int_t)v;
}

static void resource_add(json_t *to, const char *name, uint64_t held, uint64_t maxheld,
			 uint64_t limit, uint64_t failcnt)
{
	(void)json_object_set_new(to, name,
				  json_pack("{s:I, s:I, s:I, s:I}", "held", limit_json(held),
					    "maxheld", limit_json(maxheld), "limit",
					    limit_json(limit), "failcnt", limit_json(failcnt)));
}

static void copy_key(const char *key, const char *value, void *data)
{
	(void)json_object_set_new(data, key, json_string(value));
}

static json_t *addresses_json(const struct ct_config *c)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < c->n_addrs; i++)
		(void)json_array_append_new(list, json_string(c->addrs[i]));
	return list;
}

static void add_disk(struct daemon *d, const struct ct *ct, const struct ct_config *c, json_t *res)
{
	const struct volume_driver *driver = volume_driver_find(ct->facts.driver);
	char path[BERTH_PATH_MAX];
	auto_close int private_fd = dir_open_at(AT_FDCWD, path_private(&d->paths, ct->ctid, path));
	auto_close int mounted = -EBADF;
	struct volume_usage u = {0};

	if (ct->init_pidfd >= 0)
		mounted = ct_mounted_volume_open(&d->paths, ct->ctid, &ct->run.monitor);
	/* What the volume enforces; the config is a wish until it is set. */
	if (driver == NULL || private_fd < 0 ||
	    volume_usage(driver, private_fd, mounted, &u, NULL) < 0) {
		u.bytes_total = c->diskspace;
		u.inodes_total = c->diskinodes;
	}
	resource_add(res, "diskspace", u.bytes_used, u.bytes_used, u.bytes_total, 0);
	resource_add(res, "diskinodes", u.inodes_used, u.inodes_used, u.inodes_total, 0);
}

static void add_usage(struct daemon *d, struct ct *ct, const struct ct_config *c, json_t *info)
{
	json_t *res = json_object();
	struct cg_stat st = {0};
	struct berth_error err;

	if (ct->init_pidfd >= 0) {
		if (cg_ct_stat(d->cg, ct->ctid, &st, &err) == 0)
			ct->oom_kills = st.oom_kills; /* what comes later is news: end_note.c */
		else if (ct->status == CT_RUNNING)
			log_line(LOG_LV_WARNING, ct->ctid, "statistics: %s", err.msg);
		(void)json_object_set_new(info, "cpu_usec", json_integer((json_int_t)st.cpu_usec));
	}
	resource_add(res, "physpages", st.memory, st.memory_max_seen, c->ram,
		     st.memory_failcnt + st.oom_kills);
	resource_add(res, "swappages", st.swap, st.swap_max_seen, c->swap, st.swap_failcnt);
	resource_add(res, "numproc", st.pids, st.pids_max_seen, c->numproc, st.pids_failcnt);
	resource_add(res, "numcgroups", st.cgroups, st.cgroups, c->numcgroups, 0);
	add_disk(d, ct, c, res);
	(void)json_object_set_new(info, "resources", res);
}

static void add_config(const struct ct *ct, const struct conf_file *f, const struct ct_config *c,
		       json_t *info)
{
	json_t *keys = json_object();
	char hostname[32];

	(void)snprintf(hostname, sizeof(hostname), "ct%u", ct->ctid);
	conf_each(f, copy_key, keys);
	(void)json_object_set_new(info, "config", keys);
	(void)json_object_set_new(info, "hostname",
				  json_string(c->hostname[0] != '\0' ? c->hostname : hostname));
	(void)json_object_set_new(info, "addresses", addresses_json(c));
	(void)json_object_set_new(info, "onboot", json_boolean(c->onboot));
	(void)json_object_set_new(info, "disabled", json_boolean(c->disabled));
	(void)json_object_set_new(info, "cpulimit", json_integer(c->cpulimit));
	(void)json_object_set_new(info, "cpuunits", json_integer(c->cpuunits));
	(void)json_object_set_new(info, "cpus", json_integer(c->cpus));
	if (c->description[0] != '\0')
		(void)json_object_set_new(info, "description", json_string(c->description));
	if (c->name[0] != '\0')
		(void)json_object_set_new(info, "name", json_string(c->name));
}

static void add_run(const struct ct *ct, json_t *info)
{
	json_int_t now = (json_int_t)time(NULL), started = (json_int_t)ct->run.started;

	if (ct->init_pidfd < 0)
		return;
	(void)json_object_set_new(info, "init_pid", json_integer(ct->run.init.pid));
	(void)json_object_set_new(info, "monitor_pid", json_integer(ct->run.monitor.pid));
	(void)json_object_set_new(info, "uptime", json_integer(now > started ? now - started : 0));
}

static void add_ends(const struct ct *ct, json_t *info)
{
	const struct ct_ends *e = &ct->ends;
	json_t *counts;

	if (e->last == END_NONE)
		return;
	counts = json_object();
	for (enum ct_end_reason r = END_STOPPED; r < END_MAX; r++)
		if (e->count[r] > 0)
			(void)json_object_set_new(counts, ct_end_word(r),
						  json_integer((json_int_t)e->count[r]));
	(void)json_object_set_new(info, "last_end",
				  json_pack("{s:s, s:I, s:s, s:o}", "reason", ct_end_word(e->last),
					    "at", (json_int_t)e->at, "detail", e->detail, "counts",
					    counts));
}

/* Why it is as it is, when that needs a word. */
static void add_why(const struct ct *ct, const struct berth_error *broken, json_t *info)
{
	const char *why = NULL;

	if (ct->status == CT_UNKNOWN || ct->status == CT_RELEASING)
		why = ct->why;
	else if (broken->msg[0] != '\0')
		why = broken->msg;
	if (why != NULL && why[0] != '\0')
		(void)json_object_set_new(info, "why", json_string(why));
}

/* What is in effect; of a CT that runs with a broken config, what it was started with. */
static int load_config(struct daemon *d, const struct conf_file *host_conf, const struct ct *ct,
		       struct conf_file **ret, struct ct_config *c, struct berth_error *err)
{
	struct berth_error unread;
	int r = store_live_load(&d->paths, ct->ctid, ret, err);

	if (r == 0) {
		r = ct_config_from(*ret, host_conf, c, err);
		if (r == 0)
			return 0;
		conf_free(*ret);
	}
	if (!ct_status_is_up(ct->status) || store_old_load(&d->paths, ct->ctid, ret, &unread) < 0)
		return r;
	if (ct_config_from(*ret, host_conf, c, &unread) == 0)
		return 0;
	conf_free(*ret);
	return r;
}

/* In a thread: ct is a copy, and of the daemon only what stays as it is is looked at. */
static json_t *info_json(struct daemon *d, const struct conf_file *host_conf, struct ct *ct)
{
	struct berth_error err = {0};
	struct conf_file *f = NULL;
	struct ct_config c = {0};
	json_t *info = json_pack("{s:I, s:s, s:b, s:s, s:s, s:s, s:I}", "ctid",
				 (json_int_t)ct->ctid, "status", ct_status_name(ct->status),
				 "booted", ct->booted && ct->status == CT_RUNNING, "ostemplate",
				 ct->facts.template_name, "layout", ct->facts.layout, "uuid",
				 ct->facts.uuid, "id_base", (json_int_t)ct->facts.id_base);

	if (load_config(d, host_conf, ct, &f, &c, &err) == 0) {
		add_config(ct, f, &c, info);
		conf_free(f);
	} else {
		(void)json_object_update_new(
			info, json_pack("{s:s, s:[], s:{}, s:b, s:b, s:i, s:i, s:i}", "hostname",
					"", "addresses", "config", "onboot", 0, "disabled", 0,
					"cpulimit", 0, "cpuunits", 0, "cpus", 0));
		if (!ct_status_is_up(ct->status))
			(void)json_object_set_new(info, "status",
						  json_string(ct_status_name(CT_BROKEN)));
	}
	add_usage(d, ct, &c, info);
	add_run(ct, info);
	add_ends(ct, info);
	/* It runs with its last run's; what is wrong with its own stays to be said until it is mended. */
	if (ct->ran_with_old && ct_status_is_up(ct->status))
		(void)store_config(&d->paths, ct->ctid, host_conf, &c, &err);
	add_why(ct, &err, info);
	if (space_trouble(ct)[0] != '\0')
		(void)json_object_set_new(info, "trouble", json_string(space_trouble(ct)));
	return info;
}

/* ---- asked for ---- */

/*
 * Files are read for it, cgroups and superblocks: with a disk that hangs that waits, so it is done in a thread, on
 * copies of what the registry knows.
 */
struct info_query {
	struct daemon *d;
	struct rpc_call *call;
	struct conf_file *host_conf;
	struct ct *v;
	size_t n, room;
	bool one; /* Get */
	json_t *list;
};

static void query_free(struct info_query *q)
{
	conf_free(q->host_conf);
	free(q->v);
	free(q);
}

static struct info_query *query_new(struct daemon *d, struct rpc_call *call, size_t room)
{
	struct info_query *q = calloc(1, sizeof(*q));

	if (q == NULL)
		abort();
	q->d = d;
	q->call = call;
	q->host_conf = conf_copy(d->host_conf);
	q->v = calloc(room + 1, sizeof(*q->v));
	if (q->host_conf == NULL || q->v == NULL)
		abort();
	q->room = room;
	return q;
}

static void query_add(struct info_query *q, const struct ct *ct)
{
	if (q->n < q->room)
		q->v[q->n++] = *ct;
}

static void query_work(void *data)
{
	struct info_query *q = data;

	q->list = json_array();
	for (size_t i = 0; i < q->n; i++)
		(void)json_array_append_new(q->list, info_json(q->d, q->host_conf, &q->v[i]));
}

/* What the copy has learnt, unless it is another run's by now. */
static void query_learn(const struct info_query *q)
{
	for (size_t i = 0; i < q->n; i++) {
		struct ct *ct = registry_find(q->d, q->v[i].ctid);

		if (ct != NULL && ct->init_pidfd >= 0 && q->v[i].init_pidfd >= 0 &&
		    ct->run.init.pid == q->v[i].run.init.pid &&
		    ct->run.init.start_time == q->v[i].run.init.start_time)
			ct->oom_kills = q->v[i].oom_kills;
	}
}

static void query_done(void *data)
{
	struct info_query *q = data;

	query_learn(q);
	if (q->one)
		rpc_reply(q->call, json_pack("{s:O}", "container", json_array_get(q->list, 0)));
	else
		rpc_reply(q->call, json_pack("{s:O}", "containers", q->list));
	json_decref(q->list);
	query_free(q);
}

static void query_run(struct info_query *q)
{
	if (offload_run(q->d->disk, query_work, query_done, q) < 0)
		abort();
}

void method_get(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct(call, parameters, data);
	struct info_query *q;

	if (ct == NULL)
		return;
	q = query_new(data, call, 1);
	q->one = true;
	query_add(q, ct);
	query_run(q);
}

static int query_named(struct info_query *q, json_t *names, struct berth_error *err)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		const char *word = json_string_value(name);
		struct ct *ct = found_lookup(q->d, word != NULL ? word : "", err);

		if (ct == NULL)
			return -ENOENT;
		query_add(q, ct);
	}
	return 0;
}

void method_list(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	json_t *names = json_object_get(parameters, "ct");
	bool named = json_is_array(names) && json_array_size(names) > 0;
	bool all = method_flag(parameters, "all");
	struct berth_error err;
	struct info_query *q;

	if (!named)
		found_rescan(d);
	q = query_new(d, call, named ? json_array_size(names) : d->n_cts);
	if (named && query_named(q, names, &err) < 0) {
		query_free(q);
		rpc_reply_error(call, &err);
		return;
	}
	for (size_t i = 0; !named && i < d->n_cts; i++)
		if (!d->cts[i]->being_created && (all || ct_status_is_up(d->cts[i]->status)))
			query_add(q, d->cts[i]);
	query_run(q);
}

void method_monitor(struct rpc_call *call, json_t *parameters, void *data)
{
	struct berth_error err;

	(void)parameters;
	if (rpc_call_wants_more(call)) {
		event_subscribe(data, call);
		return;
	}
	(void)berth_error_set(&err, BERTH_ERR_PROTOCOL, EPROTO,
			      "Monitor streams: call it with \"more\"");
	rpc_reply_error(call, &err);
}
