/* plan.c - an operation as a list of steps that can be undone. */
#include "runtime/ct/plan.h"

#include <pthread.h>
#include <stdbool.h>

static void undo_steps(const struct plan_step *steps, size_t n, void *ctx)
{
	while (n-- > 0)
		if (steps[n].undo != NULL)
			steps[n].undo(ctx);
}

int plan_run(const struct plan_step *steps, size_t n, void *ctx, struct berth_error *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = steps[i].run(ctx, err);

		if (r >= 0)
			continue;
		undo_steps(steps, i, ctx);
		return r;
	}
	return 0;
}

/* The second plan, in its thread. */
struct side {
	const struct plan *plan;
	void *ctx;
	struct berth_error err;
	int r;
};

static void *run_side(void *data)
{
	struct side *s = data;

	s->r = plan_run(s->plan->steps, s->plan->n, s->ctx, &s->err);
	return NULL;
}

int plan_run_both(const struct plan plans[2], void *ctx, struct berth_error *err)
{
	struct side side = {.plan = &plans[1], .ctx = ctx};
	pthread_t thread;
	bool threaded = pthread_create(&thread, NULL, run_side, &side) == 0;
	int r = plan_run(plans[0].steps, plans[0].n, ctx, err);

	/* Without a thread (too little memory, pids.max) one after the other does too. */
	if (threaded)
		(void)pthread_join(thread, NULL);
	else if (r == 0)
		(void)run_side(&side);
	else
		side.r = r;
	if (r < 0 && side.r == 0)
		undo_steps(plans[1].steps, plans[1].n, ctx);
	if (r == 0 && side.r < 0) {
		undo_steps(plans[0].steps, plans[0].n, ctx);
		if (err != NULL)
			*err = side.err;
	}
	return r < 0 ? r : side.r;
}
