/*
 * ledger.h - what a CT has held at most of each resource and how often its limits have refused something, over all
 * of its runs: private/CTID/ledger.
 *
 * The kernel counts for one run, in the CT's cgroup. For each resource the ledger keeps the sum over all runs, and
 * beside it how far the kernel had counted when the sum was made (`seen`), and in which run. So it does not matter
 * how often and by whom it is written: what the kernel counted since is added, once.
 */
#pragma once

#include "cgroups/cg.h"
#include "runtime/base/error.h"
#include "runtime/base/paths.h"
#include "runtime/ct/info.h"

#include <stdbool.h>
#include <stdint.h>

/* Memory in bytes, numproc, numcgroups and diskinodes things, diskspace bytes. The rest has failures alone. */
enum ledger_resource {
	LEDGER_PHYSPAGES, /* failures: memory.events max + oom_kill; v1: memory.failcnt + memsw.failcnt + oom_kill */
	LEDGER_SWAPPAGES, /* memory.swap.events fail; v1: memory.memsw.failcnt */
	LEDGER_OOMGUARPAGES, /* RAM and swap; failures: processes that were killed for want of memory */
	LEDGER_NUMPROC, /* pids.events max */
	LEDGER_NUMCGROUPS, /* failures: how often berthd saw it reach its limit; the kernel counts none */
	LEDGER_CPULIMIT, /* cpu.stat nr_throttled: periods of 100 ms with no CPU time left */
	LEDGER_DISKSPACE, /* failures: how often berthd saw these two full; the kernel counts none */
	LEDGER_DISKINODES,
	LEDGER_IOLIMIT, /* failures: looks of berthd's (ten seconds) in which it moved as much as it may */
	LEDGER_CPUPRESSURE, /* these three: milliseconds in which a process of it waited for CPU, */
	LEDGER_MEMPRESSURE, /* memory, */
	LEDGER_IOPRESSURE, /* disk (PSI, "some") */
	LEDGER_MAX
};

enum {
	LEDGER_HOUR = 6, /* parts of an hour */
	LEDGER_PART_S = 600,
	LEDGER_EPISODE_S = 300, /* failures that are no further apart are one trouble */
	LEDGER_TASK_MAX = 16, /* TASK_COMM_LEN */
};

/* Of a failure counter: nobody counts it. */
#define LEDGER_NOT_COUNTED UINT64_MAX

struct ledger_sample {
	struct {
		uint64_t held, maxheld, failcnt; /* of this run */
	} of[LEDGER_MAX];
};

struct ledger {
	char boot_id[BOOT_ID_LEN + 1]; /* of the run; "": none yet */
	struct pidref init;
	struct {
		uint64_t maxheld, failcnt; /* of all runs */
		uint64_t seen; /* failures that the kernel had counted in that run */
		uint64_t at; /* when failcnt last rose, seconds since the epoch; 0: never */
		uint64_t since; /* when the trouble that `at` belongs to began */
		uint32_t
			hour[LEDGER_HOUR]; /* failures of parts of an hour, [0] is that of `part` */
	} of[LEDGER_MAX];
	uint64_t part; /* seconds since the epoch / LEDGER_PART_S */
	char killed
		[LEDGER_TASK_MAX]; /* the process that the kernel ended last for want of memory; "" */
};

/* "physpages" */
const char *ledger_name(enum ledger_resource r);
/* Pure. */
void ledger_sample_from(const struct cg_stat *st, struct ledger_sample *ret);
/* Pure: what was counted in a run until now. now: seconds since the epoch. */
void ledger_take(struct ledger *l, const struct ct_run *run, const struct ledger_sample *s,
		 uint64_t now);
/* Pure: a failure that the kernel does not count. */
void ledger_hit(struct ledger *l, enum ledger_resource r, uint64_t now);
/* Pure: failures of the last hour (50 to 60 minutes). */
uint64_t ledger_hour(const struct ledger *l, enum ledger_resource r, uint64_t now);
/*
 * Pure: did it move as much as it may? bytes (or operations) of one direction in ms milliseconds, in which it waited
 * for the disk for stalled_ms; limit: of a second, 0 none. A short burst shows in how fast it was while it waited.
 */
bool ledger_is_at_rate(uint64_t bytes, uint64_t ms, uint64_t stalled_ms, uint64_t limit);
/*
 * Pure: the process of a line of the kernel log ("oom-kill:...,task=dd,pid=7,uid=655425536") that was one of the
 * 65536 users from id_base on. -ENOENT.
 */
int ledger_killed_parse(const char *line, uint32_t id_base, char ret[LEDGER_TASK_MAX]);
/* Pure: has so much come that a crash of the host should not lose it? A failure, or a sixteenth more held. */
bool ledger_is_news(const struct ledger *saved, const struct ledger *now);

/* Pure. -EINVAL for a damaged one; -ENOSPC. */
int ledger_parse(const char *text, struct ledger *ret);
int ledger_format(const struct ledger *l, char *buf, size_t size);

/* No file: an empty one, and 0. -EBADMSG: it is damaged; else -errno, which says nothing of it. */
int ledger_load(const struct berth_paths *p, uint32_t ctid, struct ledger *ret);
/* Removes what a writer that was killed has left beside it: never while one may write. */
void ledger_sweep(const struct berth_paths *p, uint32_t ctid);
/* Durable. -ENOENT: no such CT (any more). damaged: keeps what is there as ledger.damaged. -errno. */
int ledger_save(const struct berth_paths *p, uint32_t ctid, const struct ledger *l, bool damaged);
