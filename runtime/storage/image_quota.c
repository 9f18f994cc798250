/*
 * image_quota.c - fewer inodes than an ext4 image was made with: a project quota inside the image.
 *
 * The limit is on project 0. Every file is of that project unless root of the host gives it another one: the kernel
 * refuses a change of the project, and of the flag that inherits it, from another user namespace than its first
 * (fs/file_attr.c:fileattr_set_prepare). So the limit is one on the whole volume, and no file need be
 * relabelled in a volume that gets it late. Root of a CT does not pass it: CAP_SYS_RESOURCE would have to be of the
 * first user namespace, and overlayfs gives that one up for what it does.
 *
 * A kernel without CONFIG_QFMT_V2 mounts an ext4 with this feature read-only at most. So the feature is put into
 * an image where the kernel is known to have it, and taken out where it is known to have not.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "runtime/storage/fsctx.h"
#include "runtime/storage/image.h"
#include "runtime/storage/loop.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#define PROBE_BYTES (2 << 20)

enum {
	VOLUME_PROJECT = 0,
	PROBE_WAIT_MS = 2000
};

static int run_tune2fs(int image_fd, bool on, struct berth_error *err)
{
	char file[40];
	const char *const add[] = {"tune2fs", "-O", "project,quota", "-Q", "prjquota", file, NULL};
	const char *const drop[] = {"tune2fs", "-O", "^project,^quota", file, NULL};

	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", image_fd);
	return spawn_run_keep(on ? add : drop, &image_fd, 1, 0, err);
}

int image_quota_change(const struct ext4_super *sb, const struct volume_limits *l)
{
	if (l->inode_limits == VOLUME_CANNOT && sb->has_quota)
		return -1;
	return l->inode_limits == VOLUME_CAN && !sb->has_quota && l->inodes != 0 &&
	       l->inodes < sb->inodes;
}

int image_quota_fit(int private_fd, int image_fd, const struct volume_limits *l,
		    struct ext4_super *sb, struct berth_error *err)
{
	int change = image_quota_change(sb, l), r = 0;
	struct berth_error why;

	if (change == 0)
		return 0;
	/* tune2fs takes no image with a journal to be replayed. */
	if (sb->needs_recovery)
		r = image_fsck(private_fd, image_fd, false, err);
	if (r < 0)
		return r;
	/* Its superblock says clean even where the power is lost in the middle of it. */
	r = image_distrust(private_fd);
	if (r == 0 && fsync(private_fd) < 0)
		r = -errno;
	if (r < 0)
		return berth_error_sys(err, r, "mark a volume for a check");
	r = run_tune2fs(image_fd, change > 0, &why);
	/* It may be full to the last inode. Without a limit of its own it is still a good volume. */
	if (r < 0)
		r = image_fsck(private_fd, image_fd, true, err);
	/* Both end with fsync(2) (e2fsprogs, lib/ext2fs/unix_io.c). */
	if (r == 0)
		image_trust(private_fd);
	return r < 0 ? r : image_read_super(private_fd, image_fd, sb, err);
}

int image_quota_make(int image_fd, struct berth_error *err)
{
	return run_tune2fs(image_fd, true, err);
}

/* With this flag statfs(2) shows the project's inodes instead of the file system's. */
static int mark_dir(int fd, const char *name)
{
	auto_close int dir = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct fsxattr attr;

	if (dir < 0)
		return errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	if (ioctl(dir, FS_IOC_FSGETXATTR, &attr) < 0)
		return -errno;
	if ((attr.fsx_xflags & FS_XFLAG_PROJINHERIT) != 0 && attr.fsx_projid == VOLUME_PROJECT)
		return 0;
	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	attr.fsx_projid = VOLUME_PROJECT;
	return ioctl(dir, FS_IOC_FSSETXATTR, &attr) < 0 ? -errno : 0;
}

/* The top, and what stands there: one of these is a CT's upper layer or root. */
int image_quota_mark(int mount_fd, struct berth_error *err)
{
	DIR *d = dir_stream_at(mount_fd, ".");
	const struct dirent *e;
	int r = 0;

	if (d == NULL)
		return berth_error_sys(err, errno, "open the top of a volume");
	while (r == 0 && (errno = 0, e = readdir(d)) != NULL)
		if (strcmp(e->d_name, "..") != 0)
			r = mark_dir(dirfd(d), e->d_name);
	if (r == 0)
		r = -errno;
	(void)closedir(d);
	return r < 0 ? berth_error_sys(err, r, "mark the directories of a volume") : 0;
}

static int quota_call(int mount_fd, int call, struct if_dqblk *q)
{
	return (int)syscall(SYS_quotactl_fd, (unsigned int)mount_fd,
			    ((unsigned int)call << 8) | PRJQUOTA, VOLUME_PROJECT, q);
}

bool image_quota_is_on(int mount_fd)
{
	struct if_dqblk q;

	return quota_call(mount_fd, Q_GETQUOTA, &q) == 0;
}

int image_quota_limit(int mount_fd, uint64_t inodes, struct berth_error *err)
{
	struct if_dqblk q = {0};
	int r = quota_call(mount_fd, Q_GETQUOTA, &q);

	q.dqb_ihardlimit = inodes != 0 && inodes < q.dqb_curinodes ? q.dqb_curinodes : inodes;
	q.dqb_valid = QIF_ILIMITS;
	if (r == 0)
		r = quota_call(mount_fd, Q_SETQUOTA, &q);
	if (r == 0)
		return 0;
	return berth_error_set(err, BERTH_ERR_QUOTA, errno,
			       "the kernel did not set the volume's limit of %" PRIu64
			       " inodes: %s",
			       inodes, strerror(errno));
}

/* A small ext4 with the feature, in memory. */
static int make_sample(struct berth_error *err)
{
	auto_close int fd = memfd_create("berth-quota-probe", MFD_CLOEXEC);
	char file[40];
	const char *const argv[] = {"mkfs.ext4",
				    "-F",
				    "-q",
				    "-b",
				    "4096",
				    "-I",
				    "256",
				    "-O",
				    "^has_journal,^resize_inode,quota,project",
				    "-E",
				    "quotatype=prjquota,nodiscard",
				    file,
				    NULL};
	int r;

	if (fd < 0)
		return berth_error_sys(err, errno, "make a file in memory");
	if (ftruncate(fd, PROBE_BYTES) < 0)
		return berth_error_sys(err, errno, "set the size of a file in memory");
	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	r = spawn_run_keep(argv, &fd, 1, 0, err);
	return r < 0 ? r : take_fd(&fd);
}

static int try_mount(const char *dev, bool read_only, struct berth_error *err)
{
	const struct fsctx_option options[] = {
		{"source", dev}, {read_only ? "ro" : "rw", NULL}, {0}};
	const struct fsctx_spec spec = {.kernel_type = "ext4",
					.log_word = "EXT4-fs",
					.where = "a sample with project quota",
					.options = options};
	auto_close int mnt = -EBADF;

	return fsctx_mount(&spec, NULL, NULL, NULL, &mnt, err);
}

/* The device lets go of the file when its last user has gone: then its lock is free again. */
static void release_sample(int *sample_fd)
{
	char path[40];
	auto_close int other = -EBADF;
	uint64_t end = clock_deadline(PROBE_WAIT_MS);

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *sample_fd);
	other = open(path, O_RDWR | O_CLOEXEC);
	fd_close(sample_fd);
	while (other >= 0 && flock(other, LOCK_EX | LOCK_NB) < 0 && !clock_is_past(end))
		clock_pause_us(500);
	loop_remove_unused();
}

/*
 * The kernel's own answer. "No" is: the sample can be mounted, but not to be written. Whatever else fails says nothing
 * of the feature.
 */
int image_quota_probe(struct berth_error *err)
{
	auto_close int fd = make_sample(err);
	struct loop_dev loop;
	int r;

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return berth_error_sys(err, errno, "lock a file in memory");
	r = loop_attach(fd, false, &loop, err);
	if (r < 0)
		return r;
	r = try_mount(loop.path, false, err);
	if (r == 0)
		r = 1;
	/* EINVAL: built without it; ESRCH: its module is missing (fs/ext4/super.c, fs/quota/dquot.c). */
	else if ((r == -EINVAL || r == -ESRCH) && try_mount(loop.path, true, NULL) == 0)
		r = 0;
	fd_close(&loop.fd);
	release_sample(&fd);
	return r;
}
