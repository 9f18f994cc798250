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
 * Puts file_fd on a loop device of its own, whose number follows from the file: autoclear, direct I/O where the file system below can,
 * 4096-byte sectors when the size allows. The caller closes ret->fd once it is mounted.
 */
int loop_attach(int file_fd, bool read_only, struct loop_dev *ret, struct berth_error *err);

/* How many numbers volumes have, from *ret_first on, with so many partitions a device (loop.max_part). */
unsigned int loop_volume_slots(unsigned int max_part, unsigned int *ret_first);
/* The same of this host. */
unsigned int loop_volumes_most(unsigned int *ret_first);

/*
 * A loop device that is cleared stays, with 100 KiB of the kernel's memory and a node in /dev. Removes those of the
 * volume that this process attached last, or was told of by loop_was_on; one that is in use stays. Waits for RCU, 20 ms
 * and more.
 */
void loop_was_on(int file_fd);
void loop_remove_unused(void);

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
