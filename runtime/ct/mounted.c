/* mounted.c - the mounted volume of a running CT, seen from outside. */
#include "runtime/ct/mounted.h"

#include "runtime/base/cleanup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

int ct_mounted_volume_open(const struct berth_paths *p, uint32_t ctid, pid_t monitor)
{
	char dir[BERTH_PATH_MAX], path[BERTH_PATH_MAX + 64];
	auto_close int fd = -EBADF;
	struct statfs fs;

	(void)snprintf(path, sizeof(path), "/proc/%d/root%s/volume", monitor,
		       path_run_ct(p, ctid, dir));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	/* Without the mount there is an empty directory of /run, or none. */
	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != EXT4_SUPER_MAGIC)
		return -ESRCH;
	return take_fd(&fd);
}
