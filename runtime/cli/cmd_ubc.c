/* cmd_ubc.c - ubc: the ledger of CTs, in vzubc's columns. */
#include "runtime/cli/cli.h"
#include "runtime/cli/field.h"
#include "runtime/cli/list_fetch.h"

#include "runtime/base/amount.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/parse.h"

#include <errno.h>
#include <string.h>

#define UNLIMITED INT64_MAX

enum kind {
	BYTES,
	COUNT,
	RATE,
	PERCENT
};

/* One resource of one CT; -1: not known, or nobody counts it. */
struct ubc_row {
	const char *name;
	enum kind kind;
	int64_t held, maxheld, barrier, limit, failcnt;
};

/* barrier: the column of list that shows it, and what one of it is. */
static const struct {
	const char *name;
	enum kind kind;
	const char *barrier;
	int64_t unit;
} resources[] = {
	{"physpages", BYTES, "physpages.b", 4096},
	{"swappages", BYTES, "swappages.b", 4096},
	{"oomguarpages", BYTES, "oomguarpages.b", 4096},
	{"numproc", COUNT, "numproc.b", 1},
	{"numcgroups", COUNT, "numcgroups.b", 1},
	{"cpulimit", PERCENT, NULL, 0},
	{"iolimit", RATE, NULL, 0},
	{"diskspace", BYTES, "diskspace.s", 1024},
	{"diskinodes", COUNT, "diskinodes.s", 1},
};

enum {
	RESOURCES = sizeof(resources) / sizeof(resources[0]),
	CELL = AMOUNT_MAX,
};

/* -1 on the wire is "no limit". */
static int64_t number(const json_t *resource, const char *what)
{
	const json_t *v = json_object_get(resource, what);

	if (!json_is_integer(v))
		return -1;
	return json_integer_value(v) < 0 ? UNLIMITED : json_integer_value(v);
}

static int64_t barrier_of(const json_t *info, size_t i)
{
	struct field_ref ref;
	uint64_t v;
	auto_free char *cell = NULL;

	if (resources[i].barrier == NULL || field_parse(resources[i].barrier, &ref, NULL) < 0)
		return -1;
	cell = field_cell(&ref, info);
	if (cell == NULL || parse_u64(cell, &v) < 0)
		return -1;
	return v > (uint64_t)(UNLIMITED / resources[i].unit) ? UNLIMITED
							     : (int64_t)v * resources[i].unit;
}

/* false: berthd has not told of it. */
static bool row_of(const json_t *info, size_t i, struct ubc_row *ret)
{
	const json_t *r = json_object_get(json_object_get(info, "resources"), resources[i].name);
	bool limit_only = resources[i].kind == PERCENT || resources[i].kind == RATE;

	if (r == NULL)
		return false;
	*ret = (struct ubc_row){
		.name = resources[i].name,
		.kind = resources[i].kind,
		.held = limit_only ? -1 : number(r, "held"),
		.maxheld = limit_only ? -1 : number(r, "maxheld"),
		.barrier = barrier_of(info, i),
		.limit = number(r, "limit"),
		.failcnt = number(r, "failcnt"),
	};
	return true;
}

/* ---- as text ---- */

static const char *amount(int64_t v, enum kind kind, char buf[CELL])
{
	if (v < 0)
		return "-";
	if (v == UNLIMITED)
		return "unlimited";
	if (kind == PERCENT)
		(void)snprintf(buf, CELL, "%lld%%", (long long)v);
	else if (kind == COUNT)
		(void)snprintf(buf, CELL, "%lld", (long long)v);
	else
		return amount_text((uint64_t)v, buf);
	return buf;
}

/* Of a limit that there is: how much of it is used. */
static const char *percent(int64_t v, int64_t of, char buf[CELL])
{
	if (v < 0 || of <= 0 || of == UNLIMITED)
		return "-";
	(void)snprintf(buf, CELL, "%.0f%%", (double)v * 100 / (double)of);
	return buf;
}

static void print_row(const struct ubc_row *r)
{
	char held[CELL], held_b[CELL], held_l[CELL], max[CELL], max_b[CELL], max_l[CELL], bar[CELL],
		lim[CELL], fail[CELL];

	(void)printf("%13s %9s %5s %5s %9s %5s %5s %9s %9s %8s\n", r->name,
		     amount(r->held, r->kind, held), percent(r->held, r->barrier, held_b),
		     percent(r->held, r->limit, held_l), amount(r->maxheld, r->kind, max),
		     percent(r->maxheld, r->barrier, max_b), percent(r->maxheld, r->limit, max_l),
		     amount(r->barrier, r->kind, bar), amount(r->limit, r->kind, lim),
		     amount(r->failcnt, COUNT, fail));
}

static void print_ct(const json_t *info, bool failed_only)
{
	char head[32];
	struct ubc_row row;

	(void)snprintf(head, sizeof(head), "CT %lld",
		       (long long)json_integer_value(json_object_get(info, "ctid")));
	(void)printf("%-13s %9s %5s %5s %9s %5s %5s %9s %9s %8s\n", head, "HELD", "Bar%", "Lim%",
		     "MAXH", "Bar%", "Lim%", "BAR", "LIM", "FAIL");
	for (size_t i = 0; i < RESOURCES; i++)
		if (row_of(info, i, &row) && (!failed_only || row.failcnt > 0))
			print_row(&row);
}

/* ---- as JSON ---- */

static json_t *number_json(int64_t v)
{
	return v < 0 ? json_null() : json_integer(v);
}

static json_t *ct_json(const json_t *info, bool failed_only)
{
	json_t *all = json_object();
	struct ubc_row r;

	for (size_t i = 0; i < RESOURCES; i++)
		if (row_of(info, i, &r) && (!failed_only || r.failcnt > 0))
			(void)json_object_set_new(
				all, r.name,
				json_pack("{s:o, s:o, s:o, s:o, s:o}", "held", number_json(r.held),
					  "maxheld", number_json(r.maxheld), "barrier",
					  number_json(r.barrier), "limit", number_json(r.limit),
					  "failcnt", number_json(r.failcnt)));
	return json_pack("{s:O, s:O, s:o}", "ctid", json_object_get(info, "ctid"), "status",
			 json_object_get(info, "status"), "resources", all);
}

static void print_json(const json_t *cts, bool failed_only)
{
	json_t *list = json_array();
	const json_t *info;
	size_t i;

	json_array_foreach(cts, i, info)(void)
		json_array_append_new(list, ct_json(info, failed_only));
	(void)json_dumpf(list, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(list);
}

/* ---- as OpenVZ's kernel, version 2.5 of the file ---- */

/* The number of a column of list; what is not known is other. */
static uint64_t cell_number(const json_t *info, const char *name, const char *suffix,
			    uint64_t other)
{
	char word[40];
	struct field_ref ref;
	auto_free char *cell = NULL;
	uint64_t v;

	(void)snprintf(word, sizeof(word), "%s%s", name, suffix);
	if (field_parse(word, &ref, NULL) < 0)
		return other; /* "dummy" */
	cell = field_cell(&ref, info);
	return cell != NULL && parse_u64(cell, &v) == 0 ? v : other;
}

static void print_proc_ct(const json_t *info)
{
	static const char *const rows[] = {
		"kmemsize",	"lockedpages", "privvmpages",  "shmpages",     "dummy",
		"numproc",	"physpages",   "vmguarpages",  "oomguarpages", "numtcpsock",
		"numflock",	"numpty",      "numsiginfo",   "tcpsndbuf",    "tcprcvbuf",
		"othersockbuf", "dgramrcvbuf", "numothersock", "dcachesize",   "numfile",
		"dummy",	"dummy",       "dummy",	       "numiptent"};
	char uid[16];

	(void)snprintf(uid, sizeof(uid),
		       "%lld:", (long long)json_integer_value(json_object_get(info, "ctid")));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t none = strcmp(rows[i], "dummy") == 0 ? 0 : (uint64_t)UNLIMITED;

		(void)printf("%10s  %-12s %20llu %20llu %20llu %20llu %20llu\n", i == 0 ? uid : "",
			     rows[i], (unsigned long long)cell_number(info, rows[i], "", 0),
			     (unsigned long long)cell_number(info, rows[i], ".m", 0),
			     (unsigned long long)cell_number(info, rows[i], ".b", none),
			     (unsigned long long)cell_number(info, rows[i], ".l", none),
			     (unsigned long long)cell_number(info, rows[i], ".f", 0));
	}
}

static void print_proc(const json_t *cts)
{
	const json_t *info;
	size_t i;

	(void)printf("Version: 2.5\n%10s  %-12s %20s %20s %20s %20s %20s\n", "uid", "resource",
		     "held", "maxheld", "barrier", "limit", "failcnt");
	json_array_foreach(cts, i, info) print_proc_ct(info);
}

/* ---- the command ---- */

static const struct opt ubc_opts[] = {{"all", 'a', false},
				      {"failed", 'q', false},
				      {"json", 'j', false},
				      {"proc", 'p', false},
				      {0}};

struct ubc_options {
	bool all, failed_only, proc;
	json_t *words; /* NULL for all */
};

static int take_options(struct cli *cli, struct args *a, struct ubc_options *o,
			struct berth_error *err)
{
	struct arg arg;
	int r;

	a->opts = ubc_opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_OPTION) {
			o->all |= arg.letter == 'a';
			o->failed_only |= arg.letter == 'q';
			cli->json |= arg.letter == 'j';
			o->proc |= arg.letter == 'p';
			continue;
		}
		r = cli_add_ct(&o->words, arg.value, err);
		if (r < 0)
			return r;
	}
	return r;
}

static int ubc(struct cli *cli, const struct ubc_options *o, struct berth_error *err)
{
	json_t *needs = json_pack("{s:n, s:n}", "resources", "config"), *cts = NULL;
	const json_t *info;
	size_t i;
	int r = list_fetch(cli, o->words, o->all, needs, &cts, err);

	json_decref(needs);
	if (r < 0)
		return r;
	/* Without berthd nobody has counted: that is no 0. */
	if (o->proc && json_array_size(cts) > 0 &&
	    json_object_get(json_array_get(cts, 0), "resources") == NULL) {
		json_decref(cts);
		return berth_error_set(err, BERTH_ERR_NO_DAEMON, ENOTCONN,
				       "berthd does not answer, and only it can tell what is held; "
				       "start it: systemctl start berthd");
	}
	if (o->proc)
		print_proc(cts);
	else if (cli->json)
		print_json(cts, o->failed_only);
	json_array_foreach(cts, i, info)
	{
		if (cli->json || o->proc)
			break;
		if (i > 0)
			(void)putchar('\n');
		print_ct(info, o->failed_only);
	}
	json_decref(cts);
	return 0;
}

int cmd_ubc(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct ubc_options o = {0};
	int r = take_options(cli, a, &o, err);

	if (r == 0 && !cli->help)
		r = ubc(cli, &o, err);
	json_decref(o.words);
	return r;
}
