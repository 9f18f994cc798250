/*
 * volume_image.c - volume driver `image`: a sparse ext4 file on a loop device.
 *
 * Made under another name and renamed when whole, so volume.img is never half made.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "runtime/storage/fsctx.h"
#include "runtime/storage/hide.h"
#include "runtime/storage/image.h"
#include "runtime/storage/loop.h"
#include "runtime/storage/volume_driver.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#define IMAGE_NEW IMAGE_NAME ".new"
#define DIRS_NEW "volume.dirs.new"
/* Beyond its metadata: the first files, and what the host's file system needs to note it all. */
#define HOST_MARGIN (UINT64_C(32) << 20)

/*
 * Everything that the layout depends on is said here, so that an edited mke2fs.conf changes
 * nothing. Quota is added afterwards (image_quota.c): with -d mkfs.ext4 1.47 counts it wrong. The image is sparse,
 * hence zero already: assume_storage_prezeroed spares the inode tables on disk and the kernel's
 * thread that would zero them later.
 */
static int run_mkfs(int image_fd, int dirs_fd, const struct layout *l, struct berth_error *err)
{
	char file[40], dirs[40], inodes[24], journal[64], blocks[24], extended[160];
	const char *const argv[] = {
		"mkfs.ext4",
		"-F",
		"-q",
		"-m",
		"0",
		"-e",
		"remount-ro",
		"-b",
		"4096",
		"-I",
		"256",
		"-g",
		"32768",
		"-G",
		"16",
		"-N",
		inodes,
		"-J",
		journal,
		"-O",
		"none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,"
		"sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum,"
		"metadata_csum_seed",
		"-E",
		extended,
		"-d",
		dirs,
		file,
		blocks,
		NULL,
	};
	uint64_t most = (uint64_t)l->gdt_blocks * (LAYOUT_BLOCK / LAYOUT_DESC) * LAYOUT_GROUP;

	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", image_fd);
	(void)snprintf(dirs, sizeof(dirs), "/proc/self/fd/%d", dirs_fd);
	(void)snprintf(inodes, sizeof(inodes), "%" PRIu64, layout_inodes(l));
	(void)snprintf(blocks, sizeof(blocks), "%" PRIu64, l->blocks);
	(void)snprintf(journal, sizeof(journal), "size=%" PRIu64 ",location=%" PRIu64,
		       l->journal_blocks * LAYOUT_BLOCK >> 20, layout_journal_at(l));
	(void)snprintf(extended, sizeof(extended),
		       "root_owner=0:0,nodiscard,lazy_itable_init=1,lazy_journal_init=1,"
		       "assume_storage_prezeroed=1,resize=%" PRIu64,
		       most);
	return spawn_run_keep(argv, (const int[]){image_fd, dirs_fd}, 2, 0, err);
}

/*
 * The directories that the volume begins with. Made by mkfs they stand together at its front; the kernel
 * would put each into another part of the disk (Orlov's rule for top directories).
 */
static int make_dirs(int private_fd, const char *const *dirs, struct berth_error *err)
{
	int fd;

	(void)tree_remove_at(private_fd, DIRS_NEW);
	fd = mkdirat(private_fd, DIRS_NEW, 0755) < 0 ? -errno : dir_open_at(private_fd, DIRS_NEW);
	/* A default ACL of the host's directory would be inherited, and mkfs copies what it finds. */
	if (fd >= 0 && fremovexattr(fd, "system.posix_acl_default") < 0 && errno != ENODATA &&
	    errno != EOPNOTSUPP) {
		(void)close(fd);
		fd = -errno;
	}
	for (; fd >= 0 && *dirs != NULL; dirs++) {
		if (mkdirat(fd, *dirs, 0755) == 0)
			continue;
		(void)close(fd);
		fd = -errno;
	}
	return fd < 0 ? berth_error_sys(err, fd, "make the first directories of a volume") : fd;
}

/* mkfs has its own roundings; a volume that is not as computed would not enforce the limit. */
static int finish_made(int private_fd, int image_fd, const struct layout *l,
		       struct berth_error *err)
{
	struct ext4_super sb;
	int r = image_read_super(private_fd, image_fd, &sb, err);

	if (r < 0)
		return r;
	if (sb.blocks == l->blocks && sb.inodes == layout_inodes(l) &&
	    layout_overhead(&sb) == l->overhead)
		return image_meta_allocate(private_fd, image_fd, &sb, err);
	return berth_error_set(err, BERTH_ERR_QUOTA, EPROTO,
			       "mkfs.ext4 made %" PRIu64 " blocks (%" PRIu64
			       " of metadata) and %u inodes, "
			       "not %" PRIu64 " (%" PRIu64 ") and %" PRIu64
			       ": is this an e2fsprogs older than 1.47?",
			       sb.blocks, layout_overhead(&sb), sb.inodes, l->blocks, l->overhead,
			       layout_inodes(l));
}

static int fill_new(int private_fd, int image_fd, const struct layout *l, bool quota,
		    const char *const *dirs, struct berth_error *err)
{
	auto_close int dirs_fd = -EBADF;
	int r;

	if (ftruncate(image_fd, (off_t)(l->blocks * LAYOUT_BLOCK)) < 0) {
		if (errno == EFBIG)
			return berth_error_set(err, BERTH_ERR_QUOTA, EFBIG,
					       "the host's file system allows no file of %" PRIu64
					       " MiB: ask for a smaller --diskspace",
					       l->blocks * LAYOUT_BLOCK >> 20);
		return berth_error_sys(err, errno, "set the size of a volume's image");
	}
	dirs_fd = make_dirs(private_fd, dirs, err);
	if (dirs_fd < 0) {
		(void)tree_remove_at(private_fd, DIRS_NEW);
		return dirs_fd;
	}
	r = run_mkfs(image_fd, dirs_fd, l, err);
	if (r == 0 && quota)
		r = image_quota_make(image_fd, err);
	(void)tree_remove_at(private_fd, DIRS_NEW);
	if (r < 0) {
		int full = image_refuse_full_host(private_fd, UINT64_C(1) << 20, err);

		return full < 0 ? full : r;
	}
	return finish_made(private_fd, image_fd, l, err);
}

static int refuse_existing(int private_fd, struct berth_error *err)
{
	char where[200];

	if (faccessat(private_fd, IMAGE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	image_where(private_fd, where, sizeof(where));
	return berth_error_set(err, BERTH_ERR_EXISTS, EEXIST, "%s already exists", where);
}

/* mkfs has fsync'ed the image itself; now the name. */
static int publish(int private_fd, struct berth_error *err)
{
	int r = FAULT_STEP("volume.publish", err);

	if (r < 0)
		return r;
	if (renameat2(private_fd, IMAGE_NEW, private_fd, IMAGE_NAME, RENAME_NOREPLACE) < 0)
		return berth_error_sys(err, errno, "rename a new volume's image");
	if (fsync(private_fd) < 0)
		return berth_error_sys(err, errno, "fsync of the private area");
	return 0;
}

static int image_create(int private_fd, const struct volume_limits *limits, const char *const *dirs,
			struct berth_error *err)
{
	auto_close int fd = -EBADF;
	struct layout l;
	int r = layout_new(limits->bytes, limits->inodes, &l);

	if (r < 0)
		return image_refuse_limits(limits, r, err);
	r = refuse_existing(private_fd, err);
	if (r == 0)
		r = image_refuse_full_host(private_fd, l.overhead * LAYOUT_BLOCK + HOST_MARGIN,
					   err);
	if (r < 0)
		return r;
	/* One operation a CT: what lies there is ours, from a crash. */
	(void)unlinkat(private_fd, IMAGE_NEW, 0);
	r = FAULT_STEP("volume.create", err);
	if (r < 0)
		return r;
	fd = openat(private_fd, IMAGE_NEW, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return berth_error_sys(err, errno, "create a volume's image");
	r = image_stay_in_place(fd, err);
	if (r == 0)
		r = fill_new(private_fd, fd, &l, limits->inode_limits == VOLUME_CAN, dirs, err);
	if (r == 0)
		r = publish(private_fd, err);
	if (r < 0)
		(void)unlinkat(private_fd, IMAGE_NEW, 0);
	return r;
}

static int refuse_cut_off(int private_fd, int image_fd, const struct ext4_super *sb,
			  struct berth_error *err)
{
	char where[200];
	struct stat st;

	if (fstat(image_fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of a volume's image");
	if ((uint64_t)st.st_size >= sb->blocks * sb->block_size)
		return 0;
	image_where(private_fd, where, sizeof(where));
	return berth_error_set(
		err, BERTH_ERR_BROKEN, EUCLEAN,
		"%s is cut off: %" PRIu64 " of %" PRIu64 " MiB are there; restore it from a backup",
		where, (uint64_t)st.st_size >> 20, sb->blocks * sb->block_size >> 20);
}

/* Reads the superblock by fd, the image or its loop device. 1: it has to be checked first. */
static int look(int private_fd, int image_fd, int fd, struct ext4_super *sb,
		struct berth_error *err)
{
	int r = image_read_super(private_fd, fd, sb, err);

	if (r == 0)
		r = refuse_cut_off(private_fd, image_fd, sb, err);
	return r < 0 ? r : !sb->clean || sb->error_count != 0 || image_is_distrusted(private_fd);
}

static int check_all(int private_fd, int image_fd, struct berth_error *err)
{
	int r = image_fsck(private_fd, image_fd, image_is_distrusted(private_fd), err);

	if (r == 0)
		image_trust(private_fd);
	return r;
}

/* Asks for the blocks of a mount all at once: one after the other they cost a trip to the disk each. */
static void read_ahead(int loop_fd, const struct ext4_super *sb)
{
	struct layout_range hot[LAYOUT_HOT];
	unsigned int n = layout_hot(sb, hot);

	for (unsigned int i = 0; i < n; i++)
		(void)posix_fadvise(loop_fd, (off_t)(hot[i].first * LAYOUT_BLOCK),
				    (off_t)(hot[i].n * LAYOUT_BLOCK), POSIX_FADV_WILLNEED);
}

/* As the mount needs it, with no device that remembers what it was. */
static int mend(int private_fd, int image_fd, const struct volume_limits *l, bool check,
		struct ext4_super *sb, struct berth_error *err)
{
	int r = check ? check_all(private_fd, image_fd, err) : 0;

	/* A journal that was replayed may hold a growth. */
	if (r == 0)
		r = image_read_super(private_fd, image_fd, sb, err);
	return r < 0 ? r : image_quota_fit(private_fd, image_fd, l, sb, err);
}

/* A device for a locked image that can be mounted. What is read through it, the mount need not read again. */
static int attach_clean(int private_fd, int image_fd, const struct volume_limits *l,
			struct loop_dev *loop, struct ext4_super *sb, struct berth_error *err)
{
	int r = loop_attach(image_fd, false, loop, err);

	if (r < 0)
		return r;
	r = FAULT_STEP("volume.look", err);
	if (r == 0)
		r = look(private_fd, image_fd, loop->fd, sb, err);
	if (r == 1 || (r == 0 && image_quota_change(sb, l) != 0)) {
		fd_close(&loop->fd);
		r = mend(private_fd, image_fd, l, r == 1, sb, err);
		if (r == 0)
			r = loop_attach(image_fd, false, loop, err);
	}
	/* Made by an older berth, or copied to here with holes. */
	if (r == 0)
		r = image_meta_allocate(private_fd, image_fd, sb, err);
	if (r < 0)
		fd_close(&loop->fd);
	else
		read_ahead(loop->fd, sb);
	return r;
}

/* Of a mounted image with the feature. */
static int hold_inodes(int mount_fd, const struct ext4_super *sb, const struct volume_limits *l,
		       struct berth_error *err)
{
	int r = image_quota_mark(mount_fd, err);

	if (r < 0 || l->inodes == 0)
		return r;
	return image_quota_limit(mount_fd, l->inodes < sb->inodes ? l->inodes : 0, err);
}

static int image_mount(int private_fd, const struct volume_limits *l, int *ret_mount_fd,
		       dev_t *ret_dev, struct berth_error *err)
{
	static const struct fsctx_option no_value = {.key = "discard"};
	/* Else a growth's inode tables would be zeroed later, which makes holes of them again (loop). */
	static const struct fsctx_option zeroed = {.key = "noinit_itable"};
	struct fsctx_option options[] = {{"source", NULL},	   no_value, zeroed,
					 {"errors", "remount-ro"}, {0},	     {0}};
	struct fsctx_spec spec = {.kernel_type = "ext4",
				  .log_word = "EXT4-fs",
				  .options = options,
				  .attr = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID};
	auto_close int image_fd = image_open(private_fd, O_RDWR, err);
	auto_close int hold = -EBADF;
	struct ext4_super sb = {0};
	struct loop_dev loop;
	char where[200];
	struct stat st;
	int r;

	if (image_fd < 0)
		return image_fd;
	r = FAULT_STEP("volume.lock", err);
	if (r == 0)
		r = image_lock(private_fd, image_fd, err);
	if (r == 0)
		r = attach_clean(private_fd, image_fd, l, &loop, &sb, err);
	if (r < 0)
		return r;
	hold = loop.fd; /* until the mount holds the device */
	if (fstat(loop.fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of %s", loop.path);
	image_where(private_fd, where, sizeof(where));
	options[0].value = loop.path;
	if (sb.has_quota)
		options[4].key = "prjquota";
	spec.where = where;
	r = fsctx_mount(&spec, NULL, NULL, NULL, ret_mount_fd, err);
	if (r < 0)
		return r;
	hide_ext4(loop.path);
	r = image_keep_first(private_fd, *ret_mount_fd, UINT64_MAX, err);
	if (r == 0 && sb.has_quota)
		r = hold_inodes(*ret_mount_fd, &sb, l, err);
	if (r < 0) {
		fd_close(ret_mount_fd);
		return r;
	}
	*ret_dev = st.st_rdev;
	return 0;
}

/* A shared lock: two who only ask do not meet each other. */
static int image_in_use(int private_fd, struct berth_error *err)
{
	struct berth_error probe;
	auto_close int fd = image_open(private_fd, O_RDONLY, err);
	int r;

	if (fd < 0)
		return fd;
	r = image_lock_shared(private_fd, fd, &probe);
	if (r < 0 && probe.code == BERTH_ERR_MOUNTED)
		return 1;
	if (r < 0 && err != NULL)
		*err = probe;
	return r;
}

static void image_was_used(int private_fd)
{
	auto_close int fd = image_open(private_fd, O_RDONLY, NULL);

	if (fd >= 0)
		loop_was_on(fd);
}

/* As the kernel counts: it keeps 2 % of the blocks, at most 4096 of them, from df's Avail. */
static void usage_offline(const struct ext4_super *sb, struct volume_usage *u)
{
	uint64_t kept = sb->blocks / 50 < 4096 ? sb->blocks / 50 : 4096;
	uint64_t avail = sb->free_blocks > kept ? sb->free_blocks - kept : 0;
	uint64_t total = sb->blocks - layout_overhead(sb);
	uint64_t used = total > sb->free_blocks ? total - sb->free_blocks : 0;

	u->bytes_total = total * sb->block_size;
	u->bytes_used = used * sb->block_size;
	u->bytes_free = avail * sb->block_size;
	u->inodes_total = sb->inodes;
	u->inodes_used = sb->inodes - sb->free_inodes;
}

static int usage_online(int mount_fd, struct volume_usage *u, struct berth_error *err)
{
	struct statvfs vfs;

	if (fstatvfs(mount_fd, &vfs) < 0)
		return berth_error_sys(err, errno, "statvfs of a mounted volume");
	u->bytes_total = vfs.f_blocks * vfs.f_frsize;
	u->bytes_used = (vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize;
	u->bytes_free = vfs.f_bavail * vfs.f_frsize;
	u->inodes_total = vfs.f_files;
	u->inodes_used = vfs.f_files - vfs.f_ffree;
	return 0;
}

static int image_usage(int private_fd, int mount_fd, struct volume_usage *ret,
		       struct berth_error *err)
{
	auto_close int fd = -EBADF;
	struct volume_usage u = {0};
	struct ext4_super sb;
	struct stat st;
	int r;

	if (private_fd < 0 && mount_fd >= 0) { /* without host_bytes */
		r = usage_online(mount_fd, &u, err);
		if (r == 0)
			*ret = u;
		return r;
	}
	fd = image_open(private_fd, O_RDONLY, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of a volume's image");
	u.host_bytes = (uint64_t)st.st_blocks * 512;
	if (mount_fd >= 0) {
		r = usage_online(mount_fd, &u, err);
	} else {
		r = image_read_super(private_fd, fd, &sb, err);
		if (r == 0)
			usage_offline(&sb, &u);
		u.inode_limits = r == 0 && sb.has_quota;
	}
	if (r == 0)
		*ret = u;
	return r;
}

enum {
	SUPER_TRIES = 5
};

/* Of one that is mounted the kernel may just be writing the superblock: then its checksum is not right yet. */
static int image_stamp(int private_fd, struct volume_stamp *ret, struct berth_error *err)
{
	auto_close int fd = image_open(private_fd, O_RDONLY, err);
	struct ext4_super sb;
	int r = fd;

	for (int i = 0; i < SUPER_TRIES && fd >= 0; i++) {
		r = image_read_super(private_fd, fd, &sb, err);
		if (r == 0)
			break;
		clock_pause_us(2000);
	}
	if (r == 0)
		*ret = (struct volume_stamp){.mounts = sb.mounts,
					     .written = sb.written,
					     .checked = sb.checked,
					     .sum = sb.sum};
	return r;
}

static int image_check(int private_fd, struct berth_error *err)
{
	auto_close int fd = image_open(private_fd, O_RDWR, err);
	struct ext4_super sb;
	int r = fd < 0 ? fd : image_lock(private_fd, fd, err);

	if (r == 0)
		r = look(private_fd, fd, fd, &sb, err);
	return r == 1 ? check_all(private_fd, fd, err) : r;
}

static enum volume_ability image_probe_inode_limits(struct berth_error *err)
{
	int r = image_quota_probe(err);

	return r < 0 ? VOLUME_UNKNOWN : r == 1 ? VOLUME_CAN : VOLUME_CANNOT;
}

static const struct volume_need needs[] = {
	{VOLUME_NEEDS_FILE_SYSTEM, "ext4", NULL, "error", NULL, NULL},
	{VOLUME_NEEDS_NODE, "loop", "modprobe loop", "error",
	 "no loop devices: no volume can be mounted", "/dev/loop-control"},
	{VOLUME_NEEDS_PROGRAM, "mkfs.ext4", "e2fsprogs", "error", "no CT can be created", NULL},
	{VOLUME_NEEDS_PROGRAM, "e2fsck", "e2fsprogs", "error",
	 "a volume cannot be repaired after a crash", NULL},
	{VOLUME_NEEDS_PROGRAM, "resize2fs", "e2fsprogs", "error",
	 "--diskspace cannot be made smaller", NULL},
};

/* A major number stands for all loop devices: which one it will be makes no difference. */
static dev_t image_io_device(void)
{
	return makedev(LOOP_MAJOR, 0);
}

static uint64_t image_most(void)
{
	unsigned int first;

	return loop_volumes_most(&first);
}

static void image_remove(int private_fd)
{
	(void)unlinkat(private_fd, IMAGE_NAME, 0);
}

/* Without the mount there is a directory of /run, or none. */
static bool image_mounted(int fd)
{
	struct statfs fs;
	struct stat st;

	return fstatfs(fd, &fs) == 0 && fs.f_type == EXT4_SUPER_MAGIC && fstat(fd, &st) == 0 &&
	       major(st.st_dev) == LOOP_MAJOR;
}

const struct volume_driver volume_driver_image = {
	.name = "image",
	.create = image_create,
	.probe_inode_limits = image_probe_inode_limits,
	.mount = image_mount,
	.in_use = image_in_use,
	.was_used = image_was_used,
	.resize = image_resize,
	.usage = image_usage,
	.stamp = image_stamp,
	.check = image_check,
	.distrust = image_distrust,
	.room = image_room,
	.keep = image_keep,
	.keep_first = image_keep_first,
	.needs = needs,
	.n_needs = sizeof(needs) / sizeof(needs[0]),
	.io_device = image_io_device,
	.most = image_most,
	.promised = image_promised,
	.remove = image_remove,
	.mounted = image_mounted,
	.send_open = image_send_open,
	.receive_begin = image_receive_begin,
	.receive_end = image_receive_end,
	.clone = image_clone,
};
