/* cmd_stat.c - stat: the numbers of a CT, and how fast they grow. */
#include "runtime/base/amount.h"
#include "runtime/base/cleanup.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/text.h"
#include "runtime/cli/usage.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
	LOOK_MS = 1000,
	CELL = AMOUNT_MAX
};

/* ---- as text ---- */

static const char *amount(double v, char buf[CELL])
{
	return v < 0 ? "-" : amount_text((uint64_t)v, buf);
}

/* "12.5 s" of microseconds. */
static const char *seconds(int64_t usec, char buf[CELL])
{
	if (usec < 0)
		return "-";
	(void)snprintf(buf, CELL, "%.1f s", (double)usec / 1e6);
	return buf;
}

static const char *count(int64_t n, char buf[CELL])
{
	if (n < 0)
		return "-";
	(void)snprintf(buf, CELL, "%lld", (long long)n);
	return buf;
}

/* " of 512M (23 %)", or that there is no limit. */
static const char *of_limit(const struct usage_amount *a, bool is_bytes, char buf[2 * CELL + 16])
{
	char limit[CELL];

	if (a->limit < 0)
		return ", no limit";
	if (is_bytes)
		(void)amount_text((uint64_t)a->limit, limit);
	else
		(void)snprintf(limit, sizeof(limit), "%lld", (long long)a->limit);
	if (a->held < 0 || a->limit == 0)
		(void)snprintf(buf, 2 * CELL + 16, " of %s", limit);
	else
		(void)snprintf(buf, 2 * CELL + 16, " of %s (%.0f %%)", limit, usage_percent(a));
	return buf;
}

static void print_amount(const char *name, const struct usage_amount *a, bool is_bytes)
{
	char held[CELL] = "-", limit[2 * CELL + 16];

	if (a->held >= 0 && is_bytes)
		(void)amount_text((uint64_t)a->held, held);
	else if (a->held >= 0)
		(void)snprintf(held, sizeof(held), "%lld", (long long)a->held);
	(void)printf("  %-11s%s%s\n", name, held, of_limit(a, is_bytes, limit));
}

static void print_cpu(const struct usage *u, const struct usage_rate *r)
{
	char used[CELL], throttled[CELL];

	(void)printf("  %-11s", "cpu");
	if (r->known)
		(void)printf("%.1f %% of one CPU", r->cpu_percent);
	else
		(void)fputs("-", stdout);
	if (u->cpulimit.limit > 0)
		(void)printf(", limit %lld %%", (long long)u->cpulimit.limit);
	if (r->known && u->cpulimit.limit > 0)
		(void)printf(", throttled in %.0f %% of its periods", r->throttled_percent);
	(void)printf("; %s in all, %s throttled\n", seconds(u->counter[USAGE_CPU_USEC], used),
		     seconds(u->counter[USAGE_THROTTLED_USEC], throttled));
}

/* "read 1.20M/s (30/s), written 0/s (0/s); in all 5.00M read (200), 1.00M written (17)" */
struct flow {
	const char *name, *in, *out, *things;
	enum usage_counter in_bytes, in_things, out_bytes, out_things;
};

static void print_flow(const struct usage *u, const struct usage_rate *r, const struct flow *f)
{
	char a[CELL], b[CELL], n_in[CELL], n_out[CELL];

	(void)printf("  %-11s", f->name);
	if (r->known)
		(void)printf("%s %s/s (%.0f %s/s), %s %s/s (%.0f %s/s); in all ", f->in,
			     amount(r->per_second[f->in_bytes], a), r->per_second[f->in_things],
			     f->things, f->out, amount(r->per_second[f->out_bytes], b),
			     r->per_second[f->out_things], f->things);
	(void)printf("%s %s (%s %s), %s %s (%s %s)\n", f->in,
		     amount((double)u->counter[f->in_bytes], a),
		     count(u->counter[f->in_things], n_in), f->things, f->out,
		     amount((double)u->counter[f->out_bytes], b),
		     count(u->counter[f->out_things], n_out), f->things);
}

static void print_pressure(const struct usage *u)
{
	if (u->some[USAGE_PRESSURE_CPU] < 0)
		return;
	(void)printf("  %-11s", "pressure");
	for (enum usage_pressure p = 0; p < USAGE_PRESSURES; p++)
		(void)printf("%s %.1f %%%s", usage_pressure_name(p), u->some[p],
			     p + 1 < USAGE_PRESSURES ? ", " : "");
	(void)puts(" of the last 10 seconds");
}

static void print_head(const json_t *info)
{
	const char *name = json_string_value(json_object_get(info, "name"));
	const char *status = json_string_value(json_object_get(info, "status"));
	auto_free char *safe = text_escape(name != NULL ? name : "");
	bool named = safe != NULL && safe[0] != '\0';

	(void)printf("CT %lld%s%s%s is %s\n",
		     (long long)json_integer_value(json_object_get(info, "ctid")),
		     named ? " (" : "", named ? safe : "", named ? ")" : "",
		     status != NULL ? status : "?");
}

static void print_ct(const json_t *before, const json_t *now)
{
	static const struct flow disk = {"io",
					 "read",
					 "written",
					 "operations",
					 USAGE_READ_BYTES,
					 USAGE_READS,
					 USAGE_WRITE_BYTES,
					 USAGE_WRITES},
				 net = {"network",	"received",	 "sent",
					"packets",	USAGE_RX_BYTES,	 USAGE_RX_PACKETS,
					USAGE_TX_BYTES, USAGE_TX_PACKETS};
	struct usage was, is;
	struct usage_rate rate;

	print_head(now);
	if (usage_from(now, &is) < 0)
		return;
	usage_rate_of(usage_from(before, &was) == 0 ? &was : NULL, &is, &rate);
	print_cpu(&is, &rate);
	print_amount("memory", &is.memory, true);
	print_amount("swap", &is.swap, true);
	print_amount("processes", &is.processes, false);
	print_amount("disk", &is.disk, true);
	print_amount("inodes", &is.inodes, false);
	print_flow(&is, &rate, &disk);
	print_flow(&is, &rate, &net);
	print_pressure(&is);
}

/* ---- as JSON ---- */

static json_t *ct_json(const json_t *before, const json_t *now)
{
	struct usage was, is;
	struct usage_rate rate;
	json_t *o;

	if (usage_from(now, &is) < 0)
		return json_pack("{s:O, s:O}", "ctid", json_object_get(now, "ctid"), "status",
				 json_object_get(now, "status"));
	usage_rate_of(usage_from(before, &was) == 0 ? &was : NULL, &is, &rate);
	o = usage_json(&is, &rate);
	(void)json_object_set(o, "status", json_object_get(now, "status"));
	return o;
}

static void print_json(const json_t *before, const json_t *now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(now); i++)
		(void)json_array_append_new(
			list, ct_json(json_array_get(before, i), json_array_get(now, i)));
	(void)json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	(void)putchar('\n');
	json_decref(list);
}

/* ---- the command ---- */

/* Named CTs come in the order of their names, in both looks. */
static int stat_cts(struct cli *cli, const json_t *words, struct berth_error *err)
{
	json_t *before = NULL, *now = NULL;
	int r = usage_fetch(cli, words, &before, err);

	if (r < 0)
		return r;
	(void)poll(NULL, 0, LOOK_MS);
	r = usage_fetch(cli, words, &now, err);
	if (r == 0 && cli->json)
		print_json(before, now);
	for (size_t i = 0; r == 0 && !cli->json && i < json_array_size(now); i++) {
		if (i > 0)
			(void)putchar('\n');
		print_ct(json_array_get(before, i), json_array_get(now, i));
	}
	json_decref(before);
	json_decref(now);
	return r;
}

int cmd_stat(struct cli *cli, struct args *a, struct berth_error *err)
{
	static const struct opt opts[] = {{"json", 'j', false}, {0}};
	json_t *words = NULL;
	struct arg arg;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_OPTION) {
			cli->json = true;
			continue;
		}
		r = cli_add_ct(&words, arg.value, err);
		if (r < 0)
			break;
	}
	if (r == 0 && words == NULL && !cli->help)
		r = cli_usage_error(cli, err, "name a CT");
	if (r == 0 && !cli->help)
		r = stat_cts(cli, words, err);
	json_decref(words);
	return r;
}
