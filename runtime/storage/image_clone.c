/*
 * image_clone.c - a copy of a volume's image as it is at one moment, also of one that is mounted. Where the host's file
 * system shares blocks (reflink) that costs nothing; else all that is used is copied, of a mounted one twice: while it is
 * written to, and then, while it stands still, what differs.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/storage/freeze.h"
#include "runtime/storage/image.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum {
	CHUNK = 1 << 20,
	SHARE_FIRST = 1 << 16, /* a multiple of any file system's block size */
	FROZEN_MS_MOST = 60000
};

struct copy {
	int from, to;
	off_t size;
	bool compare; /* what is there is compared, and written only where it differs */
	char *a, *b;
	uint64_t done, all; /* bytes that were read, and that will be, as far as is known */
	volume_progress_fn *progress;
	void *data;
};

static int read_whole(int fd, char *buf, size_t n, off_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = pread(fd, buf + done, n - done, at + (off_t)done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		done += (size_t)r;
	}
	return 0;
}

static int write_whole(int fd, const char *buf, size_t n, off_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = pwrite(fd, buf + done, n - done, at + (off_t)done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		done += (size_t)r;
	}
	return 0;
}

static int copy_data(struct copy *c, off_t at, off_t end)
{
	while (at < end) {
		size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		int r = read_whole(c->from, c->a, n, at);

		if (r == 0 && c->compare)
			r = read_whole(c->to, c->b, n, at);
		if (r == 0 && (!c->compare || memcmp(c->a, c->b, n) != 0))
			r = write_whole(c->to, c->a, n, at);
		if (r < 0)
			return r;
		at += (off_t)n;
		c->done += n;
		if (c->progress != NULL)
			c->progress(c->done >= c->all ? 99 : (int)(c->done * 99 / c->all), c->data);
	}
	return 0;
}

/* What is a hole is one in the copy, too: it may have been data a moment ago. */
static int copy_hole(const struct copy *c, off_t at, off_t end)
{
	if (!c->compare || at >= end)
		return 0;
	return fallocate(c->to, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, end - at) < 0
		       ? -errno
		       : 0;
}

static int copy_pass(struct copy *c)
{
	off_t at = 0;
	int r = 0;

	while (r == 0 && at < c->size) {
		off_t data = lseek(c->from, at, SEEK_DATA);
		off_t hole = data < 0 ? c->size : lseek(c->from, data, SEEK_HOLE);

		if (data < 0 && errno != ENXIO)
			return -errno;
		if (data < 0)
			data = c->size;
		if (hole < 0)
			return -errno;
		r = copy_hole(c, at, data);
		if (r == 0)
			r = copy_data(c, data, hole);
		at = hole;
	}
	return r;
}

static int copy_error(int r, struct berth_error *err)
{
	if (r == -ENOSPC)
		return berth_error_set(err, BERTH_ERR_NO_SPACE, ENOSPC,
				       "the host's file system became full while a volume was "
				       "copied");
	return berth_error_sys(err, r, "copy a volume's image");
}

/*
 * Of one that is mounted: what a reflink, or the last pass, sees is one moment. What the first pass left in the page cache
 * is no older than the disk: a write past it, by direct I/O, drops the pages it covers again when it has been done and before
 * its end is told (kiocb_invalidate_post_direct_write in the kernel's mm/filemap.c), and a frozen volume has no write under way.
 */
static int copy_frozen(struct copy *c, int mount_fd, struct volume_cloned *ret,
		       struct berth_error *err)
{
	struct berth_error late;
	struct freeze f;
	int r, r2;

	/* What is written out before need not be while it stands still. */
	if (mount_fd >= 0 && syncfs(mount_fd) < 0)
		return berth_error_sys(err, errno, "write out a volume");
	r = mount_fd < 0 ? 0 : freeze_begin(mount_fd, FROZEN_MS_MOST, &f, err);
	if (r < 0)
		return r;
	r = FAULT_STEP("volume.frozen", err);
	if (r == 0 && ret->shared && ioctl(c->to, FICLONE, c->from) < 0)
		r = berth_error_sys(err, errno, "share the blocks of a volume's image (FICLONE)");
	if (r == 0 && !ret->shared) {
		r = copy_pass(c);
		if (r < 0)
			r = copy_error(r, err);
	}
	if (mount_fd < 0)
		return r;
	r2 = freeze_end(&f, &ret->frozen_ms, &late);
	if (r == 0 && r2 < 0)
		*err = late;
	return r < 0 ? r : r2;
}

/* Does the file system of these two share blocks? Tried with the first ones. */
static bool can_share(int from, int to)
{
	struct file_clone_range first = {.src_fd = from, .src_length = SHARE_FIRST};

	return ioctl(to, FICLONERANGE, &first) == 0;
}

static int copy_image(struct copy *c, int mount_fd, struct volume_cloned *ret,
		      struct berth_error *err)
{
	int r;

	c->all = mount_fd >= 0 ? 2 * ret->used + 1 : ret->used + 1;
	c->a = malloc(CHUNK);
	c->b = malloc(CHUNK);
	if (c->a == NULL || c->b == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "copy a volume");
	if (!ret->shared && mount_fd >= 0) {
		r = copy_pass(c);
		if (r < 0)
			return copy_error(r, err);
		c->compare = true;
	}
	return copy_frozen(c, mount_fd, ret, err);
}

static int copy_run(struct copy *c, int mount_fd, struct volume_cloned *ret,
		    struct berth_error *err)
{
	int r = copy_image(c, mount_fd, ret, err);

	free(c->a);
	free(c->b);
	return r;
}

static int finish(int to_fd, int image_fd, struct berth_error *err)
{
	struct ext4_super sb;
	int r = image_read_super(to_fd, image_fd, &sb, err);

	/* What was allocated in the source, and empty, is a hole here. */
	if (r == 0)
		r = image_meta_allocate(to_fd, image_fd, &sb, err);
	if (r == 0)
		r = FAULT_STEP("volume.cloned", err);
	if (r < 0)
		return r;
	if (fsync(image_fd) < 0)
		return berth_error_sys(err, errno, "fsync of a volume's image");
	if (renameat2(to_fd, IMAGE_COMING, to_fd, IMAGE_NAME, RENAME_NOREPLACE) < 0)
		return berth_error_sys(err, errno, "rename a new volume's image");
	return fsync(to_fd) < 0 ? berth_error_sys(err, errno, "fsync of the private area") : 0;
}

int image_clone(int from_fd, int mount_fd, int to_fd, volume_progress_fn *progress, void *data,
		struct volume_cloned *ret, struct berth_error *err)
{
	auto_close int from = -EBADF, to = -EBADF;
	struct copy c = {.progress = progress, .data = data};
	struct volume_travel t = {0};
	int r = image_send_open(from_fd, mount_fd >= 0, &from, &t, err);

	*ret = (struct volume_cloned){.used = t.used};
	if (r == 0)
		r = image_receive_begin(to_fd, &t, &to, err);
	if (r < 0)
		return r;
	c.from = from;
	c.to = to;
	c.size = (off_t)t.bytes;
	ret->shared = can_share(from, to);
	r = copy_run(&c, mount_fd, ret, err);
	/* It says of itself what the source did: checked before it is mounted. */
	if (r == 0 && image_is_distrusted(from_fd))
		r = image_distrust(to_fd);
	return r < 0 ? r : finish(to_fd, to, err);
}
