/*
 * fault_table.h - what a test wants to happen at which point, in a file that the processes of berth map and
 * tests/tools/fault.c writes.
 */
#pragma once

#include <stdint.h>

enum {
	FAULT_MAGIC = 0x544c4601,
	FAULT_RULES = 16,
	FAULT_POINT_MAX = 64,
	FAULT_PROGRAM_MAX = 24,
	FAULT_TRACE_MAX = 1 << 20,
};

enum fault_tracing {
	FAULT_TRACE_OFF,
	FAULT_TRACE,
	FAULT_TRACE_TIMES /* for benches: of the monotonic clock */
};

enum fault_action {
	FAULT_NONE, /* counts only */
	FAULT_ERRNO, /* arg: the number */
	FAULT_SIGNAL, /* arg: the signal */
};

struct fault_rule {
	uint32_t used; /* set last */
	uint32_t action;
	int32_t arg;
	int32_t target; /* of a signal: a pid, 0 for the process at the point */
	uint32_t skip; /* so often it is passed by first */
	uint32_t times; /* so often it acts then; 0: every time */
	uint32_t reached; /* counted by all processes together */
	int32_t pid; /* the last one that it acted in */
	char program[FAULT_PROGRAM_MAX]; /* "berthd"; empty: any */
	char point[FAULT_POINT_MAX]; /* "create.rename"; a '*' at its end stands for the rest */
};

struct fault_table {
	uint32_t magic;
	uint32_t tracing; /* enum fault_tracing */
	uint32_t trace_len;
	struct fault_rule rules[FAULT_RULES];
	char trace
		[FAULT_TRACE_MAX]; /* "[MICROSECONDS ]PROGRAM POINT\n" of each point that was reached */
};
