/*
 * explain.h - why a CT is slow or refused something, in plain words: which of its limits bites now, which has in the
 * last hour, and what is not its limits' fault. Pure: the ledger, what is held, and pressure go in.
 */
#pragma once

#include "cgroups/cg.h"
#include "runtime/ct/ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum explain_cause {
	EXPLAIN_LIMIT, /* of the CT itself */
	EXPLAIN_HOST, /* all of the host is busy, or another CT */
	EXPLAIN_BERTH, /* berthd, or what it had to do */
};

struct explain_in {
	uint32_t ctid;
	uint64_t now; /* seconds since the epoch */
	bool runs;
	const struct ledger *ledger;
	uint64_t held[LEDGER_MAX], limit[LEDGER_MAX]; /* of the ledger's units; UINT64_MAX: none */
	uint64_t disk_free; /* bytes that it may still write: what is not used is not all of it */
	bool own_inodes; /* the limit of inodes is one that was set, and not what its volume has */
	unsigned int cpus; /* of the host */
	struct cg_pressure ct[CG_PRESSURES], host[CG_PRESSURES];
	uint32_t neighbour; /* the CT that takes the most CPU time; 0: not known, or this one */
	uint32_t neighbour_percent; /* of one CPU */
	const char *trouble; /* what berthd has found wrong with it; "" */
};

struct explain_row {
	const char *name; /* the limit's: physpages; else cpu, memory, io, berth */
	enum explain_cause cause;
	bool now; /* else: in the last hour */
	uint64_t since, last; /* seconds since the epoch; 0: not known */
	uint64_t times; /* in the last hour; 0: not counted */
	char text[480]; /* sentences */
	char fix[96]; /* a command, or "" */
};

enum {
	EXPLAIN_MAX = 16
};

/* A disk with no more than this free is full: programs need more at once. Pure. */
bool explain_disk_is_full(uint64_t total, uint64_t free);
/* What bites now comes first. Returns how many. */
size_t explain(const struct explain_in *in, struct explain_row ret[EXPLAIN_MAX]);
/* "limit", "host", "berth" */
const char *explain_cause_word(enum explain_cause c);
