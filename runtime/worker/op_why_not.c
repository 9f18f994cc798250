/*
 * op_why_not.c - what keeps a CT from being suspended, or moved while it runs. Takes no lock, freezes nothing and changes
 * nothing: it may be asked at any time. Results: see why_not.h.
 */
#include "runtime/worker/why_not.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/worker/suspend.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define QUEUES_FIX                                                                                \
	"stop what uses them, and remove them: mount -t mqueue none /mnt && rm /mnt/NAME in the " \
	"CT"

/* A file system that nobody else sees. */
static int fs_alone(const char *type)
{
	auto_close int fs = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? -errno : fd;
}

static void found(struct why_not *y, const char *name, const struct berth_error *why,
		  const char *fix)
{
	why_not_found(y, "error", name, 0, NULL, why->msg, fix);
}

/* ---- what it has as a whole ---- */

/* Those of its IPC namespace, mounted anywhere or not. */
static int open_queues(void *data, int *ret_fd, struct berth_error *err)
{
	int fd = fs_alone("mqueue");

	(void)data;
	if (fd < 0)
		return berth_error_sys(err, fd, "look for its message queues");
	*ret_fd = fd;
	return 0;
}

/* Also those that nobody has open: what is in them would be lost. */
static void look_at_queues(struct suspend *s, struct why_not *y)
{
	auto_close int fd = -EBADF;
	auto_closedir DIR *d = NULL;
	struct berth_error why;
	char names[200] = "", text[320];
	struct dirent *e;
	unsigned int n = 0;
	struct stat st;

	if (suspend_visit(s, open_queues, &fd, &why) < 0) {
		found(y, "mqueue", &why, "");
		return;
	}
	if (fstat(fd, &st) == 0)
		y->queues = st.st_dev;
	y->queues_fix = QUEUES_FIX;
	d = dir_stream_at(fd, ".");
	if (d == NULL) {
		(void)berth_error_sys(&why, -errno, "look for its message queues");
		found(y, "mqueue", &why, "");
		return;
	}
	while ((e = readdir(d)) != NULL) {
		size_t used = strlen(names);

		if (e->d_name[0] == '.' || n++ >= 8)
			continue;
		(void)snprintf(names + used, sizeof(names) - used, "%s/%.60s", used > 0 ? ", " : "",
			       e->d_name);
	}
	if (n == 0)
		return;
	(void)snprintf(text, sizeof(text),
		       "there %s %u POSIX message queue%s, which CRIU cannot save: %s%s",
		       n == 1 ? "is" : "are", n, n == 1 ? "" : "s", names, n > 8 ? ", ..." : "");
	why_not_found(y, "error", "mqueue", 0, NULL, text, QUEUES_FIX);
}

/* Tried as a suspend tries it, with files that are nowhere. */
static void look_at_network(struct suspend *s, struct why_not *y)
{
	struct berth_error why;

	s->dump_fd = fs_alone("tmpfs");
	if (s->dump_fd < 0)
		(void)suspend_fail(s, s->dump_fd, "make a place for what its network is", &why);
	if (s->dump_fd < 0 || suspend_save_network(s, true, &why) < 0)
		found(y, "network", &why, "");
	fd_close(&s->dump_fd);
}

static void look_at_root(struct suspend *s, struct why_not *y)
{
	auto_close int console = -EBADF, root = -EBADF;
	struct berth_error why;

	if (suspend_visit(s, suspend_open_console, &console, &why) < 0)
		found(y, "console", &why, "");
	if (suspend_visit(s, suspend_open_root, &root, &why) < 0)
		found(y, "root", &why, "");
}

static int look_at_running(struct worker *w, struct berth_error *err)
{
	struct suspend s = {.w = w,
			    .init_pidfd = -EBADF,
			    .dump_fd = -EBADF,
			    .images_fd = -EBADF,
			    .volume_fd = -EBADF,
			    .criu.sock = -EBADF};
	struct why_not y = {.n = 0};
	struct berth_error why;
	uint32_t version;
	int r = suspend_look(&s, err);

	if (r == 0) {
		y.init = s.run.init.pid;
		if (criu_version(w, &version, &why) < 0)
			found(&y, "criu", &why, "");
		if (suspend_room(&s, w->private_fd, &why) < 0)
			found(&y, "space", &why, "");
		look_at_root(&s, &y);
		look_at_network(&s, &y);
		look_at_queues(&s, &y);
		r = why_not_processes(&y);
		if (r < 0)
			(void)berth_error_sys(err, r, "CT %u: look at its processes", w->ctid);
		why_not_end(&y);
	}
	fd_close(&s.init_pidfd);
	cg_host_free(s.cg);
	conf_free(s.conf);
	return r;
}

/* What is in its images can be resumed here under the kernel that it was suspended under. */
static int look_at_suspended(struct worker *w, struct berth_error *err)
{
	int dir = worker_private_dir(w, err);
	auto_close int dump = dir < 0 ? dir : dir_open_at(dir, DUMP_DIR);
	struct checkpoint_record rec;
	struct why_not y = {.n = 0};
	struct berth_error why;

	if (dir < 0)
		return dir;
	if (dump < 0)
		return berth_error_sys(err, dump, "CT %u: open its images", w->ctid);
	if (criu_record_load(w, dump, &rec, &why) < 0 || criu_kernel_check(w, &rec, &why) < 0)
		found(&y, "images", &why, "");
	return 0;
}

int op_why_not(struct worker *w, struct berth_error *err)
{
	struct ct_info info;
	int r = worker_info(w, &info, err);

	if (r < 0)
		return r;
	if (info.status == CT_SUSPENDED)
		return look_at_suspended(w, err);
	/* One that does not run has nothing that CRIU is needed for. */
	return ct_status_is_up(info.status) ? look_at_running(w, err) : 0;
}
