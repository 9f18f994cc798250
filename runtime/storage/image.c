/* image.c - volume.img: opening, locking, reading and mending it. */
#include "runtime/storage/image.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/spawn.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define DISTRUST "volume.check" /* there: the next mount checks all of it */

void image_where(int private_fd, char *buf, size_t size)
{
	char link[40], dir[512];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", private_fd);
	n = readlink(link, dir, sizeof(dir) - 1);
	dir[n > 0 ? n : 0] = '\0';
	(void)snprintf(buf, size, "%s%s" IMAGE_NAME, dir, n > 0 ? "/" : "");
}

int image_open(int private_fd, int flags, struct berth_error *err)
{
	auto_close int fd =
		openat(private_fd, IMAGE_NAME, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char where[200];
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return take_fd(&fd);
	image_where(private_fd, where, sizeof(where));
	if (fd >= 0)
		return berth_error_set(err, BERTH_ERR_BROKEN, EINVAL, "%s is not a regular file",
				       where);
	return berth_error_set(err, errno == ENOENT ? BERTH_ERR_NO_PRIVATE : BERTH_ERR_SYSTEM,
			       errno, "open %s: %s", where, strerror(errno));
}

enum {
	LOCK_TRIES_USED = 2,
	LOCK_TRIES = 5000 /* some five seconds of nothing but questions */
};

static int take_lock(int private_fd, int image_fd, int how, struct berth_error *err)
{
	char where[200];
	int e;

	if (flock(image_fd, how | LOCK_NB) == 0)
		return 0;
	e = errno;
	image_where(private_fd, where, sizeof(where));
	if (e != EWOULDBLOCK)
		return berth_error_sys(err, e, "lock %s", where);
	return berth_error_set(err, BERTH_ERR_MOUNTED, EBUSY,
			       "%s is already in use (losetup -j shows where)", where);
}

int image_lock_shared(int private_fd, int image_fd, struct berth_error *err)
{
	return take_lock(private_fd, image_fd, LOCK_SH, err);
}

/* Nobody uses the volume for good: a shared lock is to be had beside those who only ask. */
static bool only_asked(int image_fd)
{
	if (flock(image_fd, LOCK_SH | LOCK_NB) < 0)
		return false;
	(void)flock(image_fd, LOCK_UN);
	return true;
}

/*
 * Who only asks whether the volume is in use holds a shared lock for a moment, and many may ask, one after the
 * other: tried again as long as that is all. Two who want it do not step in time.
 */
int image_lock(int private_fd, int image_fd, struct berth_error *err)
{
	for (int i = 0;; i++) {
		int r = take_lock(private_fd, image_fd, LOCK_EX, err);
		unsigned int pause_us = 500 + (unsigned int)(getpid() + i) % 8 * 150;

		if (r != -EBUSY || i == LOCK_TRIES ||
		    (i > LOCK_TRIES_USED && !only_asked(image_fd)))
			return r;
		clock_pause_us(pause_us);
	}
}

int image_read_super(int private_fd, int image_fd, struct ext4_super *ret, struct berth_error *err)
{
	uint8_t buf[EXT4_SB_SIZE];
	char where[200];
	ssize_t n = pread(image_fd, buf, sizeof(buf), SB_OFFSET);
	int r;

	image_where(private_fd, where, sizeof(where));
	if (n < 0)
		return berth_error_sys(err, errno, "read %s", where);
	r = ext4_super_parse(buf, (size_t)n, ret);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_BROKEN, EUCLEAN,
				       "%s: %s ext4 superblock; try e2fsck -f on it, or restore it "
				       "from a backup",
				       where, r == -EBADMSG ? "damaged" : "no");
	return 0;
}

int image_refuse_full_host(int private_fd, uint64_t need, struct berth_error *err)
{
	char where[200];
	struct statvfs vfs;

	if (fstatvfs(private_fd, &vfs) < 0)
		return berth_error_sys(err, errno, "statvfs of the private area");
	if (vfs.f_bavail * vfs.f_frsize >= need && (vfs.f_files == 0 || vfs.f_favail > 0))
		return 0;
	image_where(private_fd, where, sizeof(where));
	return berth_error_set(err, BERTH_ERR_NO_SPACE, ENOSPC,
			       "no room for %s: the host's file system has %" PRIu64
			       " MiB free, the volume needs %" PRIu64
			       " MiB at once; free some (df -h)",
			       where, vfs.f_bavail * vfs.f_frsize >> 20, need >> 20);
}

/* Exit status 1: errors were found and mended. */
int image_fsck(int private_fd, int image_fd, bool force, struct berth_error *err)
{
	char file[40], where[200];
	const char *const argv[] = {"e2fsck", "-p", file, force ? "-f" : NULL, NULL};
	struct berth_error why;
	int r;

	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", image_fd);
	r = spawn_run_keep(argv, &image_fd, 1, 1, &why);
	if (r >= 0)
		return 0;
	image_where(private_fd, where, sizeof(where));
	return berth_error_set(err, why.sys == ENOENT ? BERTH_ERR_HELPER : BERTH_ERR_BROKEN,
			       why.sys, "the check of %.150s failed: %.100s; run e2fsck -f on it",
			       where, why.msg);
}

int image_distrust(int private_fd)
{
	auto_close int fd =
		openat(private_fd, DISTRUST, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : 0;
}

bool image_is_distrusted(int private_fd)
{
	return faccessat(private_fd, DISTRUST, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void image_trust(int private_fd)
{
	(void)unlinkat(private_fd, DISTRUST, 0);
}

/* "200K", "16M", "2G" where that is exact, for messages. */
static void print_size(uint64_t bytes, char *buf, size_t size)
{
	static const char units[] = "KMGT";
	int unit = 0;

	bytes >>= 10;
	while (unit < 3 && bytes >= 1024 && bytes % 1024 == 0) {
		bytes >>= 10;
		unit++;
	}
	(void)snprintf(buf, size, "%" PRIu64 "%c", bytes, units[unit]);
}

int image_refuse_limits(const struct volume_limits *l, int r, struct berth_error *err)
{
	char bytes[32], least[32], most[32];
	uint64_t below, above;

	print_size(l->bytes, bytes, sizeof(bytes));
	print_size(LAYOUT_BYTES_MIN, least, sizeof(least));
	print_size(LAYOUT_BYTES_MAX, most, sizeof(most));
	if (r != -EDOM)
		return berth_error_set(err, BERTH_ERR_QUOTA, ERANGE,
				       "--diskspace %s is out of range: a volume has %s to %s",
				       bytes, least, most);
	layout_inodes_near(l->bytes, l->inodes, &below, &above);
	if (below != 0 && below != above)
		return berth_error_set(err, BERTH_ERR_QUOTA, EDOM,
				       "--diskinodes %" PRIu64
				       " is not possible: a volume of %s can have %" PRIu64
				       " or %" PRIu64,
				       l->inodes, bytes, below, above);
	return berth_error_set(err, BERTH_ERR_QUOTA, EDOM,
			       "--diskinodes %" PRIu64
			       " is not possible: a volume of %s has %s %" PRIu64,
			       l->inodes, bytes, below != 0 ? "at most" : "at least", above);
}
