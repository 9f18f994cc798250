/* numbers.c - from cgroup files, of either version, to numbers. Pure. */
#include "runtime/view/view.h"

#include "runtime/base/parse.h"

#include <stdio.h>
#include <string.h>

/* v1 shows "no limit" as the largest multiple of a page, v2 as "max", CPU time of v1 as -1. */
#define NO_LIMIT (UINT64_C(1) << 62)

const struct view_origin view_origins[VIEW_SOURCES] = {
	[VIEW_SRC_MEMORY_MAX] = {"memory.max", "memory.limit_in_bytes"},
	[VIEW_SRC_MEMORY] = {"memory.current", "memory.usage_in_bytes"},
	[VIEW_SRC_MEMORY_STAT] = {"memory.stat", "memory.stat"},
	[VIEW_SRC_SWAP_MAX] = {"memory.swap.max", "memory.memsw.limit_in_bytes"},
	[VIEW_SRC_SWAP] = {"memory.swap.current", "memory.memsw.usage_in_bytes"},
	[VIEW_SRC_CPU_MAX] = {"cpu.max", "cpu.cfs_quota_us"},
	[VIEW_SRC_CPU_PERIOD] = {NULL, "cpu.cfs_period_us"},
	[VIEW_SRC_CPU_STAT] = {"cpu.stat",
			       NULL}, /* every cgroup of v2 has it, with usage and all */
	[VIEW_SRC_CPU_THROTTLED] = {NULL, "cpu.stat"},
	[VIEW_SRC_CPUS] = {"cpuset.cpus.effective", "cpuset.effective_cpus"},
	[VIEW_SRC_PIDS] = {"pids.current", "pids.current"},
	[VIEW_SRC_IO] = {"io.stat", "blkio.throttle.io_service_bytes"},
	[VIEW_SRC_IO_OPS] = {NULL, "blkio.throttle.io_serviced"},
	[VIEW_SRC_CPU_WAIT] = {"cpu.pressure", NULL},
	[VIEW_SRC_IO_WAIT] = {"io.pressure", NULL},
	[VIEW_SRC_HOST_MEMINFO] = {"/proc/meminfo", NULL},
	[VIEW_SRC_HOST_CPUINFO] = {"/proc/cpuinfo", NULL},
};

static const char *next_line(const char *p)
{
	p += strcspn(p, "\n");
	return *p == '\n' ? p + 1 : p;
}

/* The number behind "KEY " at the beginning of a line, 0: there is none. */
static uint64_t number_of(const char *text, const char *key)
{
	size_t len = strlen(key);
	uint64_t v;

	for (const char *p = text; *p != '\0'; p = next_line(p)) {
		const char *at = p + len;

		if (strncmp(p, key, len) == 0 && (*at == ' ' || *at == '\t') &&
		    parse_next(&at, " \t", 10, &v) == 0)
			return v;
	}
	return 0;
}

static uint64_t limit_of(const char *text)
{
	const char *at = text;
	uint64_t v;

	if (parse_next(&at, "", 10, &v) < 0 || v >= NO_LIMIT)
		return UINT64_MAX;
	return v;
}

static uint64_t count_of(const char *text)
{
	uint64_t v = limit_of(text);

	return v == UINT64_MAX ? 0 : v;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void read_stat_v2(const char *t, struct view_numbers *n)
{
	n->file = number_of(t, "file");
	n->anon = number_of(t, "anon");
	n->shmem = number_of(t, "shmem");
	n->mapped = number_of(t, "file_mapped");
	n->dirty = number_of(t, "file_dirty");
	n->writeback = number_of(t, "file_writeback");
	n->active_anon = number_of(t, "active_anon");
	n->inactive_anon = number_of(t, "inactive_anon");
	n->active_file = number_of(t, "active_file");
	n->inactive_file = number_of(t, "inactive_file");
	n->unevictable = number_of(t, "unevictable");
	n->slab_reclaimable = number_of(t, "slab_reclaimable");
	n->slab_unreclaimable = number_of(t, "slab_unreclaimable");
	n->kernel_stack = number_of(t, "kernel_stack");
	n->page_tables = number_of(t, "pagetables");
}

static void read_stat_v1(const char *t, struct view_numbers *n)
{
	n->file = number_of(t, "total_cache");
	n->anon = number_of(t, "total_rss");
	n->shmem = number_of(t, "total_shmem");
	n->mapped = number_of(t, "total_mapped_file");
	n->dirty = number_of(t, "total_dirty");
	n->writeback = number_of(t, "total_writeback");
	n->active_anon = number_of(t, "total_active_anon");
	n->inactive_anon = number_of(t, "total_inactive_anon");
	n->active_file = number_of(t, "total_active_file");
	n->inactive_file = number_of(t, "total_inactive_file");
	n->unevictable = number_of(t, "total_unevictable");
}

/* v1 limits and counts RAM and swap in one sum. */
static void read_memory(const char *const texts[VIEW_SOURCES], struct view_numbers *n)
{
	const char *stat = texts[VIEW_SRC_MEMORY_STAT], *host = texts[VIEW_SRC_HOST_MEMINFO];
	uint64_t host_memory = number_of(host, "MemTotal:") << 10;
	uint64_t host_swap = number_of(host, "SwapTotal:") << 10;
	uint64_t swap = limit_of(texts[VIEW_SRC_SWAP_MAX]), used = count_of(texts[VIEW_SRC_SWAP]);
	bool v1 = strstr(stat, "total_cache ") != NULL;

	n->memory_limit = limit_of(texts[VIEW_SRC_MEMORY_MAX]);
	n->memory = least(n->memory_limit, host_memory);
	n->memory_used = least(count_of(texts[VIEW_SRC_MEMORY]), n->memory);
	if (v1) {
		read_stat_v1(stat, n);
		if (swap != UINT64_MAX)
			swap = n->memory_limit < swap ? swap - n->memory_limit : 0;
		used = used > n->memory_used ? used - n->memory_used : 0;
	} else {
		read_stat_v2(stat, n);
	}
	/* No swap accounting: it may use all of the host's. */
	n->swap = least(swap, host_swap);
	n->swap_used = least(used, n->swap);
}

static void read_cpu(const char *const texts[VIEW_SOURCES], struct view_numbers *n)
{
	const char *stat = texts[VIEW_SRC_CPU_STAT], *max = texts[VIEW_SRC_CPU_MAX];
	uint64_t quota = limit_of(max), period = 0;
	const char *space = strchr(max, ' ');

	if (space != NULL)
		period = count_of(space + 1);
	else
		period = count_of(texts[VIEW_SRC_CPU_PERIOD]);
	n->period = period != 0 ? period : 100000;
	n->quota = quota == UINT64_MAX ? 0 : quota;
	n->user = number_of(stat, "user_usec");
	n->system = number_of(stat, "system_usec");
	n->throttled = number_of(stat, "throttled_usec");
	if (n->throttled == 0) /* v1: nanoseconds */
		n->throttled = number_of(texts[VIEW_SRC_CPU_THROTTLED], "throttled_time") / 1000;
	(void)snprintf(n->cpus, sizeof(n->cpus), "%.*s", (int)strcspn(texts[VIEW_SRC_CPUS], "\n"),
		       texts[VIEW_SRC_CPUS]);
}

/* Of each line: the number behind KEY. v2 "8:0 rbytes=1 wbytes=2", v1 "8:0 Read 1". */
static uint64_t sum_of(const char *text, const char *key)
{
	uint64_t sum = 0, v;

	for (const char *p = text; *p != '\0'; p = next_line(p)) {
		size_t len = strcspn(p, "\n");
		const char *at = memmem(p, len, key, strlen(key));

		if (at == NULL)
			continue;
		at += strlen(key);
		if (parse_next(&at, "", 10, &v) == 0)
			sum += v;
	}
	return sum;
}

static void read_io(const char *const texts[VIEW_SOURCES], struct view_numbers *n)
{
	const char *io = texts[VIEW_SRC_IO], *ops = texts[VIEW_SRC_IO_OPS];

	n->read_bytes = sum_of(io, " rbytes=") + sum_of(io, " Read ");
	n->written_bytes = sum_of(io, " wbytes=") + sum_of(io, " Write ");
	n->reads = sum_of(io, " rios=") + sum_of(ops, " Read ");
	n->writes = sum_of(io, " wios=") + sum_of(ops, " Write ");
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=123" */
static uint64_t waited(const char *text)
{
	const char *at = strncmp(text, "some ", 5) == 0 ? strstr(text, " total=") : NULL;
	uint64_t v;

	if (at == NULL)
		return 0;
	at += strlen(" total=");
	return parse_next(&at, "", 10, &v) == 0 ? v : 0;
}

void view_numbers_read(const char *const texts[VIEW_SOURCES], struct view_numbers *ret)
{
	*ret = (struct view_numbers){0};
	read_memory(texts, ret);
	read_cpu(texts, ret);
	read_io(texts, ret);
	ret->pids = count_of(texts[VIEW_SRC_PIDS]);
	ret->wait = waited(texts[VIEW_SRC_CPU_WAIT]) + waited(texts[VIEW_SRC_IO_WAIT]);
}

/* ---- CPUs ---- */

/* The next range of a list; false at its end, or where it is none. */
static bool next_range(const char **p, uint64_t *ret_low, uint64_t *ret_high)
{
	if (**p == ',')
		(*p)++;
	if (parse_next(p, "", 10, ret_low) < 0)
		return false;
	*ret_high = *ret_low;
	if (**p == '-') {
		(*p)++;
		if (parse_next(p, "", 10, ret_high) < 0)
			return false;
	}
	return *ret_high >= *ret_low && *ret_high < VIEW_CPUS_MAX;
}

unsigned int view_cpus(const struct view_numbers *n)
{
	uint64_t low, high, have = 0;
	uint64_t worth =
		n->quota == 0 || n->period == 0 ? VIEW_CPUS_MAX : (n->quota - 1) / n->period + 1;

	for (const char *p = n->cpus; next_range(&p, &low, &high);)
		have += high - low + 1;
	have = least(have, worth);
	return have == 0 ? 1 : (unsigned int)least(have, VIEW_CPUS_MAX);
}

bool view_cpu_is_shown(const struct view_numbers *n, unsigned int cpu)
{
	unsigned int left = view_cpus(n);
	uint64_t low, high;

	for (const char *p = n->cpus; left > 0 && next_range(&p, &low, &high);) {
		if (cpu >= low && cpu <= high)
			return cpu - low < left;
		left -= (unsigned int)least(high - low + 1, left);
	}
	return n->cpus[0] == '\0' && cpu == 0;
}

int64_t view_clock_offset(const char *text, const char *clock)
{
	const char *at = strstr(text, clock);
	uint64_t v;
	bool minus;

	if (at == NULL)
		return 0;
	at += strlen(clock);
	at += strspn(at, " \t");
	minus = *at == '-';
	at += minus ? 1 : 0;
	if (parse_next(&at, "", 10, &v) < 0 || v > INT64_MAX / 1000000000)
		return 0;
	return minus ? -(int64_t)v : (int64_t)v;
}
