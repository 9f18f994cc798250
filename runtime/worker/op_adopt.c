/*
 * op_adopt.c - gives a CT whose monitor has died a new one: same init, found again by pid and start
 * time. The new monitor is not init's parent; console and notify socket come from berthd, which has kept
 * them. A CT whose state file is lost is looked for (lost_run.c); when its monitor lives, only that file
 * is written anew.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/value.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/store.h"
#include "runtime/worker/become.h"
#include "runtime/worker/lost_run.h"
#include "runtime/worker/view_up.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/vfs.h>

enum {
	DEVPTS_TIMEOUT_MS = 5000
};

static struct seccomp_program seccomp;
static struct become_kit kit;
static struct view_fds view;

/* Inside, as the CT's root: what the tenant may have put there leads nowhere else. */
static int find_devpts(void *data, int *ret_fd, struct berth_error *err)
{
	auto_close int fd = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct statfs fs;

	(void)data;
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return berth_error_sys(err, errno, "open /dev/pts of the CT");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		return berth_error_sys(err, ENODEV, "/dev/pts of the CT is no devpts");
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The devpts of the CT, for terminals of exec sessions. Without it only those are refused. */
static int open_devpts(struct worker *w, const struct become *b)
{
	const struct launch_visit visit = {.init_pidfd = b->init_pidfd,
					   .cgroup = &b->kit->attach,
					   .timeout_ms = DEVPTS_TIMEOUT_MS,
					   .fn = find_devpts};
	struct berth_error err;
	int fd = -EBADF, r = launch_visit(&visit, &fd, &err);

	if (r < 0)
		log_line(LOG_LV_WARNING, w->ctid, "no terminals for exec: %s", err.msg);
	return r < 0 ? r : fd;
}

/* What berthd has kept of the old monitor is passed on: arguments [console] [notify], what there is. */
static int take_kept(struct worker *w, struct become *b, struct berth_error *err)
{
	unsigned int n = 0;

	if (worker_has_word(w, "console") && n < w->n_fds)
		b->console_fd = w->fds[n++];
	if (worker_has_word(w, "notify") && n < w->n_fds)
		b->notify_fd = w->fds[n++];
	if (n != w->n_fds || w->n_args != (int)n)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "adopt: bad arguments");
	return 0;
}

/* Without a state file that can be believed. */
static int find_again(struct worker *w, struct cg_host *cg, struct become *b, struct ct_run *run,
		      bool *ret_served, struct berth_error *err)
{
	struct lost_run f;
	int r = lost_run_find(w, cg, &f, err);

	if (r < 0)
		return r;
	log_line(LOG_LV_WARNING, w->ctid,
		 "its state file is damaged or gone; its init was found again: %d", f.run.init.pid);
	if (b->console_fd < 0)
		b->console_fd = f.console_fd;
	if (b->notify_fd < 0)
		b->notify_fd = f.notify_fd;
	b->booted = f.booted;
	*run = f.run;
	*ret_served = f.served;
	return 0;
}

/* *ret_served: only the state file was missing, its monitor lives. */
static int find_run(struct worker *w, struct cg_host *cg, struct become *b, struct ct_run *run,
		    bool *ret_served, struct berth_error *err)
{
	int r = FAULT_STEP("adopt.find", err);

	*ret_served = false;
	if (r < 0)
		return r;
	r = ct_run_load(&w->paths, w->ctid, run, &b->booted);
	if (r == -ESRCH || r == -EBADMSG)
		return find_again(w, cg, b, run, ret_served, err);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_UNKNOWN, -r,
				       "CT %u: read %s/ct/%u/state and its init: %s", w->ctid,
				       w->paths.run, w->ctid, strerror(-r));
	if (!run->launched)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH,
				       "CT %u: its start was not completed", w->ctid);
	return 0;
}

/*
 * Of who answers for its view, which outlived the monitor: the connection. Then it is ended, as the new monitor
 * begins its own; what it was at is asked for again. Without it the CT goes on, and reads errors there.
 */
static int take_view(struct worker *w, struct cg_host *cg, struct view_fds *ret)
{
	struct pidref who;
	struct berth_error err;
	auto_close int pidfd = -EBADF;
	char text[128];
	uint64_t pid, start;
	int r = file_read_line_at(w->ct_fd, "view", text, sizeof(text));

	if (r == -ENOENT)
		return 0; /* it has none */
	if (r == 0 && (value_get_u64(text, "pid", &pid) < 0 || pid > INT32_MAX ||
		       value_get_u64(text, "start", &start) < 0))
		r = -EBADMSG;
	if (r < 0)
		return r;
	who = (struct pidref){(pid_t)pid, start};
	pidfd = pidref_open(&who);
	if (pidfd < 0)
		return pidfd;
	ret->fuse = pidfd_getfd(pidfd, VIEW_FD_FUSE, 0);
	if (ret->fuse < 0)
		return -errno;
	r = ct_view_sources(cg, w->ctid, ret, &err);
	if (r == 0)
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	else
		fd_close(&ret->fuse);
	return r;
}

static int take_over(struct worker *w, struct cg_host *cg, struct become *b, struct ct_run *run,
		     struct berth_error *err)
{
	struct ct_config config;
	unsigned int lifted = 0;
	int r;

	r = FAULT_STEP("adopt.take_over", err);
	if (r < 0)
		return r;
	b->init_pid = run->init.pid;
	b->init_pidfd = pidref_open(&run->init);
	if (b->init_pidfd < 0)
		return berth_error_sys(err, b->init_pidfd, "CT %u: open its init", w->ctid);
	/* Whatever is wrong with its config, the CT runs: commands in it get the strict filter then. */
	if (store_config(&w->paths, w->ctid, w->host_conf, &config, NULL) == 0)
		lifted = spec_seccomp(&config);
	r = seccomp_program_get(worker_run_dir(w), lifted, &seccomp, err);
	if (r == 0)
		r = become_prepare(w, cg, &seccomp, &kit, err);
	if (r < 0)
		return r;
	b->kit = &kit;
	r = take_view(w, cg, &view);
	if (r < 0)
		log_line(LOG_LV_WARNING, w->ctid,
			 "its view of /proc is lost until it is started again: %s", strerror(-r));
	b->view = &view;
	b->devpts_fd = open_devpts(w, b);
	r = FAULT_STEP("adopt.listen", err);
	if (r == 0)
		r = monitor_listen(w, &b->listen_fd, err);
	if (r < 0)
		return r;
	r = pidref_get(getpid(), &run->monitor);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: name its new monitor", w->ctid);
	r = worker_state_write(w, run, err);
	return r < 0 ? r : become_monitor(w, b, err);
}

int op_adopt(struct worker *w, struct berth_error *err)
{
	struct become b = {.console_fd = -EBADF, .notify_fd = -EBADF};
	struct cg_host *cg;
	struct ct_run run;
	bool served;
	int r = take_kept(w, &b, err);

	view_fds_init(&view);
	if (r == 0)
		r = worker_cg_open(w, &cg, err);
	if (r < 0)
		return r;
	r = worker_ct_dir(w, err);
	if (r < 0)
		return r;
	r = find_run(w, cg, &b, &run, &served, err);
	if (r < 0)
		return r;
	return served ? worker_state_write(w, &run, err) : take_over(w, cg, &b, &run, err);
}
