/* plan.c - an operation as a list of steps that can be undone. */
#include "runtime/ct/plan.h"

#include "runtime/base/fault.h"

#include <pthread.h>
#include <stdbool.h>

extern const struct plan *const __start_berth_plans[] __attribute__((weak));
extern const struct plan *const __stop_berth_plans[] __attribute__((weak));

void plan_list(FILE *out)
{
	for (const struct plan *const *p = __start_berth_plans; p < __stop_berth_plans; p++) {
		for (size_t i = 0; i < (*p)->n; i++) {
			const struct plan_step *s = &(*p)->steps[i];

			(void)fprintf(out, "%s.%s\n", (*p)->name, s->name);
			if (s->undo != NULL)
				(void)fprintf(out, "%s.%s.undo\n", (*p)->name, s->name);
		}
		(void)fprintf(out, "%s.end\n", (*p)->name);
	}
}

static int reach(const struct plan *p, const char *step, const char *suffix,
		 struct berth_error *err)
{
	char point[FAULT_POINT_MAX];
	int r;

	if (fault_table == NULL)
		return 0;
	(void)snprintf(point, sizeof(point), "%s.%s%s", p->name, step, suffix);
	r = fault_reach(point);
	return r < 0 ? berth_error_sys(err, r, "fault injected at %s", point) : 0;
}

/* The first n steps, the last one first. */
static void undo_steps(const struct plan *p, size_t n, void *ctx)
{
	while (n-- > 0) {
		if (p->steps[n].undo == NULL)
			continue;
		(void)reach(p, p->steps[n].name, ".undo", NULL);
		p->steps[n].undo(ctx);
	}
}

int plan_run(const struct plan *plan, void *ctx, struct berth_error *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		int r = reach(plan, plan->steps[i].name, "", err);

		if (r == 0)
			r = plan->steps[i].run(ctx, err);
		if (r >= 0)
			continue;
		if (plan->failed != NULL)
			plan->failed(ctx);
		undo_steps(plan, i, ctx);
		return r;
	}
	/* Behind the last step nothing fails; one may be killed there. */
	(void)reach(plan, "end", "", NULL);
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

	s->r = plan_run(s->plan, s->ctx, &s->err);
	return NULL;
}

int plan_run_both(const struct plan *first, const struct plan *second, void *ctx,
		  struct berth_error *err)
{
	struct side side = {.plan = second, .ctx = ctx};
	pthread_t thread;
	bool threaded = FAULT_POINT("plan.thread") == 0 &&
			pthread_create(&thread, NULL, run_side, &side) == 0;
	int r = plan_run(first, ctx, err);

	/* Without a thread (too little memory, pids.max) one after the other does too. */
	if (threaded)
		(void)pthread_join(thread, NULL);
	else if (r == 0)
		(void)run_side(&side);
	else
		side.r = r;
	if (r < 0 && side.r == 0)
		undo_steps(second, second->n, ctx);
	if (r == 0 && side.r < 0) {
		undo_steps(first, first->n, ctx);
		if (err != NULL)
			*err = side.err;
	}
	return r < 0 ? r : side.r;
}
