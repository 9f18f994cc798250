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
#include "runtime/base/parse.h"
#include "runtime/checkpoint/mend.h"
#include "runtime/ct/look.h"
#include "runtime/ct/mounted.h"
#include "runtime/ct/plan.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/store.h"
#include "runtime/launch/launch.h"
#include "runtime/storage/volume.h"
#include "runtime/worker/criu_run.h"
#include "runtime/worker/guest_net.h"

#include "cgroups/tree.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>

enum {
	CRIU_MS = 120000,
	VISIT_MS = 10000,
	INIT_END_MS = 60000,
	ORPHAN_MS = 30000, /* until a dumper whose worker died has let go by itself */
	KILLED_MS = 10000,
	TRIES = 3,
	PAUSE_US = 300000
};

struct suspend {
	struct worker *w;
	struct ct_facts facts;
	struct ct_run run;
	bool booted;
	int init_pidfd;
	struct cg_host *cg;
	struct ct_config config;
	struct conf_file *conf; /* what is in effect */
	struct net_addr addrs[CT_ADDR_MAX];
	struct net_ct net;
	char cgroup[BERTH_PATH_MAX], program[BERTH_PATH_MAX], tty[64];
	int dump_fd; /* the host's root's own */
	int images_fd; /* CRIU's, in it */
	int volume_fd; /* on the CT's own disk, for flush */
	struct criu criu;
	struct checkpoint_record record;
	bool committed;
	bool stuck; /* not all could be taken back: DUMP_NEW stays, so that it is tried again */
	bool dump_failed; /* CRIU could not, for a reason of the CT's */
	struct berth_error moment; /* why a moment was refused */
};

static int fail(const struct suspend *s, int r, const char *what, struct berth_error *err)
{
	return berth_error_sys(err, r, "CT %u: suspend: %s", s->w->ctid, what);
}

/* ---- before it is frozen ---- */

/* What is in effect, which may be another config than the saved one. */
static int load_live(struct suspend *s, struct berth_error *err)
{
	struct worker *w = s->w;
	int r = store_live_load(&w->paths, w->ctid, &s->conf, err);

	if (r == 0)
		r = ct_config_from(s->conf, w->host_conf, &s->config, err);
	if (r == 0)
		r = spec_net(w->ctid, &s->config, &w->host, w->paths.root, s->addrs, &s->net, err);
	return r;
}

static int step_look(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	int r = worker_facts(s->w, &s->facts, err);

	if (r < 0)
		return r;
	r = ct_run_load(&s->w->paths, s->w->ctid, &s->run, &s->booted);
	if (r < 0 || !s->run.launched)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH, "CT %u does not run",
				       s->w->ctid);
	s->init_pidfd = pidref_open(&s->run.init);
	if (s->init_pidfd < 0)
		return fail(s, s->init_pidfd, "open its init", err);
	r = worker_private_dir(s->w, err);
	if (r >= 0)
		r = worker_ct_dir(s->w, err);
	if (r >= 0)
		r = worker_cg_open(s->w, &s->cg, err);
	if (r >= 0)
		r = load_live(s, err);
	return r < 0 ? r : criu_find(s->w, s->program, err);
}

/* What it opens there is the tenant's, and may never answer: so not here, and not when the CT is frozen. */
static int visit(struct suspend *s, int (*fn)(void *, int *, struct berth_error *), int *ret_fd,
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
static int open_console(void *data, int *ret_fd, struct berth_error *err)
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
	int r = visit(s, open_console, &fd, err);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return fail(s, errno, "look at its console", err);
	(void)snprintf(s->tty, sizeof(s->tty), "tty[%lx:%lx]", (unsigned long)st.st_rdev,
		       (unsigned long)st.st_dev);
	return 0;
}

static int open_root(void *data, int *ret_fd, struct berth_error *err)
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
		r = fail(s, errno, "flush its disk", err);
	return r;
}

/* Most of it while it runs: what is left for the time when it is frozen is little. */
static int step_flush(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	int r = s->volume_fd = ct_mounted_volume_open(&s->w->paths, s->w->ctid, &s->run.monitor);

	if (r <
	    0) /* a monitor that took over from a killed one has it not; its overlay flushes it */
		r = visit(s, open_root, &s->volume_fd, err);
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
		(void)fail(s, r, "make " DUMP_NEW " in its private area", err);
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
	struct pidref ref;
	char text[64];
	int r = pidref_get(s->criu.pid, &ref);

	if (r == 0) {
		(void)snprintf(text, sizeof(text), "%d %llu\n", ref.pid,
			       (unsigned long long)ref.start_time);
		r = file_replace_at(s->w->ct_fd, DUMPER_FILE, text, strlen(text), 0600, false);
	}
	return r < 0 ? fail(s, r, "note its dumper", err) : 0;
}

static int step_criu(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	const char *const argv[] = {s->program, "swrk", "3", NULL};
	struct launch_dumper d = {
		.init_pidfd = s->init_pidfd, .id_base = s->facts.id_base, .argv = argv};
	int sv[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return fail(s, errno, "socketpair", err);
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

/* Sockets first: one in repair mode resets its connection when a packet comes. */
static int thaw(struct suspend *s, struct berth_error *err)
{
	auto_close int dir = cg_ct_dir(s->cg, s->w->ctid);
	struct cg_tree_pids pids = {0};
	int r = dir < 0 ? dir : cg_tree_processes(dir, &pids);

	for (size_t i = 0; r == 0 && i < pids.n; i++)
		if (mend_sockets(pids.v[i].pid) > 0)
			log_line(LOG_LV_WARNING, s->w->ctid,
				 "process %d had sockets in repair mode", pids.v[i].pid);
	free(pids.v);
	if (r < 0)
		log_line(LOG_LV_WARNING, s->w->ctid,
			 "suspend: sockets of its processes may be in repair mode: %s",
			 strerror(-r));
	r = FAULT_STEP("suspend.thaw.undo", err);
	return r < 0 ? r : cg_ct_freeze(s->cg, s->w->ctid, false, err);
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

	if (!s->committed && thaw(s, &why) < 0)
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

/* As the CT sees them: one that was resumed before is ahead of the host, or behind it. */
static int save_clocks(struct suspend *s)
{
	char path[64];
	auto_free char *offsets = NULL;
	int64_t monotonic = 0, boottime = 0;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/timens_offsets", s->run.init.pid);
	r = file_read_at(AT_FDCWD, path, 4096, &offsets, NULL);
	if (r == 0)
		r = checkpoint_offsets_parse(offsets, &monotonic, &boottime);
	if (r < 0 && r != -ENOENT) /* a kernel without time namespaces */
		return r;
	s->record.monotonic = clock_monotonic_ns() + (uint64_t)monotonic;
	s->record.boottime = clock_boottime_ns() + (uint64_t)boottime;
	return 0;
}

static int save_cgroups(struct suspend *s)
{
	auto_close int dir = cg_ct_dir(s->cg, s->w->ctid);
	auto_close int inner = dir < 0 ? dir : dir_open_at(dir, "inner");
	auto_free char *text = NULL;
	size_t len = 0;
	FILE *out;
	int r;

	if (inner < 0)
		return inner;
	out = open_memstream(&text, &len);
	if (out == NULL)
		return -ENOMEM;
	r = cg_tree_save(inner, s->facts.id_base, out);
	if (fclose(out) != 0 && r == 0)
		r = -ENOMEM;
	return r < 0 ? r : file_replace_at(s->dump_fd, DUMP_CGROUPS, text, len, 0600, true);
}

/* The one in its UTS namespace: that may be another by now than the config's. Nothing is done there but to ask. */
static int save_hostname(struct suspend *s)
{
	auto_close int own = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (own < 0 || setns(s->init_pidfd, CLONE_NEWUTS) < 0)
		return -errno;
	if (gethostname(s->record.hostname, sizeof(s->record.hostname)) < 0)
		r = -errno;
	return setns(own, CLONE_NEWUTS) < 0 ? -errno : r;
}

/* Not in the images: berth makes the CT's network itself. */
static int save_network(struct suspend *s, struct berth_error *err)
{
	char path[64];
	auto_close int userns = -EBADF, netns = -EBADF;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", s->run.init.pid);
	userns = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", s->run.init.pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (userns < 0 || netns < 0)
		return fail(s, errno, "open its namespaces", err);
	return guest_net_save(s->w->ctid, userns, netns, s->dump_fd, &s->net, err);
}

static int step_save(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	struct utsname uts;
	int r = save_cgroups(s);

	if (r < 0)
		return fail(s, r, "save its cgroups", err);
	r = save_network(s, err);
	if (r < 0)
		return r;
	(void)uname(&uts);
	s->record.init = s->run.init;
	s->record.id_base = s->facts.id_base;
	s->record.started = s->run.started;
	s->record.stop_signal = s->run.stop_signal;
	s->record.notifies = s->run.notifies;
	s->record.booted = s->booted;
	memcpy(s->record.stop_command, s->run.stop_command, sizeof(s->record.stop_command));
	memcpy(s->record.uuid, s->facts.uuid, sizeof(s->record.uuid));
	memcpy(s->record.boot_id, s->run.boot_id, sizeof(s->record.boot_id));
	(void)snprintf(s->record.kernel, sizeof(s->record.kernel), "%s", uts.release);
	(void)snprintf(s->record.tty, sizeof(s->record.tty), "%s", s->tty);
	r = save_hostname(s);
	if (r == 0)
		r = save_clocks(s);
	if (r < 0)
		return fail(s, r, "save its clocks", err);
	r = volume_mounts(volume_driver_find(s->facts.driver), s->w->private_fd, &s->record.mounts,
			  err);
	s->record.mounts_tried = s->record.mounts;
	return r;
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
	if (r == 0 && syncfs(s->images_fd) < 0)
		r = -errno;
	if (r < 0)
		return fail(s, r, "write the images", err);
	r = FAULT_STEP("suspend.commit", err);
	if (r < 0)
		return r;
	r = tree_remove_at(s->w->private_fd, DUMP_DIR);
	if (r == 0 && renameat(s->w->private_fd, DUMP_NEW, s->w->private_fd, DUMP_DIR) < 0)
		r = -errno;
	if (r < 0)
		return fail(s, r, "name the images", err);
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

/* Bytes of the images so far. */
static uint64_t images_size(void *data)
{
	const struct suspend *s = data;
	auto_closedir DIR *d = dir_stream_at(s->images_fd, ".");
	uint64_t sum = 0;
	struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (fstatat(s->images_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	return sum;
}

/* Bytes that images may take: what is free on the host's disk, less what is the host's own. */
static int room(const struct suspend *s, uint64_t *ret)
{
	struct statvfs vfs;
	uint64_t avail, reserve;

	if (fstatvfs(s->images_fd, &vfs) < 0)
		return -errno;
	avail = vfs.f_bavail * vfs.f_frsize;
	reserve = host_space_reserve(&s->w->host, vfs.f_blocks * vfs.f_frsize);
	*ret = avail > reserve ? avail - reserve : 0;
	return 0;
}

/* Its memory but for what the kernel only keeps of files; all of it where the kernel does not tell them apart. */
static int memory_to_save(struct suspend *s, uint64_t *ret, struct berth_error *err)
{
	auto_close int dir = cg_ct_dir(s->cg, s->w->ctid);
	auto_free char *text = NULL;
	uint64_t anon, shmem;
	struct cg_stat st;
	int r = cg_ct_stat_some(s->cg, s->w->ctid, CG_STAT_MEMORY | CG_STAT_SWAP, &st, err);

	if (r < 0)
		return r;
	*ret = st.memory + st.swap;
	if (dir >= 0 && file_read_at(dir, "memory.stat", 1 << 16, &text, NULL) == 0 &&
	    cg_parse_key(text, "anon", &anon) == 0 && cg_parse_key(text, "shmem", &shmem) == 0)
		*ret = anon + shmem + st.swap;
	return 0;
}

/* One CT's memory is not to fill the host's disk under all others. */
static int step_room(void *ctx, struct berth_error *err)
{
	struct suspend *s = ctx;
	uint64_t need, have;
	int r = memory_to_save(s, &need, err);

	if (r < 0)
		return r;
	r = room(s, &have);
	if (r < 0)
		return fail(s, r, "look for free space in its private area", err);
	if (need <= have)
		return 0;
	return berth_error_set(err, BERTH_ERR_NO_SPACE, ENOSPC,
			       "CT %u: suspend: its memory takes %llu MiB, and %.80s has %llu MiB "
			       "free beside the host's reserve (SPACE_RESERVE in berth.conf(5)); "
			       "free some",
			       s->w->ctid, (unsigned long long)(need >> 20), s->w->paths.lib,
			       (unsigned long long)(have >> 20));
}

/* What takes long, or filled the disk, would do so again, with the CT frozen all the while. */
static bool is_worth_another(const struct suspend *s, const struct berth_error *why)
{
	uint64_t have;

	return why->code != BERTH_ERR_TIMEOUT && room(s, &have) == 0 && have > 0;
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
		return fail(s, r, "find its cgroup", err);
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
	{"look", step_look, NULL},	 {"folder", step_folder, undo_folder},
	{"criu", step_criu, undo_criu},	 {"room", step_room, NULL},
	{"console", step_console, NULL}, {"flush", step_flush, NULL},
	{"hold", step_hold, undo_hold},	 {"freeze", step_freeze, undo_freeze},
	{"save", step_save, NULL},	 {"dump", step_dump, NULL},
	{"killed", step_end, NULL},
};
static const struct plan plan = PLAN("suspend", steps);

PLAN_POINTS(plan);

/* ---- after a worker that died in the middle ---- */

/* Was left by a worker that died: 0 and an open pidfd, or -ESRCH for none that still runs. */
static int find_dumper(struct suspend *s)
{
	char text[64];
	const char *at = text;
	uint64_t pid, start;
	int r = file_read_line_at(s->w->ct_fd, DUMPER_FILE, text, sizeof(text));

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	if (parse_next(&at, "", 10, &pid) < 0 || parse_next(&at, " ", 10, &start) < 0 ||
	    pid > INT32_MAX)
		return -EBADMSG;
	return pidref_open(&(struct pidref){.pid = (pid_t)pid, .start_time = start});
}

/*
 * It lets go by itself when it next speaks to its worker, which is the gentle way; and until it has ended it may
 * freeze the CT once more. One that writes for ever is killed.
 */
static int end_dumper(struct suspend *s, struct berth_error *err)
{
	auto_close int pidfd = find_dumper(s);

	if (pidfd == -ESRCH)
		return 0;
	if (pidfd < 0)
		return fail(s, pidfd, "find the criu of a worker that died", err);
	if (fd_wait(pidfd, POLLIN, ORPHAN_MS) == 1)
		return 0;
	log_line(LOG_LV_WARNING, s->w->ctid,
		 "suspend: the criu of a worker that died goes on: it is killed");
	(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	if (fd_wait(pidfd, POLLIN, KILLED_MS) == 1)
		return 0;
	return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
			       "CT %u: suspend: the criu of a worker that died does not end",
			       s->w->ctid);
}

/* Of what runs: no config and no CRIU is needed to let it go. */
static int look_again(struct suspend *s, struct berth_error *err)
{
	struct worker *w = s->w;
	const struct ct_config none = {0};
	int r = ct_run_load(&w->paths, w->ctid, &s->run, &s->booted);

	if (r < 0 || !s->run.launched)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH, "CT %u does not run",
				       w->ctid);
	return spec_net(w->ctid, &none, &w->host, w->paths.root, s->addrs, &s->net, err);
}

/* The CT lives, and goes on: of a suspend that is taken back, or of a resume behind its commit. */
static int take_back(struct suspend *s, struct berth_error *err)
{
	int r = thaw(s, err);

	if (r == 0)
		r = net_ct_hold(&s->net, false, err);
	if (r < 0)
		return r;
	(void)unlinkat(s->w->ct_fd, DUMPER_FILE, 0);
	(void)tree_remove_at(s->w->private_fd, DUMP_NEW);
	(void)tree_remove_at(s->w->private_fd, DUMP_DIR);
	return berth_error_set(err, BERTH_ERR_HELPER, ECANCELED,
			       "CT %u: suspend: it was cut short and taken back: the CT goes on",
			       s->w->ctid);
}

/* What is committed stands: the cleanup, which comes next, ends what is left of the CT. */
static int finish(struct suspend *s, struct berth_error *err)
{
	struct worker *w = s->w;
	enum evidence_found found;
	int r = worker_cg_open(w, &s->cg, err);

	if (r >= 0)
		r = worker_private_dir(w, err);
	if (r >= 0)
		r = worker_ct_dir(w, err);
	if (r >= 0)
		r = end_dumper(s, err);
	if (r < 0)
		return r;
	found = ct_look(&w->paths, s->cg, w->ctid, NULL, err);
	if (evidence_allows(found) && ct_is_suspended(&w->paths, w->ctid))
		return 0;
	r = look_again(s, err);
	return r < 0 ? r : take_back(s, err);
}

int op_suspend(struct worker *w, struct berth_error *err)
{
	int r = -ECANCELED;

	if (worker_has_word(w, "finish")) {
		struct suspend s = {.w = w, .init_pidfd = -EBADF};

		return finish(&s, err);
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
