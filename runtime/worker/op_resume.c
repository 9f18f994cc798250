/* op_resume.c - a suspended CT goes on where it was: the way up with CRIU as the one who makes init. */
#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/checkpoint/images.h"
#include "runtime/checkpoint/mend.h"
#include "runtime/checkpoint/sharing.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/store.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"
#include "runtime/worker/bring_up.h"
#include "runtime/worker/criu_run.h"
#include "runtime/worker/guest_net.h"
#include "runtime/worker/thread_filters.h"

#include "cgroups/tree.h"
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

enum {
	CRIU_MS = 120000,
	GO_TRIES = 10,
	GO_PAUSE_US = 200000,
	END_MS = 10000,
	VISIT_MS = 5000
};

struct resume {
	struct checkpoint_record record;
	int dump_fd, images_fd, cg_fd, inner_fd;
	char *cgroups; /* the text of the CT's tree */
	struct thread_filters filters;
	struct criu criu;
	uint64_t restored; /* bytes of memory */
	struct bring_up *b;
	pid_t pid; /* of its init, from the moment "post-restore" on */
	bool leaves; /* CRIU was about to let its processes go, and does not look at an answer any more */
	bool frozen; /* before it could */
	struct berth_error moment; /* why one was refused */
};

static int fail(const struct resume *s, int r, const char *what, struct berth_error *err)
{
	return berth_error_sys(err, r, "CT %u: resume: %s", s->b->w->ctid, what);
}

/* ---- the images ---- */

/* They were moved here with another range of ids, or put back by hand. */
static int own_images(const struct resume *s, uint32_t id)
{
	auto_closedir DIR *d = dir_stream_at(s->images_fd, ".");
	struct dirent *e;

	if (d == NULL)
		return -errno;
	while ((errno = 0, e = readdir(d)) != NULL)
		if (strcmp(e->d_name, "..") != 0 &&
		    fchownat(s->images_fd, e->d_name, id, id, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
	return -errno;
}

static int adopt_namespaces(const struct resume *s)
{
	auto_free char *inventory = NULL, *ids = NULL;
	size_t inventory_len, ids_len;
	uint8_t next[IMAGE_SMALL_MAX];
	ssize_t n;
	int r = file_read_at(s->images_fd, "inventory.img", IMAGE_SMALL_MAX, &inventory,
			     &inventory_len);

	if (r == 0)
		r = file_read_at(s->images_fd, "ids-1.img", IMAGE_SMALL_MAX, &ids, &ids_len);
	if (r < 0)
		return r;
	n = images_adopt_namespaces((const uint8_t *)inventory, inventory_len, (const uint8_t *)ids,
				    ids_len, next, sizeof(next));
	return n < 0 ? (int)n
		     : file_replace_at(s->images_fd, "inventory.img", next, (size_t)n, 0600, false);
}

static int take_images(struct resume *s, struct berth_error *err)
{
	int r = adopt_namespaces(s);

	if (r == 0)
		r = shares_mend_images(s->images_fd);
	if (r == 0)
		r = thread_filters_take(&s->filters, s->dump_fd, s->images_fd);
	if (r == 0)
		r = file_read_at(s->dump_fd, DUMP_CGROUPS, CG_TREE_TEXT_MAX, &s->cgroups, NULL);
	if (r == 0)
		r = own_images(s, s->b->facts.id_base);
	return r < 0 ? fail(s, r, "prepare its images", err) : 0;
}

static int load_tree(struct resume *s, enum cg_tree_part part, const struct cg_tree_pids *pids,
		     struct berth_error *err)
{
	char line[200] = "";
	int r = cg_tree_load(s->inner_fd, s->b->facts.id_base, s->cgroups, part, pids, line,
			     sizeof(line));

	return r < 0 ? berth_error_sys(err, r, "CT %u: resume: make its cgroups again, at '%s'",
				       s->b->w->ctid, line)
		     : 0;
}

/* ---- moments of the restore ---- */

/* READY=1 of its systemd goes to the monitor, which is another one now. Inside, as the CT's root. */
static int bind_notify(void *data, int *ret_fd, struct berth_error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/run/host/notify"};
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	(void)data;
	(void)unlink(addr.sun_path);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return berth_error_sys(err, errno, "make /run/host/notify");
	*ret_fd = take_fd(&fd);
	return 0;
}

static int place(struct resume *s, struct berth_error *err)
{
	struct cg_tree_pids pids;
	int r = cg_tree_processes(s->cg_fd, &pids);

	if (r < 0)
		(void)fail(s, r, "list its processes", err);
	else
		r = load_tree(s, CG_TREE_PROCESSES, &pids, err);
	for (size_t i = 0; r == 0 && i < pids.n; i++) {
		r = mend_timers(pids.v[i].pid);
		if (r < 0 && r != -ESRCH)
			(void)fail(s, r, "set its periodic timers", err);
		r = r == -ESRCH || r > 0 ? 0 : r;
	}
	free(pids.v);
	return r;
}

/* CRIU must go on when the CT is frozen; and from here on nothing of it is in the CT's way. */
static int place_all(struct resume *s, pid_t pid, struct berth_error *err)
{
	struct bring_up *b = s->b;
	auto_close int pidfd = pidfd_open(pid, 0);
	struct cg_attach exec = {.unified = -EBADF};
	struct launch_visit visit = {
		.init_pidfd = pidfd, .cgroup = &exec, .timeout_ms = VISIT_MS, .fn = bind_notify};
	int r = pidfd < 0 ? -errno : cg_take_out(b->cg, s->criu.pid);

	if (r < 0)
		return fail(s, r, "take criu out of its cgroup", err);
	s->pid = pid;
	r = place(s, err);
	if (r == 0)
		r = cg_ct_attach(b->cg, b->w->ctid, true, &exec, err);
	if (r == 0 && s->record.notifies) {
		struct berth_error why;

		if (launch_visit(&visit, &b->child.notify_fd, &why) < 0)
			log_line(LOG_LV_WARNING, b->w->ctid, "no notify socket: %s", why.msg);
	}
	cg_attach_close(&exec);
	if (r == 0)
		r = FAULT_STEP("resume.placed", err);
	return r;
}

/*
 * What is not frozen when CRIU lets go runs, and changes its disk: then these images fit no more. So they are not
 * said to fit again before it is.
 */
static int may_try_again(struct resume *s, bool may, struct berth_error *err)
{
	char text[RECORD_SIZE_MAX];
	struct checkpoint_record rec = s->record;
	int r;

	if (!may)
		rec.mounts_tried = rec.mounts;
	r = checkpoint_record_format(&rec, text, sizeof(text));
	if (r == 0)
		r = file_replace_at(s->dump_fd, DUMP_RECORD, text, strlen(text), 0600, true);
	return r < 0 ? fail(s, r, "write its record", err) : 0;
}

/* Its processes are made, and stand still in CRIU's hands: the last moment that CRIU takes a refusal at. */
static int on_made(struct resume *s, pid_t pid, struct berth_error *err)
{
	int r = place_all(s, pid, err);

	return r < 0 ? r : may_try_again(s, false, err);
}

/* CRIU takes no refusal any more: what cannot be frozen is ended before it is let go. */
static int on_leave(struct resume *s, struct berth_error *err)
{
	struct bring_up *b = s->b;
	int r = FAULT_STEP("resume.freeze", err);

	s->leaves = true;
	if (r == 0)
		r = cg_ct_freeze(b->cg, b->w->ctid, true, err);
	s->frozen = r == 0;
	if (r == 0)
		r = may_try_again(s, true, err);
	if (r < 0 && cg_ct_kill(b->cg, b->w->ctid, NULL) == 0)
		(void)may_try_again(s, true, NULL); /* it never ran */
	return r;
}

static int on_moment(const char *moment, pid_t pid, void *data)
{
	struct resume *s = data;

	if (strcmp(moment, "post-restore") == 0)
		return on_made(s, pid, &s->moment);
	return strcmp(moment, "pre-resume") == 0 ? on_leave(s, &s->moment) : 0;
}

/* ---- the ignition ---- */

/* What a clock of the CT has to be ahead of the host's, to go on where it was. */
static struct timespec ahead(uint64_t then, uint64_t now)
{
	int64_t diff = (int64_t)then - (int64_t)now;
	struct timespec t = {.tv_sec = diff / 1000000000, .tv_nsec = diff % 1000000000};

	if (t.tv_nsec < 0) {
		t.tv_nsec += 1000000000;
		t.tv_sec--;
	}
	return t;
}

static int start_criu(struct resume *s, struct berth_error *err)
{
	struct bring_up *b = s->b;
	char program[BERTH_PATH_MAX];
	const char *const argv[] = {program, "swrk", "3", NULL};
	const char *const probe[] = {program, "check", NULL};
	struct launch_rebuild l = {
		.id_base = b->facts.id_base,
		.hostname = s->record.hostname,
		.root_fd = b->mounts.root_fd,
		.images_fd = s->images_fd,
		.userns_fd = b->ns.userns_fd,
		.netns_fd = b->ns.netns_fd,
		.cgroup = &b->attach,
		.pts_fd = b->pts_fd,
		.view_fd = b->view.mount_fd,
		.dev_tun = b->config.tun,
		.dev_fuse = b->config.fuse,
		.host_covered = b->host_covered,
		.monotonic = ahead(s->record.monotonic, clock_monotonic_ns()),
		.boottime = ahead(s->record.boottime, clock_boottime_ns()),
		.probe = probe,
		.argv = argv,
	};
	int sv[2], r = criu_find(b->w, program, err);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return fail(s, errno, "socketpair", err);
	l.sock = sv[1];
	r = launch_rebuild(&l, &s->criu.pid, &b->child.console_fd, err);
	(void)close(sv[1]);
	s->criu.sock = sv[0];
	if (r == 0 && (r = criu_note(b->w, RESTORER_FILE, s->criu.pid)) < 0)
		return fail(s, r, "note its restorer", err);
	return r == 0 ? criu_greet(&s->criu, err) : r;
}

/* Bytes of memory that it has. Each that is more is told to berthd, which ends a worker that does nothing. */
static uint64_t memory_so_far(void *data)
{
	struct resume *s = data;
	struct cg_stat st;

	if (cg_ct_stat_some(s->b->cg, s->b->w->ctid, CG_STAT_MEMORY, &st, NULL) == 0) {
		if (st.memory > s->restored)
			report_progress("restoring its memory", -1);
		s->restored = st.memory;
	}
	return s->restored;
}

static int restore(struct resume *s, struct berth_error *err)
{
	struct bring_up *b = s->b;
	struct criu_order o = {.images_fd = -EBADF,
			       .images_path = "/run/ct/images",
			       .log_name = RESTORE_LOG,
			       .unprivileged = true,
			       .root = "/run/ct/root",
			       .inherit_key = s->record.tty,
			       .inherit_fd = LAUNCH_REBUILD_CONSOLE,
			       .progress = memory_so_far};
	struct berth_error why;
	pid_t pid;
	int r;

	criu_externals(&o, true, NULL);
	r = criu_run(&s->criu, &o, CRIU_RESTORE, on_moment, s, CRIU_MS, &pid, &why);
	if (s->pid > 0)
		b->child.pid = s->pid; /* ours to reap, whatever came of it */
	if (s->moment.sys != 0) {
		*err = s->moment;
		return -s->moment.sys;
	}
	if (r == 0 && !s->frozen)
		return fail(s, -ECHILD, "criu let it go without asking", err);
	if (r == 0) {
		b->child.pid = pid;
		b->child.pidfd = pidfd_open(pid, 0);
		return b->child.pidfd < 0 ? fail(s, errno, "open its init", err) : 0;
	}
	/* CRIU lives, and says that it has ended what it made: nothing of it has run. */
	if (s->pid > 0 && !s->leaves && why.code == BERTH_ERR_HELPER && why.sys != ECHILD &&
	    why.sys != EBADMSG)
		(void)may_try_again(s, true, NULL);
	return criu_failed(b->w, "resume", s->images_fd, RESTORE_LOG, &why, err);
}

static void resume_undo(struct bring_up *b)
{
	struct resume *s = b->data;

	(void)cg_ct_kill(b->cg, b->w->ctid, NULL);
	criu_end(&s->criu);
	if (b->child.pid > 0)
		(void)child_end(b->child.pid, END_MS, NULL);
	b->child.pid = -1;
	fd_close(&b->child.pidfd);
	fd_close(&b->child.console_fd);
	fd_close(&b->child.notify_fd);
}

static int resume_prepare(struct bring_up *b, struct berth_error *err)
{
	struct resume *s = b->data;
	int r;

	s->b = b;
	b->child = (struct launch_child){.pid = -1,
					 .pidfd = -EBADF,
					 .go_fd = -EBADF,
					 .console_fd = -EBADF,
					 .devpts_fd = -EBADF,
					 .notify_fd = -EBADF};
	r = worker_private_dir(b->w, err);
	if (r < 0)
		return r;
	/* Not from dump_fd: of a mount of another mount namespace than ours none can be made. */
	s->images_fd = dir_open_at(b->w->private_fd, DUMP_DIR "/" DUMP_IMAGES);
	if (s->images_fd < 0)
		return fail(s, s->images_fd, "open its images", err);
	r = take_images(s, err);
	if (r < 0)
		return r;
	s->cg_fd = cg_ct_dir(b->cg, b->w->ctid);
	s->inner_fd = dir_open_at(s->cg_fd, "inner");
	b->run.stop_signal = s->record.stop_signal;
	b->run.notifies = s->record.notifies;
	memcpy(b->run.stop_command, s->record.stop_command, sizeof(b->run.stop_command));
	b->booted = s->record.booted;
	r = load_tree(s, CG_TREE_DIRS, NULL, err);
	if (r == 0)
		r = guest_net_load(b->w->ctid, b->ns.userns_fd, b->ns.netns_fd, s->dump_fd, err);
	if (r == 0)
		r = start_criu(s, err);
	if (r == 0)
		r = restore(s, err);
	if (r < 0)
		resume_undo(b);
	return r;
}

/*
 * From the removal of the record on the images are of the past, and the CT lives: it must not be taken for a start that
 * did not come to its end. Who finds it frozen behind that lets it go (op_suspend.c, finish).
 */
static int give_up_images(struct bring_up *b, struct berth_error *err)
{
	struct resume *s = b->data;
	auto_free char *events = NULL;
	uint64_t frozen = 0;
	int r = file_read_at(s->cg_fd, "cgroup.events", 4096, &events, NULL);

	if (r == 0)
		r = cg_parse_key(events, "frozen", &frozen);
	if (r < 0 || frozen != 1)
		return fail(s, r < 0 ? r : -EBUSY, "see it frozen (cgroup.events)", err);
	r = FAULT_STEP("resume.commit", err);

	b->run.launched = true;
	if (r == 0)
		r = worker_state_write(b->w, &b->run, err);
	if (r < 0)
		return r;
	(void)FAULT_POINT("resume.launched");
	r = file_unlink_at(s->dump_fd, DUMP_RECORD);
	if (r < 0)
		return fail(s, r, "remove its images", err);
	/* From here on nothing may end the CT: there is nothing else of it. */
	if (fsync(s->dump_fd) < 0)
		log_line(LOG_LV_WARNING, b->w->ctid, "resume: fsync of its images' directory: %s",
			 strerror(errno));
	return 0;
}

/*
 * Behind the commit. What cannot be done is done by another worker, which berthd sends when this one dies and the
 * CT is found frozen (op_suspend.c, finish).
 */
static void let_go(struct bring_up *b)
{
	struct berth_error err = {0};

	for (int i = 0; i < GO_TRIES; i++) {
		int r = net_ct_hold(&b->net, false, &err);

		if (r == 0)
			r = cg_ct_freeze(b->cg, b->w->ctid, false, &err);
		if (r == 0)
			return;
		clock_pause_us(GO_PAUSE_US);
	}
	log_line(LOG_LV_ERROR, b->w->ctid, "resume: it cannot be let go yet: %s", err.msg);
	_exit(EXIT_FAILURE);
}

static int resume_go(struct bring_up *b, struct berth_error *err)
{
	struct resume *s = b->data;
	int r;

	criu_end(&s->criu);
	(void)file_unlink_at(b->w->ct_fd, RESTORER_FILE);
	b->child.devpts_fd = b->pts_fd;
	r = load_tree(s, CG_TREE_KNOBS, NULL, err);
	if (r == 0 && s->record.booted)
		(void)file_replace_at(b->w->ct_fd, "booted", "", 0, 0644, false);
	if (r == 0) {
		r = thread_filters_hold(&s->filters, s->cg_fd);
		if (r < 0)
			(void)fail(s, r, "hold the threads with filters of their own", err);
	}
	if (r == 0)
		r = give_up_images(b, err);
	if (r < 0)
		return r;
	(void)FAULT_POINT("resume.committed");
	let_go(b);
	thread_filters_give(&s->filters, b->w->ctid);
	(void)FAULT_POINT("resume.thawed");
	(void)tree_remove_at(b->w->private_fd, DUMP_DIR);
	return 0;
}

static const struct ignition resume_ignition = {.prepare = resume_prepare,
						.go = resume_go,
						.abort = resume_undo,
						.network_first = true,
						.goes_on = true};

/* ---- before anything is made ---- */

static int check_volume(struct worker *w, const struct ct_facts *f, int dump_fd,
			struct checkpoint_record *rec, struct berth_error *err)
{
	const struct volume_driver *d = worker_volume_driver(w, f, err);
	struct volume_stamp now;
	int r = d == NULL ? -EINVAL : volume_stamp(d, w->private_fd, &now, err);

	if (r < 0)
		return r;
	r = criu_volume_check(dump_fd, &now);
	if (r < 0 && r != -ESTALE)
		return berth_error_sys(err, r, "CT %u: resume: look whether its volume has changed",
				       w->ctid);
	if (r < 0 || (now.mounts != rec->mounts && now.mounts != rec->mounts_tried))
		return berth_error_set(
			err, BERTH_ERR_BROKEN, ESTALE,
			"CT %u: its volume was used or put back since it was suspended, and no "
			"longer fits its memory; give that up, and start it from its disk: berth "
			"stop %u --fast && berth start %u",
			w->ctid, w->ctid, w->ctid);
	rec->mounts_tried = (now.mounts + 1) % 65536;
	return 0;
}

/* What was in effect goes on, also where the saved config is another by now: that one is for the next start. */
static int load_config(struct resume *s, struct worker *w, struct conf_file **ret,
		       struct berth_error *err)
{
	struct conf_file *saved = NULL;
	int r = store_suspended_load(&w->paths, w->ctid, s->dump_fd, ret, err);

	if (r == 0 && store_conf_load(&w->paths, w->ctid, &saved, NULL) == 0 &&
	    conf_equal(saved, *ret)) {
		conf_free(*ret);
		*ret = NULL;
	}
	conf_free(saved);
	return r;
}

/* Are the images this CT's, and does the volume fit? From here on it may have been mounted once more. */
static int check_images(struct resume *s, struct worker *w, struct berth_error *err)
{
	struct ct_facts facts;
	char text[RECORD_SIZE_MAX];
	int r = worker_facts(w, &facts, err);

	if (r == 0)
		r = worker_private_dir(w, err);
	if (r < 0)
		return r;
	s->dump_fd = dir_open_at(w->private_fd, DUMP_DIR);
	if (s->dump_fd < 0)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, -s->dump_fd,
				       "CT %u is not suspended", w->ctid);
	r = criu_record_load(w, s->dump_fd, &s->record, err);
	if (r < 0)
		return r;
	if (strcmp(s->record.uuid, facts.uuid) != 0)
		return berth_error_set(err, BERTH_ERR_BROKEN, ESTALE,
				       "CT %u: the images in %s/private/%u/dump are another CT's",
				       w->ctid, w->paths.lib, w->ctid);
	r = criu_kernel_check(w, &s->record, err);
	if (r < 0)
		return r;
	r = check_volume(w, &facts, s->dump_fd, &s->record, err);
	if (r < 0)
		return r;
	r = checkpoint_record_format(&s->record, text, sizeof(text));
	if (r == 0)
		r = file_replace_at(s->dump_fd, DUMP_RECORD, text, strlen(text), 0600, true);
	return r < 0 ? berth_error_sys(err, r, "CT %u: resume: write its record", w->ctid) : 0;
}

int op_resume(struct worker *w, struct berth_error *err)
{
	struct resume s = {.dump_fd = -EBADF, .images_fd = -EBADF, .criu.sock = -EBADF};
	struct bring_up b = {.w = w, .ignition = &resume_ignition, .data = &s};
	int r = check_images(&s, w, err);

	if (r == 0)
		r = load_config(&s, w, &b.conf, err);
	return r < 0 ? r : bring_up(&b, err);
}
