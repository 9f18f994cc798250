/* host_free.c - what a file system of the host has left. */
#include "runtime/storage/host_free.h"

#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

/*
 * btrfs hands its disk out in chunks, some to metadata, twice: statfs counts what is not handed out as room for
 * files, and without it the next chunk of metadata cannot be had. So this much of it stays.
 */
#define CHUNKS_MIN (UINT64_C(128) << 20)
#define CHUNKS_MAX (UINT64_C(4) << 30)

/* /sys/fs/btrfs/UUID/allocation/data/NAME; 0 when it cannot be read. */
static uint64_t data_number(const uint8_t *id, const char *name)
{
	char path[120], text[32];
	uint64_t n = 0;

	(void)snprintf(path, sizeof(path),
		       "/sys/fs/btrfs/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		       "%02x%02x%02x%02x%02x%02x/allocation/data/%s",
		       id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10],
		       id[11], id[12], id[13], id[14], id[15], name);
	if (file_read_line_at(AT_FDCWD, path, text, sizeof(text)) < 0 || parse_u64(text, &n) < 0)
		return 0;
	return n;
}

static uint64_t between(uint64_t least, uint64_t v, uint64_t most)
{
	return v < least ? least : v > most ? most : v;
}

/* What is to be taken off statfs's answer. */
static uint64_t btrfs_less(int fd, uint64_t total, uint64_t avail)
{
	struct btrfs_ioctl_fs_info_args info = {0};
	uint64_t reserved, chunks, apart, keep = between(CHUNKS_MIN, total / 10, CHUNKS_MAX);

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
		return keep;
	/* Not bytes_may_use: that is not written yet, and counted as what volumes owe. */
	reserved = data_number(info.fsid, "bytes_reserved");
	chunks = data_number(info.fsid, "total_bytes") - data_number(info.fsid, "bytes_used");
	apart = avail > chunks ? avail - chunks : 0;
	return reserved + (apart < keep ? apart : keep);
}

int host_free(int fd, uint64_t *ret_total, uint64_t *ret_avail)
{
	struct statvfs s;
	struct statfs fs;
	uint64_t total, avail, less = 0;

	if (fstatfs(fd, &fs) < 0 || fstatvfs(fd, &s) < 0)
		return -errno;
	total = s.f_blocks * s.f_frsize;
	avail = s.f_bavail * s.f_frsize;
	if (fs.f_type == BTRFS_SUPER_MAGIC) {
		less = btrfs_less(fd, total, avail);
		/* After what moves into it: counted twice, never not at all. */
		if (fstatvfs(fd, &s) < 0)
			return -errno;
		avail = s.f_bavail * s.f_frsize;
	}
	*ret_total = total;
	*ret_avail = avail > less ? avail - less : 0;
	return 0;
}
