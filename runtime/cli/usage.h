/*
 * usage.h - what CTs use and how fast: numbers of their Infos (io.berth.Container), and what two looks at one CT tell
 * together. For top and stat.
 */
#pragma once

#include "runtime/cli/cli.h"

#include <stdbool.h>
#include <stdint.h>

enum usage_counter {
	USAGE_CPU_USEC,
	USAGE_PERIODS,
	USAGE_THROTTLED,
	USAGE_THROTTLED_USEC,
	USAGE_READ_BYTES,
	USAGE_WRITE_BYTES,
	USAGE_READS,
	USAGE_WRITES,
	USAGE_RX_BYTES,
	USAGE_RX_PACKETS,
	USAGE_TX_BYTES,
	USAGE_TX_PACKETS,
	USAGE_COUNTERS
};

enum usage_pressure {
	USAGE_PRESSURE_CPU,
	USAGE_PRESSURE_MEMORY,
	USAGE_PRESSURE_IO,
	USAGE_PRESSURES
};

#define USAGE_NONE (-1) /* of a limit: there is none; of what is held: not known */

struct usage_amount {
	int64_t held, limit; /* in the units of io.berth.Container.Resource */
};

/* One look at a CT that runs. */
struct usage {
	uint32_t ctid;
	const char *name; /* "" without one; the Info's */
	int64_t init_pid; /* which run it is */
	int64_t at_usec;
	int64_t counter[USAGE_COUNTERS];
	double some[USAGE_PRESSURES]; /* percent of the last 10 seconds, negative: not known */
	struct usage_amount memory, swap, processes, disk, inodes, cpulimit, iolimit;
};

/* What came between two looks. */
struct usage_rate {
	bool known; /* false: there is one look only, or another run */
	double seconds;
	double per_second[USAGE_COUNTERS]; /* of that counter */
	double cpu_percent; /* of one CPU */
	double throttled_percent; /* of the periods in which it ran */
};

/* Pure. -ENOENT: it does not run, or berthd has not told of it. */
int usage_from(const json_t *info, struct usage *ret);
/* Pure. before: NULL for none. */
void usage_rate_of(const struct usage *before, const struct usage *now, struct usage_rate *ret);
/* Pure: percent of the limit; negative when there is none. */
double usage_percent(const struct usage_amount *a);
/* "cpu_usec", as the type Usage calls it. */
const char *usage_counter_name(enum usage_counter c);
/* "cpu" */
const char *usage_pressure_name(enum usage_pressure p);

/* For programs: limits, counters and rates; null for what is not known. rate: NULL for none. New reference. */
json_t *usage_json(const struct usage *u, const struct usage_rate *rate);

/* Asks berthd, which alone knows: an array of Info. words: CTIDs and names, NULL for all that run. */
int usage_fetch(struct cli *cli, const json_t *words, json_t **ret, struct berth_error *err);
