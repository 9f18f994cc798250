/*
 * image_resize.c - another size for driver `image`.
 *
 * Growing: first the file, then the file system; shrinking: first the file system, then the file.
 * So the file is never shorter than the file system in it, wherever a crash falls.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/spawn.h"
#include "runtime/storage/image.h"
#include "runtime/storage/loop.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/types.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#ifndef EXT4_IOC_RESIZE_FS
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, __u64)
#endif

/* Blocks that a file system needs beyond its files: the directories and maps that move. */
enum {
	SHRINK_MARGIN = 256
};
#define GROW_MARGIN (UINT64_C(16) << 20) /* what the host's file system needs to note it */

static int refuse_size(const struct ext4_super *sb, int r, struct berth_error *err)
{
	if (r == -EMEDIUMTYPE)
		return berth_error_set(
			err, BERTH_ERR_QUOTA, EMEDIUMTYPE,
			"this volume was not made by berth (blocks of %u, %u a group): its "
			"exact size cannot be computed; copy it into a new CT",
			sb->block_size, sb->blocks_per_group);
	return berth_error_set(err, BERTH_ERR_QUOTA, ERANGE,
			       "--diskspace is out of range for this volume: %" PRIu64
			       " MiB to %" PRIu64
			       " GiB, and at most 64 times what it was created with",
			       (uint64_t)LAYOUT_BYTES_MIN >> 20, (uint64_t)LAYOUT_BYTES_MAX >> 30);
}

static int refuse_too_small(const struct ext4_super *sb, const struct layout *to,
			    struct berth_error *err)
{
	uint64_t data = sb->blocks - layout_overhead(sb);
	uint64_t used = data > sb->free_blocks ? data - sb->free_blocks : 0;
	uint64_t inodes = sb->inodes - sb->free_inodes;

	if (used + SHRINK_MARGIN > to->blocks - to->overhead)
		return berth_error_set(err, BERTH_ERR_QUOTA, ENOSPC,
				       "--diskspace %" PRIu64 "M is less than the %" PRIu64
				       " MiB in use; delete files in the CT first",
				       layout_data_bytes(to) >> 20,
				       ((used + SHRINK_MARGIN) * LAYOUT_BLOCK >> 20) + 1);
	if (inodes > layout_inodes(to))
		return berth_error_set(err, BERTH_ERR_QUOTA, ENOSPC,
				       "a volume of this size has %" PRIu64 " inodes, but %" PRIu64
				       " are in use; delete files in the CT first",
				       layout_inodes(to), inodes);
	return 0;
}

static int grow_file(int image_fd, uint64_t bytes, struct berth_error *err)
{
	struct stat st;

	if (fstat(image_fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of a volume's image");
	/* A crash after this leaves a longer file than its file system: harmless, and kept. */
	if ((uint64_t)st.st_size < bytes && ftruncate(image_fd, (off_t)bytes) < 0)
		return berth_error_sys(err, errno, "grow a volume's image to %" PRIu64 " MiB",
				       bytes >> 20);
	if (fsync(image_fd) < 0)
		return berth_error_sys(err, errno, "fsync of a volume's image");
	return 0;
}

static int grow_mounted(int mount_fd, uint64_t blocks, struct berth_error *err)
{
	auto_close int dir = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	__u64 n = blocks;

	if (dir < 0)
		return berth_error_sys(err, errno, "open the root of a mounted volume");
	if (ioctl(dir, EXT4_IOC_RESIZE_FS, &n) == 0)
		return 0;
	if (errno == EPERM)
		return berth_error_set(
			err, BERTH_ERR_PERMISSION, EPERM,
			"to grow a mounted volume takes CAP_SYS_RESOURCE, which this "
			"program lacks; stop the CT, then set --diskspace");
	return berth_error_set(
		err, BERTH_ERR_QUOTA, errno,
		"the kernel did not grow the mounted volume: %s (see dmesg); stop the CT, "
		"then set --diskspace",
		strerror(errno));
}

/* What the new groups have of their own, and the host must hold whatever the files in them take. */
static int refuse_full(int private_fd, const struct ext4_super *sb, const struct layout *to,
		       struct berth_error *err)
{
	uint64_t now = layout_overhead(sb), more = to->overhead > now ? to->overhead - now : 0;

	return to->blocks > sb->blocks
		       ? image_refuse_full_host(private_fd, more * LAYOUT_BLOCK + GROW_MARGIN, err)
		       : 0;
}

/*
 * After a step that failed: the file as it was, unless the file system has grown all the same. The kernel has
 * written its superblock when it returns from a resize.
 */
static void shorten_again(int private_fd, int image_fd, uint64_t bytes,
			  const struct ext4_super *before)
{
	struct berth_error unused;
	struct ext4_super sb;

	if (image_read_super(private_fd, image_fd, &sb, &unused) < 0 ||
	    sb.blocks != before->blocks || sb.blocks * LAYOUT_BLOCK > bytes)
		return;
	if (ftruncate(image_fd, (off_t)bytes) < 0)
		return; /* longer than need be, and harmless */
}

/*
 * Behind the resize: the kernel punches a hole where it wants an inode table zeroed. The room was asked for
 * before; when somebody was faster, the next mount asks again.
 */
static void allocate_new(int private_fd, int image_fd)
{
	struct berth_error unused;
	struct ext4_super sb;

	if (FAULT_POINT("resize.metadata") == 0 &&
	    image_read_super(private_fd, image_fd, &sb, &unused) == 0)
		(void)image_meta_allocate(private_fd, image_fd, &sb, &unused);
}

static int resize_online(int private_fd, int image_fd, int mount_fd, const struct ext4_super *sb,
			 const struct layout *to, uint64_t withheld, struct berth_error *err)
{
	struct stat st;
	int r;

	if (to->blocks < sb->blocks)
		return berth_error_set(err, BERTH_ERR_RUNNING, EBUSY,
				       "a volume shrinks only while its CT is stopped; stop it, "
				       "then set --diskspace");
	if (fstat(image_fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of a volume's image");
	r = FAULT_STEP("resize.grow_file", err);
	if (r == 0)
		r = grow_file(image_fd, to->blocks * LAYOUT_BLOCK, err);
	if (r == 0)
		r = FAULT_STEP("resize.loop", err);
	if (r == 0)
		r = loop_refresh_size(mount_fd, image_fd, err);
	if (r == 0)
		r = FAULT_STEP("resize.grow_mounted", err);
	if (r == 0)
		r = grow_mounted(mount_fd, to->blocks, err);
	if (r == 0) {
		/* At once: a fast writer needs no second. It has grown, so this is no reason to fail. */
		(void)image_keep_more(mount_fd, withheld, NULL);
		allocate_new(private_fd, image_fd);
		return 0;
	}
	shorten_again(private_fd, image_fd, (uint64_t)st.st_size, sb);
	(void)loop_refresh_size(mount_fd, image_fd, NULL);
	return r;
}

static int run_resize2fs(int image_fd, uint64_t blocks, struct berth_error *err)
{
	char file[40], size[32];
	const char *const argv[] = {"resize2fs", file, size, NULL};
	int r;

	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", image_fd);
	(void)snprintf(size, sizeof(size), "%" PRIu64, blocks);
	r = spawn_run_keep(argv, &image_fd, 1, 0, err);
	return r < 0 ? r : 0;
}

/* Also what a crash between the two steps of a shrink left behind the file system. */
static int cut_tail(int image_fd, uint64_t bytes, struct berth_error *err)
{
	if (fsync(image_fd) < 0 || ftruncate(image_fd, (off_t)bytes) < 0 || fsync(image_fd) < 0)
		return berth_error_sys(err, errno, "cut a volume's image to %" PRIu64 " MiB",
				       bytes >> 20);
	return 0;
}

static int verify_resized(int private_fd, int image_fd, const struct layout *to,
			  struct berth_error *err)
{
	struct ext4_super sb;
	int r = image_read_super(private_fd, image_fd, &sb, err);

	if (r < 0 || sb.blocks == to->blocks)
		return r;
	return berth_error_set(err, BERTH_ERR_QUOTA, EPROTO,
			       "resize2fs made %" PRIu64 " blocks, not %" PRIu64, sb.blocks,
			       to->blocks);
}

/* The counts in a superblock are exact only after a clean end: hence the check, and a second look. */
static int resize_offline(int private_fd, int image_fd, const struct layout *to,
			  struct berth_error *err)
{
	uint64_t bytes = to->blocks * LAYOUT_BLOCK;
	struct ext4_super sb;
	struct stat st;
	int r = image_fsck(private_fd, image_fd, true, err);

	if (r == 0)
		r = image_read_super(private_fd, image_fd, &sb, err);
	if (r < 0)
		return r;
	if (fstat(image_fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of a volume's image");
	r = to->blocks < sb.blocks ? refuse_too_small(&sb, to, err)
				   : grow_file(image_fd, bytes, err);
	if (r == 0)
		r = FAULT_STEP("resize.resize2fs", err);
	if (r == 0)
		r = run_resize2fs(image_fd, to->blocks, err);
	if (r == 0)
		r = verify_resized(private_fd, image_fd, to, err);
	if (r < 0) {
		/* Whatever it was about to move. */
		(void)image_fsck(private_fd, image_fd, true, NULL);
		shorten_again(private_fd, image_fd, (uint64_t)st.st_size, &sb);
		return r;
	}
	/* It has its new size: a tail that stays is harmless, and the next resize cuts it. */
	if (FAULT_POINT("resize.cut") == 0)
		(void)cut_tail(image_fd, bytes, NULL);
	allocate_new(private_fd, image_fd);
	return 0;
}

static int resize_to(int private_fd, int mount_fd, int image_fd, const struct ext4_super *sb,
		     const struct layout *to, uint64_t withheld, struct berth_error *err)
{
	int r = refuse_full(private_fd, sb, to, err);

	if (r < 0)
		return r;
	if (mount_fd >= 0)
		return to->blocks == sb->blocks ? 0
						: resize_online(private_fd, image_fd, mount_fd, sb,
								to, withheld, err);
	if (to->blocks == sb->blocks)
		return cut_tail(image_fd, to->blocks * LAYOUT_BLOCK, err);
	if (to->blocks < sb->blocks)
		r = refuse_too_small(sb, to, err);
	return r < 0 ? r : resize_offline(private_fd, image_fd, to, err);
}

/* Of the inodes that the size gives; *ret becomes how many there are then. Not mounted: the next mount does it. */
static int limit_inodes(const struct volume_limits *l, int mount_fd, uint64_t has, uint64_t *ret,
			struct berth_error *err)
{
	bool fewer = l->inodes != 0 && l->inodes < has;
	int r = 0;

	*ret = has;
	if (mount_fd < 0)
		fewer = fewer && l->inode_limits == VOLUME_CAN;
	else if (image_quota_is_on(mount_fd))
		r = image_quota_limit(mount_fd, fewer ? l->inodes : 0, err);
	else
		fewer = false;
	if (r == 0 && fewer)
		*ret = l->inodes;
	return r;
}

/*
 * What is refused is refused before anything is touched. The inodes a group are fixed for ever, so a number of
 * inodes belongs to each size.
 */
int image_resize(int private_fd, int mount_fd, const struct volume_limits *l, uint64_t *ret_inodes,
		 struct berth_error *err)
{
	auto_close int fd = image_open(private_fd, O_RDWR, err);
	struct ext4_super sb;
	struct layout to;
	int r;

	if (fd < 0)
		return fd;
	r = mount_fd < 0 ? image_lock(private_fd, fd, err) : 0;
	if (r == 0)
		r = image_read_super(private_fd, fd, &sb, err);
	if (r < 0)
		return r;
	r = layout_resized(&sb, l->bytes, &to);
	if (r < 0)
		return refuse_size(&sb, r, err);
	r = resize_to(private_fd, mount_fd, fd, &sb, &to, l->withheld, err);
	if (r == 0)
		r = limit_inodes(l, mount_fd, layout_inodes(&to), ret_inodes, err);
	return r;
}
