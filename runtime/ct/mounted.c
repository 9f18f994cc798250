/* mounted.c - the mounted volume of a running CT, seen from outside. */
#include "runtime/ct/mounted.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/storage/volume.h"

#include <fcntl.h>

/* /proc of this process and no other: a descriptor of it is good for nothing once it has ended. */
static int open_proc(const struct pidref *ref)
{
	char path[32], text[1024];
	auto_close int fd = -EBADF;
	uint64_t start;

	(void)snprintf(path, sizeof(path), "/proc/%d", ref->pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || file_read_value_at(fd, "stat", text, sizeof(text)) < 0 ||
	    pidref_parse_stat(text, &start) < 0 || start != ref->start_time)
		return -ESRCH;
	return take_fd(&fd);
}

int ct_mounted_volume_open(const struct berth_paths *p, uint32_t ctid, const struct pidref *monitor)
{
	char dir[BERTH_PATH_MAX], path[BERTH_PATH_MAX + 64];
	auto_close int proc = open_proc(monitor);
	auto_close int fd = -EBADF;

	if (proc < 0)
		return proc;
	(void)snprintf(path, sizeof(path), "root%s/volume", path_run_ct(p, ctid, dir));
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	/* Without the mount there is an empty directory of /run, or none. */
	if (fd < 0 || volume_of_mount(fd) == NULL)
		return -ESRCH;
	return take_fd(&fd);
}
