/* explain.c - why a CT is slow or refused something. */
#include "runtime/ct/explain.h"

#include "runtime/base/amount.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	NOW_S = 30, /* a failure so young is one of now: berthd looks each ten seconds */
	HOUR_S = 3600,
	THROTTLED_LEAST = 10, /* periods of an hour: a second in all is no trouble */
	FULL_PERCENT = 99,
	STALL_PERCENT = 1, /* of an hour: it waits for memory that it may not have */
	WAITS = 1000, /* hundredths of a percent of ten seconds: it waits for something, */
	HOST_BUSY_CPU = 5000, /* and so do others on the host */
	HOST_BUSY_MEMORY = 500,
	HOST_BUSY_IO = 3000,
	CPU_MS = 100, /* of a period */
	DISK_LEAST = 64 << 20 /* bytes */
};

struct list {
	const struct explain_in *in;
	struct explain_row *rows;
	size_t n;
};

static struct explain_row *row_new(struct list *l, const char *name, enum explain_cause cause)
{
	struct explain_row *r = &l->rows[l->n < EXPLAIN_MAX - 1 ? l->n++ : EXPLAIN_MAX - 1];

	*r = (struct explain_row){.name = name, .cause = cause};
	return r;
}

/* A row of one of its limits, with what the ledger knows of when. */
static struct explain_row *row_of(struct list *l, enum ledger_resource r)
{
	const struct ledger *b = l->in->ledger;
	struct explain_row *row = row_new(l, ledger_name(r), EXPLAIN_LIMIT);

	row->last = b->of[r].at;
	row->since = b->of[r].since;
	row->times = ledger_hour(b, r, l->in->now);
	row->now = l->in->runs && row->last != 0 && row->last + NOW_S >= l->in->now;
	return row;
}

static void say(struct explain_row *row, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct explain_row *row, const char *fmt, ...)
{
	size_t used = strlen(row->text);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(row->text + used, sizeof(row->text) - used, fmt, ap);
	va_end(ap);
}

static void fix(const struct list *l, struct explain_row *row, const char *option,
		const char *value)
{
	(void)snprintf(row->fix, sizeof(row->fix), "berth set %u --%s %s --save", l->in->ctid,
		       option, value);
}

static void fix_number(const struct list *l, struct explain_row *row, const char *option,
		       uint64_t value)
{
	char text[AMOUNT_MAX];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	fix(l, row, option, text);
}

static void fix_bytes(const struct list *l, struct explain_row *row, const char *option,
		      uint64_t limit)
{
	char text[AMOUNT_MAX];

	fix(l, row, option, amount_option(amount_more(limit), text));
}

static bool is_limited(const struct explain_in *in, enum ledger_resource r)
{
	return in->limit[r] < INT64_MAX && in->limit[r] > 0;
}

static bool is_full(const struct explain_in *in, enum ledger_resource r)
{
	return in->runs && is_limited(in, r) &&
	       (double)in->held[r] * 100 >= (double)in->limit[r] * FULL_PERCENT;
}

static uint64_t hour(const struct explain_in *in, enum ledger_resource r)
{
	return ledger_hour(in->ledger, r, in->now);
}

bool explain_disk_is_full(uint64_t total, uint64_t free)
{
	return free <= (total / 100 < DISK_LEAST ? total / 100 : DISK_LEAST);
}

/* ---- its limits ---- */

/*
 * A CT whose page cache fills all of its RAM is well, though the kernel counts that: what hurts is a process that
 * was ended, or that waits for memory.
 */
static void add_memory(struct list *l)
{
	const struct explain_in *in = l->in;
	const struct ledger *b = in->ledger;
	uint64_t kills = hour(in, LEDGER_OOMGUARPAGES), stalled = hour(in, LEDGER_MEMPRESSURE);
	bool swaps = is_limited(in, LEDGER_SWAPPAGES), waits, slow;
	struct explain_row *row;
	char ram[AMOUNT_MAX], swap[AMOUNT_MAX];

	if (!is_limited(in, LEDGER_PHYSPAGES))
		return;
	waits = is_full(in, LEDGER_PHYSPAGES) && in->ct[CG_PRESSURE_MEMORY].some.avg10 >= WAITS;
	slow = stalled * 100 >= (uint64_t)HOUR_S * 1000 * STALL_PERCENT;
	if (kills == 0 && !waits && !slow)
		return;
	row = row_of(l, kills > 0 ? LEDGER_OOMGUARPAGES : LEDGER_MEMPRESSURE);
	row->name = ledger_name(LEDGER_PHYSPAGES);
	row->times = kills;
	row->now |= waits;
	say(row, "It has used all of its %s of RAM", amount_text(in->limit[LEDGER_PHYSPAGES], ram));
	if (swaps)
		say(row, " and %s of swap", amount_text(in->limit[LEDGER_SWAPPAGES], swap));
	if (kills > 0)
		say(row, ": the kernel ended %llu of its processes in the last hour%s%s",
		    (unsigned long long)kills, b->killed[0] != '\0' ? ", the last was " : "",
		    b->killed);
	if (waits || slow)
		say(row, "%s its processes waited for memory for %llu seconds of the last hour",
		    kills > 0 ? ";" : ":", (unsigned long long)(stalled / 1000));
	say(row, ".");
	fix_bytes(l, row, "ram", in->limit[LEDGER_PHYSPAGES]);
}

static void add_swap(struct list *l)
{
	const struct explain_in *in = l->in;
	struct explain_row *row;
	char text[AMOUNT_MAX];

	if (!is_limited(in, LEDGER_SWAPPAGES) ||
	    (hour(in, LEDGER_SWAPPAGES) == 0 && !is_full(in, LEDGER_SWAPPAGES)))
		return;
	row = row_of(l, LEDGER_SWAPPAGES);
	row->now |= is_full(in, LEDGER_SWAPPAGES);
	say(row, "Its swap of %s is full.", amount_text(in->limit[LEDGER_SWAPPAGES], text));
	fix_bytes(l, row, "swap", in->limit[LEDGER_SWAPPAGES]);
}

static void add_things(struct list *l, enum ledger_resource r, const char *what, const char *then)
{
	const struct explain_in *in = l->in;
	bool full = in->runs && is_limited(in, r) && in->held[r] >= in->limit[r];
	struct explain_row *row;

	if (!is_limited(in, r) || (hour(in, r) == 0 && !full))
		return;
	row = row_of(l, r);
	row->now |= full;
	say(row, "It %s as many %s as it may (%llu): %s.", row->now ? "has" : "had", what,
	    (unsigned long long)in->limit[r], then);
	fix_number(l, row, ledger_name(r), in->limit[r] * 2);
}

static void add_cpu(struct list *l)
{
	const struct explain_in *in = l->in;
	uint64_t periods = hour(in, LEDGER_CPULIMIT), more = in->limit[LEDGER_CPULIMIT] * 2;
	struct explain_row *row;

	if (!is_limited(in, LEDGER_CPULIMIT) || periods < THROTTLED_LEAST)
		return;
	row = row_of(l, LEDGER_CPULIMIT);
	say(row,
	    "It used up its CPU time (%llu %% of one CPU) in %llu periods of %d ms of the last "
	    "hour: its "
	    "processes stood still for the rest of each.",
	    (unsigned long long)in->limit[LEDGER_CPULIMIT], (unsigned long long)periods, CPU_MS);
	if (in->cpus > 0 && more > (uint64_t)in->cpus * 100)
		more = (uint64_t)in->cpus * 100;
	if (more > in->limit[LEDGER_CPULIMIT])
		fix_number(l, row, "cpulimit", more);
}

static void add_io(struct list *l)
{
	const struct explain_in *in = l->in;
	struct explain_row *row;
	char text[AMOUNT_MAX];

	if (hour(in, LEDGER_IOLIMIT) == 0)
		return;
	row = row_of(l, LEDGER_IOLIMIT);
	if (is_limited(in, LEDGER_IOLIMIT)) {
		say(row,
		    "It read or wrote as much as it may (%s a second): its processes waited for "
		    "the disk.",
		    amount_text(in->limit[LEDGER_IOLIMIT], text));
		fix_bytes(l, row, "iolimit", in->limit[LEDGER_IOLIMIT]);
	} else {
		say(row, "It made as many disk operations as it may (--iopslimit): its processes "
			 "waited for the disk.");
	}
}

static void add_disk(struct list *l)
{
	const struct explain_in *in = l->in;
	struct explain_row *row;
	char used[AMOUNT_MAX], of[AMOUNT_MAX];
	bool full = in->runs && is_limited(in, LEDGER_DISKSPACE) &&
		    explain_disk_is_full(in->limit[LEDGER_DISKSPACE], in->disk_free);

	if (!full && hour(in, LEDGER_DISKSPACE) == 0)
		return;
	row = row_of(l, LEDGER_DISKSPACE);
	row->now = full;
	if (full)
		say(row,
		    "Its disk is full: %s of %s are free; writes fail with \"No space left on "
		    "device\".",
		    amount_text(in->disk_free, used), amount_text(in->limit[LEDGER_DISKSPACE], of));
	else
		say(row, "Its disk of %s was full; there is room again.",
		    amount_text(in->limit[LEDGER_DISKSPACE], of));
	fix_bytes(l, row, "diskspace", in->limit[LEDGER_DISKSPACE]);
}

static void add_inodes(struct list *l)
{
	const struct explain_in *in = l->in;
	struct explain_row *row;
	bool full = is_full(in, LEDGER_DISKINODES);

	if (!full && hour(in, LEDGER_DISKINODES) == 0)
		return;
	row = row_of(l, LEDGER_DISKINODES);
	row->now = full;
	say(row,
	    "It %s as many files and directories as it may (%llu): new ones are refused with "
	    "\"No space left on device\".",
	    full ? "has" : "had", (unsigned long long)in->limit[LEDGER_DISKINODES]);
	/* More than its volume has come with more space only. */
	if (in->own_inodes)
		fix_number(l, row, "diskinodes", in->limit[LEDGER_DISKINODES] * 2);
	else if (is_limited(in, LEDGER_DISKSPACE))
		fix_bytes(l, row, "diskspace", in->limit[LEDGER_DISKSPACE]);
}

/* ---- what is not its fault ---- */

static bool bites_now(const struct list *l, enum ledger_resource r)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->rows[i].now && strcmp(l->rows[i].name, ledger_name(r)) == 0)
			return true;
	return false;
}

static void add_busy(struct list *l, enum cg_pressure_of of, const char *name,
		     enum ledger_resource own, uint32_t busy, const char *what)
{
	const struct explain_in *in = l->in;
	const struct cg_stall *host = &in->host[of].some, *ct = &in->ct[of].some;
	struct explain_row *row;

	if (!in->runs || host->avg10 < busy || ct->avg10 < WAITS || bites_now(l, own))
		return;
	row = row_new(l, name, EXPLAIN_HOST);
	row->now = true;
	say(row,
	    "%s of the host %s busy: its processes waited for %u %% of the last ten seconds, and "
	    "none of its limits is why.",
	    what, of == CG_PRESSURE_CPU ? "are" : "is", ct->avg10 / 100);
	/* Who pays for what it uses is nobody's to be throttled: it is named, and only when it has a real share. */
	if (of == CG_PRESSURE_CPU && in->neighbour != 0 && in->cpus > 0 &&
	    in->neighbour_percent >= (uint64_t)in->cpus * 50)
		say(row, " CT %u takes the most: %u %% of one CPU.", in->neighbour,
		    in->neighbour_percent);
}

static void add_trouble(struct list *l)
{
	const struct explain_in *in = l->in;
	struct explain_row *row;

	if (in->trouble == NULL || in->trouble[0] == '\0')
		return;
	row = row_new(l, "berth", EXPLAIN_BERTH);
	row->now = true;
	say(row, "%s", in->trouble);
}

static void now_first(struct explain_row *rows, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		struct explain_row r = rows[i];

		if (!r.now)
			continue;
		memmove(&rows[at + 1], &rows[at], (i - at) * sizeof(r));
		rows[at++] = r;
	}
}

size_t explain(const struct explain_in *in, struct explain_row ret[EXPLAIN_MAX])
{
	struct list l = {.in = in, .rows = ret};

	add_memory(&l);
	add_swap(&l);
	add_things(&l, LEDGER_NUMPROC, "processes and threads", "new ones are refused");
	add_things(&l, LEDGER_NUMCGROUPS, "cgroups", "its programs get EAGAIN for more");
	add_cpu(&l);
	add_io(&l);
	add_disk(&l);
	add_inodes(&l);
	add_busy(&l, CG_PRESSURE_CPU, "cpu", LEDGER_CPULIMIT, HOST_BUSY_CPU, "The CPUs");
	add_busy(&l, CG_PRESSURE_MEMORY, "memory", LEDGER_PHYSPAGES, HOST_BUSY_MEMORY,
		 "The memory");
	add_busy(&l, CG_PRESSURE_IO, "io", LEDGER_IOLIMIT, HOST_BUSY_IO, "The disk");
	add_trouble(&l);
	now_first(ret, l.n);
	return l.n;
}

const char *explain_cause_word(enum explain_cause c)
{
	return c == EXPLAIN_LIMIT ? "limit" : c == EXPLAIN_HOST ? "host" : "berth";
}
