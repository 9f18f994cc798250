/* rootfs_fill.c - what is on a volume before its first mount as a root. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "runtime/storage/rootfs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* By its descriptor, so that neither umask nor a link decides. */
static int make_dir(int volume_fd, const char *name, struct berth_error *err)
{
	auto_close int fd = -EBADF;

	if (mkdirat(volume_fd, name, 0755) < 0)
		return errno == EEXIST ? 0
				       : berth_error_sys(err, errno, "make %s/ on a volume", name);
	fd = dir_open_at(volume_fd, name);
	if (fd < 0)
		return berth_error_sys(err, fd, "open %s/ of a volume", name);
	if (fchown(fd, 0, 0) < 0 || fchmod(fd, 0755) < 0)
		return berth_error_sys(err, errno, "set the owner of %s/ on a volume", name);
	return 0;
}

const char *const *rootfs_dirs(enum rootfs_layout layout)
{
	static const char *const overlay[] = {"upper", "work", NULL};
	static const char *const private[] = {"root", NULL};

	return layout == ROOTFS_PRIVATE ? private : overlay;
}

int rootfs_prepare(enum rootfs_layout layout, int volume_fd, struct berth_error *err)
{
	int r = 0;

	for (const char *const *dir = rootfs_dirs(layout); *dir != NULL && r == 0; dir++)
		r = make_dir(volume_fd, *dir, err);
	return r;
}

/* A full volume is the admin's to mend, any other failure of cp is not. */
static int explain(int volume_fd, const struct berth_error *why, struct berth_error *err)
{
	struct statvfs vfs;

	if (fstatvfs(volume_fd, &vfs) == 0 &&
	    (vfs.f_ffree == 0 || vfs.f_bavail * vfs.f_frsize < 1 << 20))
		return berth_error_set(
			err, BERTH_ERR_NO_SPACE, ENOSPC,
			"the template does not fit into the volume: it is out of %s; "
			"ask for a larger --%s",
			vfs.f_ffree == 0 ? "inodes" : "space",
			vfs.f_ffree == 0 ? "diskinodes" : "diskspace");
	return berth_error_set(err, BERTH_ERR_CREATE, why->sys, "copy the template: %.250s",
			       why->msg);
}

/*
 * cp keeps all of it: what it cannot keep is an error here, unlike with its -a. Both ends are
 * reached by descriptor: neither mount is attached anywhere.
 */
static int copy_tree(int from, int to, struct berth_error *err)
{
	char src[40], dst[40];
	const char *const argv[] = {"cp",
				    "--recursive",
				    "--no-dereference",
				    "--preserve=mode,ownership,timestamps,links,xattr",
				    "--sparse=always",
				    src,
				    dst,
				    NULL};
	const int keep[] = {from, to};
	int r;

	(void)snprintf(src, sizeof(src), "/proc/self/fd/%d/.", from);
	(void)snprintf(dst, sizeof(dst), "/proc/self/fd/%d/.", to);
	r = spawn_run_keep(argv, keep, 2, 0, err);
	return r < 0 ? r : 0;
}

int rootfs_fill(const char *lower_image, int volume_fd, struct berth_error *err)
{
	auto_close int to = dir_open_at(volume_fd, "root");
	auto_close int from = -EBADF;
	struct berth_error why = {0};
	int r;

	if (to < 0)
		return berth_error_sys(err, to, "open root/ of a volume");
	r = erofs_mount(lower_image, &from, err);
	if (r < 0)
		return r;
	r = copy_tree(from, to, &why);
	if (r < 0)
		return explain(volume_fd, &why, err);
	if (syncfs(to) < 0)
		return berth_error_sys(err, errno, "write a volume to disk");
	return 0;
}
