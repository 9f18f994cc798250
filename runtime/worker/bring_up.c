/*
 * bring_up.c - what a start and a restore of a CT share: namespaces; volume and root beside cgroups; the
 * ignition, which makes init; network, monitor and state file; then this process becomes the CT's monitor by
 * exec, so that init keeps its parent.
 */
#include "runtime/worker/bring_up.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/ct/addresses.h"
#include "runtime/ct/plan.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/store.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

static struct seccomp_program seccomp; /* 32 KiB: not on the stack */

static int step_facts(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	int r = worker_facts(b->w, &b->facts, err);

	if (r == 0)
		r = worker_ct_dir(b->w, err);
	return r < 0 ? r : 0;
}

/* What an earlier start left: it would be taken for ours. */
static int step_forget(void *ctx, struct berth_error *err)
{
	static const char *const old[] = {"state",	  "exit",	 "booted",
					  "monitor.sock", "console.log", "console.log.1",
					  "live.conf",	  "view",	 "restorer"};
	struct bring_up *b = ctx;

	(void)err;
	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++)
		(void)unlinkat(b->w->ct_fd, old[i], 0);
	/* Of a destroy that failed, before its config was put back: no later berthd may go on with it. */
	store_intent_clear(&b->w->paths, b->w->ctid, true);
	return 0;
}

/* What is in effect from now on, once: kept for a reboot, should the config be broken by then. */
static int load_config(struct bring_up *b, struct berth_error *err)
{
	struct worker *w = b->w;
	int r;

	if (b->conf != NULL) {
		r = ct_config_from(b->conf, w->host_conf, &b->config, err);
		if (r == 0)
			r = store_live_save(&w->paths, w->ctid, b->conf, err);
	} else {
		r = store_conf_load(&w->paths, w->ctid, &b->conf, err);
		if (r == 0)
			r = store_config_of(&w->paths, w->ctid, b->conf, w->host_conf, &b->config,
					    err);
	}
	return r < 0 ? r : store_old_save(&w->paths, w->ctid, b->conf, err);
}

static int step_load(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	struct worker *w = b->w;
	int r = load_config(b, err);

	if (r == 0)
		r = spec_net(w->ctid, &b->config, &w->host, w->paths.root, b->addrs, &b->net, err);
	if (r < 0)
		return r;
	b->net.held = b->ignition->network_first;
	worker_guest(w, &b->config, b->hostname, &b->guest);
	b->guest.uuid = b->facts.uuid;
	return 0;
}

/* The devpts is made before: in the host's own mount namespace it has a part in what the host keeps back. */
static int step_private(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	int r = launch_pts(b->facts.id_base, b->config.numpty, &b->pts_fd, err);

	if (r == 0)
		r = worker_private_mounts(b->w, err);
	/* Before there are two threads that use them. */
	if (r == 0)
		r = worker_ct_dir(b->w, err);
	if (r >= 0)
		r = worker_private_dir(b->w, err);
	return r < 0 ? r : 0;
}

static int step_begin(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	return launch_ns_begin(b->facts.id_base, b->ignition->goes_on ? NULL : &b->guest, &b->ns,
			       err);
}

static void undo_begin(void *ctx)
{
	struct bring_up *b = ctx;

	launch_ns_end(&b->ns);
}

/* ---- the disk, in a thread: no raw clone here (e2fsck is spawned), no ids of the whole process ---- */

static int step_volume(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	b->mounts.inodes = ct_mounts_inodes(&b->config);
	return ct_mounts_volume(b->w, &b->facts, &b->mounts, err);
}

/*
 * Little, until berthd has looked: what its init claims (fallocate(2)) is not taken from the host yet, and after a
 * reboot it could claim as much again.
 */
static int step_share(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	return volume_keep_first(volume_driver_find(b->facts.driver), b->w->private_fd,
				 b->mounts.volume_fd, VOLUME_FIRST_SHARE, err);
}

static void undo_disk(void *ctx)
{
	struct bring_up *b = ctx;

	ct_mounts_drop(b->w, &b->mounts);
}

static int step_root(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	int r;

	while (sem_wait(&b->lower_made) < 0)
		; /* EINTR */
	if (b->no_lower)
		return -ECANCELED; /* the other plan has the reason */
	r = ct_mounts_root(b->w, &b->facts, &b->mounts, err);
	if (r == 0 && !b->ignition->goes_on)
		launch_ns_files_begin(&b->ns, b->mounts.root_fd);
	return r;
}

/* ---- beside it ---- */

static int step_lower(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	int r = launch_ns_user(&b->ns, err);

	b->mounts.userns_fd = b->ns.userns_fd;
	if (r == 0) {
		launch_ns_net_begin(&b->ns);
		r = ct_mounts_lower(b->w, &b->facts, &b->mounts, err);
	}
	if (r == 0)
		(void)sem_post(&b->lower_made);
	return r;
}

/* Whichever step it was: the other plan is not to wait for what will not come. */
static void beside_failed(void *ctx)
{
	struct bring_up *b = ctx;

	b->no_lower = true;
	(void)sem_post(&b->lower_made);
}

static int step_cgroup(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	int r = worker_cg_open(b->w, &b->cg, err);

	if (r == 0)
		r = cg_ct_create(b->cg, b->w->ctid, b->facts.id_base, b->facts.id_base, err);
	return r;
}

static void undo_cgroup(void *ctx)
{
	struct bring_up *b = ctx;

	(void)cg_ct_kill(b->cg, b->w->ctid, NULL);
	(void)cg_ct_remove(b->cg, b->w->ctid, 5000, NULL);
}

/* All but those of the volume's device, which has no number yet. */
static int step_limits(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	struct cg_limits without_io;
	struct cg_device more[2];
	size_t n = 0;
	int r;

	spec_cg_limits(&b->config, 0, &b->limits);
	without_io = b->limits;
	without_io.io_bps = without_io.io_iops = 0;
	if (b->config.tun)
		more[n++] = (struct cg_device){'c', 10, 200, true, true, true};
	if (b->config.fuse)
		more[n++] = (struct cg_device){'c', 10, 229, true, true, true};
	r = cg_ct_apply(b->cg, b->w->ctid, &without_io, err);
	if (r == 0)
		r = cg_ct_devices(b->cg, b->w->ctid, more, n, err);
	if (r == 0)
		r = cg_ct_attach(b->cg, b->w->ctid, false, &b->attach, err);
	return r;
}

static int step_filter(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	b->seccomp = &seccomp;
	return seccomp_program_get(worker_run_dir(b->w), spec_seccomp(&b->config), &seccomp, err);
}

static int step_look(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	return launch_host_covered(&b->host_covered, err);
}

/*
 * A CT that was made with one cannot go on without. One that starts can do without what this host's kernel does not
 * have; doctor tells.
 */
static int step_view(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	struct berth_error why;
	int r;

	if (!b->w->host.view && !b->ignition->goes_on)
		return 0;
	r = ct_view_up(b->w, b->cg, &b->view, &why);
	if (r == 0)
		return 0;
	if (b->ignition->goes_on || why.code != BERTH_ERR_UNSUPPORTED) {
		*err = why;
		return r;
	}
	log_line(LOG_LV_WARNING, b->w->ctid, "it sees the host's numbers in /proc: %s", why.msg);
	return 0;
}

static void undo_view(void *ctx)
{
	struct bring_up *b = ctx;

	ct_view_down(&b->view);
}

static int step_netns(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	return launch_ns_net(&b->ns, err);
}

/* ---- both are there ---- */

static int step_io(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	if (b->limits.io_bps == 0 && b->limits.io_iops == 0)
		return 0;
	b->limits.io_dev = b->mounts.dev;
	return cg_ct_apply(b->cg, b->w->ctid, &b->limits, err);
}

static int step_prepare(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	return b->ignition->prepare(b, err);
}

static void undo_prepare(void *ctx)
{
	struct bring_up *b = ctx;

	b->ignition->abort(b);
}

static int network_up(struct bring_up *b, struct berth_error *err)
{
	int run_fd = worker_ct_dir(b->w, err);
	int r = run_fd < 0 ? run_fd : ct_addresses_begin(run_fd, &b->net, err);

	if (r == 0)
		r = net_ct_up(&b->net, b->ns.netns_fd, err);
	/* Stuck in the CT's network namespace: whatever this process did now would be done there. */
	if (r == -ENOTRECOVERABLE)
		_exit(1);
	return r;
}

static void network_down(struct bring_up *b)
{
	(void)net_ct_down(b->w->ctid, &b->net.owner, NULL);
}

/* One of these two is all, the other nothing. */
static int step_network_first(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	return b->ignition->network_first ? network_up(b, err) : 0;
}

static void undo_network_first(void *ctx)
{
	struct bring_up *b = ctx;

	if (b->ignition->network_first)
		network_down(b);
}

static int step_network(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	return b->ignition->network_first ? 0 : network_up(b, err);
}

static void undo_network(void *ctx)
{
	struct bring_up *b = ctx;

	if (!b->ignition->network_first)
		network_down(b);
}

static int step_verify(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;

	return ct_mounts_verify(b->w, &b->facts, &b->mounts, err);
}

/* All that its monitor needs. */
static int step_monitor(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	int r = become_prepare(b->w, b->cg, &seccomp, &b->kit, err);

	return r < 0 ? r : monitor_listen(b->w, &b->listen_fd, err);
}

static void undo_monitor(void *ctx)
{
	struct bring_up *b = ctx;

	(void)unlinkat(b->w->ct_fd, "monitor.sock", 0);
}

static int step_files(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	struct berth_error why = {0};
	int r = b->ignition->goes_on ? 0 : launch_ns_files(&b->ns, &why);

	if (r == -ETIMEDOUT)
		return berth_error_set(err, why.code, ETIMEDOUT, "CT %u: %.300s", b->w->ctid,
				       why.msg);
	if (r < 0)
		log_line(LOG_LV_WARNING, b->w->ctid, "write the container's own files: %s",
			 why.msg);
	launch_ns_end(&b->ns);
	return 0;
}

static int step_state(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	int r = boot_id_read(b->run.boot_id);

	b->run.started = (uint64_t)time(NULL);
	b->run.volume_dev = b->mounts.dev;
	if (r == 0)
		r = pidref_get(b->child.pid, &b->run.init);
	if (r == 0)
		r = pidref_get(getpid(), &b->run.monitor);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: identify its init", b->w->ctid);
	return worker_state_write(b->w, &b->run, err);
}

static void undo_state(void *ctx)
{
	struct bring_up *b = ctx;

	(void)unlinkat(b->w->ct_fd, "state", 0);
}

static int step_go(void *ctx, struct berth_error *err)
{
	struct bring_up *b = ctx;
	int r = b->ignition->go(b, err);

	/* A resume has written it before its commit, and nothing ends the CT behind that. */
	if (r < 0 || b->run.launched)
		return r;
	b->run.launched = true;
	return worker_state_write(b->w, &b->run, err);
}

/* ---- the plan ---- */

static const struct plan_step beside[] = {
	{"lower", step_lower, NULL},   {"cgroup", step_cgroup, undo_cgroup},
	{"limits", step_limits, NULL}, {"filter", step_filter, NULL},
	{"look", step_look, NULL},     {"view", step_view, undo_view},
	{"netns", step_netns, NULL},
};
static const struct plan_step disk[] = {
	{"volume", step_volume, undo_disk},
	{"share", step_share, NULL},
	{"root", step_root, NULL},
};

static const struct plan beside_plan = {.name = "start.beside",
					.steps = beside,
					.n = sizeof(beside) / sizeof(beside[0]),
					.failed = beside_failed};
static const struct plan disk_plan = PLAN("start.disk", disk);

PLAN_POINTS(beside_plan);
PLAN_POINTS(disk_plan);

/* The disk waits for the lower layer, so it comes second should there be no thread. */
static int step_make(void *ctx, struct berth_error *err)
{
	return plan_run_both(&beside_plan, &disk_plan, ctx, err);
}

static void undo_make(void *ctx)
{
	undo_disk(ctx);
	undo_view(ctx);
	undo_cgroup(ctx);
}

static const struct plan_step steps[] = {
	{"facts", step_facts, NULL},
	{"forget", step_forget, NULL},
	{"load", step_load, NULL},
	{"private", step_private, NULL},
	{"begin", step_begin, undo_begin},
	{"make", step_make, undo_make},
	{"io", step_io, NULL},
	{"network_first", step_network_first, undo_network_first},
	{"prepare", step_prepare, undo_prepare},
	/* While a new init makes its mounts: */
	{"verify", step_verify, NULL},
	{"network", step_network, undo_network},
	{"monitor", step_monitor, undo_monitor},
	{"state", step_state, undo_state},
	{"files", step_files, NULL}, /* init is to find them */
	{"go", step_go, NULL},
};
static const struct plan plan = PLAN("start", steps);

PLAN_POINTS(plan);

int bring_up(struct bring_up *b, struct berth_error *err)
{
	char pid[16];
	int r;

	b->pts_fd = b->listen_fd = -EBADF;
	ct_mounts_init(&b->mounts);
	ct_view_init(&b->view);
	(void)sem_init(&b->lower_made, 0, 0);
	r = plan_run(&plan, b, err);
	conf_free(b->conf);
	b->conf = NULL;
	if (r < 0)
		return r;
	(void)snprintf(pid, sizeof(pid), "%d", b->child.pid);
	report_result("init_pid", pid);
	return become_monitor(b->w,
			      &(struct become){
				      .listen_fd = b->listen_fd,
				      .init_pid = b->child.pid,
				      .init_pidfd = b->child.pidfd,
				      .console_fd = b->child.console_fd,
				      .devpts_fd = b->child.devpts_fd,
				      .notify_fd = b->child.notify_fd,
				      .kit = &b->kit,
				      .view = &b->view.fds,
				      .is_parent = true,
				      .booted = b->booted,
			      },
			      err);
}
