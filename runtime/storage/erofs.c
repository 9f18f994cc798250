/* erofs.c - mounting a template's image. */
#include "runtime/storage/erofs.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/storage/fsctx.h"
#include "runtime/storage/loop.h"
#include "runtime/storage/rootfs.h"
#include "runtime/storage/sb.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int bad_image(const char *image, const char *why, struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_BAD_TEMPLATE, EUCLEAN,
			       "template image %.200s %s; build or import the template again",
			       image, why);
}

/* The kernel would find a damaged image only when a CT reads the damaged part. */
static int check_image(const char *image, int fd, struct berth_error *err)
{
	uint8_t head[EROFS_HEAD_SIZE];
	struct erofs_super sb;
	struct stat st;
	ssize_t n = fd_read_all(fd, head, sizeof(head));
	int r;

	if (n < 0 || fstat(fd, &st) < 0)
		return berth_error_sys(err, n < 0 ? (int)n : errno, "read %s", image);
	r = erofs_super_parse(head, (size_t)n, &sb);
	if (r < 0)
		return bad_image(image, r == -EBADMSG ? "is damaged" : "is not an erofs image",
				 err);
	if ((uint64_t)st.st_size < sb.bytes)
		return bad_image(image, "is cut off", err);
	return 0;
}

static int mount_source(const char *image, const char *source, int *ret_mount_fd,
			struct berth_error *err)
{
	const struct fsctx_option options[] = {{"source", source}, {"ro", NULL}, {0}};
	const struct fsctx_spec spec = {.kernel_type = "erofs",
					.log_word = "erofs",
					.where = image,
					.options = options,
					.attr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};

	return fsctx_mount(&spec, NULL, NULL, NULL, ret_mount_fd, err);
}

static int mount_by_loop(const char *image, int fd, int *ret_mount_fd, struct berth_error *err)
{
	auto_close int hold = -EBADF;
	struct loop_dev loop;
	int r = loop_attach_shared(fd, &loop, err);

	if (r < 0)
		return r;
	hold = loop.fd;
	return mount_source(image, loop.path, ret_mount_fd, err);
}

int erofs_mount_by(const char *image, enum erofs_way way, int *ret_mount_fd,
		   struct berth_error *err)
{
	auto_close int fd = open(image, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct berth_error why = {0};
	int r;

	if (fd < 0)
		return berth_error_set(
			err, errno == ENOENT ? BERTH_ERR_NO_TEMPLATE : BERTH_ERR_SYSTEM, errno,
			"open template image %.200s: %s", image, strerror(errno));
	r = check_image(image, fd, err);
	if (r < 0)
		return r;
	if (way == EROFS_BY_FILE)
		return mount_source(image, image, ret_mount_fd, err);
	r = mount_by_loop(image, fd, ret_mount_fd, &why);
	/* A host without the loop driver still has its templates, on 6.12 and later. */
	if (r < 0 && why.code == BERTH_ERR_UNSUPPORTED &&
	    mount_source(image, image, ret_mount_fd, NULL) == 0)
		return 0;
	if (r < 0 && err != NULL)
		*err = why;
	return r;
}

int erofs_mount(const char *image, int *ret_mount_fd, struct berth_error *err)
{
	return erofs_mount_by(image, EROFS_BY_LOOP, ret_mount_fd, err);
}
