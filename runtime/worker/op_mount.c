/*
 * op_mount.c - mounts a stopped CT's root in the host's own mount table, at LIB/root/CTID, so that an
 * admin can repair it; and unmounts it.
 *
 * The tree shows the CT's mapped ids: host root can read it, and writes as those ids only.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/ct/store.h"
#include "runtime/launch/launch.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"
#include "runtime/worker/volume_mount.h"
#include "runtime/worker/worker.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/*
 * A tenant's setuid files and device nodes must not work on the host (security.md A31): the mount is born
 * without them, there is no moment at which they would.
 */
static int bind_harmless(const char *from, const char *to)
{
	struct mount_attr harmless = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
	auto_close int fd = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &harmless, sizeof(harmless)) < 0 ||
	    move_mount(fd, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

static int show_root(struct worker *w, struct berth_error *err)
{
	char path[BERTH_PATH_MAX], from[BERTH_PATH_MAX];
	int r = FAULT_POINT("mount.show");

	if (r == 0)
		r = dir_make(worker_mount_path(w, path), 0700);

	if (r < 0)
		return berth_error_sys(err, r, "CT %u: make mount point %s", w->ctid, path);
	path_below(w->ct_path, "root", from);
	r = bind_harmless(from, path);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -r, "CT %u: mount its root at %s: %s",
				       w->ctid, path, strerror(-r));
	r = file_replace_at(w->ct_fd, "mounted", "1\n", 2, 0644, false);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: note that it is mounted", w->ctid);
	report_result("path", path);
	return 0;
}

static void hide_root(struct worker *w)
{
	char path[BERTH_PATH_MAX];

	(void)umount2(worker_mount_path(w, path), MNT_DETACH | UMOUNT_NOFOLLOW);
	(void)rmdir(path);
}

int op_mount(struct worker *w, struct berth_error *err)
{
	struct ct_mounts m;
	struct ct_facts facts;
	int r = worker_ct_dir(w, err);

	if (r < 0)
		return r;
	ct_mounts_init(&m);
	r = FAULT_STEP("mount.make", err);
	if (r == 0)
		r = worker_facts(w, &facts, err);
	if (r == 0)
		r = launch_userns(facts.id_base, &m.userns_fd, err);
	if (r == 0)
		r = ct_mounts_make(w, &facts, &m, err);
	if (r < 0)
		return r;
	r = show_root(w, err);
	if (r < 0)
		hide_root(w);
	(void)FAULT_POINT("mount.drop");
	ct_mounts_drop(w, &m);
	return r;
}

int op_umount(struct worker *w, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	int r = worker_ct_dir(w, err);

	if (r < 0)
		return r;
	worker_mount_path(w, path);
	r = FAULT_STEP("umount.begin", err);
	if (r < 0)
		return r;
	if (umount2(path, UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return berth_error_set(err, BERTH_ERR_UMOUNT, errno,
				       "CT %u: unmount %s: %s; `fuser -vm %s` shows who is in it",
				       w->ctid, path, strerror(errno), path);
	(void)rmdir(path);
	(void)file_unlink_at(w->ct_fd, "mounted");
	return op_cleanup(w, err);
}
