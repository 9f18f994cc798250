/*
 * op_destroy.c - removes what an order or an intent names, and nothing else.
 *
 * Arguments: KIND UUID INODE BORN, the last three the private area that is meant (area.h).
 * order: a CT that somebody destroys: the config first (from then on it does not exist), then what
 *	runs, then the private area.
 * create: what a create made, which came to no end: its private area by the uuid, and its config.
 * left: the hidden remains of either, which nobody waits for any more.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/area.h"
#include "runtime/ct/plan.h"
#include "runtime/ct/store.h"
#include "runtime/worker/worker.h"

#include <fcntl.h>
#include <string.h>

struct destroy {
	struct worker *w;
	struct area_id meant;
	int area_fd; /* LIB/private */
	int has_area; /* 1: the area meant is there */
};

static int remove_run(struct worker *w, struct berth_error *err)
{
	char path[BERTH_PATH_MAX], name[16];
	auto_close int dir = dir_open_at(AT_FDCWD, path_below(w->paths.run, "ct", path));
	int r;

	if (dir < 0)
		return berth_error_sys(err, dir, "open directory %s", path);
	store_sweep(&w->paths, w->ctid);
	(void)snprintf(name, sizeof(name), "%u", w->ctid);
	r = tree_remove_at(dir, name);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_DESTROY, -r, "CT %u: remove %s/%s: %s",
				       w->ctid, path, name, strerror(-r));
	return 0;
}

static int step_check(void *ctx, struct berth_error *err)
{
	struct destroy *d = ctx;

	d->has_area = area_check(d->area_fd, d->w->ctid, &d->meant, err);
	return d->has_area < 0 ? d->has_area : 0;
}

static int step_cleanup(void *ctx, struct berth_error *err)
{
	struct destroy *d = ctx;

	return op_cleanup(d->w, err);
}

static int step_config(void *ctx, struct berth_error *err)
{
	struct destroy *d = ctx;

	/* The area is gone: this destroy was at the config before, and a config that is there is new. */
	if (d->has_area == 0 && d->meant.inode != 0)
		return 0;
	return store_conf_remove(&d->w->paths, d->w->ctid, err);
}

static int step_private(void *ctx, struct berth_error *err)
{
	struct destroy *d = ctx;

	return area_remove(d->area_fd, d->w->ctid, &d->meant, err);
}

static int step_left(void *ctx, struct berth_error *err)
{
	struct destroy *d = ctx;

	return area_remove_left(d->area_fd, d->w->ctid, &d->meant, err);
}

static int step_run(void *ctx, struct berth_error *err)
{
	struct destroy *d = ctx;

	return remove_run(d->w, err);
}

/* An area of somebody else's is no hindrance: it stays, and what is left of ours goes. */
static int step_is_ours(void *ctx, struct berth_error *err)
{
	struct destroy *d = ctx;
	int r = area_check(d->area_fd, d->w->ctid, &d->meant, err);

	d->has_area = r == 1;
	return r == -EEXIST || r == 1 ? 0 : r;
}

/* Is the config there the one that the create was about to write? */
static bool config_is_candidate(struct worker *w)
{
	auto_free char *made = NULL, *found = NULL;
	struct conf_file *a = NULL, *b = NULL;
	bool same = store_candidate_load(&w->paths, w->ctid, &a, NULL) == 0 &&
		    store_conf_load(&w->paths, w->ctid, &b, NULL) == 0 &&
		    conf_format(a, &made) == 0 && conf_format(b, &found) == 0 &&
		    strcmp(made, found) == 0;

	conf_free(a);
	conf_free(b);
	return same;
}

static int step_own_config(void *ctx, struct berth_error *err)
{
	struct destroy *d = ctx;

	if (d->has_area == 0 || !config_is_candidate(d->w))
		return 0;
	return store_conf_remove(&d->w->paths, d->w->ctid, err);
}

static int step_own_private(void *ctx, struct berth_error *err)
{
	struct destroy *d = ctx;

	return d->has_area == 0 ? 0 : step_private(ctx, err);
}

/* No way back: what fails is gone on with by the next worker. */
static const struct plan_step order_steps[] = {
	{"check", step_check, NULL},   {"cleanup", step_cleanup, NULL},
	{"config", step_config, NULL}, {"private", step_private, NULL},
	{"left", step_left, NULL},     {"run", step_run, NULL},
};
static const struct plan order = PLAN("destroy", order_steps);

/* A create has no cgroup and no network yet, and its mounts went with its worker: nothing of a run is touched. */
static const struct plan_step undo_steps[] = {
	{"check", step_is_ours, NULL},
	{"config", step_own_config, NULL},
	{"private", step_own_private, NULL},
	{"left", step_left, NULL},
	{"run", step_run, NULL},
};
static const struct plan undo = PLAN("undo", undo_steps);

static const struct plan_step left_steps[] = {
	{"left", step_left, NULL},
	{"run", step_run, NULL},
};
static const struct plan left = PLAN("left", left_steps);

PLAN_POINTS(order);
PLAN_POINTS(undo);
PLAN_POINTS(left);

int op_destroy(struct worker *w, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	auto_close int area_fd = dir_open_at(AT_FDCWD, path_below(w->paths.lib, "private", path));
	struct destroy d = {.w = w, .area_fd = area_fd};

	if (w->n_args != 4 || area_id_parse(w->args + 1, &d.meant) < 0)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "destroy: bad arguments");
	if (area_fd < 0)
		return berth_error_sys(err, area_fd, "open directory %s", path);
	if (strcmp(w->args[0], "order") == 0)
		return plan_run(&order, &d, err);
	if (strcmp(w->args[0], "create") == 0)
		return plan_run(&undo, &d, err);
	if (strcmp(w->args[0], "left") == 0)
		return plan_run(&left, &d, err);
	return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "destroy: bad arguments");
}
