/* info.c - all that is told of one CT. In a thread. */
#include "runtime/daemon/info.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/ct/store.h"
#include "runtime/daemon/info_use.h"
#include "runtime/daemon/seen_conf.h"
#include "runtime/daemon/troubles.h"
#include "runtime/daemon/use.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

struct teller {
	const struct info_host *h;
	struct info_ct *i;
	const struct seen_conf *c; /* NULL: its config cannot be read */
	json_t *info;
};

static bool wants(const struct teller *t, uint64_t members)
{
	return (t->h->want & members) != 0;
}

static void put(const struct teller *t, uint64_t member, const char *name, json_t *value)
{
	if (wants(t, member))
		(void)json_object_set_new(t->info, name, value);
	else
		json_decref(value);
}

static void put_text(const struct teller *t, uint64_t member, const char *name, const char *text)
{
	if (wants(t, member))
		(void)json_object_set_new(t->info, name, json_string(text));
}

static void put_number(const struct teller *t, uint64_t member, const char *name, json_int_t n)
{
	if (wants(t, member))
		(void)json_object_set_new(t->info, name, json_integer(n));
}

/* ---- resources ---- */

/* LEDGER_NOT_COUNTED: nobody counts its failures. */
struct held {
	uint64_t held, maxheld, limit, failcnt;
};

/* -1 stands for "no limit" on the wire. */
static json_t *limit_json(uint64_t v)
{
	return json_integer(v > INT64_MAX ? -1 : (json_int_t)v);
}

static void put_resource(const struct teller *t, json_t *to, uint64_t member, const char *name,
			 const struct held *v)
{
	json_t *r;

	if (!wants(t, member))
		return;
	r = json_object();
	(void)json_object_set_new(r, "held", limit_json(v->held));
	(void)json_object_set_new(r, "limit", limit_json(v->limit));
	if (wants(t, INFO_COUNTERS)) {
		(void)json_object_set_new(r, "maxheld", limit_json(v->maxheld));
		if (v->failcnt != LEDGER_NOT_COUNTED)
			(void)json_object_set_new(r, "failcnt", limit_json(v->failcnt));
	}
	(void)json_object_set_new(to, name, r);
}

static void put_counted(const struct teller *t, json_t *to, uint64_t member, enum ledger_resource r,
			uint64_t held, uint64_t limit, const struct ledger *l)
{
	uint64_t max = l->of[r].maxheld;

	put_resource(t, to, member, ledger_name(r),
		     &(struct held){held, held > max ? held : max, limit, l->of[r].failcnt});
}

static unsigned int stat_what(uint64_t want)
{
	return ((want & INFO_EXPLAIN) != 0 ? (unsigned int)CG_STAT_ALL : 0u) |
	       ((want & INFO_USAGE) != 0 ? CG_STAT_CPU | CG_STAT_THROTTLED : 0u) |
	       ((want & INFO_CPU_USEC) != 0 ? CG_STAT_CPU : 0u) |
	       ((want & (INFO_PHYSPAGES | INFO_OOMGUARPAGES)) != 0 ? CG_STAT_MEMORY : 0u) |
	       ((want & (INFO_SWAPPAGES | INFO_OOMGUARPAGES)) != 0 ? CG_STAT_SWAP : 0u) |
	       ((want & INFO_THROTTLED) != 0 ? CG_STAT_THROTTLED : 0u) |
	       ((want & INFO_NUMPROC) != 0 ? CG_STAT_PIDS : 0u) |
	       ((want & INFO_NUMCGROUPS) != 0 ? CG_STAT_CGROUPS : 0u) |
	       ((want & INFO_COUNTERS) != 0 ? CG_STAT_COUNTERS : 0u);
}

/* Was it read? A CT that does not run uses nothing. */
static bool read_stat(const struct teller *t, struct cg_stat *st)
{
	unsigned int what = stat_what(t->h->want);
	struct ct *ct = &t->i->ct;
	struct berth_error err;
	int r;

	if (ct->init_pidfd < 0 || (what & ~(unsigned int)CG_STAT_COUNTERS) == 0)
		return false;
	r = cg_ct_stat_some(t->h->d->cg, ct->ctid, what, st, &err);
	if (r < 0) {
		if (ct->status == CT_RUNNING)
			log_line(LOG_LV_WARNING, ct->ctid, "statistics: %s", err.msg);
	} else if ((what & CG_STAT_MEMORY) != 0 && (what & CG_STAT_COUNTERS) != 0) {
		ct->oom_kills = st->oom_kills; /* what comes later is news: end_note.c */
	}
	put_number(t, INFO_CPU_USEC, "cpu_usec", (json_int_t)st->cpu_usec);
	return r == 0;
}

/* What was counted in all runs, up to now. One that cannot be read says nothing: this run alone is told. */
static void read_ledger(const struct teller *t, const struct cg_stat *st, const struct use *u,
			bool runs, struct ledger *ret)
{
	const struct ct *ct = &t->i->ct;
	struct ledger_sample s;

	*ret = ct->ledger;
	if (!wants(t, INFO_COUNTERS))
		return;
	if (!ct->ledger_known)
		(void)ledger_load(&t->h->d->paths, ct->ctid, ret);
	ledger_sample_from(st, &s);
	use_sample(u, &s);
	/* A counter that nobody wants was not read. */
	for (enum ledger_resource r = 0; r < LEDGER_MAX; r++)
		if (s.of[r].failcnt == 0)
			s.of[r].failcnt = LEDGER_NOT_COUNTED;
	if (runs)
		ledger_take(ret, &ct->run, &s, (uint64_t)time(NULL));
}

static void put_resources(const struct teller *t, const struct use *u, const struct ledger *l)
{
	static const struct {
		uint64_t member;
		enum ledger_resource r;
	} rows[] = {
		{INFO_PHYSPAGES, LEDGER_PHYSPAGES},	  {INFO_SWAPPAGES, LEDGER_SWAPPAGES},
		{INFO_OOMGUARPAGES, LEDGER_OOMGUARPAGES}, {INFO_NUMPROC, LEDGER_NUMPROC},
		{INFO_NUMCGROUPS, LEDGER_NUMCGROUPS},	  {INFO_THROTTLED, LEDGER_CPULIMIT},
		{INFO_IOLIMIT, LEDGER_IOLIMIT},		  {INFO_DISKSPACE, LEDGER_DISKSPACE},
		{INFO_DISKINODES, LEDGER_DISKINODES},
	};
	json_t *res = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put_counted(t, res, rows[i].member, rows[i].r, u->held[rows[i].r],
			    u->limit[rows[i].r], l);
	(void)json_object_set_new(t->info, "resources", res);
}

static void add_usage(const struct teller *t)
{
	const struct ct *ct = &t->i->ct;
	const struct berth_paths *p = &t->h->d->paths;
	uint64_t all = INFO_RESOURCES | INFO_USAGE | INFO_EXPLAIN,
		 disk = INFO_DISKSPACE | INFO_DISKINODES | INFO_EXPLAIN;
	struct cg_stat st = {0};
	struct volume_usage v;
	struct use u = {0};
	struct ledger l;
	bool runs = read_stat(t, &st);

	if (!wants(t, all))
		return;
	use_limits(t->c, wants(t, disk) && use_disk(p, ct, &v) == 0 ? &v : NULL, &u);
	if (runs)
		use_read(t->h->d->cg, ct, &st, wants(t, INFO_USAGE | INFO_EXPLAIN), &u);
	read_ledger(t, &st, &u, runs, &l);
	if (wants(t, INFO_RESOURCES))
		put_resources(t, &u, &l);
	if (wants(t, INFO_USAGE) && runs)
		(void)json_object_set_new(t->info, "usage", info_usage_json(t->h, ct, &st, &u));
	if (wants(t, INFO_EXPLAIN))
		(void)json_object_set_new(t->info, "explain",
					  info_explain_json(t->h, ct, runs, &u, &l));
}

/* ---- config ---- */

static json_t *keys_json(const char *keys)
{
	json_t *o = json_object();

	while (*keys != '\0') {
		const char *value = keys + strlen(keys) + 1;

		(void)json_object_set_new(o, keys, json_string(value));
		keys = value + strlen(value) + 1;
	}
	return o;
}

static json_t *addresses_json(const char *addrs)
{
	json_t *list = json_array();

	for (; *addrs != '\0'; addrs += strlen(addrs) + 1)
		(void)json_array_append_new(list, json_string(addrs));
	return list;
}

static void add_config(const struct teller *t)
{
	static const struct seen_conf nothing = {
		.name = "", .hostname = "", .description = "", .addrs = "", .keys = ""};
	const struct seen_conf *c = t->c != NULL ? t->c : &nothing;
	char hostname[32] = "";

	if (t->c != NULL)
		(void)snprintf(hostname, sizeof(hostname), "ct%u", t->i->ct.ctid);
	put_text(t, INFO_HOSTNAME, "hostname", c->hostname[0] != '\0' ? c->hostname : hostname);
	if (wants(t, INFO_CONFIG))
		(void)json_object_set_new(t->info, "config", keys_json(c->keys));
	if (wants(t, INFO_ADDRESSES))
		(void)json_object_set_new(t->info, "addresses", addresses_json(c->addrs));
	put(t, INFO_ONBOOT, "onboot", json_boolean(c->onboot));
	put(t, INFO_DISABLED, "disabled", json_boolean(c->disabled));
	put_number(t, INFO_CPULIMIT, "cpulimit", c->cpulimit);
	put_number(t, INFO_CPUUNITS, "cpuunits", c->cpuunits);
	put_number(t, INFO_CPUS, "cpus", c->cpus);
	if (c->description[0] != '\0')
		put_text(t, INFO_DESCRIPTION, "description", c->description);
	if (c->name[0] != '\0')
		put_text(t, INFO_NAME, "name", c->name);
}

/* What is in effect; of a CT that runs with a broken config, what it was started with. */
static int load_config(const struct info_host *h, const struct ct *ct, struct conf_file **ret,
		       struct ct_config *c, bool *ret_old, struct berth_error *err)
{
	const struct berth_paths *p = &h->d->paths;
	struct berth_error unread;
	int r = store_live_load(p, ct->ctid, ret, err);

	*ret_old = false;
	if (r == 0) {
		r = ct_config_from(*ret, h->conf, c, err);
		if (r == 0)
			return 0;
		conf_free(*ret);
	}
	if (!ct_status_is_up(ct->status) || store_old_load(p, ct->ctid, ret, &unread) < 0)
		return r;
	*ret_old = true;
	if (ct_config_from(*ret, h->conf, c, &unread) == 0)
		return 0;
	conf_free(*ret);
	return r;
}

const struct seen_conf *info_config(const struct info_host *h, struct info_ct *i,
				    struct berth_error *err)
{
	const struct ct *ct = &i->ct;
	struct conf_stamp saved, live;
	struct conf_file *f = NULL;
	struct ct_config c;
	bool old;

	if (seen_conf_is_current(&h->d->paths, ct->ctid, h->conf_gen, i->seen))
		return i->seen;
	seen_conf_stamp(&h->d->paths, ct->ctid, &saved, &live);
	if (load_config(h, ct, &f, &c, &old, err) < 0)
		return NULL;
	i->fresh = seen_conf_new(f, &c);
	conf_free(f);
	if (i->fresh == NULL)
		abort();
	i->fresh->saved = saved;
	i->fresh->live = live;
	i->fresh->host_gen = h->conf_gen;
	i->fresh->settled = !old && seen_conf_settles(&saved, &live, (int64_t)time(NULL));
	return i->fresh;
}

/* ---- the rest ---- */

static void add_run(const struct teller *t)
{
	const struct ct *ct = &t->i->ct;
	json_int_t now = (json_int_t)time(NULL), started = (json_int_t)ct->run.started;

	if (ct->init_pidfd < 0)
		return;
	put_number(t, INFO_INIT_PID, "init_pid", ct->run.init.pid);
	put_number(t, INFO_MONITOR_PID, "monitor_pid", ct->run.monitor.pid);
	put_number(t, INFO_UPTIME, "uptime", now > started ? now - started : 0);
}

static void add_ends(const struct teller *t)
{
	const struct ct_ends *e = &t->i->ct.ends;
	json_t *counts;

	if (e->last == END_NONE || !wants(t, INFO_LAST_END))
		return;
	counts = json_object();
	for (enum ct_end_reason r = END_STOPPED; r < END_MAX; r++)
		if (e->count[r] > 0)
			(void)json_object_set_new(counts, ct_end_word(r),
						  json_integer((json_int_t)e->count[r]));
	(void)json_object_set_new(t->info, "last_end",
				  json_pack("{s:s, s:I, s:s, s:o}", "reason", ct_end_word(e->last),
					    "at", (json_int_t)e->at, "detail", e->detail, "counts",
					    counts));
}

/* Why it is as it is, when that needs a word. */
static void add_why(const struct teller *t, const struct berth_error *broken)
{
	const struct ct *ct = &t->i->ct;
	const char *why = NULL;

	if (ct->status == CT_UNKNOWN || ct->status == CT_RELEASING || ct->status == CT_SUSPENDED)
		why = text_or_empty(ct->why);
	else if (broken->msg[0] != '\0')
		why = broken->msg;
	if (why != NULL && why[0] != '\0')
		put_text(t, INFO_WHY, "why", why);
}

/* It runs with its last run's; what is wrong with its own stays to be said until it is mended. */
static void look_for_why(const struct teller *t, struct berth_error *err)
{
	const struct ct *ct = &t->i->ct;
	struct ct_config unused;

	if (wants(t, INFO_WHY) && ct->ran_with_old && ct_status_is_up(ct->status))
		(void)store_config(&t->h->d->paths, ct->ctid, t->h->conf, &unused, err);
}

static json_t *begin(const struct ct *ct, bool broken)
{
	return json_pack("{s:I, s:s}", "ctid", (json_int_t)ct->ctid, "status",
			 ct_status_name(broken ? CT_BROKEN : ct->status));
}

json_t *info_json(const struct info_host *h, struct info_ct *i)
{
	const struct ct *ct = &i->ct;
	struct berth_error err = {0};
	struct teller t = {.h = h, .i = i, .c = info_config(h, i, &err)};
	char trouble[CT_TROUBLE_MAX];

	t.info = begin(ct, t.c == NULL && !ct_status_is_up(ct->status));
	put(&t, INFO_BOOTED, "booted", json_boolean(ct->booted && ct->status == CT_RUNNING));
	put_text(&t, INFO_OSTEMPLATE, "ostemplate", ct->facts.template_name);
	put_text(&t, INFO_LAYOUT, "layout", ct->facts.layout);
	put_text(&t, INFO_UUID, "uuid", ct->facts.uuid);
	put_number(&t, INFO_ID_BASE, "id_base", ct->facts.id_base);
	add_config(&t);
	add_usage(&t);
	add_run(&t);
	add_ends(&t);
	look_for_why(&t, &err);
	add_why(&t, &err);
	if (troubles_text(ct, trouble)[0] != '\0')
		put_text(&t, INFO_TROUBLE, "trouble", trouble);
	return t.info;
}

void info_learn(struct daemon *d, struct info_ct *i)
{
	struct ct *ct = registry_find(d, i->ct.ctid);

	if (ct == NULL)
		return;
	if (i->fresh != NULL) {
		seen_conf_unref(ct->seen);
		ct->seen = take_ptr(i->fresh);
	}
	if (ct->init_pidfd >= 0 && i->ct.init_pidfd >= 0 &&
	    ct->run.init.pid == i->ct.run.init.pid &&
	    ct->run.init.start_time == i->ct.run.init.start_time && i->ct.oom_kills > ct->oom_kills)
		ct->oom_kills = i->ct.oom_kills;
}
