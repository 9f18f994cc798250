/* plan.c - an operation as a list of steps that can be undone. */
#include "runtime/ct/plan.h"

int plan_run(const struct plan_step *steps, size_t n, void *ctx, struct berth_error *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = steps[i].run(ctx, err);

		if (r >= 0)
			continue;
		while (i-- > 0)
			if (steps[i].undo != NULL)
				steps[i].undo(ctx);
		return r;
	}
	return 0;
}
