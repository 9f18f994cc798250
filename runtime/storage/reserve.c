/* reserve.c - room in a volume for the mount of an overlay on it. */
#include "runtime/storage/reserve.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESERVE_DIR "reserve"
#define RESERVE_SPACE "space"

enum {
	RESERVE_INODES =
		12, /* a mount needs about four at a time: work/, index/, a whiteout, a link */
	RESERVE_BYTES = 64 << 10
};

static const char *inode_name(int i, char buf[8])
{
	(void)snprintf(buf, 8, "%d", i);
	return buf;
}

static bool make_file(int dir, const char *name, off_t bytes)
{
	auto_close int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST;
	if (bytes == 0 || fallocate(fd, 0, 0, bytes) == 0)
		return true;
	(void)unlinkat(dir, name, 0);
	return false;
}

void reserve_make(int volume_fd)
{
	auto_close int dir = -EBADF;
	bool room = true;
	char name[8];

	/* Made last: where it is, all is. */
	if (faccessat(volume_fd, RESERVE_DIR "/" RESERVE_SPACE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	if (mkdirat(volume_fd, RESERVE_DIR, 0700) < 0 && errno != EEXIST)
		return;
	dir = dir_open_at(volume_fd, RESERVE_DIR);
	for (int i = 0; dir >= 0 && room && i < RESERVE_INODES; i++)
		room = make_file(dir, inode_name(i, name), 0);
	if (dir >= 0 && room)
		(void)make_file(dir, RESERVE_SPACE, RESERVE_BYTES);
}

int reserve_release(int volume_fd)
{
	auto_close int dir = dir_open_at(volume_fd, RESERVE_DIR);
	int freed = 0;
	char name[8];

	if (dir < 0)
		return 0;
	for (int i = 0; i < RESERVE_INODES; i++)
		freed += unlinkat(dir, inode_name(i, name), 0) == 0;
	freed += unlinkat(dir, RESERVE_SPACE, 0) == 0;
	/* ext4 gives freed blocks out again when the removal is on disk. */
	if (freed > 0)
		(void)syncfs(dir);
	return freed > 0;
}
