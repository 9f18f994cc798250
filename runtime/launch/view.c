/*
 * view.c - the mounts of a CT's view of its machine. The file system is the host's, so its root can take it off, which
 * shows it the host's numbers and no more, and can change nothing of it.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

int launch_view(int *ret_fuse, int *ret_mount, struct berth_error *err)
{
	auto_close int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char number[16];
	/* All users of the CT, whoever asks: the kernel lets none but root of the mounter's namespaces else. */
	const struct fs_option options[] = {{"fd", number},	   {"rootmode", "40555"},
					    {"user_id", "0"},	   {"group_id", "0"},
					    {"allow_other", NULL}, {"default_permissions", NULL},
					    {NULL, NULL}};
	int fd;

	if (fuse < 0 || fcntl(fuse, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, errno,
				       "open /dev/fuse: %s; load it: modprobe fuse",
				       strerror(errno));
	(void)snprintf(number, sizeof(number), "%d", fuse);
	fd = fs_mount("fuse", options,
		      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, -fd, "make a fuse mount: %s",
				       strerror(-fd));
	*ret_mount = fd;
	*ret_fuse = take_fd(&fuse);
	return 0;
}

int view_clone(int view_fd, int ret[VIEW_FILES])
{
	for (int i = 0; i < VIEW_FILES; i++) {
		ret[i] = open_tree(view_fd, view_places[i].name,
				   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (ret[i] < 0)
			return -errno;
	}
	return 0;
}

int view_attach(const int view[VIEW_FILES], int root_fd, struct berth_error *err)
{
	for (int i = 0; i < VIEW_FILES; i++) {
		int r = view[i] < 0 ? 0 : mount_place(view[i], root_fd, view_places[i].path);

		if (r < 0 && r != -ENOENT)
			return berth_error_set(err, BERTH_ERR_MOUNT, -r,
					       "mount on /%s of the container: %s",
					       view_places[i].path, strerror(-r));
	}
	return 0;
}
