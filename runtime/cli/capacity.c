/* capacity.c - see capacity.h. */
#include "runtime/cli/capacity.h"

#include "runtime/base/error.h"

#include <errno.h>
#include <string.h>

enum {
	PAGE = 4096,
	CELL = 24,
	CPU_EACH_MIN = 1 /* percent */
};
#define RAM_EACH_MIN (UINT64_C(16) << 20)
#define DISK_EACH_MIN (UINT64_C(32) << 20)

static const struct {
	const char *name, *resource; /* resource: of Info, NULL: CPU */
} kinds[CAPACITY_KINDS] = {
	[CAPACITY_RAM] = {"ram", "physpages"},
	[CAPACITY_SWAP] = {"swap", "swappages"},
	[CAPACITY_CPU] = {"cpu", NULL},
	[CAPACITY_DISK] = {"disk", "diskspace"},
	[CAPACITY_INODES] = {"inodes", "diskinodes"},
};

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t number_of(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v > 0 ? (uint64_t)v : 0;
}

/* Of both limits the lower one counts; 0: none. */
static uint64_t cpu_promised(const json_t *info)
{
	uint64_t limit = number_of(info, "cpulimit"), cpus = number_of(info, "cpus") * 100;

	return limit == 0 || (cpus != 0 && cpus < limit) ? cpus : limit;
}

static void add_promise(struct capacity_row *row, const json_t *limit)
{
	/* -1 on the wire is "no limit". */
	if (!json_is_integer(limit))
		return;
	if (json_integer_value(limit) < 0)
		row->without++;
	else
		row->sold = plus(row->sold, (uint64_t)json_integer_value(limit));
}

void capacity_add(struct capacity *c, const json_t *cts)
{
	const json_t *info;
	size_t i;

	json_array_foreach(cts, i, info)
	{
		const char *status = json_string_value(json_object_get(info, "status"));
		uint64_t cpu = cpu_promised(info);

		c->cts++;
		c->running += status != NULL && strcmp(status, "running") == 0;
		c->of[CAPACITY_CPU].sold = plus(c->of[CAPACITY_CPU].sold, cpu);
		c->of[CAPACITY_CPU].without += cpu == 0;
		for (size_t k = 0; k < CAPACITY_KINDS; k++) {
			const json_t *r =
				kinds[k].resource == NULL
					? NULL
					: json_object_get(json_object_get(info, "resources"),
							  kinds[k].resource);

			if (r == NULL)
				continue;
			add_promise(&c->of[k], json_object_get(r, "limit"));
			c->of[k].used = plus(c->of[k].used, number_of(r, "held"));
		}
	}
}

uint64_t capacity_cpu_usec(const json_t *cts)
{
	const json_t *info;
	uint64_t sum = 0;
	size_t i;

	json_array_foreach(cts, i, info) sum = plus(sum, number_of(info, "cpu_usec"));
	return sum;
}

/* ---- for people ---- */

static const char *amount(uint64_t v, enum capacity_kind kind, char buf[CELL])
{
	static const char letters[] = "BKMGTPE";
	double n = (double)v;
	size_t i = 0;

	if (kind == CAPACITY_CPU || kind == CAPACITY_INODES || v < 1024) {
		(void)snprintf(buf, CELL, "%llu%s", (unsigned long long)v,
			       kind == CAPACITY_CPU ? "%" : "");
		return buf;
	}
	for (; n >= 1024 && letters[i + 1] != '\0'; i++)
		n /= 1024;
	(void)snprintf(buf, CELL, n < 10 ? "%.2f%c" : n < 100 ? "%.1f%c" : "%.0f%c", n, letters[i]);
	return buf;
}

static const char *percent(uint64_t v, uint64_t of, char buf[CELL])
{
	if (of == 0)
		return "-";
	(void)snprintf(buf, CELL, "%.0f%%", (double)v * 100 / (double)of);
	return buf;
}

void capacity_print(const struct capacity *c, FILE *out)
{
	(void)fprintf(out, "%-8s %10s %10s %6s %10s %6s\n", "RESOURCE", "PHYSICAL", "SOLD", "SOLD%",
		      "USED", "USED%");
	for (int k = 0; k < CAPACITY_KINDS; k++) {
		const struct capacity_row *r = &c->of[k];
		char a[CELL], b[CELL], d[CELL], p[CELL], q[CELL];

		(void)fprintf(out, "%-8s %10s %10s %6s %10s %6s", kinds[k].name,
			      amount(r->physical, (enum capacity_kind)k, a),
			      amount(r->sold, (enum capacity_kind)k, b),
			      percent(r->sold, r->physical, p),
			      amount(r->used, (enum capacity_kind)k, d),
			      percent(r->used, r->physical, q));
		if (r->without > 0)
			(void)fprintf(out, "   and %u CT%s without a limit", r->without,
				      r->without == 1 ? "" : "s");
		(void)fputc('\n', out);
	}
	(void)fprintf(out, "%u CTs, %u running\n", c->cts, c->running);
}

json_t *capacity_json(const struct capacity *c)
{
	json_t *all = json_object();

	for (int k = 0; k < CAPACITY_KINDS; k++)
		(void)json_object_set_new(
			all, kinds[k].name,
			json_pack("{s:I, s:I, s:I, s:i}", "physical", (json_int_t)c->of[k].physical,
				  "sold", (json_int_t)c->of[k].sold, "used",
				  (json_int_t)c->of[k].used, "unlimited", (int)c->of[k].without));
	(void)json_object_set_new(all, "cts", json_integer(c->cts));
	(void)json_object_set_new(all, "running", json_integer(c->running));
	return all;
}

/* ---- split ---- */

/* before: what stands before the number; twice: barrier and limit. */
static int set_number(struct conf_file *f, const char *key, const char *before, uint64_t v,
		      bool twice)
{
	char value[64], again[32] = "";

	if (twice)
		(void)snprintf(again, sizeof(again), ":%llu", (unsigned long long)v);
	(void)snprintf(value, sizeof(value), "%s%llu%s", before, (unsigned long long)v, again);
	return conf_set(f, key, value);
}

static int too_little(struct berth_error *err, unsigned int n, const char *what, uint64_t each,
		      enum capacity_kind kind)
{
	char a[CELL];

	return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
			       "%u CTs are too many for this host: each would have %s of %s", n,
			       amount(each, kind, a), what);
}

int capacity_split(const struct capacity *c, unsigned int n, uint64_t swap, struct conf_file *ret,
		   struct berth_error *err)
{
	uint64_t ram = c->of[CAPACITY_RAM].physical / n, disk = c->of[CAPACITY_DISK].physical / n;
	uint64_t cpu = c->of[CAPACITY_CPU].physical / n;
	uint64_t inodes = c->of[CAPACITY_INODES].physical / n;
	int r;

	if (ram < RAM_EACH_MIN)
		return too_little(err, n, "RAM", ram, CAPACITY_RAM);
	if (disk < DISK_EACH_MIN)
		return too_little(err, n, "disk", disk, CAPACITY_DISK);
	if (cpu < CPU_EACH_MIN)
		return too_little(err, n, "a CPU", cpu, CAPACITY_CPU);
	if (swap == UINT64_MAX)
		swap = c->of[CAPACITY_SWAP].physical / n;
	/* Fewer where the file system makes fewer; one for 16 KiB is what a volume is made with. */
	inodes = inodes == 0 || inodes > disk / 16384 ? disk / 16384 : inodes;
	r = set_number(ret, "PHYSPAGES", "0:", ram / PAGE, false);
	if (r == 0)
		r = set_number(ret, "SWAPPAGES", "0:", swap / PAGE, false);
	if (r == 0)
		r = set_number(ret, "CPULIMIT", "", cpu, false);
	if (r == 0)
		r = set_number(ret, "CPUUNITS", "", 1000, false);
	if (r == 0)
		r = set_number(ret, "DISKSPACE", "", disk / 1024, true);
	if (r == 0)
		r = set_number(ret, "DISKINODES", "", inodes, true);
	return r < 0 ? berth_error_sys(err, r, "make a sample") : 0;
}
