/* image_move.c - a volume's image on its way to another host: it travels as it is, and is not believed there. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/storage/image.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* What the host's file system needs to note it all. */
#define HOST_MARGIN (UINT64_C(32) << 20)

/* Locked as by a mount: who tries to mount it is told at once. */
int image_send_open(int private_fd, bool live, int *ret_fd, struct volume_travel *ret,
		    struct berth_error *err)
{
	auto_close int fd = image_open(private_fd, O_RDONLY, err);
	struct stat st;
	int r = fd < 0 ? fd : live ? 0 : image_lock(private_fd, fd, err);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of a volume's image");
	ret->bytes = (uint64_t)st.st_size;
	ret->used = (uint64_t)st.st_blocks * 512;
	if (ret->used > ret->bytes)
		ret->used = ret->bytes;
	*ret_fd = take_fd(&fd);
	return 0;
}

int image_receive_begin(int private_fd, const struct volume_travel *t, int *ret_fd,
			struct berth_error *err)
{
	auto_close int fd = -EBADF;
	int r = image_refuse_full_host(private_fd, t->used + HOST_MARGIN, err);

	if (r == 0)
		r = FAULT_STEP("volume.receive", err);
	if (r < 0)
		return r;
	fd = openat(private_fd, IMAGE_COMING, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return berth_error_sys(err, errno, "create a volume's image");
	r = image_stay_in_place(fd, err);
	if (r < 0)
		return r;
	if (ftruncate(fd, (off_t)t->bytes) < 0)
		return berth_error_sys(err, errno, "set the size of a volume's image to %" PRIu64,
				       t->bytes);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The size is what its file system says, or limits would not be what they seem. */
static int refuse_other_size(int private_fd, int image_fd, struct berth_error *err)
{
	struct ext4_super sb;
	struct stat st;
	int r = image_read_super(private_fd, image_fd, &sb, err);

	if (r < 0)
		return r;
	if (fstat(image_fd, &st) < 0)
		return berth_error_sys(err, errno, "stat of a volume's image");
	if ((uint64_t)st.st_size == sb.blocks * sb.block_size)
		return 0;
	return berth_error_set(err, BERTH_ERR_BROKEN, EUCLEAN,
			       "the volume is a file of %" PRIu64
			       " bytes with a file system of %" PRIu64 ": it cannot be taken over",
			       (uint64_t)st.st_size, sb.blocks * sb.block_size);
}

int image_receive_end(int private_fd, int image_fd, struct berth_error *err)
{
	struct ext4_super sb;
	int r = refuse_other_size(private_fd, image_fd, err);

	if (r == 0)
		r = image_lock(private_fd, image_fd, err);
	if (r == 0)
		r = image_fsck(private_fd, image_fd, true, err);
	/* What was allocated there, and empty, has come as holes. */
	if (r == 0)
		r = image_read_super(private_fd, image_fd, &sb, err);
	if (r == 0)
		r = image_meta_allocate(private_fd, image_fd, &sb, err);
	if (r < 0)
		return r;
	if (fsync(image_fd) < 0)
		return berth_error_sys(err, errno, "fsync of a volume's image");
	if (renameat2(private_fd, IMAGE_COMING, private_fd, IMAGE_NAME, RENAME_NOREPLACE) < 0)
		return berth_error_sys(err, errno, "rename a new volume's image");
	if (fsync(private_fd) < 0)
		return berth_error_sys(err, errno, "fsync of the private area");
	return 0;
}
