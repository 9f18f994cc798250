/* bounds.c - how many CTs a host has room for. */
#include "runtime/ct/bounds.h"

#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/launch/launch.h"
#include "runtime/storage/volume.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

enum {
	/* tests/bench/density: init's pidfd, the monitor's connection, console and notify socket */
	DESCRIPTORS_EACH = 4,
	DESCRIPTORS_OWN = 512, /* 40, and what clients and jobs have open for a moment */
	PTYS_EACH = 1, /* the console */
	PIDS_EACH = 3, /* init, its monitor, and who answers for its view */
	VOLUMES_EACH = 1,
	MEMORY_GROUPS = 65535, /* MEM_CGROUP_ID_MAX of mm/memcontrol.c */
	GROUPS_EACH_V1 = 1,
	GROUPS_EACH_V2 = 2, /* its own and inner */
	KIB_EACH = 1126 /* tests/bench/density: 1.1 MiB a tiny CT, most of it the kernel's */
};

/* ---- what there is ---- */

static uint64_t number_of(const char *path)
{
	char line[64];
	uint64_t v;

	return file_read_line_at(AT_FDCWD, path, line, sizeof(line)) >= 0 &&
			       parse_u64(line, &v) == 0
		       ? v
		       : 0;
}

void bounds_read(uint64_t descriptors, bool memory_v2, uint32_t id_base_first,
		 struct bounds_host *ret)
{
	struct sysinfo s;

	*ret = (struct bounds_host){
		.descriptors = descriptors,
		.nr_open = number_of("/proc/sys/fs/nr_open"),
		.ptys = number_of("/proc/sys/kernel/pty/max"),
		.pid_max = number_of("/proc/sys/kernel/pid_max"),
		.threads_max = number_of("/proc/sys/kernel/threads-max"),
		.volumes = volume_most(volume_driver_default()),
		.memory_groups = MEMORY_GROUPS,
		.memory_v2 = memory_v2,
	};
	if (sysinfo(&s) == 0)
		ret->memory_kib = (uint64_t)s.totalram * s.mem_unit >> 10;
	if (id_base_first < CT_ID_END)
		ret->id_ranges = (CT_ID_END - id_base_first) / IDMAP_SIZE;
}

/* ---- the arithmetic ---- */

static int compare(const void *a, const void *b)
{
	const struct bound *x = a, *y = b;

	return (x->cts > y->cts) - (x->cts < y->cts);
}

size_t bounds_of(const struct bounds_host *h, struct bound ret[BOUNDS])
{
	static const char elsewhere[] = "move CTs to another host";
	/* berthd asks for BERTHD_NOFILE: what has it got less by? */
	bool few = h->descriptors < BERTHD_NOFILE;
	const char *files =
		few && h->nr_open > 0 && h->nr_open <= h->descriptors ? "fs.nr_open" : NULL;
	const char *no_files =
		few ? "raise LimitNOFILE in berthd.service to 65536: systemctl edit berthd"
		    : elsewhere;
	const struct bound all[BOUNDS] = {
		{"descriptors", "file descriptors for berthd (RLIMIT_NOFILE, taken when it starts)",
		 files, no_files, h->descriptors, DESCRIPTORS_OWN, DESCRIPTORS_EACH, 0, false},
		{"ptys", "terminals (kernel.pty.max)", "kernel.pty.max", NULL, h->ptys, 0,
		 PTYS_EACH, 0, false},
		{"pids", "pids (kernel.pid_max)", "kernel.pid_max", NULL, h->pid_max, 0, PIDS_EACH,
		 0, false},
		{"threads", "threads (kernel.threads-max)", "kernel.threads-max", NULL,
		 h->threads_max, 0, PIDS_EACH, 0, false},
		{"volumes", "device numbers for volumes", NULL,
		 "boot with loop.max_part=0, or move CTs to another host", h->volumes, 0,
		 VOLUMES_EACH, 0, false},
		{"memory-cgroups", "memory cgroups of the kernel", NULL, elsewhere,
		 h->memory_groups, 0, h->memory_v2 ? GROUPS_EACH_V2 : GROUPS_EACH_V1, 0, false},
		{"memory", "KiB of RAM", NULL, "add RAM, or move CTs to another host",
		 h->memory_kib, 0, KIB_EACH, 0, false},
		/* The first is for unpacking archives. */
		{"ids", "ranges of user ids (from ID_BASE up)", NULL, elsewhere, h->id_ranges, 1, 1,
		 0, true},
	};
	size_t n = 0;

	for (size_t i = 0; i < BOUNDS; i++) {
		if (all[i].has == 0)
			continue;
		ret[n] = all[i];
		ret[n].cts = all[i].has > all[i].own ? (all[i].has - all[i].own) / all[i].each : 0;
		n++;
	}
	qsort(ret, n, sizeof(*ret), compare);
	return n;
}

const struct bound *bounds_exceeded(const struct bound *b, size_t n_bounds, uint64_t n)
{
	for (size_t i = 0; i < n_bounds; i++)
		if (!b[i].of_all && n > b[i].cts)
			return &b[i];
	return NULL;
}

void bound_fix(const struct bound *b, uint64_t n, char *buf, size_t size)
{
	uint64_t room = n + n / 4 + 1; /* n is 80 % of it: no longer near */
	uint64_t value = b->own + room * b->each;

	if (b->setting == NULL)
		(void)snprintf(buf, size, "%s", b->otherwise);
	else
		(void)snprintf(buf, size, "sysctl -w %s=%llu", b->setting,
			       (unsigned long long)value);
}

/* ---- doctor ---- */

void bounds_doctor(const struct bounds_host *h, uint64_t n, bound_finding_fn *fn, void *data)
{
	char name[40], text[240], fix[120];
	struct bound b[BOUNDS];
	size_t n_bounds = bounds_of(h, b);
	bool near = false;

	for (size_t i = 0; i < n_bounds; i++) {
		if (n * 100 < b[i].cts * BOUND_NEAR_PERCENT)
			continue;
		near = true;
		(void)snprintf(name, sizeof(name), "bound-%s", b[i].name);
		(void)snprintf(text, sizeof(text),
			       "this host has %llu %s, enough for %llu CTs; it has %llu CTs",
			       (unsigned long long)b[i].has, b[i].what,
			       (unsigned long long)b[i].cts, (unsigned long long)n);
		bound_fix(&b[i], n, fix, sizeof(fix));
		fn(name, "warning", text, fix, data);
	}
	if (near || n_bounds == 0)
		return;
	(void)snprintf(text, sizeof(text), "room for %llu CTs, then %s end; it has %llu CTs",
		       (unsigned long long)b[0].cts, b[0].what, (unsigned long long)n);
	fn("bounds", "ok", text, "", data);
}
