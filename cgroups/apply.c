/*
 * apply.c - writing a CT's limits, all or nothing.
 *
 * A plan is made first, old values included, and a write that changes nothing is left out. When
 * one fails, those before it are written back in reverse order, which is always a legal order.
 */
#include "cgroups/host.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <string.h>

enum {
	PLAN_MAX = 24,
	RECLAIM_TRIES = 5
};

struct step {
	const struct cg_limit_row *row;
	const struct cg_hier *hi;
	const char *file;
	char value[CG_VALUE_MAX], old[CG_VALUE_MAX];
};

struct plan {
	struct step steps[PLAN_MAX];
	size_t n;
};

/* Numbers of memory files: v1 reads "no limit" as the largest multiple of a page. */
static uint64_t memory_number(const char *text)
{
	const uint64_t v1_unlimited = (uint64_t)INT64_MAX - 0xffff;
	uint64_t v;

	if (strcmp(text, "-1") == 0 || cg_parse_max(text, &v) < 0)
		return CG_UNLIMITED;
	return v >= v1_unlimited ? CG_UNLIMITED : v;
}

static bool same_value(const struct step *s)
{
	if (strcmp(s->value, s->old) == 0)
		return true;
	return s->row->ctrl == CG_MEMORY && memory_number(s->value) == memory_number(s->old);
}

/* What undoes a keyed line that is not there yet. */
static void put_no_line(const struct step *s, char *buf, size_t size)
{
	int key = (int)strcspn(s->value, " ");

	if (s->hi->v2)
		(void)snprintf(buf, size, "%.*s rbps=max wbps=max riops=max wiops=max", key,
			       s->value);
	else
		(void)snprintf(buf, size, "%.*s 0", key, s->value);
}

static int read_keyed(uint32_t ctid, struct step *s)
{
	char text[4096], key[32];
	int r = cg_read(s->hi, ctid, s->file, text, sizeof(text));

	if (r < 0)
		return r;
	(void)snprintf(key, sizeof(key), "%.*s", (int)strcspn(s->value, " "), s->value);
	if (cg_parse_line(text, key, s->old, sizeof(s->old)) < 0)
		put_no_line(s, s->old, sizeof(s->old));
	return 0;
}

/* Every CPU or node there may ever be: while processes run in a cgroup, v2 takes no empty mask. */
static int read_full_mask(const struct step *s, char *buf, size_t size)
{
	return file_read_line_at(AT_FDCWD,
				 strcmp(s->file, "cpuset.cpus") == 0
					 ? "/sys/devices/system/cpu/possible"
					 : "/sys/devices/system/node/possible",
				 buf, size);
}

/* An empty mask means all; on v1 the list above is copied. */
static int fill_mask(struct step *s)
{
	if (!s->hi->v2 && s->value[0] == '\0')
		return file_read_line_at(s->hi->berth, s->file, s->value, sizeof(s->value));
	if (!s->hi->v2 || (s->value[0] == '\0') == (s->old[0] == '\0'))
		return 0;
	if (s->value[0] == '\0')
		return read_full_mask(s, s->value, sizeof(s->value));
	return read_full_mask(s, s->old, sizeof(s->old)); /* for the way back */
}

static int read_old(uint32_t ctid, struct step *s)
{
	int r;

	if (s->row->keyed)
		return read_keyed(ctid, s);
	r = cg_read(s->hi, ctid, s->file, s->old, sizeof(s->old));
	if (r == 0 && s->row->ctrl == CG_CPUSET)
		r = fill_mask(s);
	return r;
}

static int refuse(const struct cg_host *h, uint32_t ctid, const struct step *s, int r,
		  const char *what, struct berth_error *err)
{
	char where[512];

	if (r == -ENOENT)
		return cg_row_refuse(h, s->row, err);
	cg_where(s->hi, ctid, s->file, where, sizeof(where));
	return berth_error_set(err, BERTH_ERR_LIMIT, -r, "CT %u: %s %s: %s %s: %s", ctid, what,
			       s->row->param, s->value, where, strerror(-r));
}

static int plan_row(const struct cg_host *h, uint32_t ctid, const struct cg_limit_row *row,
		    const struct cg_limits *l, struct plan *p, struct berth_error *err)
{
	struct step *s = &p->steps[p->n];
	enum cg_want want;
	int r;

	s->row = row;
	s->hi = cg_hier_of(h, row->ctrl);
	s->file = cg_row_file(h, row);
	if (s->hi != NULL && s->file == NULL)
		return 0;
	want = row->format(l, s->hi == NULL || s->hi->v2, s->value, sizeof(s->value));
	if (want == CG_LEAVE)
		return 0;
	if (s->hi == NULL)
		return want == CG_LIMIT && row->v2 != NULL ? cg_row_refuse(h, row, err) : 0;
	r = read_old(ctid, s);
	if (r == -ENOENT && want == CG_DEFAULT)
		return 0;
	if (r < 0)
		return refuse(h, ctid, s, r, "read", err);
	if (!same_value(s))
		p->n++;
	return 0;
}

static struct step *find_step(struct plan *p, const char *file)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->steps[i].file, file) == 0)
			return &p->steps[i];
	return NULL;
}

static void swap_steps(struct step *a, struct step *b)
{
	struct step c = *a;

	*a = *b;
	*b = c;
}

/* v1 keeps limit <= memsw at every moment; RAM first whenever that holds, so that it can swap. */
static void order_v1(struct plan *p)
{
	struct step *ram = find_step(p, "memory.limit_in_bytes");
	struct step *sum = find_step(p, "memory.memsw.limit_in_bytes");

	if (ram == NULL || sum == NULL)
		return;
	if (memory_number(ram->value) > memory_number(sum->old))
		swap_steps(ram, sum);
}

/* v2: room in swap comes before RAM is taken away. */
static void order_v2(struct plan *p)
{
	struct step *swap = find_step(p, "memory.swap.max");

	if (swap == NULL || memory_number(swap->value) < memory_number(swap->old))
		return;
	for (; swap > p->steps; swap--)
		swap_steps(swap, swap - 1);
}

static int busy(uint32_t ctid, const struct step *s, uint64_t used, struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_LIMIT, EBUSY,
			       "CT %u: cannot lower %s to %llu KiB: %llu KiB are in use and cannot "
			       "be reclaimed (%s); stop processes in the CT or set a higher value",
			       ctid, s->row->param,
			       (unsigned long long)memory_number(s->value) >> 10,
			       (unsigned long long)used >> 10, s->file);
}

/*
 * memory.max below the use would OOM-kill inside. So first push memory out; what then still
 * stands is in use.
 */
static int make_room(uint32_t ctid, const struct step *s, struct berth_error *err)
{
	uint64_t max = memory_number(s->value), used = 0;
	char word[24];

	if (max >= memory_number(s->old))
		return 0;
	for (int i = 0; i < RECLAIM_TRIES; i++) {
		if (cg_read_max(s->hi, ctid, "memory.current", &used) < 0 || used <= max)
			return 0;
		(void)snprintf(word, sizeof(word), "%llu", (unsigned long long)(used - max));
		/* EAGAIN: less than asked for was reclaimed; the next round sees how much. */
		(void)cg_write(s->hi, ctid, "memory.reclaim", word);
	}
	if (cg_read_max(s->hi, ctid, "memory.current", &used) < 0 || used <= max)
		return 0;
	return busy(ctid, s, used, err);
}

static int write_step(const struct cg_host *h, uint32_t ctid, const struct step *s,
		      struct berth_error *err)
{
	uint64_t used = 0;
	int r;

	if (strcmp(s->file, "memory.max") == 0) {
		r = make_room(ctid, s, err);
		if (r < 0)
			return r;
	}
	r = cg_write(s->hi, ctid, s->file, s->value);
	if (r == 0)
		return 0;
	if (r != -EBUSY || s->row->ctrl != CG_MEMORY)
		return refuse(h, ctid, s, r, "set", err);
	(void)cg_read_max(s->hi, ctid,
			  strcmp(s->file, "memory.limit_in_bytes") == 0
				  ? "memory.usage_in_bytes"
				  : "memory.memsw.usage_in_bytes",
			  &used);
	return busy(ctid, s, used, err);
}

static void write_back(uint32_t ctid, const struct plan *p, size_t done)
{
	while (done-- > 0) {
		const struct step *s = &p->steps[done];

		(void)cg_write(s->hi, ctid, s->file, s->old[0] != '\0' ? s->old : "\n");
	}
}

/*
 * The CPUs themselves, as sched_getaffinity(2), and with it nproc and Java, goes by nothing else. Where they cannot be
 * told it runs on all: the time that it gets is another limit.
 */
static void pick_cpus(const struct cg_host *h, uint32_t ctid, struct cg_limits *l)
{
	const struct cg_hier *hi = cg_hier_of(h, CG_CPUSET);
	char have[256], picked[sizeof(l->cpumask)];

	if (l->cpus == 0 || l->cpumask[0] != '\0' || hi == NULL)
		return;
	if (file_read_line_at(hi->berth, hi->v2 ? "cpuset.cpus.effective" : "cpuset.cpus", have,
			      sizeof(have)) == 0 &&
	    cg_pick_cpus(have, l->cpus, ctid, picked, sizeof(picked)) == 0)
		memcpy(l->cpumask, picked, sizeof(picked));
}

static int make_plan(struct cg_host *h, uint32_t ctid, const struct cg_limits *limits,
		     struct plan *p, struct berth_error *err)
{
	struct cg_limits own = *limits;
	int r = 0;

	if (!cg_ct_exists(h, ctid))
		r = berth_error_set(err, BERTH_ERR_NOT_RUNNING, ENOENT,
				    "CT %u has no cgroup: it is not running", ctid);
	if (r == 0)
		r = cg_limits_check_combined(h, &own, err);
	if (r == 0)
		pick_cpus(h, ctid, &own);
	for (size_t i = 0; r == 0 && i < cg_n_limit_rows; i++)
		r = plan_row(h, ctid, &cg_limit_rows[i], &own, p, err);
	if (r < 0)
		return r;
	order_v1(p);
	order_v2(p);
	return 0;
}

int cg_ct_changes(struct cg_host *h, uint32_t ctid, const struct cg_limits *l, cg_change_fn *fn,
		  void *data, struct berth_error *err)
{
	auto_free struct plan *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory");
	r = make_plan(h, ctid, l, p, err);
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		const struct step *s = &p->steps[i];
		char where[512];

		fn(cg_where(s->hi, ctid, s->file, where, sizeof(where)), s->old, s->value, data);
	}
	return r;
}

int cg_ct_apply(struct cg_host *h, uint32_t ctid, const struct cg_limits *limits,
		struct berth_error *err)
{
	auto_free struct plan *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory");
	r = make_plan(h, ctid, limits, p, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n; i++) {
		r = write_step(h, ctid, &p->steps[i], err);
		if (r < 0) {
			write_back(ctid, p, i);
			return r;
		}
	}
	return 0;
}
