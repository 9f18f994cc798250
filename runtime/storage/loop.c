/* loop.c - loop devices. */
#include "runtime/storage/loop.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/storage/hide.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
	ATTACH_TRIES = 100,
	VOLUME_WAIT_MS = 10000, /* for a removal of the same number, which waits for RCU */
	NODE_TRIES = 100,
	/*
	 * Shared devices have numbers of their own, far above those that the kernel gives new ones,
	 * and not too many: an unused one stays until the next boot.
	 */
	SHARED_FIRST = 32768,
	SHARED_SLOTS = 1024,
	/*
	 * So have volumes: no other program is offered them while there are others, and we may remove them. A loop
	 * driver with partitions has fewer numbers, see volume_slots.
	 */
	VOLUME_FIRST = 65536,
	VOLUME_SLOTS = 65536,
	VOLUME_PROBES = 32,
};

static int open_control(struct berth_error *err)
{
	int fd = FAULT_STEP("loop.control", err);

	if (fd < 0)
		return fd;
	fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, errno,
				       "open /dev/loop-control: %s; load the driver: modprobe loop",
				       strerror(errno));
	return fd;
}

/*
 * Returns -EAGAIN for a device that is just going away. The number of a device is known before its
 * node is made, so a missing node may be one that somebody else is just adding.
 */
static int open_device(const char *path, int flags, struct berth_error *err)
{
	for (int i = 0; i < NODE_TRIES; i++) {
		int fd = FAULT_STEP("loop.device", err);

		if (fd < 0)
			return fd;
		fd = open(path, flags | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno == ENXIO || errno == EBUSY)
			return -EAGAIN;
		if (errno != ENOENT)
			return berth_error_sys(err, errno, "open %s", path);
		clock_pause_us(2000);
	}
	return berth_error_set(err, BERTH_ERR_UNSUPPORTED, ENOENT,
			       "the kernel made %s but the node is missing: mount devtmpfs on "
			       "/dev, or mknod %s b 7 %s",
			       path, path, path + strlen("/dev/loop"));
}

static uint32_t sector_size(int file_fd)
{
	struct stat st;

	return fstat(file_fd, &st) == 0 && st.st_size % 4096 == 0 ? 4096 : 512;
}

/* Direct I/O keeps no second copy of the data in memory; not every file system below can do it. */
static int configure(int dev_fd, int file_fd, bool read_only)
{
	struct loop_config c = {.fd = (uint32_t)file_fd, .block_size = sector_size(file_fd)};
	uint32_t flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0u);

	c.info.lo_flags = flags | LO_FLAGS_DIRECT_IO;
	if (ioctl(dev_fd, LOOP_CONFIGURE, &c) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	c.info.lo_flags = flags;
	return ioctl(dev_fd, LOOP_CONFIGURE, &c) == 0 ? 0 : -errno;
}

static uint64_t hash_of(const struct stat *st)
{
	return (st->st_ino * UINT64_C(0x9e3779b97f4a7c15)) ^
	       (st->st_dev * UINT64_C(0xc2b2ae3d27d4eb4f));
}

/* Pure: a device takes 2^n of the 2^20 minor numbers, n bits being what max_part partitions need (loop_add). */
unsigned int loop_volume_slots(unsigned int max_part, unsigned int *ret_first)
{
	unsigned int end = 1u << 20;

	for (; max_part > 0; max_part >>= 1)
		end >>= 1;
	if (end >= VOLUME_FIRST + VOLUME_SLOTS) {
		*ret_first = VOLUME_FIRST;
		return VOLUME_SLOTS;
	}
	/* Above the shared ones, or what they would have. */
	*ret_first = end / 2 + SHARED_SLOTS;
	return end - *ret_first;
}

unsigned int loop_volumes_most(unsigned int *ret_first)
{
	char text[16];
	uint64_t max_part = 0;

	if (file_read_line_at(AT_FDCWD, "/sys/module/loop/parameters/max_part", text,
			      sizeof(text)) < 0 ||
	    parse_u64(text, &max_part) < 0)
		max_part = 0;
	return loop_volume_slots((unsigned int)max_part, ret_first);
}

static int volume_number(const struct stat *st, unsigned int probe)
{
	unsigned int first, slots = loop_volumes_most(&first);

	return (int)(first + ((hash_of(st) >> 32) + probe) % slots);
}

static int add_device(int control, int n, struct berth_error *err)
{
	if (ioctl(control, LOOP_CTL_ADD, n) < 0 && errno != EEXIST)
		return berth_error_sys(err, errno, "add loop device %d", n);
	return 0;
}

/* The file's last worker may be removing the device at this moment: then it is added once more. */
static int try_volume(int control, int n, int file_fd, bool read_only, struct loop_dev *ret,
		      struct berth_error *err)
{
	auto_close int fd = -EBADF;
	int r = add_device(control, n, err);

	if (r == 0)
		r = FAULT_STEP("loop.device", err);
	if (r < 0)
		return r;
	(void)snprintf(ret->path, sizeof(ret->path), "/dev/loop%d", n);
	fd = open(ret->path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENXIO || errno == EBUSY))
		return -EAGAIN;
	if (fd < 0)
		return berth_error_sys(err, errno, "open %s", ret->path);
	hide_loop(ret->path);
	r = configure(fd, file_fd, read_only);
	if (r == 0)
		ret->fd = take_fd(&fd);
	else if (r != -EBUSY && r != -EAGAIN)
		(void)berth_error_sys(err, r, "configure %s", ret->path);
	return r;
}

/* What loop_remove_unused looks at; one volume a process. */
static struct stat last_volume;

int loop_attach(int file_fd, bool read_only, struct loop_dev *ret, struct berth_error *err)
{
	auto_close int control = open_control(err);
	uint64_t end = clock_deadline(VOLUME_WAIT_MS);
	unsigned int probe = 0;
	struct stat st;

	if (control < 0)
		return control;
	if (fstat(file_fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of a volume's image");
	last_volume = st;
	while (probe < VOLUME_PROBES && !clock_is_past(end)) {
		int r = try_volume(control, volume_number(&st, probe), file_fd, read_only, ret,
				   err);

		if (r != -EBUSY && r != -EAGAIN)
			return r;
		/* Another volume has it, or it is just going away. */
		if (r == -EBUSY)
			probe++;
		else
			clock_pause_us(2000);
	}
	return berth_error_set(err, BERTH_ERR_RESOURCES, EBUSY,
			       "no loop device: %s is busy or its node is missing: mount devtmpfs "
			       "on /dev; see losetup -a",
			       ret->path);
}

void loop_was_on(int file_fd)
{
	struct stat st;

	if (fstat(file_fd, &st) == 0)
		last_volume = st;
}

void loop_remove_unused(void)
{
	auto_close int control = -EBADF;

	if (last_volume.st_ino == 0)
		return;
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return;
	/* One that is in use is not removed (EBUSY), one that is not there does no harm (ENODEV). */
	for (unsigned int i = 0; i < VOLUME_PROBES; i++)
		(void)ioctl(control, LOOP_CTL_REMOVE, volume_number(&last_volume, i));
}

/* 1: this device has the file; 0: it has another one; -ENXIO: it has none. */
static int has_file(int dev_fd, const struct stat *st)
{
	struct loop_info64 info;

	if (ioctl(dev_fd, LOOP_GET_STATUS64, &info) < 0)
		return -errno;
	return info.lo_inode == st->st_ino && info.lo_device == st->st_dev;
}

/* Opens device n and gives it the file if it is free. -EBUSY: another file has it. */
static int try_shared(int n, int file_fd, const struct stat *st, struct loop_dev *ret,
		      struct berth_error *err)
{
	for (int i = 0; i < ATTACH_TRIES; i++) {
		auto_close int fd = -EBADF;
		int r;

		(void)snprintf(ret->path, sizeof(ret->path), "/dev/loop%d", n);
		fd = open_device(ret->path, O_RDONLY, err);
		if (fd < 0 && fd != -EAGAIN)
			return fd;
		r = fd < 0 ? fd : has_file(fd, st);
		/* Our descriptor keeps it from being cleared, so what we saw stays true. */
		if (r == -ENXIO) {
			hide_loop(ret->path);
			r = configure(fd, file_fd, true);
			r = r == 0 ? 1 : r;
		}
		if (r == 1)
			ret->fd = take_fd(&fd);
		if (r == 1 || r == 0)
			return r == 1 ? 0 : -EBUSY;
		/* Just going away, or somebody else configures it: look again. */
		if (r != -EAGAIN && r != -EBUSY)
			return berth_error_sys(err, r, "configure %s", ret->path);
		clock_pause_us(1000);
	}
	return berth_error_set(err, BERTH_ERR_RESOURCES, ETIMEDOUT, "%s stays busy", ret->path);
}

int loop_attach_shared(int file_fd, struct loop_dev *ret, struct berth_error *err)
{
	auto_close int control = open_control(err);
	struct stat st;
	uint64_t hash;

	if (control < 0)
		return control;
	if (fstat(file_fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of an image");
	if (flock(file_fd, LOCK_SH | LOCK_NB) < 0)
		return berth_error_set(err, BERTH_ERR_LOCKED, errno,
				       "the image is being written or removed");
	hash = hash_of(&st);
	for (unsigned int i = 0; i < SHARED_SLOTS; i++) {
		int n = SHARED_FIRST + (int)(((hash >> 32) + i) % SHARED_SLOTS);
		int r = add_device(control, n, err);

		if (r == 0)
			r = try_shared(n, file_fd, &st, ret, err);
		if (r != -EBUSY)
			return r;
	}
	return berth_error_set(err, BERTH_ERR_RESOURCES, EBUSY,
			       "no loop device for an image (see losetup -a)");
}

/* "DEVNAME=loop3" out of /sys/dev/block/7:3/uevent. */
int loop_name_of_mount(int mount_fd, char name[LOOP_PATH_MAX], struct berth_error *err)
{
	char file[64], text[512];
	struct stat st;
	const char *p;
	int r;

	if (fstat(mount_fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of a mounted volume");
	(void)snprintf(file, sizeof(file), "/sys/dev/block/%u:%u/uevent", major(st.st_dev),
		       minor(st.st_dev));
	r = file_read_value_at(AT_FDCWD, file, text, sizeof(text));
	if (r < 0)
		return berth_error_sys(err, r, "read %s: not a mounted volume?", file);
	p = strstr(text, "DEVNAME=loop");
	if (p == NULL)
		return berth_error_set(err, BERTH_ERR_BROKEN, EINVAL, "%s is not a loop device",
				       file);
	p += strlen("DEVNAME=");
	(void)snprintf(name, LOOP_PATH_MAX, "%.*s", (int)strcspn(p, "\n"), p);
	return 0;
}

int loop_refresh_size(int mount_fd, int file_fd, struct berth_error *err)
{
	auto_close int fd = -EBADF;
	char path[LOOP_PATH_MAX + 8], name[LOOP_PATH_MAX];
	struct stat st;
	int r = loop_name_of_mount(mount_fd, name, err);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open_device(path, O_RDWR, err);
	if (fd == -EAGAIN)
		return berth_error_sys(err, EBUSY, "open %s", path);
	if (fd < 0)
		return fd;
	if (fstat(file_fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of a volume's image");
	if (has_file(fd, &st) != 1)
		return berth_error_set(err, BERTH_ERR_BROKEN, ENXIO,
				       "%s does not hold this volume's image", path);
	if (ioctl(fd, LOOP_SET_CAPACITY, 0) < 0)
		return berth_error_sys(err, errno, "set the capacity of %s", path);
	return 0;
}
