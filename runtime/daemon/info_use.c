/* info_use.c - what a CT uses and why it is slow. */
#include "runtime/daemon/info_use.h"

#include "netsetup/net.h"
#include "runtime/base/clock.h"
#include "runtime/ct/explain.h"
#include "runtime/daemon/troubles.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const pressure_names[CG_PRESSURES] = {
	[CG_PRESSURE_CPU] = "cpu",
	[CG_PRESSURE_MEMORY] = "memory",
	[CG_PRESSURE_IO] = "io",
};

/* ---- usage ---- */

static json_int_t number(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (json_int_t)v;
}

static json_t *pressure_json(const struct cg_pressure *p)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:I, s:I}", "some_avg10",
			 (double)p->some.avg10 / 100, "some_avg60", (double)p->some.avg60 / 100,
			 "full_avg10", (double)p->full.avg10 / 100, "full_avg60",
			 (double)p->full.avg60 / 100, "some_usec", number(p->some.usec),
			 "full_usec", number(p->full.usec));
}

json_t *info_usage_json(const struct info_host *h, const struct ct *ct, const struct cg_stat *st,
			const struct use *u)
{
	json_t *pressure = json_object();
	struct net_counts net = {0};

	for (enum cg_pressure_of of = 0; of < CG_PRESSURES; of++)
		if (u->pressure[of].known)
			(void)json_object_set_new(pressure, pressure_names[of],
						  pressure_json(&u->pressure[of]));
	if (h->links != NULL)
		net_counts_parse(h->links, ct->ctid, &net);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
			 "at_usec", (json_int_t)(clock_monotonic_ns() / 1000), "cpu_usec",
			 number(st->cpu_usec), "periods", number(st->periods), "throttled",
			 number(st->throttled), "throttled_usec", number(st->throttled_usec),
			 "read_bytes", number(u->io.read_bytes), "write_bytes",
			 number(u->io.write_bytes), "reads", number(u->io.reads), "writes",
			 number(u->io.writes), "rx_bytes", number(net.rx_bytes), "rx_packets",
			 number(net.rx_packets), "tx_bytes", number(net.tx_bytes), "tx_packets",
			 number(net.tx_packets), "pressure", pressure);
}

/* ---- explain ---- */

static void fill(struct explain_in *in, const struct info_host *h, const struct ct *ct, bool runs,
		 const struct use *u, const struct ledger *l, uint64_t now)
{
	*in = (struct explain_in){.ctid = ct->ctid,
				  .now = now,
				  .runs = runs,
				  .ledger = l,
				  .disk_free = u->disk_free,
				  .own_inodes = u->own_inodes,
				  .cpus = h->cpus};
	memcpy(in->held, u->held, sizeof(in->held));
	memcpy(in->limit, u->limit, sizeof(in->limit));
	memcpy(in->ct, u->pressure, sizeof(in->ct));
	memcpy(in->host, h->pressure, sizeof(in->host));
}

static void put_time(json_t *o, const char *name, uint64_t v)
{
	if (v != 0)
		(void)json_object_set_new(o, name, json_integer(number(v)));
}

static json_t *row_json(const struct explain_row *r)
{
	json_t *o = json_pack("{s:s, s:s, s:b, s:s}", "name", r->name, "cause",
			      explain_cause_word(r->cause), "now", r->now, "text", r->text);

	put_time(o, "since", r->since);
	put_time(o, "last", r->last);
	put_time(o, "times", r->times);
	if (r->fix[0] != '\0')
		(void)json_object_set_new(o, "fix", json_string(r->fix));
	return o;
}

json_t *info_explain_json(const struct info_host *h, const struct ct *ct, bool runs,
			  const struct use *u, const struct ledger *l)
{
	struct explain_row rows[EXPLAIN_MAX];
	char trouble[CT_TROUBLE_MAX];
	json_t *list = json_array();
	struct explain_in in;
	size_t n;

	fill(&in, h, ct, runs, u, l, (uint64_t)time(NULL));
	in.neighbour = h->neighbour != ct->ctid ? h->neighbour : 0;
	in.neighbour_percent = h->neighbour_percent;
	in.trouble = troubles_text(ct, trouble);
	n = explain(&in, rows);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, row_json(&rows[i]));
	return list;
}
