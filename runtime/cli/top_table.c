/* top_table.c - rows and columns of top. */
#include "runtime/cli/top_table.h"

#include "runtime/base/amount.h"
#include "runtime/base/cleanup.h"
#include "runtime/cli/style.h"
#include "runtime/cli/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CELL = AMOUNT_MAX,
	LINE = 512,
	NEAR_LIMIT = 95 /* percent, from which on it is shown in another colour */
};

/* ---- order ---- */

typedef double top_value_fn(const struct top_row *r);

static double cpu(const struct top_row *r)
{
	return r->rate.cpu_percent;
}

static double throttled(const struct top_row *r)
{
	return r->rate.throttled_percent;
}

static double memory(const struct top_row *r)
{
	return (double)r->usage.memory.held;
}

static double memory_percent(const struct top_row *r)
{
	return usage_percent(&r->usage.memory);
}

static double swap(const struct top_row *r)
{
	return (double)r->usage.swap.held;
}

static double processes(const struct top_row *r)
{
	return (double)r->usage.processes.held;
}

static double disk_percent(const struct top_row *r)
{
	return usage_percent(&r->usage.disk);
}

static double io(const struct top_row *r)
{
	return r->rate.per_second[USAGE_READ_BYTES] + r->rate.per_second[USAGE_WRITE_BYTES];
}

static double network(const struct top_row *r)
{
	return r->rate.per_second[USAGE_RX_BYTES] + r->rate.per_second[USAGE_TX_BYTES];
}

/* The worst of the three. */
static double pressure(const struct top_row *r)
{
	double most = -1;

	for (enum usage_pressure p = 0; p < USAGE_PRESSURES; p++)
		if (r->usage.some[p] > most)
			most = r->usage.some[p];
	return most;
}

static const struct top_key keys[] = {{"cpu", 'c'},	 {"throttled", 't'}, {"memory", 'm'},
				      {"memory%", 'M'},	 {"swap", 's'},	     {"disk", 'd'},
				      {"numproc", 'u'},	 {"io", 'i'},	     {"network", 'n'},
				      {"pressure", 'p'}, {"ctid", 'N'},	     {NULL, 0}};

/* In the order of keys; NULL: by CTID. */
static top_value_fn *const values[] = {cpu,	throttled,    memory,	 memory_percent,
				       swap,	disk_percent, processes, io,
				       network, pressure,     NULL};

const struct top_key *top_sort_keys(void)
{
	return keys;
}

static size_t key_index(const char *name)
{
	size_t i = 0;

	while (keys[i].name != NULL && strcmp(keys[i].name, name) != 0)
		i++;
	return i;
}

int top_sort_check(const char *name, struct berth_error *err)
{
	char list[160] = "";
	size_t used = 0;

	if (keys[key_index(name)].name != NULL)
		return 0;
	for (const struct top_key *k = keys; k->name != NULL; k++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 used > 0 ? ", " : "", k->name);
	return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "-s %.40s: sort by one of %s", name,
			       list);
}

static int compare(const void *a, const void *b, void *data)
{
	const struct top_row *x = a, *y = b;
	const struct top_view *view = data;
	top_value_fn *value = values[key_index(view->sort)];
	double v = value != NULL ? value(x) : 0, w = value != NULL ? value(y) : 0;
	int order = v > w ? -1 : v < w ? 1 : 0;

	if (order == 0)
		order = x->usage.ctid < y->usage.ctid ? -1 : x->usage.ctid > y->usage.ctid;
	return view->reverse ? -order : order;
}

/* ---- rows ---- */

static void take_rate(const json_t *before, struct top_row *row)
{
	const json_t *info;
	struct usage was;
	size_t i;

	json_array_foreach(before, i, info)
	{
		if (json_integer_value(json_object_get(info, "ctid")) != row->usage.ctid)
			continue;
		if (usage_from(info, &was) == 0)
			usage_rate_of(&was, &row->usage, &row->rate);
		return;
	}
}

struct top_row *top_rows(const json_t *before, const json_t *now, size_t *ret_n)
{
	struct top_row *rows = calloc(json_array_size(now) + 1, sizeof(*rows));
	const json_t *info;
	size_t i, n = 0;

	if (rows == NULL)
		abort();
	json_array_foreach(now, i, info) if (usage_from(info, &rows[n].usage) == 0)
		take_rate(before, &rows[n++]);
	*ret_n = n;
	return rows;
}

/* ---- print ---- */

static const char *percent(double v, bool known, char buf[CELL])
{
	if (v < 0 || !known)
		return "-";
	(void)snprintf(buf, CELL, v < 1000 ? "%.1f" : "%.0f", v);
	return buf;
}

static const char *bytes(double v, bool known, char buf[CELL])
{
	if (v < 0 || !known)
		return "-";
	return amount_text((uint64_t)v, buf);
}

static const char *count(int64_t v, char buf[CELL])
{
	if (v < 0)
		return "-";
	(void)snprintf(buf, CELL, "%lld", (long long)v);
	return buf;
}

static void put_line(FILE *out, enum style style, const char *line, size_t columns)
{
	size_t n = columns > 0 ? text_cut(line, columns) : strlen(line);

	(void)fputs(style_begin(out, style), out);
	(void)fwrite(line, 1, n, out);
	(void)fprintf(out, "%s\n", style_end(out));
}

static enum style row_style(const struct top_row *r)
{
	if (r->rate.throttled_percent >= NEAR_LIMIT || memory_percent(r) >= NEAR_LIMIT ||
	    disk_percent(r) >= NEAR_LIMIT)
		return STYLE_WARN;
	return STYLE_NONE;
}

static double cpulimit_percent(const struct top_row *r)
{
	return r->usage.cpulimit.limit > 0 && r->rate.known
		       ? r->rate.cpu_percent * 100 / (double)r->usage.cpulimit.limit
		       : -1;
}

static void print_row(FILE *out, const struct top_row *r, size_t columns)
{
	const struct usage *u = &r->usage;
	bool known = r->rate.known;
	auto_free char *name = text_escape(u->name[0] != '\0' ? u->name : "-");
	char line[LINE], b[14][CELL];

	(void)snprintf(line, sizeof(line),
		       "%10u %6s %5s %5s %5s %5s %5s %6s %5s %6s %6s %6s %6s %5s %5s %5s %s",
		       u->ctid, percent(r->rate.cpu_percent, known, b[0]),
		       percent(cpulimit_percent(r), known, b[1]),
		       percent(r->rate.throttled_percent, known, b[2]),
		       bytes((double)u->memory.held, true, b[3]),
		       percent(memory_percent(r), true, b[4]),
		       bytes((double)u->swap.held, true, b[5]), count(u->processes.held, b[6]),
		       percent(disk_percent(r), true, b[7]),
		       bytes(r->rate.per_second[USAGE_READ_BYTES], known, b[8]),
		       bytes(r->rate.per_second[USAGE_WRITE_BYTES], known, b[9]),
		       bytes(r->rate.per_second[USAGE_RX_BYTES], known, b[10]),
		       bytes(r->rate.per_second[USAGE_TX_BYTES], known, b[11]),
		       percent(u->some[USAGE_PRESSURE_CPU], true, b[12]),
		       percent(u->some[USAGE_PRESSURE_MEMORY], true, b[13]),
		       percent(u->some[USAGE_PRESSURE_IO], true, (char[CELL]){0}),
		       name != NULL ? name : "");
	put_line(out, row_style(r), line, columns);
}

void top_print(FILE *out, struct top_row *rows, size_t n, const struct top_view *view)
{
	struct top_view by = *view;
	char head[LINE];

	qsort_r(rows, n, sizeof(*rows), compare, &by);
	(void)snprintf(head, sizeof(head),
		       "%10s %6s %5s %5s %5s %5s %5s %6s %5s %6s %6s %6s %6s %5s %5s %5s %s",
		       "CTID", "CPU%", "LIM%", "THR%", "MEM", "MEM%", "SWAP", "NPROC", "DISK%",
		       "READ/s", "WRIT/s", "RX/s", "TX/s", "PCPU", "PMEM", "PIO", "NAME");
	put_line(out, STYLE_HEAD, head, view->columns);
	for (size_t i = 0; i < n && (view->rows == 0 || i + 1 < view->rows); i++)
		print_row(out, &rows[i], view->columns);
}
