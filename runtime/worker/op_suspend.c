/*
 * op_suspend.c - a CT's processes go into images in its private area. Until the images are complete, and called
 * so on disk (the commit), everything can be taken back, and the CT goes on with its connections; from there on it
 * is suspended, whoever dies.
 */
#include "netsetup/net.h"
#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/config/param.h"
#include "runtime/ct/mounted.h"
#include "runtime/ct/plan.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/store.h"
#include "runtime/launch/launch.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"
#include "runtime/worker/suspend.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>

enum {
	CRIU_MS = 20000, /* the CT is frozen: no longer than that without progress */
	VISIT_MS = 10000,
	INIT_END_MS = 60000,
	TRIES = 3,
	PAUSE_US = 300000
};

int suspend_fail(const struct suspend *s, int r, const char *what, struct berth_error *err)
{
	return berth_error_sys(err, r, "CT %u: suspend: %s", s->w->ctid, what);
}

/* ---- before it is frozen ---- */

/* What is in effect, which may be another config than the saved one. */
static int load_live(struct suspend *s, struct berth_error *err)
{
	struct worker *w = s->w;
	struct conf_file *started = NULL;
	int r = store_live_load(&w->paths, w->ctid, &s->conf, err);

	/* What was set since for the next start is not. */
	if (r == 0)
		r = store_old_load(&w->paths, w->ctid, &started, err);
	if (r == 0)
		r = param_keep_started(s->conf, started, err);
	conf_free(started);
	if (r == 0)
		r = ct_config_from(s->conf, w->host_conf, &s->config, err);
	if (r == 0)
		r = spec_net(w->ctid, &s->config, &w->host, w->paths.root, s->addrs, &s->net, err);
	return r;
}

int suspend_look(struct suspend *s, struct berth_error *err)
{
	int r = worker_facts(s->w, &s->facts, err);

	if (r < 0)
		return r;
	r = ct_run_load(&s->w->paths, s->w->ctid, &s->run, &s->booted);
	if (r < 0 || !s->run.launched)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH, "CT %u does not run",
				       s->w->ctid);
	s->init_pidfd = pidref_open(&s->run.init);
	if (s->init_pidfd < 0)
		return suspend_fail(s, s->init_pidfd, "open its init", err);
	r = worker_private_dir(s->w, err);
	if (r >= 0)
		r = worker_ct_dir(s->w, err);
	if (r >= 0)
		r = worker_cg_open(s->w, &s->cg, err);
	return r < 0 ? r : load_live(s, err);
}

static int step_look(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	int r = suspend_look(s, err);

	return r < 0 ? r : criu_find(s->w, s->program, err);
}

/* What it opens there is the tenant's, and may never answer: so not here, and not when the CT is frozen. */
int suspend_visit(struct suspend *s, int (*fn)(void *, int *, struct berth_error *), int *ret_fd,
		  struct berth_error *err)
{
	struct cg_attach exec;
	int r = cg_ct_attach(s->cg, s->w->ctid, true, &exec, err);

	if (r < 0)
		return r;
	r = launch_visit(&(struct launch_visit){.init_pidfd = s->init_pidfd,
						.cgroup = &exec,
						.timeout_ms = VISIT_MS,
						.fn = fn},
			 ret_fd, err);
	cg_attach_close(&exec);
	if (r < 0)
		berth_error_name_ct(err, s->w->ctid);
	return r;
}

/* A devpts answers, whoever looks at it. */
int suspend_open_console(void *data, int *ret_fd, struct berth_error *err)
{
	auto_close int fd = open("/dev/console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;

	(void)data;
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return berth_error_sys(err, errno, "suspend: look at its /dev/console");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				       "suspend: its /dev/console is not the one that berth made: "
				       "unmount in it what covers that");
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The console as CRIU names it: the device, and the file system that its node is on. */
static int step_console(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	auto_close int fd = -EBADF;
	struct stat st;
	int r = suspend_visit(s, suspend_open_console, &fd, err);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return suspend_fail(s, errno, "look at its console", err);
	(void)snprintf(s->tty, sizeof(s->tty), "tty[%lx:%lx]", (unsigned long)st.st_rdev,
		       (unsigned long)st.st_dev);
	return 0;
}

int suspend_open_root(void *data, int *ret_fd, struct berth_error *err)
{
	auto_close int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	(void)data;
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return berth_error_sys(err, errno, "suspend: look at its root");
	if (fs.f_type != OVERLAYFS_SUPER_MAGIC && volume_of_mount(fd) == NULL)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				       "suspend: its root is not the one that berth made: unmount "
				       "in it what covers that");
	*ret_fd = take_fd(&fd);
	return 0;
}

/*
 * Of its own file system: images without what the processes have written would be of a disk that never was, after a
 * power cut. An error since volume_fd was opened is told here, too (syncfs(2)).
 */
static int flush(struct suspend *s, struct berth_error *err)
{
	int r = FAULT_STEP("suspend.flush", err);

	if (r == 0 && syncfs(s->volume_fd) < 0)
		r = suspend_fail(s, errno, "flush its disk", err);
	return r;
}

/* Most of it while it runs: what is left for the time when it is frozen is little. */
static int step_flush(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	int r = s->volume_fd = ct_mounted_volume_open(&s->w->paths, s->w->ctid, &s->run.monitor);

	if (r <
	    0) /* a monitor that took over from a killed one has it not; its overlay flushes it */
		r = suspend_visit(s, suspend_open_root, &s->volume_fd, err);
	return r < 0 ? r : flush(s, err);
}

/*
 * CRIU writes its images, and later reads them as the CT's root, which must not write what berth goes by: so these are
 * in a folder of their own.
 */
static int make_folders(struct suspend *s)
{
	int r = tree_remove_at(s->w->private_fd, DUMP_NEW);

	if (r == 0 && mkdirat(s->w->private_fd, DUMP_NEW, 0700) < 0)
		r = -errno;
	if (r == 0)
		r = s->dump_fd = dir_open_at(s->w->private_fd, DUMP_NEW);
	if (r >= 0 && mkdirat(s->dump_fd, DUMP_IMAGES, 0700) < 0)
		r = -errno;
	if (r >= 0)
		r = s->images_fd = dir_open_at(s->dump_fd, DUMP_IMAGES);
	if (r >= 0 && fchown(s->images_fd, s->facts.id_base, s->facts.id_base) < 0)
		r = -errno;
	return r;
}

static int step_folder(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	int r = make_folders(s);

	if (r < 0)
		(void)suspend_fail(s, r, "make " DUMP_NEW " in its private area", err);
	else
		r = store_suspended_save(s->w->ctid, s->dump_fd, s->conf, err);
	if (r >= 0)
		return 0;
	/* The step that failed is not undone. */
	fd_close(&s->images_fd);
	fd_close(&s->dump_fd);
	(void)tree_remove_at(s->w->private_fd, DUMP_NEW);
	return r;
}

static void undo_folder(void *ctx)
{
	struct suspend *s = ctx;

	fd_close(&s->images_fd);
	fd_close(&s->dump_fd);
	if (!s->stuck)
		(void)tree_remove_at(s->w->private_fd, DUMP_NEW);
}

/* For the worker that comes after a dead one: the dumper goes on by itself, and freezes what it found frozen. */
static int note_dumper(struct suspend *s, struct berth_error *err)
{
	int r = criu_note(s->w, DUMPER_FILE, s->criu.pid);

	return r < 0 ? suspend_fail(s, r, "note its dumper", err) : 0;
}

/* Bytes that images may take: what is free on the host's disk, less what is the host's own. */
static int room(const struct suspend *s, int dir, uint64_t *ret)
{
	struct statvfs vfs;
	uint64_t avail, reserve;

	if (fstatvfs(dir, &vfs) < 0)
		return -errno;
	avail = vfs.f_bavail * vfs.f_frsize;
	reserve = host_space_reserve(&s->w->host, vfs.f_blocks * vfs.f_frsize);
	*ret = avail > reserve ? avail - reserve : 0;
	return 0;
}

static int step_criu(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	const char *const argv[] = {s->program, "swrk", "3", NULL};
	const char *const probe[] = {s->program, "check", NULL};
	struct launch_dumper d = {.init_pidfd = s->init_pidfd,
				  .id_base = s->facts.id_base,
				  .probe = probe,
				  .argv = argv};
	int sv[2], r = room(s, s->images_fd, &d.file_max);

	if (r < 0)
		return suspend_fail(s, r, "look for free space in its private area", err);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return suspend_fail(s, errno, "socketpair", err);
	d.sock = sv[1];
	r = launch_dumper(&d, &s->criu.pid, err);
	(void)close(sv[1]);
	s->criu.sock = sv[0];
	if (r == 0)
		r = criu_greet(&s->criu, err);
	if (r == 0)
		r = note_dumper(s, err);
	if (r < 0) {
		criu_end(&s->criu);
		berth_error_name_ct(err, s->w->ctid);
	}
	return r;
}

static void undo_criu(void *ctx)
{
	struct suspend *s = ctx;

	criu_end(&s->criu);
	(void)unlinkat(s->w->ct_fd, DUMPER_FILE, 0);
}

/* ---- frozen ---- */

static int step_freeze(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;

	return cg_ct_freeze(s->cg, s->w->ctid, true, err);
}

/* It is neither running nor suspended: said, and tried again by a worker that comes later. */
static void not_taken_back(struct suspend *s, const struct berth_error *why)
{
	s->stuck = true;
	log_line(LOG_LV_ERROR, s->w->ctid, "suspend: it cannot be taken back yet: %s", why->msg);
}

static void undo_freeze(void *ctx)
{
	struct suspend *s = ctx;
	struct berth_error why = {0};

	if (!s->committed && suspend_thaw(s, &why) < 0)
		not_taken_back(s, &why);
}

static int step_hold(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;

	return net_ct_hold(&s->net, true, err);
}

static void undo_hold(void *ctx)
{
	struct suspend *s = ctx;
	struct berth_error why = {0};

	if (!s->committed && net_ct_hold(&s->net, false, &why) < 0)
		not_taken_back(s, &why);
}

static int step_save(void *ctx, struct berth_error *err)
{
	return suspend_save(ctx, err);
}

/* While it runs: what cannot be carried is no reason to freeze it. */
static int step_network(void *ctx, struct berth_error *err)
{
	return suspend_save_network(ctx, true, err);
}

/* CRIU has read all, holds every process, and waits for the word. It has thawed the cgroup. */
static int commit(struct suspend *s, struct berth_error *err)
{
	char text[RECORD_SIZE_MAX];
	int r = cg_ct_freeze(s->cg, s->w->ctid, true, err);

	if (r < 0)
		return r;
	r = FAULT_STEP("suspend.frozen_again", err);
	if (r == 0)
		r = flush(s, err);
	if (r < 0)
		return r;
	r = checkpoint_record_format(&s->record, text, sizeof(text));
	if (r == 0)
		r = file_replace_at(s->dump_fd, DUMP_RECORD, text, strlen(text), 0600, true);
	if (r == 0)
		r = dir_flush(s->images_fd);
	if (r == 0)
		r = dir_flush(s->dump_fd);
	if (r < 0)
		return suspend_fail(s, r, "write the images", err);
	r = FAULT_STEP("suspend.commit", err);
	if (r < 0)
		return r;
	r = tree_remove_at(s->w->private_fd, DUMP_DIR);
	if (r == 0 && renameat(s->w->private_fd, DUMP_NEW, s->w->private_fd, DUMP_DIR) < 0)
		r = -errno;
	if (r < 0)
		return suspend_fail(s, r, "name the images", err);
	s->committed = true;
	if (fsync(s->w->private_fd) < 0)
		log_line(LOG_LV_WARNING, s->w->ctid,
			 "suspend: after a power cut it may not be suspended: fsync: %s",
			 strerror(errno));
	(void)FAULT_POINT("suspend.committed");
	return 0;
}

static int on_moment(const char *moment, pid_t pid, void *data)
{
	struct suspend *s = data;

	(void)pid;
	if (strcmp(moment, "post-dump") != 0)
		return 0;
	return commit(s, &s->moment);
}

/* Bytes of the images so far. Each that is more is told to berthd, which ends a worker that does nothing. */
static uint64_t images_size(void *data)
{
	struct suspend *s = data;
	auto_closedir DIR *d = dir_stream_at(s->images_fd, ".");
	uint64_t sum = 0;
	struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (fstatat(s->images_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	if (sum > s->saved)
		report_progress("saving its memory",
				sum >= s->memory ? 99 : (int)(sum * 99 / s->memory));
	s->saved = sum;
	return sum;
}

/* One CT's memory is not to fill the host's disk under all others. */
int suspend_room(struct suspend *s, int dir, struct berth_error *err)
{
	uint64_t need, have;
	int r = criu_memory_of(s->cg, s->w->ctid, &need, err);

	if (r < 0)
		return r;
	r = room(s, dir, &have);
	if (r < 0)
		return suspend_fail(s, r, "look for free space in its private area", err);
	s->memory = need;
	if (need <= have)
		return 0;
	return berth_error_set(err, BERTH_ERR_NO_SPACE, ENOSPC,
			       "CT %u: suspend: its memory takes %llu MiB, and %.80s has %llu MiB "
			       "free beside the host's reserve (SPACE_RESERVE in berth.conf(5)); "
			       "free some",
			       s->w->ctid, (unsigned long long)(need >> 20), s->w->paths.lib,
			       (unsigned long long)(have >> 20));
}

static int step_room(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;

	return suspend_room(s, s->images_fd, err);
}

/* What takes long, or filled the disk, would do so again, with the CT frozen all the while. */
static bool is_worth_another(const struct suspend *s, const struct berth_error *why)
{
	uint64_t have;

	return why->code != BERTH_ERR_TIMEOUT && room(s, s->images_fd, &have) == 0 && have > 0;
}

static int find_cgroup(struct suspend *s)
{
	auto_close int dir = cg_ct_dir(s->cg, s->w->ctid);
	char link[32];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = dir < 0 ? -1 : readlink(link, s->cgroup, sizeof(s->cgroup) - 1);
	if (n < 0)
		return -errno;
	s->cgroup[n] = '\0';
	return 0;
}

static int step_dump(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	struct berth_error why;
	struct criu_order o = {.images_fd = s->images_fd,
			       .log_name = DUMP_LOG,
			       .unprivileged = true,
			       .pid = s->run.init.pid,
			       .freeze_cgroup = s->cgroup,
			       .progress = images_size};
	int r;

	r = find_cgroup(s);
	if (r < 0)
		return suspend_fail(s, r, "find its cgroup", err);
	criu_externals(&o, false, s->tty);
	r = criu_run(&s->criu, &o, CRIU_DUMP, on_moment, s, CRIU_MS, NULL, &why);
	if (s->committed)
		return 0; /* whatever comes of its end */
	criu_end(&s->criu); /* nothing is taken back under its hands */
	if (r == 0)
		return berth_error_set(err, BERTH_ERR_HELPER, EIO,
				       "CT %u: suspend: criu ended without asking", s->w->ctid);
	if (s->moment.sys != 0) {
		*err = s->moment;
		return -s->moment.sys;
	}
	s->dump_failed = is_worth_another(s, &why);
	return criu_failed(s->w, "suspend", s->images_fd, DUMP_LOG, &why, err);
}

/* Past the commit nothing is undone: what does not end by itself is ended. */
static int step_end(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;

	(void)err;
	undo_criu(s);
	if (fd_wait(s->init_pidfd, POLLIN, 0) != 1)
		(void)cg_ct_kill(s->cg, s->w->ctid, NULL);
	if (fd_wait(s->init_pidfd, POLLIN, INIT_END_MS) != 1)
		log_line(LOG_LV_WARNING, s->w->ctid, "suspend: its init does not end");
	return 0;
}

static const struct plan_step steps[] = {
	{"look", step_look, NULL},
	{"folder", step_folder, undo_folder},
	{"criu", step_criu, undo_criu},
	{"room", step_room, NULL},
	{"console", step_console, NULL},
	{"network", step_network, NULL},
	{"flush", step_flush, NULL},
	{"hold", step_hold, undo_hold},
	{"freeze", step_freeze, undo_freeze},
	{"save", step_save, NULL},
	{"dump", step_dump, NULL},
	{"killed", step_end, NULL},
};
static const struct plan plan = PLAN("suspend", steps);

PLAN_POINTS(plan);

int op_suspend(struct worker *w, struct berth_error *err)
{
	int r = -ECANCELED;

	if (worker_has_word(w, "finish")) {
		struct suspend s = {.w = w, .init_pidfd = -EBADF};

		return suspend_finish(&s, err);
	}
	/* What was in the way may be gone a moment later: an unread message, a process in its first steps. */
	for (int i = 0; i < TRIES; i++) {
		struct suspend s = {.w = w,
				    .init_pidfd = -EBADF,
				    .dump_fd = -EBADF,
				    .images_fd = -EBADF,
				    .volume_fd = -EBADF,
				    .criu.sock = -EBADF};
		struct berth_error why = {0};

		r = plan_run(&plan, &s, &why);
		if (r < 0)
			*err = why;
		fd_close(&s.volume_fd);
		fd_close(&s.init_pidfd);
		cg_host_free(s.cg);
		conf_free(s.conf);
		if (r == 0 || !s.dump_failed || s.stuck)
			break;
		clock_pause_us(PAUSE_US);
	}
	return r;
}
