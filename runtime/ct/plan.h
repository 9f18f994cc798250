/*
 * plan.h - an operation as a list of steps that can be undone.
 *
 * Runs the steps in order. When one fails, the ones that were done are undone in reverse order and the
 * error of the failed step stands. A step without undo leaves nothing that needs it.
 *
 * Each step is a fault injection point before it runs, PLAN.STEP, and before it is undone, PLAN.STEP.undo;
 * PLAN.end is behind the last and cannot fail. PLAN_POINTS at file scope has `berth-worker points` list them.
 */
#pragma once

#include "runtime/base/error.h"

#include <stddef.h>
#include <stdio.h>

struct plan_step {
	const char *name;
	int (*run)(void *ctx, struct berth_error *err);
	void (*undo)(void *ctx);
};

struct plan {
	const char *name; /* one word; with the steps' it makes the names of points */
	const struct plan_step *steps;
	size_t n;
	void (*failed)(void *ctx); /* may be NULL; before the undos: another plan may wait */
};

#define PLAN(word, list)                                                               \
	{                                                                              \
		.name = (word), .steps = (list), .n = sizeof(list) / sizeof((list)[0]) \
	}
#define PLAN_POINTS(variable)                              \
	static const struct plan *const variable##_points_ \
		__attribute__((used, section("berth_plans"))) = &(variable)

int plan_run(const struct plan *plan, void *ctx, struct berth_error *err);

/*
 * Runs two plans at the same time, the second in a thread of its own. Both run to their end; when one
 * fails the other is undone too, the second first. The error of the first failed plan stands.
 */
int plan_run_both(const struct plan *first, const struct plan *second, void *ctx,
		  struct berth_error *err);

/* Prints the points of this program's plans, one a line. */
void plan_list(FILE *out);
