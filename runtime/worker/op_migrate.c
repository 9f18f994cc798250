/*
 * op_migrate.c - hands what moves CTs to berth-worker-migrate, with the CT's lock and the connection. That one links
 * what a move needs, whose loading no start of a CT should wait for.
 */
#include "runtime/base/paths.h"
#include "runtime/worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	ARGS = ORDER_WORDS + 3
};

int op_migrate(struct worker *w, struct berth_error *err)
{
	const char *argv[ARGS + 6] = {"berth-worker-migrate"};
	char path[BERTH_PATH_MAX], lock[12], list[ORDER_LIST_SIZE];
	int n = 1, r = worker_sibling(argv[0], path, sizeof(path));

	if (r < 0)
		return berth_error_sys(err, r, "find %s", argv[0]);
	(void)snprintf(lock, sizeof(lock), "%d", w->lock_fd);
	order_list_format(w->fds, w->n_fds, list);
	if (w->lock_fd >= 0) {
		argv[n++] = "--lock";
		argv[n++] = lock;
		(void)fcntl(w->lock_fd, F_SETFD, 0);
	}
	if (w->n_fds > 0) {
		argv[n++] = "--fds";
		argv[n++] = list;
	}
	for (unsigned int i = 0; i < w->n_fds; i++)
		(void)fcntl(w->fds[i], F_SETFD, 0);
	for (int i = 0; i < ARGS && w->argv[i] != NULL; i++)
		argv[n++] = w->argv[i];
	(void)execv(path, (char *const *)(uintptr_t)argv);
	return berth_error_set(err, BERTH_ERR_HELPER, errno, "run %s: %s", path, strerror(errno));
}
