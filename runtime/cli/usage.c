/* usage.c - what CTs use and how fast. */
#include "runtime/cli/usage.h"

#include "runtime/base/parse.h"

#include <errno.h>
#include <string.h>

static const char *const counter_names[USAGE_COUNTERS] = {
	[USAGE_CPU_USEC] = "cpu_usec",	   [USAGE_PERIODS] = "periods",
	[USAGE_THROTTLED] = "throttled",   [USAGE_THROTTLED_USEC] = "throttled_usec",
	[USAGE_READ_BYTES] = "read_bytes", [USAGE_WRITE_BYTES] = "write_bytes",
	[USAGE_READS] = "reads",	   [USAGE_WRITES] = "writes",
	[USAGE_RX_BYTES] = "rx_bytes",	   [USAGE_RX_PACKETS] = "rx_packets",
	[USAGE_TX_BYTES] = "tx_bytes",	   [USAGE_TX_PACKETS] = "tx_packets",
};

static const char *const pressure_names[USAGE_PRESSURES] = {
	[USAGE_PRESSURE_CPU] = "cpu",
	[USAGE_PRESSURE_MEMORY] = "memory",
	[USAGE_PRESSURE_IO] = "io",
};

const char *usage_counter_name(enum usage_counter c)
{
	return counter_names[c];
}

const char *usage_pressure_name(enum usage_pressure p)
{
	return pressure_names[p];
}

static int64_t number(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_integer(v) && json_integer_value(v) >= 0 ? json_integer_value(v)
								: USAGE_NONE;
}

static void amount_from(const json_t *resources, const char *name, struct usage_amount *ret)
{
	const json_t *r = json_object_get(resources, name);

	*ret = (struct usage_amount){number(r, "held"), number(r, "limit")};
}

static double some_of(const json_t *usage, enum usage_pressure p)
{
	const json_t *v = json_object_get(
		json_object_get(json_object_get(usage, "pressure"), pressure_names[p]),
		"some_avg10");

	return json_is_number(v) ? json_number_value(v) : -1;
}

int usage_from(const json_t *info, struct usage *ret)
{
	const json_t *u = json_object_get(info, "usage"), *r = json_object_get(info, "resources");
	const char *name = json_string_value(json_object_get(info, "name"));

	if (!json_is_object(u))
		return -ENOENT;
	*ret = (struct usage){
		.ctid = (uint32_t)json_integer_value(json_object_get(info, "ctid")),
		.name = name != NULL ? name : "",
		.init_pid = number(info, "init_pid"),
		.at_usec = number(u, "at_usec"),
	};
	for (enum usage_counter c = 0; c < USAGE_COUNTERS; c++)
		ret->counter[c] = number(u, counter_names[c]);
	for (enum usage_pressure p = 0; p < USAGE_PRESSURES; p++)
		ret->some[p] = some_of(u, p);
	amount_from(r, "physpages", &ret->memory);
	amount_from(r, "swappages", &ret->swap);
	amount_from(r, "numproc", &ret->processes);
	amount_from(r, "diskspace", &ret->disk);
	amount_from(r, "diskinodes", &ret->inodes);
	amount_from(r, "cpulimit", &ret->cpulimit);
	amount_from(r, "iolimit", &ret->iolimit);
	return 0;
}

/* A counter that goes back began anew. */
static double more(const struct usage *before, const struct usage *now, enum usage_counter c)
{
	int64_t a = before->counter[c], b = now->counter[c];

	return a >= 0 && b > a ? (double)(b - a) : 0;
}

void usage_rate_of(const struct usage *before, const struct usage *now, struct usage_rate *ret)
{
	double periods;

	*ret = (struct usage_rate){0};
	if (before == NULL || before->init_pid != now->init_pid ||
	    before->at_usec >= now->at_usec ||
	    before->counter[USAGE_CPU_USEC] > now->counter[USAGE_CPU_USEC])
		return;
	ret->known = true;
	ret->seconds = (double)(now->at_usec - before->at_usec) / 1e6;
	for (enum usage_counter c = 0; c < USAGE_COUNTERS; c++)
		ret->per_second[c] = more(before, now, c) / ret->seconds;
	ret->cpu_percent = ret->per_second[USAGE_CPU_USEC] / 1e4;
	periods = more(before, now, USAGE_PERIODS);
	if (periods > 0)
		ret->throttled_percent = more(before, now, USAGE_THROTTLED) * 100 / periods;
}

double usage_percent(const struct usage_amount *a)
{
	return a->held >= 0 && a->limit > 0 ? (double)a->held * 100 / (double)a->limit : -1;
}

/* ---- for programs ---- */

static json_t *number_json(int64_t v)
{
	return v < 0 ? json_null() : json_integer(v);
}

static void put_amount(json_t *o, const char *name, const struct usage_amount *a, bool limit_only)
{
	json_t *v = json_object();

	if (!limit_only)
		(void)json_object_set_new(v, "held", number_json(a->held));
	(void)json_object_set_new(v, "limit", number_json(a->limit));
	(void)json_object_set_new(o, name, v);
}

static json_t *rate_json(const struct usage_rate *rate)
{
	json_t *o = json_pack("{s:f, s:f, s:f}", "seconds", rate->seconds, "cpu_percent",
			      rate->cpu_percent, "throttled_percent", rate->throttled_percent);

	for (enum usage_counter c = USAGE_READ_BYTES; c < USAGE_COUNTERS; c++)
		(void)json_object_set_new(o, counter_names[c], json_real(rate->per_second[c]));
	return o;
}

json_t *usage_json(const struct usage *u, const struct usage_rate *rate)
{
	json_t *o = json_pack("{s:I, s:s}", "ctid", (json_int_t)u->ctid, "name", u->name),
	       *pressure = json_object();

	put_amount(o, "memory", &u->memory, false);
	put_amount(o, "swap", &u->swap, false);
	put_amount(o, "processes", &u->processes, false);
	put_amount(o, "disk", &u->disk, false);
	put_amount(o, "inodes", &u->inodes, false);
	put_amount(o, "cpulimit", &u->cpulimit, true);
	put_amount(o, "iolimit", &u->iolimit, true);
	for (enum usage_counter c = 0; c < USAGE_COUNTERS; c++)
		(void)json_object_set_new(o, counter_names[c], number_json(u->counter[c]));
	for (enum usage_pressure p = 0; p < USAGE_PRESSURES; p++)
		(void)json_object_set_new(pressure, pressure_names[p],
					  u->some[p] < 0 ? json_null() : json_real(u->some[p]));
	(void)json_object_set_new(o, "pressure", pressure);
	(void)json_object_set_new(o, "rate",
				  rate != NULL && rate->known ? rate_json(rate) : json_null());
	return o;
}

/* ---- berthd ---- */

int usage_fetch(struct cli *cli, const json_t *words, json_t **ret, struct berth_error *err)
{
	json_t *p = json_pack("{s:[s, s, s, s, s, s, s, s, s, s]}", "fields", "name", "init_pid",
			      "usage", "resources.physpages.held", "resources.swappages.held",
			      "resources.numproc.held", "resources.diskspace.held",
			      "resources.diskinodes.held", "resources.cpulimit.held",
			      "resources.iolimit.held"),
	       *reply = NULL, *list;
	int r;

	if (words != NULL)
		(void)json_object_set_new(p, "ct", json_deep_copy(words));
	r = call_berthd(cli, "io.berth.Container.List", p, &reply, err);
	if (r < 0)
		return r;
	list = json_object_get(reply, "containers");
	if (json_is_array(list))
		*ret = json_incref(list);
	else
		r = berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
				    "berthd's answer to io.berth.Container.List has no containers");
	json_decref(reply);
	return r;
}
