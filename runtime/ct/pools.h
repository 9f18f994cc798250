/*
 * pools.h - what the kernel has once for the whole host and every CT can take of: its sysctls, how much
 * of each is in use, and the alarm before the end. SECURITY.md holds the list of all pools and who is charged.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A limit of the host that is raised until one CT's memory ends before it. */
struct pool_floor {
	const char *name; /* below /proc/sys, with slashes */
	uint64_t floor;
	const char *what;
};
extern const struct pool_floor pool_floors[];
extern const size_t pool_n_floors;

/*
 * Raises what is below its floor and never lowers. fn (may be NULL) hears of each: error 0 for one that was raised
 * from `from`. A sysctl that this kernel or this network namespace does not have is skipped.
 */
typedef void pool_raised_fn(const struct pool_floor *p, uint64_t from, int error, void *data);
void pools_raise(pool_raised_fn *fn, void *data);

/* A pool that can be counted. */
struct pool_use {
	const char *name; /* one word, for doctor */
	const char *what, *limit; /* what is counted, and the sysctl that limits it, with dots */
	uint64_t used, max;
};
enum {
	POOL_USES = 9,
	POOL_ALARM_PERCENT = 75,
	POOL_CALM_PERCENT = 60
};
/* Those that this kernel shows; the count. */
size_t pools_read(struct pool_use uses[POOL_USES]);
/* Pure: is it time for an alarm? was: whether there is one already; it ends a good deal lower than it begins. */
bool pool_is_alarming(const struct pool_use *u, bool was);

/*
 * Pure: kernel memory that belongs to no file, in bytes, from the text of /proc/meminfo: slab that cannot be
 * reclaimed, page tables, stacks, vmalloc and per-CPU areas, and pages that no line of it names (packet rings).
 */
uint64_t pools_kernel_memory(const char *meminfo, uint64_t *ret_total);

/* As host_finding_fn of host_checks.h. */
typedef void pool_finding_fn(const char *name, const char *level, const char *text, const char *fix,
			     void *data);
void pools_doctor(pool_finding_fn *fn, void *data);
