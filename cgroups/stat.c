/*
 * stat.c - what a CT uses now, used at most, and how often it hit a limit.
 *
 * A counter that this kernel lacks (memory.swap.peak before 6.5, pids.peak before 6.6) falls back
 * to the present value: the ledger keeps the maximum of what it is told.
 */
#include "cgroups/host.h"

#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t max_or(const struct cg_hier *hi, uint32_t ctid, const char *file,
		       uint64_t otherwise)
{
	uint64_t v;

	return cg_read_max(hi, ctid, file, &v) == 0 ? v : otherwise;
}

static uint64_t key_or_0(const struct cg_hier *hi, uint32_t ctid, const char *file, const char *key)
{
	uint64_t v;

	return cg_read_key(hi, ctid, file, key, &v) == 0 ? v : 0;
}

static void stat_memory_v2(const struct cg_hier *hi, uint32_t ctid, unsigned int what,
			   struct cg_stat *s)
{
	bool counters = (what & CG_STAT_COUNTERS) != 0;
	char events[512];

	if ((what & CG_STAT_MEMORY) != 0)
		s->memory_max_seen = s->memory = max_or(hi, ctid, "memory.current", 0);
	if ((what & CG_STAT_SWAP) != 0)
		s->swap_max_seen = s->swap = max_or(hi, ctid, "memory.swap.current", 0);
	if (counters && (what & CG_STAT_MEMORY) != 0) {
		s->memory_max_seen = max_or(hi, ctid, "memory.peak", s->memory);
		if (cg_read(hi, ctid, "memory.events", events, sizeof(events)) == 0) {
			(void)cg_parse_key(events, "max", &s->memory_failcnt);
			(void)cg_parse_key(events, "oom_kill", &s->oom_kills);
		}
	}
	if (counters && (what & CG_STAT_SWAP) != 0) {
		s->swap_max_seen = max_or(hi, ctid, "memory.swap.peak", s->swap);
		s->swap_failcnt = key_or_0(hi, ctid, "memory.swap.events", "fail");
	}
}

static void stat_memory_v1(const struct cg_hier *hi, uint32_t ctid, unsigned int what,
			   struct cg_stat *s)
{
	uint64_t sum;

	if ((what & (CG_STAT_MEMORY | CG_STAT_SWAP)) == 0)
		return;
	s->memory_max_seen = s->memory = max_or(hi, ctid, "memory.usage_in_bytes", 0);
	/* Two reads are not one moment: never let the difference go below 0. */
	if ((what & CG_STAT_SWAP) != 0) {
		sum = max_or(hi, ctid, "memory.memsw.usage_in_bytes", 0);
		s->swap_max_seen = s->swap = sum > s->memory ? sum - s->memory : 0;
	}
	if ((what & CG_STAT_COUNTERS) == 0)
		return;
	s->memory_max_seen = max_or(hi, ctid, "memory.max_usage_in_bytes", s->memory);
	s->oom_kills = key_or_0(hi, ctid, "memory.oom_control", "oom_kill");
	s->swap_failcnt = max_or(hi, ctid, "memory.memsw.failcnt", 0);
	/* The sum is charged first: at its limit there is no RAM either, as v2 would count it. */
	s->memory_failcnt = max_or(hi, ctid, "memory.failcnt", 0) + s->swap_failcnt;
	/* Late kernels (6.18) leave v1's failcnt at 0; a kill is a failure for certain. */
	if (s->memory_failcnt < s->oom_kills)
		s->memory_failcnt = s->oom_kills;
}

static int add_pids_events(int parent, const char *name, int dirfd, void *data)
{
	uint64_t *sum = data, v;
	char text[128];

	(void)parent;
	(void)name;
	if (file_read_line_at(dirfd, "pids.events", text, sizeof(text)) == 0 &&
	    cg_parse_key(text, "max", &v) == 0)
		*sum += v;
	return 0;
}

/*
 * Up to 6.10 a refused fork counts where the process sits, not where the limit is: the sum over
 * the subtree is what the CT was refused. pids.events.local tells the newer kernels.
 */
static uint64_t pids_failcnt(const struct cg_hier *hi, uint32_t ctid)
{
	char name[16];
	uint64_t sum = 0;

	if (!hi->v2 || cg_has_file(hi, "pids.events.local"))
		return key_or_0(hi, ctid, "pids.events", "max");
	(void)snprintf(name, sizeof(name), "%u", ctid);
	(void)cg_walk(hi->berth, name, add_pids_events, &sum);
	return sum;
}

static void stat_pids(const struct cg_hier *hi, uint32_t ctid, unsigned int what, struct cg_stat *s)
{
	s->pids_max_seen = s->pids = max_or(hi, ctid, "pids.current", 0);
	if ((what & CG_STAT_COUNTERS) == 0)
		return;
	s->pids_max_seen = max_or(hi, ctid, "pids.peak", s->pids);
	s->pids_failcnt = pids_failcnt(hi, ctid);
}

static uint64_t without_ours(uint64_t all)
{
	return all > CG_OWN_GROUPS ? all - CG_OWN_GROUPS : 0;
}

static void stat_cgroups(const struct cg_hier *hi, uint32_t ctid, unsigned int what,
			 struct cg_stat *s)
{
	uint64_t max = CG_UNLIMITED;

	s->cgroups = without_ours(key_or_0(hi, ctid, "cgroup.stat", "nr_descendants"));
	if ((what & CG_STAT_COUNTERS) != 0)
		max = max_or(hi, ctid, "cgroup.max.descendants", CG_UNLIMITED);
	s->cgroups_max = max == CG_UNLIMITED ? max : without_ours(max);
}

static void stat_throttled(const struct cg_hier *hi, uint32_t ctid, struct cg_stat *s)
{
	char text[1024];
	uint64_t ns;

	if (cg_read(hi, ctid, "cpu.stat", text, sizeof(text)) < 0)
		return;
	(void)cg_parse_key(text, "nr_throttled", &s->throttled);
	(void)cg_parse_key(text, "nr_periods", &s->periods);
	if (cg_parse_key(text, "throttled_usec", &s->throttled_usec) < 0 &&
	    cg_parse_key(text, "throttled_time", &ns) == 0) /* v1 */
		s->throttled_usec = ns / 1000;
}

/* Its unified cgroup is there in every driver, and tells that the CT is. */
static int stat_cpu(const struct cg_hier *hi, uint32_t ctid, unsigned int what, struct cg_stat *s)
{
	char dir[CG_REL_MAX];

	if (hi->berth < 0)
		return -ENOENT;
	if ((what & CG_STAT_CPU) != 0)
		return cg_read_key(hi, ctid, "cpu.stat", "usage_usec", &s->cpu_usec);
	return faccessat(hi->berth, cg_rel(ctid, "", dir), F_OK, 0) < 0 ? -errno : 0;
}

int cg_ct_stat_some(struct cg_host *h, uint32_t ctid, unsigned int what, struct cg_stat *ret,
		    struct berth_error *err)
{
	const struct cg_hier *mem = cg_hier_of(h, CG_MEMORY), *pids = cg_hier_of(h, CG_PIDS),
			     *cpu = cg_hier_of(h, CG_CPU);
	struct cg_stat s = {0};
	int r = stat_cpu(&h->hier[0], ctid, what, &s);

	if (r == -ENOENT || r == -ENODEV)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ENOENT,
				       "CT %u has no cgroup: it is not running", ctid);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: read cpu.stat", ctid);
	if (mem != NULL && mem->v2)
		stat_memory_v2(mem, ctid, what, &s);
	else if (mem != NULL)
		stat_memory_v1(mem, ctid, what, &s);
	if ((what & CG_STAT_CGROUPS) != 0)
		stat_cgroups(&h->hier[0], ctid, what, &s);
	if (cpu != NULL && (what & CG_STAT_THROTTLED) != 0)
		stat_throttled(cpu, ctid, &s);
	if (pids != NULL && (what & CG_STAT_PIDS) != 0)
		stat_pids(pids, ctid, what, &s);
	*ret = s;
	return 0;
}

int cg_ct_stat(struct cg_host *h, uint32_t ctid, struct cg_stat *ret, struct berth_error *err)
{
	return cg_ct_stat_some(h, ctid, CG_STAT_ALL, ret, err);
}

void cg_ct_max_descendants_path(const struct cg_host *h, uint32_t ctid, char *buf, size_t size)
{
	(void)cg_where(&h->hier[0], ctid, "cgroup.max.descendants", buf, size);
}
