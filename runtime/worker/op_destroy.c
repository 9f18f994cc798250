/*
 * op_destroy.c - removes a CT and everything of it: the config first (from then on it does not exist),
 * then what runs, then the private area. Also undoes a create that was cut short.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
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

int op_destroy(struct worker *w, struct berth_error *err)
{
	char name[16], unfinished[32];
	int r = op_cleanup(w, err);

	(void)snprintf(name, sizeof(name), "%u", w->ctid);
	(void)snprintf(unfinished, sizeof(unfinished), ".%u.new", w->ctid);
	if (r == 0)
		r = store_conf_remove(&w->paths, w->ctid, err);
	if (r == 0)
		r = remove_below(w, w->paths.lib, "private", name, err);
	if (r == 0)
		r = remove_below(w, w->paths.lib, "private", unfinished, err);
	if (r == 0)
		r = remove_below(w, w->paths.run, "ct", name, err);
	return r;
}
