/*
 * lost_run.h - a CT that runs although its state file is damaged or gone: what that file said is found
 * again, so that nobody takes the CT for dead and cleans it up alive.
 */
#pragma once

#include "runtime/worker/worker.h"

struct lost_run {
	struct ct_run run; /* without a monitor when served is false */
	bool booted;
	bool served; /* its monitor answers: nothing but the state file is missing */
	int console_fd, notify_fd; /* of a monitor that nobody could reach; -EBADF: none */
};

/*
 * The process among those of the CT's cgroup that is its init. -ESRCH (BERTH_ERR_NOT_RUNNING) is proof that none
 * is: of its cgroup's processes, or, where it has no cgroup, as nothing uses its volume. Any other error says nothing.
 */
int lost_run_init(struct worker *w, struct cg_host *cg, struct pidref *ret,
		  struct berth_error *err);

/*
 * BERTH_ERR_NOT_RUNNING when nothing in the CT's cgroup is its init. A monitor whose socket is gone is
 * ended here, and what it held for the CT is taken from it.
 */
int lost_run_find(struct worker *w, struct cg_host *cg, struct lost_run *ret,
		  struct berth_error *err);
