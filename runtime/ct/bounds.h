/*
 * bounds.h - how many CTs a host has room for, and which of its pools ends first.
 *
 * Counted is what every CT takes as long as it runs, the smallest too: a start beyond is certain to fail, or to take
 * what the host needs. What tenants take beyond that is bounded by their own limits and watched by pools.h.
 *
 * Not among them is what the kernel counts for each user (kernel/ucount.c): inotify instances and watches, namespaces.
 * A CT's count goes up its user namespaces to the one who made the outermost, and that is its own root (its id_base),
 * never the host's root: fs.inotify.max_user_* is for each CT, whatever their number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BERTHD_NOFILE = 65536, /* RLIMIT_NOFILE that berthd asks for */
	BOUND_NEAR_PERCENT = 80
};
/* No range of user ids ends beyond: the first half of 32 bits, as some programs take ids for signed. */
#define CT_ID_END 0x7fff0000u

/* What there is; 0: this host does not tell, or has no such limit. */
struct bounds_host {
	uint64_t descriptors; /* that berthd may have open */
	uint64_t nr_open; /* fs.nr_open, which no RLIMIT_NOFILE exceeds */
	uint64_t ptys, pid_max, threads_max; /* the sysctls */
	uint64_t volumes; /* that can be mounted at a time (volume_most) */
	uint64_t memory_groups; /* of the kernel */
	bool memory_v2; /* memory is limited in the unified hierarchy */
	uint64_t memory_kib; /* RAM */
	uint64_t id_ranges; /* from ID_BASE up */
};

struct bound {
	const char *name; /* one word, for doctor */
	const char *what; /* what ends, and where it is set */
	const char *setting; /* the sysctl that mends it, with dots, or NULL */
	const char *otherwise; /* what to do where there is none */
	uint64_t has, own, each; /* of these: the host's own, and what a CT takes */
	uint64_t cts; /* that there is room for */
	bool of_all; /* of CTs that exist, not only of those that run */
};
enum {
	BOUNDS = 8
};

/*
 * Reads what there is. descriptors: berthd's RLIMIT_NOFILE. id_base_first: ID_BASE.
 */
void bounds_read(uint64_t descriptors, bool memory_v2, uint32_t id_base_first,
		 struct bounds_host *ret);
/* Pure. Those that are known, the count; the lowest first. */
size_t bounds_of(const struct bounds_host *h, struct bound ret[BOUNDS]);
/* Pure. The first that n running CTs exceed, or NULL. */
const struct bound *bounds_exceeded(const struct bound *b, size_t n_bounds, uint64_t n);
/* Pure. What gives room for n CTs, and a fifth more: "sysctl -w NAME=VALUE", or a sentence. */
void bound_fix(const struct bound *b, uint64_t n, char *buf, size_t size);

/* Pure. Doctor's findings for n CTs that are configured: as host_finding_fn of host_checks.h. */
typedef void bound_finding_fn(const char *name, const char *level, const char *text,
			      const char *fix, void *data);
void bounds_doctor(const struct bounds_host *h, uint64_t n, bound_finding_fn *fn, void *data);
