/*
 * image_room.c - how much a mounted volume takes and may take from the host.
 *
 * ext4 keeps a number of free clusters back (/sys/fs/ext4/DEVICE/reserved_clusters) that only its own metadata may
 * use. Everybody else, root in the CT too, is told ENOSPC by the very call that wants the space, before anything
 * is accepted: so this number is the tap by which berth shares out what a host has left. What the kernel has
 * accepted, it can write.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/storage/image.h"
#include "runtime/storage/loop.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum {
	OWN_MAX = 4096, /* clusters; ext4 keeps 2 %, at most these */
	OWN_PART = 50,
};
#define FIRST_LEAST (UINT64_C(1) << 20)

static int attr_read(const char *device, const char *attr, uint64_t *ret)
{
	char path[80], text[32];
	int r;

	(void)snprintf(path, sizeof(path), "/sys/fs/ext4/%s/%s", device, attr);
	r = file_read_value_at(AT_FDCWD, path, text, sizeof(text));
	return r < 0 ? r : parse_u64(text, ret);
}

/* EXT4_ERR_* of fs/ext4/ext4.h. */
static int errno_of(uint64_t code)
{
	switch (code) {
	case 2:
		return EIO;
	case 3:
		return ENOMEM;
	case 4:
	case 5:
		return EUCLEAN;
	case 6:
		return ENOSPC;
	default:
		return 0;
	}
}

static void read_errors(const char *device, struct volume_room *room)
{
	uint64_t n, code;

	if (attr_read(device, "errors_count", &n) < 0 || n == 0)
		return;
	room->errors = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
	/* We mount with errors=remount-ro. Newer kernels do so without showing the flag. */
	room->read_only = true;
	if (attr_read(device, "first_error_errcode", &code) == 0)
		room->cause = errno_of(code);
}

/*
 * The blocks of metadata are not in df's total. The file is as long as the file system in it, but for what a
 * crash between the two steps of a growth has left: then the superblock tells.
 */
static uint64_t count_blocks(int private_fd, const struct stat *st, const struct statvfs *vfs)
{
	uint64_t blocks = (uint64_t)st->st_size / vfs->f_frsize;
	auto_close int fd = -EBADF;
	struct ext4_super sb;

	if (blocks - vfs->f_blocks <= vfs->f_blocks / 4 + LAYOUT_GROUP)
		return blocks;
	fd = image_open(private_fd, O_RDONLY, NULL);
	return fd >= 0 && image_read_super(private_fd, fd, &sb, NULL) == 0 &&
			       sb.blocks >= vfs->f_blocks
		       ? sb.blocks
		       : blocks;
}

static uint64_t own_share(uint64_t blocks)
{
	return blocks / OWN_PART < OWN_MAX ? blocks / OWN_PART : OWN_MAX;
}

int image_room(int private_fd, int mount_fd, struct volume_room *ret, struct berth_error *err)
{
	struct volume_room room = {.unit = LAYOUT_BLOCK};
	char device[LOOP_PATH_MAX];
	struct statvfs vfs;
	struct stat st;
	uint64_t blocks, used;
	int r = loop_name_of_mount(mount_fd, device, err);

	if (r < 0)
		return r;
	/* Of every CT each two seconds: it is not opened for its size. */
	if (fstatat(private_fd, IMAGE_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatvfs(mount_fd, &vfs) < 0)
		return berth_error_sys(err, errno, "statvfs of a mounted volume and its image");
	if (!S_ISREG(st.st_mode))
		return berth_error_set(err, BERTH_ERR_BROKEN, EINVAL,
				       IMAGE_NAME " is not a regular file");
	blocks = count_blocks(private_fd, &st, &vfs);
	used = blocks > vfs.f_bfree ? (blocks - vfs.f_bfree) * vfs.f_frsize : 0;
	room.size = blocks * vfs.f_frsize;
	room.on_host = (uint64_t)st.st_blocks * 512;
	room.free = vfs.f_bfree * vfs.f_frsize;
	room.own = own_share(blocks) * vfs.f_frsize;
	room.owed = used > room.on_host ? used - room.on_host : 0;
	room.read_only = (vfs.f_flag & ST_RDONLY) != 0;
	read_errors(device, &room);
	room.kept = attr_read(device, "reserved_clusters", &used) == 0 ? used * LAYOUT_BLOCK
								       : UINT64_MAX;
	*ret = room;
	return 0;
}

static int keep(const char *device, uint64_t clusters, struct berth_error *err)
{
	char path[80], text[24];
	uint64_t now;
	int r;

	if (attr_read(device, "reserved_clusters", &now) == 0 && now == clusters)
		return 0;
	(void)snprintf(path, sizeof(path), "/sys/fs/ext4/%s/reserved_clusters", device);
	(void)snprintf(text, sizeof(text), "%" PRIu64, clusters);
	r = file_write_value_at(AT_FDCWD, path, text);
	return r < 0 ? berth_error_sys(err, r, "write %s to %s", text, path) : 0;
}

int image_keep(int mount_fd, uint64_t bytes, struct berth_error *err)
{
	char device[LOOP_PATH_MAX];
	int r = loop_name_of_mount(mount_fd, device, err);

	return r < 0 ? r : keep(device, bytes / LAYOUT_BLOCK, err);
}

int image_keep_more(int mount_fd, uint64_t bytes, struct berth_error *err)
{
	char device[LOOP_PATH_MAX];
	uint64_t now;
	int r = bytes == 0 ? 0 : loop_name_of_mount(mount_fd, device, err);

	if (bytes == 0 || r < 0)
		return r;
	r = attr_read(device, "reserved_clusters", &now);
	if (r < 0)
		return berth_error_sys(err, r, "read reserved_clusters of %s", device);
	return keep(device, now + bytes / LAYOUT_BLOCK, err);
}

int image_keep_first(int private_fd, int mount_fd, uint64_t most, struct berth_error *err)
{
	uint64_t host_free, may, free_bytes, own;
	char device[LOOP_PATH_MAX];
	struct statvfs host, vfs;
	int r;

	if (fstatvfs(private_fd, &host) < 0 || fstatvfs(mount_fd, &vfs) < 0)
		return berth_error_sys(err, errno, "statvfs of a volume and its host");
	host_free = host.f_bavail * host.f_frsize;
	free_bytes = vfs.f_bfree * vfs.f_frsize;
	may = host_free / 2 < most ? host_free / 2 : most;
	if (may < FIRST_LEAST)
		may = host_free < FIRST_LEAST ? host_free : FIRST_LEAST;
	if (may >= free_bytes)
		return 0;
	r = loop_name_of_mount(mount_fd, device, err);
	if (r < 0)
		return r;
	if (attr_read(device, "reserved_clusters", &own) < 0)
		own = 0;
	free_bytes -= may;
	return free_bytes / LAYOUT_BLOCK > own ? keep(device, free_bytes / LAYOUT_BLOCK, err) : 0;
}
