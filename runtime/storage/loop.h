/*
 * loop.h - loop devices that go away by themselves.
 *
 * The device keeps the open file description that it was given, and with it that description's
 * flock(2): the lock lives exactly as long as the device is in use, whoever dies.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	LOOP_PATH_MAX = 32
};

struct loop_dev {
	int fd; /* holds the device until a file system on it is mounted */
	char path[LOOP_PATH_MAX]; /* /dev/loopN */
};

/*
 * Puts file_fd on a free loop device: autoclear, direct I/O where the file system below can,
 * 4096-byte sectors when the size allows. The caller closes ret->fd once it is mounted.
 */
int loop_attach(int file_fd, bool read_only, struct loop_dev *ret, struct berth_error *err);

/*
 * The one read-only device of a file that many mount: the same device, hence the same superblock
 * and the same page cache, for all of them. Takes flock(LOCK_SH) on file_fd for as long as the
 * device is in use, if it is the first. file_fd has to be an open file description of its own.
 */
int loop_attach_shared(int file_fd, struct loop_dev *ret, struct berth_error *err);

/* Makes the device of a mounted file system take note that its file has grown. */
int loop_refresh_size(int mount_fd, int file_fd, struct berth_error *err);

/* "loop3": the device of a mounted file system. */
int loop_name_of_mount(int mount_fd, char name[LOOP_PATH_MAX], struct berth_error *err);
