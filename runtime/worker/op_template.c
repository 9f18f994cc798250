/*
 * op_template.c - hands what is done on templates to berth-worker-template. That one links libarchive
 * with all its compressors, whose loading takes longer than a whole start of a CT.
 */
#include "runtime/base/paths.h"
#include "runtime/worker/worker.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum {
	ARGS = 8
};

int op_template(struct worker *w, struct berth_error *err)
{
	const char *argv[ARGS + 2] = {"berth-worker-template"};
	char path[BERTH_PATH_MAX];
	int r = worker_sibling(argv[0], path, sizeof(path));

	if (r < 0)
		return berth_error_sys(err, r, "find %s", argv[0]);
	for (int i = 0; i < ARGS && w->argv[i] != NULL; i++)
		argv[i + 1] = w->argv[i];
	(void)execv(path, (char *const *)(uintptr_t)argv);
	return berth_error_set(err, BERTH_ERR_HELPER, errno, "run %s: %s", path, strerror(errno));
}
