/*
 * use.h - what a CT holds of each limit, what it waits for and how fast it goes: read once, for the sampler
 * (ledger_watch.c) and for who asks (info.c). In a thread, on copies.
 */
#pragma once

#include "runtime/daemon/daemon.h"
#include "runtime/storage/volume.h"

struct seen_conf;

struct use {
	uint64_t held[LEDGER_MAX], limit[LEDGER_MAX]; /* of the ledger's units; UINT64_MAX: none */
	uint64_t disk_free; /* bytes for who is no root of the volume: less than what is not used */
	bool own_inodes; /* see struct explain_in */
	struct cg_pressure pressure[CG_PRESSURES];
	struct cg_io io;
};

/* The CT's volume, mounted or not. -errno. */
int use_disk(const struct berth_paths *p, const struct ct *ct, struct volume_usage *ret);
/* The limits of a config, NULL: none is known; and of a volume, NULL: the config's. */
void use_limits(const struct seen_conf *c, const struct volume_usage *u, struct use *ret);
/* What a running CT holds beside its disk; all: also pressure and what it moved. st: what is known of its cgroup. */
void use_read(struct cg_host *cg, const struct ct *ct, const struct cg_stat *st, bool all,
	      struct use *ret);
/* Adds to a sample of the same moment what is not the cgroup's. Pure. */
void use_sample(const struct use *u, struct ledger_sample *s);

enum {
	USE_CALM = 0,
	USE_FULL = 100
};

/*
 * Pure: how near a limit is: USE_CALM, 80, 95 or USE_FULL percent of it. was: what it was last; it goes down again
 * five percent lower. full_at: percent from which it counts as full, for what is never quite.
 */
uint8_t use_level(uint64_t held, uint64_t limit, unsigned int full_at, uint8_t was);

/* Pure: "numproc 95 % (38 of 40)", "physpages below 80 % (100M of 256M)"; level: of use_level(). */
void use_level_text(enum ledger_resource r, uint8_t level, uint64_t held, uint64_t limit, char *buf,
		    size_t size);

/* How fast it goes, from the sampler's look before. Counters of another run begin anew. */
void use_rate(const struct ct *ct, const struct cg_stat *st, const struct use *u, uint64_t now_ms,
	      struct ct_rate *ret);
/* Pure: did it move as much as iolimit or iopslimit allow since the look before? */
bool use_is_at_io_limit(const struct ct_rate *before, const struct ct_rate *now, uint64_t bytes,
			uint64_t operations);
