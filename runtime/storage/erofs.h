/* erofs.h - how an erofs image is mounted; erofs_mount of rootfs.h is EROFS_BY_LOOP. */
#pragma once

#include "runtime/base/error.h"

enum erofs_way {
	EROFS_BY_LOOP, /* one shared device an image; by the file where there are no loop devices */
	EROFS_BY_FILE, /* from the file itself: Linux 6.12, no shared page cache */
};

int erofs_mount_by(const char *image, enum erofs_way way, int *ret_mount_fd,
		   struct berth_error *err);
