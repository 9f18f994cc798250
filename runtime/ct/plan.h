/*
 * plan.h - an operation as a list of steps that can be undone.
 *
 * Runs the steps in order. When one fails, the ones that were done are undone in reverse order and the
 * error of the failed step stands. A step without undo leaves nothing that needs it.
 */
#pragma once

#include "runtime/base/error.h"

#include <stddef.h>

struct plan_step {
	const char *name;
	int (*run)(void *ctx, struct berth_error *err);
	void (*undo)(void *ctx);
};

int plan_run(const struct plan_step *steps, size_t n, void *ctx, struct berth_error *err);

/*
 * Runs two plans at the same time, the second in a thread of its own. Both run to their end; when one
 * fails the other is undone too, the second first. The error of the first failed plan stands.
 */
struct plan {
	const struct plan_step *steps;
	size_t n;
};
int plan_run_both(const struct plan plans[2], void *ctx, struct berth_error *err);
