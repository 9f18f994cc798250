/* capacity.h - what a host has, what of it its CTs were promised, and what they use. Pure. */
#pragma once

#include "runtime/config/file.h"
#include "runtime/rpc/rpc.h"

#include <stdint.h>
#include <stdio.h>

enum capacity_kind {
	CAPACITY_RAM, /* bytes */
	CAPACITY_SWAP, /* bytes */
	CAPACITY_CPU, /* percent of one CPU */
	CAPACITY_DISK, /* bytes */
	CAPACITY_INODES,
	CAPACITY_KINDS
};

/* All that can be sold: what berth.conf keeps for the host is not in it. */
struct capacity_row {
	uint64_t physical, sold, used;
	unsigned int without; /* CTs without a limit of it: they may take all */
};
struct capacity {
	struct capacity_row of[CAPACITY_KINDS];
	unsigned int cts, running;
};

/* Adds what each CT of an array of Info is promised and uses, but for CPU time used. */
void capacity_add(struct capacity *c, const json_t *cts);
/* CPU time of all CTs, microseconds. */
uint64_t capacity_cpu_usec(const json_t *cts);
void capacity_print(const struct capacity *c, FILE *out);
/* New reference. */
json_t *capacity_json(const struct capacity *c);

/*
 * The settings of one CT when n equal ones share the host. swap: bytes each, UINT64_MAX: its share of the host's.
 * -ERANGE, with the reason: too little of something is left for each.
 */
int capacity_split(const struct capacity *c, unsigned int n, uint64_t swap, struct conf_file *ret,
		   struct berth_error *err);
