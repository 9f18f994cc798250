/* image_host.c - a volume's image among the files of the host: what it was promised, and where it stays. */
#include "runtime/base/cleanup.h"
#include "runtime/storage/image.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/*
 * btrfs writes a changed block to a new place, so even a file that is allocated in full could not be written on a
 * full host. Only an empty file can be told to stay where it is.
 */
int image_stay_in_place(int image_fd, struct berth_error *err)
{
	struct statfs fs;
	int flags;

	if (fstatfs(image_fd, &fs) < 0)
		return berth_error_sys(err, errno, "statfs of a volume's image");
	if (fs.f_type != BTRFS_SUPER_MAGIC)
		return 0;
	if (ioctl(image_fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_NOCOW_FL;
		if (ioctl(image_fd, FS_IOC_SETFLAGS, &flags) == 0)
			return 0;
	}
	return berth_error_sys(err, errno,
			       "set attribute C (no copy on write) of a volume's image");
}

/* Only btrfs copies on write; elsewhere no file need be opened. */
static bool is_copied(int area_fd, const char *path)
{
	auto_close int fd = -EBADF;
	struct statfs fs;
	int flags;

	if (fstatfs(area_fd, &fs) < 0 || fs.f_type != BTRFS_SUPER_MAGIC)
		return false;
	fd = openat(area_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_NOCOW_FL) == 0;
}

int image_promised(int area_fd, const char *name, struct volume_promise *ret)
{
	static const char mend[] = "in each private area, the CT stopped: touch n; chattr +C n; "
				   "cp --sparse=always " IMAGE_NAME " n; mv n " IMAGE_NAME;
	char path[300];
	struct stat st;
	int r;

	(void)snprintf(path, sizeof(path), "%.255s/" IMAGE_NAME, name);
	r = fstatat(area_fd, path, &st, AT_SYMLINK_NOFOLLOW);
	if (r < 0) {
		(void)snprintf(path, sizeof(path), "%.255s/" IMAGE_COMING, name);
		r = fstatat(area_fd, path, &st, AT_SYMLINK_NOFOLLOW);
	}
	if (r < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	*ret = (struct volume_promise){
		.size = (uint64_t)st.st_size,
		.on_host = (uint64_t)st.st_blocks * 512,
		.dev = st.st_dev,
		.mend = is_copied(area_fd, path) ? mend : NULL,
	};
	return 0;
}
