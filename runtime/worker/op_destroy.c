/*
 * op_destroy.c - removes a CT and everything of it: the config first (from then on it does not exist),
 * then what runs, then the private area. Also undoes a create that was cut short.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/plan.h"
#include "runtime/ct/store.h"
#include "runtime/worker/worker.h"

#include <fcntl.h>
#include <string.h>

static int remove_below(struct worker *w, const char *base, const char *sub, const char *name,
			struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_below(base, sub, path));
	int r;

	if (dir < 0)
		return berth_error_sys(err, dir, "open directory %s", path);
	r = tree_remove_at(dir, name);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_DESTROY, -r, "CT %u: remove %s/%s: %s",
				       w->ctid, path, name, strerror(-r));
	(void)fsync(dir);
	return 0;
}

static int step_cleanup(void *ctx, struct berth_error *err)
{
	return op_cleanup(ctx, err);
}

static int step_config(void *ctx, struct berth_error *err)
{
	struct worker *w = ctx;

	return store_conf_remove(&w->paths, w->ctid, err);
}

static int step_private(void *ctx, struct berth_error *err)
{
	struct worker *w = ctx;
	char name[16], unfinished[32];
	int r;

	(void)snprintf(name, sizeof(name), "%u", w->ctid);
	(void)snprintf(unfinished, sizeof(unfinished), ".%u.new", w->ctid);
	r = remove_below(w, w->paths.lib, "private", name, err);
	return r < 0 ? r : remove_below(w, w->paths.lib, "private", unfinished, err);
}

static int step_run(void *ctx, struct berth_error *err)
{
	struct worker *w = ctx;
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", w->ctid);
	return remove_below(w, w->paths.run, "ct", name, err);
}

/* No way back: what fails is gone on with by the next worker. */
static const struct plan_step steps[] = {
	{"cleanup", step_cleanup, NULL},
	{"config", step_config, NULL},
	{"private", step_private, NULL},
	{"run", step_run, NULL},
};
static const struct plan plan = PLAN("destroy", steps);

PLAN_POINTS(plan);

int op_destroy(struct worker *w, struct berth_error *err)
{
	return plan_run(&plan, w, err);
}
