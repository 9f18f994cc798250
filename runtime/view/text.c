/* text.c - the texts of the files, in the kernel's form. Pure. */
#include "runtime/view/view.h"

#include "runtime/base/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	TICK_US = 10000, /* USER_HZ */
	SECTOR = 512
};

const struct view_place view_places[VIEW_FILES] = {
	[VIEW_MEMINFO] = {"meminfo", "proc/meminfo"},
	[VIEW_CPUINFO] = {"cpuinfo", "proc/cpuinfo"},
	[VIEW_STAT] = {"stat", "proc/stat"},
	[VIEW_LOADAVG] = {"loadavg", "proc/loadavg"},
	[VIEW_SWAPS] = {"swaps", "proc/swaps"},
	[VIEW_DISKSTATS] = {"diskstats", "proc/diskstats"},
	[VIEW_ONLINE] = {"online", "sys/devices/system/cpu/online"},
	/* The CT's cgroup is one below that with the limits; Java and Go look into these. Not on cgroup v1. */
	[VIEW_MEMORY_MAX] = {"memory.max", "sys/fs/cgroup/memory.max"},
	[VIEW_CPU_MAX] = {"cpu.max", "sys/fs/cgroup/cpu.max"},
};

struct out {
	char *buf;
	size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(o->buf + o->used, o->size - o->used, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < o->size - o->used)
		o->used += (size_t)n;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* ---- memory ---- */

static void put_kib(struct out *o, const char *name, uint64_t bytes)
{
	put(o, "%-15s %8llu kB\n", name, (unsigned long long)bytes >> 10);
}

static void put_meminfo(struct out *o, const struct view_numbers *n)
{
	uint64_t unused = less(n->memory, n->memory_used);
	uint64_t available = unused + n->active_file + n->inactive_file + n->slab_reclaimable;
	const struct {
		const char *name;
		uint64_t bytes;
	} rows[] = {
		{"MemTotal:", n->memory},
		{"MemFree:", unused},
		{"MemAvailable:", available < n->memory ? available : n->memory},
		{"Buffers:", 0},
		{"Cached:", n->file},
		{"SwapCached:", 0},
		{"Active:", n->active_anon + n->active_file},
		{"Inactive:", n->inactive_anon + n->inactive_file},
		{"Active(anon):", n->active_anon},
		{"Inactive(anon):", n->inactive_anon},
		{"Active(file):", n->active_file},
		{"Inactive(file):", n->inactive_file},
		{"Unevictable:", n->unevictable},
		{"Mlocked:", 0},
		{"SwapTotal:", n->swap},
		{"SwapFree:", less(n->swap, n->swap_used)},
		{"Dirty:", n->dirty},
		{"Writeback:", n->writeback},
		{"AnonPages:", n->anon},
		{"Mapped:", n->mapped},
		{"Shmem:", n->shmem},
		{"KReclaimable:", n->slab_reclaimable},
		{"Slab:", n->slab_reclaimable + n->slab_unreclaimable},
		{"SReclaimable:", n->slab_reclaimable},
		{"SUnreclaim:", n->slab_unreclaimable},
		{"KernelStack:", n->kernel_stack},
		{"PageTables:", n->page_tables},
		{"CommitLimit:", n->memory + n->swap},
		{"Committed_AS:", n->anon + n->shmem},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put_kib(o, rows[i].name, rows[i].bytes);
}

static void put_swaps(struct out *o, const struct view_numbers *n)
{
	put(o, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	if (n->swap > 0)
		put(o, "none                                    virtual\t\t%llu\t\t%llu\t\t0\n",
		    (unsigned long long)n->swap >> 10, (unsigned long long)n->swap_used >> 10);
}

/* ---- CPUs ---- */

/* The host's, of the CPUs shown. A block for each CPU begins with its number and ends with an empty line. */
static void put_cpuinfo(struct out *o, const struct view_numbers *n, const char *host)
{
	const char *end;

	for (const char *p = host; *p != '\0'; p = end) {
		const char *at = p;
		uint64_t cpu;

		end = strstr(p, "\n\n");
		end = end != NULL ? end + 2 : p + strlen(p);
		if (strncmp(p, "processor", 9) != 0)
			continue;
		at += strcspn(at, ":\n");
		if (parse_next(&at, ": ", 10, &cpu) == 0 && cpu < VIEW_CPUS_MAX &&
		    view_cpu_is_shown(n, (unsigned int)cpu))
			put(o, "%.*s", (int)(end - p), p);
	}
}

static void put_online(struct out *o, const struct view_numbers *n)
{
	unsigned int first = 0, left = view_cpus(n);
	bool open = false, any = false;

	for (unsigned int cpu = 0; cpu <= VIEW_CPUS_MAX && (left > 0 || open); cpu++) {
		bool shown = view_cpu_is_shown(n, cpu);

		left -= shown && left > 0 ? 1 : 0;
		if (shown && !open)
			first = cpu;
		if (!shown && open) {
			put(o, first == cpu - 1 ? "%s%u" : "%s%u-%u", any ? "," : "", first,
			    cpu - 1);
			any = true;
		}
		open = shown;
	}
	put(o, "\n");
}

static void put_cpu_line(struct out *o, uint64_t user, uint64_t system, uint64_t idle,
			 uint64_t steal)
{
	put(o, " %llu 0 %llu %llu 0 0 0 %llu 0 0\n", (unsigned long long)user / TICK_US,
	    (unsigned long long)system / TICK_US, (unsigned long long)idle / TICK_US,
	    (unsigned long long)steal / TICK_US);
}

/*
 * The kernel counts a CT's time for all CPUs together (v2), so each has its part of it. Time in which it was held at
 * its limit is stolen, as a guest's of a hypervisor is. What nobody counts for a CT is 0.
 */
static void put_stat(struct out *o, const struct view_numbers *n, const struct view_moment *at)
{
	unsigned int cpus = view_cpus(n), left = cpus;
	uint64_t all = at->uptime * cpus, used = n->user + n->system;
	uint64_t steal = n->throttled < less(all, used) ? n->throttled : less(all, used);
	uint64_t idle = less(all, used + steal);

	put(o, "cpu ");
	put_cpu_line(o, n->user, n->system, idle, steal);
	for (unsigned int cpu = 0; cpu < VIEW_CPUS_MAX && left > 0; cpu++) {
		if (!view_cpu_is_shown(n, cpu))
			continue;
		put(o, "cpu%u", cpu);
		put_cpu_line(o, n->user / cpus, n->system / cpus, idle / cpus, steal / cpus);
		left--;
	}
	put(o,
	    "intr 0\nctxt 0\nbtime %llu\nprocesses %llu\nprocs_running 1\nprocs_blocked 0\n"
	    "softirq 0\n",
	    (unsigned long long)at->boot, (unsigned long long)n->pids);
}

/* ---- load ---- */

/* e to the power of -x. Good to a thousandth, which is a digit more than is shown. */
static double fade(double x)
{
	double v;

	if (x > 50)
		return 0;
	v = 1 / (1 + x / 1024);
	for (int i = 0; i < 10; i++)
		v *= v;
	return v;
}

void view_load_take(struct view_load *l, uint64_t now, uint64_t busy)
{
	static const double minutes[3] = {1, 5, 15};
	double seconds, mean;

	if (l->known && now <= l->then)
		return;
	seconds = (double)(now - l->then) / 1e6;
	mean = (double)less(busy, l->busy) / 1e6 / seconds;
	for (int i = 0; i < 3 && l->known; i++) {
		double part = fade(seconds / (60 * minutes[i]));

		l->average[i] = l->average[i] * part + mean * (1 - part);
	}
	l->then = now;
	l->busy = busy;
	l->known = true;
}

static void put_loadavg(struct out *o, const struct view_numbers *n, const struct view_load *l)
{
	put(o, "%.2f %.2f %.2f 1/%llu %llu\n", l->average[0], l->average[1], l->average[2],
	    (unsigned long long)n->pids, (unsigned long long)n->pids);
}

/* ---- the rest ---- */

static void put_diskstats(struct out *o, const struct view_numbers *n)
{
	put(o, "   0       0 volume %llu 0 %llu 0 %llu 0 %llu 0 0 0 0\n",
	    (unsigned long long)n->reads, (unsigned long long)n->read_bytes / SECTOR,
	    (unsigned long long)n->writes, (unsigned long long)n->written_bytes / SECTOR);
}

static void put_memory_max(struct out *o, const struct view_numbers *n)
{
	if (n->memory_limit == UINT64_MAX)
		put(o, "max\n");
	else
		put(o, "%llu\n", (unsigned long long)n->memory_limit);
}

static void put_cpu_max(struct out *o, const struct view_numbers *n)
{
	if (n->quota == 0)
		put(o, "max %llu\n", (unsigned long long)n->period);
	else
		put(o, "%llu %llu\n", (unsigned long long)n->quota, (unsigned long long)n->period);
}

size_t view_text(enum view_file file, const struct view_numbers *n, const struct view_moment *at,
		 char *buf, size_t size)
{
	struct out o = {buf, size, 0};

	switch (file) {
	case VIEW_MEMINFO:
		put_meminfo(&o, n);
		break;
	case VIEW_CPUINFO:
		put_cpuinfo(&o, n, at->host_cpuinfo);
		break;
	case VIEW_STAT:
		put_stat(&o, n, at);
		break;
	case VIEW_LOADAVG:
		put_loadavg(&o, n, at->load);
		break;
	case VIEW_SWAPS:
		put_swaps(&o, n);
		break;
	case VIEW_DISKSTATS:
		put_diskstats(&o, n);
		break;
	case VIEW_ONLINE:
		put_online(&o, n);
		break;
	case VIEW_MEMORY_MAX:
		put_memory_max(&o, n);
		break;
	case VIEW_CPU_MAX:
		put_cpu_max(&o, n);
		break;
	case VIEW_FILES:
		break;
	}
	return o.used;
}
