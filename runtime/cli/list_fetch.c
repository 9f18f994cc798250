/* list_fetch.c - what list shows. */
#include "runtime/cli/list_fetch.h"

#include "runtime/base/cleanup.h"
#include "runtime/ct/end.h"
#include "runtime/ct/info.h"
#include "runtime/ct/store.h"
#include "runtime/ct/trouble.h"

#include <string.h>
#include <time.h>

/* ---- without berthd ---- */

static void put_key(const char *key, const char *value, void *data)
{
	(void)json_object_set_new(data, key, json_string(value));
}

/* Keys of the files as they stand, the CT's over the host's. */
static json_t *config_json(const struct cli *cli, uint32_t ctid)
{
	json_t *o = json_object();
	struct conf_file *f;

	if (store_live_load(&cli->paths, ctid, &f, NULL) == 0) {
		conf_each(f, put_key, o);
		conf_free(f);
	}
	return o;
}

static void put_config(json_t *o, uint32_t ctid, const struct ct_config *c)
{
	json_t *addresses = json_array();
	char hostname[32];

	(void)snprintf(hostname, sizeof(hostname), "ct%u", ctid);

	for (unsigned int i = 0; i < c->n_addrs; i++)
		(void)json_array_append_new(addresses, json_string(c->addrs[i]));
	(void)json_object_set_new(o, "addresses", addresses);
	(void)json_object_set_new(o, "name", json_string(c->name));
	(void)json_object_set_new(o, "hostname",
				  json_string(c->hostname[0] != '\0' ? c->hostname : hostname));
	(void)json_object_set_new(o, "description", json_string(c->description));
	(void)json_object_set_new(o, "onboot", json_boolean(c->onboot));
	(void)json_object_set_new(o, "disabled", json_boolean(c->disabled));
	(void)json_object_set_new(o, "cpulimit", json_integer(c->cpulimit));
	(void)json_object_set_new(o, "cpuunits", json_integer(c->cpuunits));
	(void)json_object_set_new(o, "cpus", json_integer(c->cpus));
}

static void put_run(json_t *o, const struct ct_info *info)
{
	time_t now = time(NULL);

	if (info->status != CT_RUNNING)
		return;
	(void)json_object_set_new(o, "init_pid", json_integer(info->run.init.pid));
	(void)json_object_set_new(o, "monitor_pid", json_integer(info->run.monitor.pid));
	if ((uint64_t)now >= info->run.started)
		(void)json_object_set_new(
			o, "uptime", json_integer((json_int_t)((uint64_t)now - info->run.started)));
}

json_t *end_json(const struct ct_ends *e)
{
	json_t *counts = json_object();

	for (enum ct_end_reason r = END_STOPPED; r < END_MAX; r++)
		if (e->count[r] > 0)
			(void)json_object_set_new(counts, ct_end_word(r),
						  json_integer((json_int_t)e->count[r]));
	return json_pack("{s:s, s:I, s:s, s:o}", "reason", ct_end_word(e->last), "at",
			 (json_int_t)e->at, "detail", e->detail, "counts", counts);
}

static void put_end(json_t *o, const struct cli *cli, uint32_t ctid)
{
	struct ct_ends e;

	ct_ends_load(&cli->paths, ctid, &e);
	if (e.last != END_NONE)
		(void)json_object_set_new(o, "last_end", end_json(&e));
}

static json_t *info_from_files(const struct cli *cli, const struct ct_info *info,
			       const struct berth_error *why, const struct conf_file *host)
{
	json_t *o = json_pack(
		"{s:I, s:s, s:b, s:s, s:s, s:s, s:I, s:o}", "ctid", (json_int_t)info->ctid,
		"status", ct_status_name(info->status), "booted", info->booted, "ostemplate",
		info->facts.template_name, "layout", info->facts.layout, "uuid", info->facts.uuid,
		"id_base", (json_int_t)info->facts.id_base, "config", config_json(cli, info->ctid));
	struct ct_config c;
	char trouble[CT_TROUBLE_MAX];

	if (o != NULL && store_config(&cli->paths, info->ctid, host, &c, NULL) == 0)
		put_config(o, info->ctid, &c);
	if (o != NULL && (info->status == CT_UNKNOWN || info->status == CT_BROKEN))
		(void)json_object_set_new(o, "why", json_string(why->msg));
	if (o != NULL)
		put_end(o, cli, info->ctid);
	if (o != NULL)
		put_run(o, info);
	if (o != NULL && ct_status_is_up(info->status) &&
	    ct_trouble_read(&cli->paths, info->ctid, trouble, sizeof(trouble)) >= 0)
		(void)json_object_set_new(o, "trouble", json_string(trouble));
	return o;
}

static int fetch_one(const struct cli *cli, uint32_t ctid, bool all, const struct conf_file *host,
		     json_t *list, struct berth_error *err)
{
	struct ct_info info;
	struct berth_error why = {0};
	int r = ct_info_load(&cli->paths, ctid, &info, &why);

	if (r < 0) {
		*err = why;
		return r;
	}
	if (all || ct_status_is_up(info.status))
		(void)json_array_append_new(list, info_from_files(cli, &info, &why, host));
	return 0;
}

static int fetch_words(const struct cli *cli, const json_t *words, const struct conf_file *host,
		       json_t *list, struct berth_error *err)
{
	const json_t *word;
	size_t i;

	json_array_foreach(words, i, word)
	{
		uint32_t ctid;
		int r = cli_lookup(cli, json_string_value(word), &ctid, err);

		if (r == 0)
			r = fetch_one(cli, ctid, true, host, list, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int fetch_all(const struct cli *cli, bool all, const struct conf_file *host, json_t *list,
		     struct berth_error *err)
{
	auto_free uint32_t *ctids = NULL;
	int n = ct_info_list(&cli->paths, &ctids, err);

	for (int i = 0; i < n; i++) {
		struct berth_error gone;

		/* One that was destroyed meanwhile is no error. */
		if (fetch_one(cli, ctids[i], all, host, list, &gone) < 0 &&
		    gone.code != BERTH_ERR_NO_CONFIG) {
			*err = gone;
			return -gone.sys;
		}
	}
	return n < 0 ? n : 0;
}

static void conf_cleanup(struct conf_file **f)
{
	conf_free(*f);
}

static int fetch_files(const struct cli *cli, const json_t *words, bool all, json_t **ret,
		       struct berth_error *err)
{
	auto_ptr(conf_cleanup) struct conf_file *host = NULL;
	json_t *list;
	int r = store_host_conf_load(&cli->paths, &host, err);

	if (r < 0)
		return r;
	list = json_array();
	r = words != NULL ? fetch_words(cli, words, host, list, err)
			  : fetch_all(cli, all, host, list, err);
	if (r < 0)
		json_decref(list);
	else
		*ret = list;
	return r;
}

/* ---- with berthd ---- */

static json_t *keys_of(const json_t *set)
{
	json_t *list = json_array();
	const char *key;
	json_t *unused;

	/* jansson's iterators take no const. */
	json_object_foreach((json_t *)(size_t)set, key, unused)(void)
		json_array_append_new(list, json_string(key));
	return list;
}

static int fetch_berthd(struct cli *cli, const json_t *words, bool all, const json_t *needs,
			json_t **ret, struct berth_error *err)
{
	json_t *p = json_pack("{s:b}", "all", all), *reply = NULL, *list;
	int r;

	if (words != NULL)
		(void)json_object_set_new(p, "ct", json_deep_copy(words));
	if (needs != NULL)
		(void)json_object_set_new(p, "fields", keys_of(needs));
	r = call_berthd(cli, "io.berth.Container.List", p, &reply, err);
	if (r < 0)
		return r;
	list = json_object_get(reply, "containers");
	if (!json_is_array(list))
		r = berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				    "berthd's answer to io.berth.Container.List has no containers");
	else
		*ret = json_incref(list);
	json_decref(reply);
	return r;
}

/* "stopped=7 oom=1" */
static json_t *counts_text(json_t *counts)
{
	char text[160] = "";
	size_t used = 0;
	const char *word;
	json_t *n;

	json_object_foreach(counts, word, n)
	{
		if (used + 32 > sizeof(text))
			break;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.10s=%lld",
					 used > 0 ? " " : "", word,
					 (long long)json_integer_value(n));
	}
	return json_string(text);
}

/* Where the private area lies is no secret of berthd's; a column is one word of what it tells. */
static void put_columns(const struct cli *cli, json_t *list)
{
	char path[BERTH_PATH_MAX];
	json_t *info, *reason;
	size_t i;

	json_array_foreach(list, i, info)
	{
		json_int_t ctid = json_integer_value(json_object_get(info, "ctid"));

		(void)json_object_set_new(
			info, "private",
			json_string(path_private(&cli->paths, (uint32_t)ctid, path)));
		reason = json_object_get(json_object_get(info, "last_end"), "reason");
		if (reason == NULL)
			continue;
		(void)json_object_set(info, "end_reason", reason);
		(void)json_object_set_new(
			info, "end_counts",
			counts_text(json_object_get(json_object_get(info, "last_end"), "counts")));
	}
}

int list_fetch(struct cli *cli, const json_t *words, bool all, const json_t *needs, json_t **ret,
	       struct berth_error *err)
{
	int r = fetch_berthd(cli, words, all, needs, ret, err);

	if (r < 0 && err->code == BERTH_ERR_NO_DAEMON && geteuid() == 0)
		r = fetch_files(cli, words, all, ret, err);
	if (r == 0)
		put_columns(cli, *ret);
	return r;
}
