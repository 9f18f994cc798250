/*
 * op_start.c - starts a CT (arguments: "hold": with a waiting shell for an init; "old": with the config of its last run): namespaces; volume and root
 * beside cgroups; init, which makes its mounts beside the network; then this process becomes the CT's monitor
 * by exec, so that init keeps its parent.
 *
 * The volume and the root are mounted in this process's own mount namespace and nowhere else. The
 * state file is written before init is let go: a crash at any step leaves either a state file that
 * says launched=0 or nothing, and both are cleaned up.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/ct/plan.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/store.h"
#include "runtime/launch/launch.h"
#include "runtime/storage/rootfs.h"
#include "runtime/storage/volume.h"
#include "runtime/worker/become.h"
#include "runtime/worker/report.h"
#include "runtime/worker/volume_mount.h"
#include "runtime/worker/worker.h"
#include "templates/template.h"

#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define FIRST_SHARE (UINT64_C(64) << 20) /* of the host's disk, for the first moments of a run */

struct start {
	struct worker *w;
	struct ct_facts facts;
	struct ct_config config;
	struct guest_config guest;
	struct net_addr addrs[CT_ADDR_MAX];
	struct net_ct net;
	struct cg_host *cg;
	struct cg_attach attach;
	struct launch_ns ns;
	sem_t lower_made; /* or will not be: no_lower */
	bool no_lower;
	bool host_covered;
	struct cg_limits limits;
	struct ct_mounts mounts;
	struct launch_spec spec;
	struct launch_child child;
	struct ct_run run;
	bool hold; /* no init: a shell that waits */
	bool old; /* with the config of its last run: its own is broken */
	struct become_kit kit;
	int run_fd;
	int pts_fd;
	int listen_fd;
	char hostname[65];
};

/* A shell as process 1 reaps what scripts leave behind. */
static const char *const hold_argv[] = {"/bin/sh", "-c", "while :; do sleep 86400; done", NULL};

static struct seccomp_program seccomp; /* 32 KiB: not on the stack */

static int step_facts(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	int r = worker_facts(s->w, &s->facts, err);

	if (r == 0)
		r = s->run_fd = worker_run_open(s->w, err);
	return r < 0 ? r : 0;
}

/* What an earlier start left: it would be taken for ours. */
static int step_forget(void *ctx, struct berth_error *err)
{
	static const char *const old[] = {"state",	  "exit",	 "booted",
					  "monitor.sock", "console.log", "console.log.1",
					  "live.conf"};
	struct start *s = ctx;

	(void)err;
	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++)
		(void)unlinkat(s->run_fd, old[i], 0);
	/* Of a destroy that failed, before its config was put back: no later berthd may go on with it. */
	store_intent_clear(&s->w->paths, s->w->ctid, true);
	return 0;
}

/* It is in effect from now on, whatever stands in the CT's config. */
static int load_old(struct start *s, struct berth_error *err)
{
	struct worker *w = s->w;
	struct conf_file *f;
	int r = store_old_load(&w->paths, w->ctid, &f, err);

	if (r < 0)
		return r;
	r = ct_config_from(f, w->host_conf, &s->config, err);
	if (r == 0)
		r = store_live_save(&w->paths, w->ctid, f, err);
	conf_free(f);
	return r;
}

/* For a reboot, should the config be broken by then. */
static int keep_config(struct start *s, struct berth_error *err)
{
	struct worker *w = s->w;
	struct conf_file *f;
	int r = store_live_load(&w->paths, w->ctid, &f, err);

	if (r < 0)
		return r;
	r = store_old_save(&w->paths, w->ctid, f, err);
	conf_free(f);
	return r;
}

static int step_load(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	struct worker *w = s->w;
	int r = s->old ? load_old(s, err)
		       : store_config(&w->paths, w->ctid, w->host_conf, &s->config, err);

	if (r == 0)
		r = keep_config(s, err);
	if (r == 0)
		r = spec_net(w->ctid, &s->config, &w->host, w->paths.root, s->addrs, &s->net, err);
	if (r == 0)
		worker_guest(w, &s->config, s->hostname, &s->guest);
	return r;
}

/* The devpts is made before: in the host's own mount namespace it has a part in what the host keeps back. */
static int step_private(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	int r = launch_pts(s->facts.id_base, s->config.numpty, &s->pts_fd, err);

	if (r == 0)
		r = worker_private_mounts(err);
	if (r < 0)
		return r;
	/* Directories opened from here on belong to the private namespace: mounts can go on them. */
	fd_close(&s->run_fd);
	r = s->run_fd = worker_run_open(s->w, err);
	return r < 0 ? r : 0;
}

static int step_begin(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;

	return launch_ns_begin(s->facts.id_base, &s->guest, &s->ns, err);
}

static void undo_begin(void *ctx)
{
	struct start *s = ctx;

	launch_ns_end(&s->ns);
}

/* ---- the disk, in a thread: no raw clone here (e2fsck is spawned), no ids of the whole process ---- */

static int step_volume(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;

	return ct_mounts_volume(s->w, &s->facts, s->run_fd, &s->mounts, err);
}

/*
 * Little, until berthd has looked: what its init claims (fallocate(2)) is not taken from the host yet, and after a
 * reboot it could claim as much again.
 */
static int step_share(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	auto_close int private_fd = worker_private_open(s->w, err);

	if (private_fd < 0)
		return private_fd;
	return volume_keep_first(volume_driver_find(s->facts.driver), private_fd,
				 s->mounts.volume_fd, FIRST_SHARE, err);
}

static void undo_disk(void *ctx)
{
	struct start *s = ctx;

	ct_mounts_drop(s->w, s->run_fd, &s->mounts);
}

static int step_root(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	int r;

	while (sem_wait(&s->lower_made) < 0)
		; /* EINTR */
	if (s->no_lower)
		return -ECANCELED; /* the other plan has the reason */
	r = ct_mounts_root(s->w, &s->facts, s->run_fd, &s->mounts, err);
	if (r == 0)
		launch_ns_files_begin(&s->ns, s->mounts.root_fd);
	return r;
}

/* ---- beside it ---- */

static int step_lower(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	int r = launch_ns_user(&s->ns, err);

	s->mounts.userns_fd = s->ns.userns_fd;
	if (r == 0) {
		launch_ns_net_begin(&s->ns);
		r = ct_mounts_lower(s->w, &s->facts, &s->mounts, err);
	}
	if (r == 0)
		(void)sem_post(&s->lower_made);
	return r;
}

/* Whichever step it was: the other plan is not to wait for what will not come. */
static void beside_failed(void *ctx)
{
	struct start *s = ctx;

	s->no_lower = true;
	(void)sem_post(&s->lower_made);
}

static int step_cgroup(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	int r = worker_cg_open(s->w, &s->cg, err);

	if (r == 0)
		r = cg_ct_create(s->cg, s->w->ctid, s->facts.id_base, s->facts.id_base, err);
	return r;
}

static void undo_cgroup(void *ctx)
{
	struct start *s = ctx;

	(void)cg_ct_kill(s->cg, s->w->ctid, NULL);
	(void)cg_ct_remove(s->cg, s->w->ctid, 5000, NULL);
}

/* All but those of the volume's device, which has no number yet. */
static int step_limits(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	struct cg_limits without_io;
	struct cg_device more[2];
	size_t n = 0;
	int r;

	spec_cg_limits(&s->config, 0, &s->limits);
	without_io = s->limits;
	without_io.io_bps = without_io.io_iops = 0;
	if (s->config.tun)
		more[n++] = (struct cg_device){'c', 10, 200, true, true, true};
	if (s->config.fuse)
		more[n++] = (struct cg_device){'c', 10, 229, true, true, true};
	r = cg_ct_apply(s->cg, s->w->ctid, &without_io, err);
	if (r == 0)
		r = cg_ct_devices(s->cg, s->w->ctid, more, n, err);
	if (r == 0)
		r = cg_ct_attach(s->cg, s->w->ctid, false, &s->attach, err);
	return r;
}

static int step_filter(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	auto_close int cache = dir_open_at(AT_FDCWD, s->w->paths.run);

	return seccomp_program_get(cache, spec_seccomp(&s->config), &seccomp, err);
}

static int step_look(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;

	return launch_host_covered(&s->host_covered, err);
}

static int step_netns(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;

	return launch_ns_net(&s->ns, err);
}

/* ---- both are there ---- */

static int step_io(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;

	if (s->limits.io_bps == 0 && s->limits.io_iops == 0)
		return 0;
	s->limits.io_dev = s->mounts.dev;
	return cg_ct_apply(s->cg, s->w->ctid, &s->limits, err);
}

static int step_clone(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;

	s->spec = (struct launch_spec){
		.ctid = s->w->ctid,
		.id_base = s->facts.id_base,
		.hostname = s->hostname,
		.uuid = s->facts.uuid,
		.root_fd = s->mounts.root_fd,
		.userns_fd = s->ns.userns_fd,
		.netns_fd = s->ns.netns_fd,
		.cgroup = &s->attach,
		.seccomp = &seccomp,
		.memory = s->config.ram == CT_UNLIMITED ? 0 : s->config.ram,
		.init_argv = s->hold ? hold_argv : NULL,
		.dev_tun = s->config.tun,
		.dev_fuse = s->config.fuse,
		.pts_fd = s->pts_fd,
		.host_covered = s->host_covered,
	};
	return launch_clone(&s->spec, &s->child, err);
}

static void undo_clone(void *ctx)
{
	struct start *s = ctx;

	launch_abort(&s->child);
}

static int step_network(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	int r = net_ct_up(&s->net, s->ns.netns_fd, err);

	/* Stuck in the CT's network namespace: whatever this process did now would be done there. */
	if (r == -ENOTRECOVERABLE)
		_exit(1);
	return r;
}

static void undo_network(void *ctx)
{
	struct start *s = ctx;

	(void)net_ct_down(s->w->ctid, &s->net.owner, NULL);
}

static int step_verify(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;

	return ct_mounts_verify(s->w, &s->facts, &s->mounts, err);
}

/* All that its monitor needs. */
static int step_monitor(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	int r = become_prepare(s->w, s->cg, &seccomp, &s->kit, err);

	return r < 0 ? r : monitor_listen(s->w, &s->listen_fd, err);
}

static void undo_monitor(void *ctx)
{
	struct start *s = ctx;

	(void)unlinkat(s->run_fd, "monitor.sock", 0);
}

static int step_files(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	struct berth_error why = {0};
	int r = launch_ns_files(&s->ns, &why);

	if (r == -ETIMEDOUT)
		return berth_error_set(err, why.code, ETIMEDOUT, "CT %u: %.300s", s->w->ctid,
				       why.msg);
	if (r < 0)
		log_line(LOG_LV_WARNING, s->w->ctid, "set up the guest's files: %s", why.msg);
	launch_ns_end(&s->ns);
	return 0;
}

static int write_state(struct start *s, struct berth_error *err)
{
	char text[1024];
	int r = ct_run_format(&s->run, text, sizeof(text));

	if (r == 0)
		r = file_replace_at(s->run_fd, "state", text, strlen(text), 0644, false);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: write its state file", s->w->ctid);
	return 0;
}

static int step_state(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	enum guest_init kind;
	int r;

	s->run.started = (uint64_t)time(NULL);
	s->run.volume_dev = s->mounts.dev;
	kind = guest_init_kind(s->mounts.root_fd);
	if (kind == GUEST_INIT_NONE && !s->hold)
		return berth_error_set(
			err, BERTH_ERR_BAD_TEMPLATE, ENOENT,
			"CT %u: there is no /sbin/init to run in its root; repair it: "
			"berth mount %u",
			s->w->ctid, s->w->ctid);
	s->run.stop_signal = s->hold ? 0 : guest_init_stop_signal(kind);
	s->run.notifies = kind == GUEST_INIT_SYSTEMD && !s->hold;
	r = boot_id_read(s->run.boot_id);
	if (r == 0)
		r = pidref_get(s->child.pid, &s->run.init);
	if (r == 0)
		r = pidref_get(getpid(), &s->run.monitor);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: identify its init", s->w->ctid);
	return write_state(s, err);
}

static void undo_state(void *ctx)
{
	struct start *s = ctx;

	(void)unlinkat(s->run_fd, "state", 0);
}

static int step_go(void *ctx, struct berth_error *err)
{
	struct start *s = ctx;
	int r = launch_go(&s->spec, &s->child, err);

	if (r < 0)
		return r;
	s->run.launched = true;
	return write_state(s, err);
}

/* ---- the plan ---- */

static const struct plan_step beside[] = {
	{"lower", step_lower, NULL},   {"cgroup", step_cgroup, undo_cgroup},
	{"limits", step_limits, NULL}, {"filter", step_filter, NULL},
	{"look", step_look, NULL},     {"netns", step_netns, NULL},
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
	{"clone", step_clone, undo_clone},
	/* While init makes its mounts: */
	{"verify", step_verify, NULL},
	{"network", step_network, undo_network},
	{"monitor", step_monitor, undo_monitor},
	{"state", step_state, undo_state},
	{"files", step_files, NULL}, /* init is to find them */
	{"go", step_go, NULL},
};
static const struct plan plan = PLAN("start", steps);

PLAN_POINTS(plan);

int op_start(struct worker *w, struct berth_error *err)
{
	struct start s = {.w = w, .run_fd = -EBADF, .pts_fd = -EBADF, .listen_fd = -EBADF};
	char pid[16];
	int r;

	for (int i = 0; i < w->n_args; i++) {
		s.hold = s.hold || strcmp(w->args[i], "hold") == 0;
		s.old = s.old || strcmp(w->args[i], "old") == 0;
	}
	ct_mounts_init(&s.mounts);
	(void)sem_init(&s.lower_made, 0, 0);
	r = plan_run(&plan, &s, err);
	if (r < 0)
		return r;
	(void)snprintf(pid, sizeof(pid), "%d", s.child.pid);
	report_result("init_pid", pid);
	return become_monitor(w,
			      &(struct become){
				      .run_fd = s.run_fd,
				      .listen_fd = s.listen_fd,
				      .init_pid = s.child.pid,
				      .init_pidfd = s.child.pidfd,
				      .console_fd = s.child.console_fd,
				      .devpts_fd = s.child.devpts_fd,
				      .notify_fd = s.child.notify_fd,
				      .kit = &s.kit,
				      .is_parent = true,
			      },
			      err);
}
