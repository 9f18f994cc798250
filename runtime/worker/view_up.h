/* view_up.h - a CT's view of its machine (runtime/view/view.h), from its mount to what its monitor is given. */
#pragma once

#include "cgroups/cg.h"
#include "runtime/view/view.h"
#include "runtime/worker/worker.h"

struct ct_view {
	struct view_fds fds;
	int mount_fd; /* detached; -EBADF: there is no view */
	int until; /* who answers meanwhile ends when this is closed, as by an exec */
	pid_t pid;
};

void ct_view_init(struct ct_view *v);
/* The sources of fds, of a CT that has its cgroups. */
int ct_view_sources(struct cg_host *cg, uint32_t ctid, struct view_fds *fds,
		    struct berth_error *err);
/* Makes all of it, and a process that answers until the monitor's does. */
int ct_view_up(struct worker *w, struct cg_host *cg, struct ct_view *v, struct berth_error *err);
void ct_view_down(struct ct_view *v);
