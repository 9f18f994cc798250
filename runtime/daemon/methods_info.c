/* methods_info.c - List, Get, Monitor: what a CT is and what it uses. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/daemon/disk_first.h"
#include "runtime/daemon/found.h"
#include "runtime/daemon/info.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/seen_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Files are read for it, cgroups and superblocks: with a disk that hangs that waits, so it is done in threads, on
 * copies of what the registry knows. The answer is made to text there, too: that of 1000 CTs takes some 10 ms.
 */
struct info_part {
	struct info_query *q;
	size_t from, to; /* of v */
	char *text; /* their Infos, with commas */
	size_t len;
};

enum {
	PARTS = 4, /* at work side by side */
	PART_MIN = 64, /* CTs for which a thread more is worth it */
	NAMES_SPARE = 100, /* more names than CTs: some may be unknown, or twice */
	LINKS_MAX = 4 << 20 /* bytes of /proc/net/dev: some 130 a link */
};

struct info_query {
	struct info_host h;
	struct rpc_call *call;
	struct conf_file *host_conf;
	struct info_ct *v;
	size_t n, room;
	bool one; /* Get */
	struct info_part parts[PARTS];
	unsigned int n_parts, left;
};

static void query_free(struct info_query *q)
{
	for (size_t i = 0; i < q->n; i++) {
		seen_conf_unref(q->v[i].seen);
		seen_conf_unref(q->v[i].fresh);
		free(q->v[i].ct.why);
		free(q->v[i].ct.volume_trouble);
		free(q->v[i].ct.limit_trouble);
		free(q->v[i].ct.back_trouble);
	}
	for (unsigned int i = 0; i < q->n_parts; i++)
		free(q->parts[i].text);
	conf_free(q->host_conf);
	free(q->v);
	free(q);
}

static struct info_query *query_new(struct daemon *d, struct rpc_call *call, size_t room)
{
	struct info_query *q = calloc(1, sizeof(*q));

	if (q == NULL)
		abort();
	q->call = call;
	q->host_conf = conf_copy(d->host_conf);
	q->h = (struct info_host){
		.d = d, .conf = q->host_conf, .conf_gen = d->host_conf_gen, .want = INFO_ALL};
	q->v = calloc(room + 1, sizeof(*q->v));
	if (q->host_conf == NULL || q->v == NULL)
		abort();
	q->room = room;
	return q;
}

static void query_add(struct info_query *q, const struct ct *ct)
{
	struct ct *copy;

	if (q->n == q->room)
		return;
	copy = &q->v[q->n].ct;
	q->v[q->n++] = (struct info_ct){.ct = *ct, .seen = seen_conf_ref(ct->seen)};
	copy->why = text_copy(ct->why);
	copy->volume_trouble = text_copy(ct->volume_trouble);
	copy->limit_trouble = text_copy(ct->limit_trouble);
	copy->back_trouble = text_copy(ct->back_trouble);
	copy->addrs = copy->claimed_name = copy->old_name = NULL; /* not looked at */
	copy->back = NULL;
}

/* Once for all CTs of the part. */
static void read_host(struct info_host *h, char **ret_links)
{
	long cpus;

	if ((h->want & INFO_USAGE) != 0 &&
	    file_read_at(AT_FDCWD, "/proc/net/dev", LINKS_MAX, ret_links, NULL) == 0)
		h->links = *ret_links;
	if ((h->want & INFO_EXPLAIN) == 0)
		return;
	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	h->cpus = cpus > 0 ? (unsigned int)cpus : 0;
	for (enum cg_pressure_of of = 0; of < CG_PRESSURES; of++)
		cg_host_pressure(of, &h->pressure[of]);
}

static void part_work(void *data)
{
	struct info_part *p = data;
	struct info_host h = p->q->h;
	auto_free char *links = NULL;
	FILE *f = open_memstream(&p->text, &p->len);

	if (f == NULL)
		abort();
	read_host(&h, &links);
	for (size_t i = p->from; i < p->to; i++) {
		json_t *info = info_json(&h, &p->q->v[i]);

		if (i > p->from)
			(void)fputc(',', f);
		if (json_dumpf(info, f, JSON_COMPACT) < 0)
			abort(); /* no memory: a restart finds everything on disk */
		json_decref(info);
	}
	if (fclose(f) != 0)
		abort();
}

static void query_reply(struct info_query *q)
{
	auto_free char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	(void)fputs(q->one ? "{\"container\":" : "{\"containers\":[", f);
	for (unsigned int i = 0; i < q->n_parts; i++) {
		if (i > 0)
			(void)fputc(',', f);
		(void)fwrite(q->parts[i].text, 1, q->parts[i].len, f);
	}
	(void)fputs(q->one ? "}" : "]}", f);
	if (fclose(f) != 0)
		abort();
	rpc_reply_text(q->call, text, len);
}

static void part_done(void *data)
{
	struct info_part *p = data;
	struct info_query *q = p->q;

	if (--q->left > 0)
		return;
	for (size_t i = 0; i < q->n; i++)
		info_learn(q->h.d, &q->v[i]);
	query_reply(q);
	query_free(q);
}

/* The CT that takes the most CPU time, as the sampler has last seen it. */
static void find_neighbour(struct info_query *q)
{
	const struct daemon *d = q->h.d;

	for (size_t i = 0; (q->h.want & INFO_EXPLAIN) != 0 && i < d->n_cts; i++)
		if (d->cts[i]->status == CT_RUNNING &&
		    d->cts[i]->rate.cpu_percent > q->h.neighbour_percent) {
			q->h.neighbour = d->cts[i]->ctid;
			q->h.neighbour_percent = d->cts[i]->rate.cpu_percent;
		}
}

static void query_run(struct info_query *q)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = cpus < 1 ? 1 : cpus < PARTS ? (size_t)cpus : PARTS;
	size_t n = q->n / PART_MIN + 1, at = 0;

	find_neighbour(q);
	q->n_parts = (unsigned int)(n < most ? n : most);
	q->left = q->n_parts;
	for (unsigned int i = 0; i < q->n_parts; i++) {
		struct info_part *p = &q->parts[i];

		p->q = q;
		p->from = at;
		at = p->to = q->n * (i + 1) / q->n_parts;
		if (offload_run(q->h.d->disk, part_work, part_done, p) < 0)
			abort();
	}
}

void method_get(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct_read(call, parameters, data, method_get);
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

	/* Each costs a copy of the CT, and any member of the group may ask. */
	if (json_array_size(names) > q->h.d->n_cts + NAMES_SPARE)
		return berth_error_set(err, BERTH_ERR_VALUE, E2BIG,
				       "%zu CTs are named, there are %zu; leave 'ct' out for all",
				       json_array_size(names), q->h.d->n_cts);
	json_array_foreach(names, i, name)
	{
		const char *word = json_string_value(name);
		struct ct *ct = found_lookup(q->h.d, word != NULL ? word : "", err);

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
	uint64_t want;

	if (info_want_parse(json_object_get(parameters, "fields"), &want, &err) < 0) {
		rpc_reply_error(call, &err);
		return;
	}
	if (disk_first(call, parameters, d, named ? names : NULL, !named, method_list))
		return;
	if (!named)
		found_rescan(d);
	q = query_new(d, call, named ? json_array_size(names) : d->n_cts);
	q->h.want = want;
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
