/* become.h - how a worker turns into the monitor of a CT. */
#pragma once

#include "cgroups/cg.h"
#include "runtime/launch/launch.h"
#include "runtime/view/view.h"
#include "runtime/worker/worker.h"

/* What a monitor is given and what does not depend on how far its CT has got. */
struct become_kit {
	struct cg_attach attach; /* of exec sessions */
	int filter_fd; /* memfd of the system call filter, sealed */
	int null_fd;
	char path[BERTH_PATH_MAX]; /* of berth-monitor */
};

struct become {
	int listen_fd;
	pid_t init_pid;
	int init_pidfd;
	int console_fd, devpts_fd, notify_fd; /* -EBADF: none (adopting) */
	const struct become_kit *kit;
	const struct view_fds *view; /* NULL or without a connection: no view */
	bool is_parent; /* of init: its exit status can be waited for */
	bool booted; /* READY=1 was seen by an earlier monitor */
};

/* Binds RUN/ct/CTID/monitor.sock, 0600, and listens. */
int monitor_listen(struct worker *w, int *ret_fd, struct berth_error *err);

/* Its descriptors are closed by the exec, or by the end of the process. */
int become_prepare(struct worker *w, struct cg_host *cg, const struct seccomp_program *seccomp,
		   struct become_kit *ret, struct berth_error *err);

/* Reports "done" and execs berth-monitor. Returns only on failure, of which nobody hears but the log. */
int become_monitor(struct worker *w, const struct become *b, struct berth_error *err);
