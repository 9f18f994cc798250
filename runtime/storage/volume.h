/*
 * volume.h - a CT's own disk: what holds its upper layer (or its whole root) under hard limits.
 *
 * One interface, several drivers. `image` (the default): a sparse ext4 file volume.img in the
 * private area, its metadata allocated, on a loop device with direct I/O and discard. The loop
 * device holds the file's open description, and with it the flock(2) that volume_mount takes: a
 * locked image is in use by a kernel somewhere, whoever died.
 *
 * The limits are what df(1) and df -i show as Size inside, never more than asked: bytes exact but
 * for the cases in layout.h, inodes rounded down by less than 2 %. Of the size ext4 keeps 2 %, at
 * most 16 MiB, for itself: Size is exact, Avail on an empty volume is that much less.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct volume_limits {
	uint64_t bytes; /* size of the volume */
	uint64_t inodes; /* 0: the driver's default for the size; on resize: what the size gives */
	/*
	 * Of the room that a mounted volume gains, nobody gets so much before the next volume_keep: neighbours
	 * may have been promised the same.
	 */
	uint64_t withheld;
};

/*
 * On a host that promised more than it has: what a volume may take before somebody who watches the host's disk has
 * looked, after a start or a growth.
 */
#define VOLUME_FIRST_SHARE (UINT64_C(64) << 20)

struct volume_usage {
	uint64_t bytes_total, bytes_used, bytes_free; /* as df(1) shows inside */
	uint64_t inodes_total, inodes_used;
	uint64_t host_bytes; /* what it takes on the host now */
};

/*
 * A mounted volume and the file system of the host that holds it. Bytes. A volume is sparse, so what is free in
 * it may not be there on the host.
 */
struct volume_room {
	uint64_t size; /* what it was promised, metadata included */
	uint64_t on_host; /* what it takes there now */
	uint64_t free; /* blocks that no file has */
	uint64_t own; /* of these the kernel keeps so many for itself after a mount */
	uint64_t owed; /* taken by a file, but not written to the host yet */
	bool read_only;
	uint32_t errors; /* met by ext4 since it was mounted; after the first one it is read-only */
	int cause; /* errno of the first, EUCLEAN for damage, 0 when the kernel does not say */
};

struct volume_driver;

/* "image"; -ENOENT for a name that is not known. */
const struct volume_driver *volume_driver_find(const char *name);

/* All take the dirfd of the private area private/CTID. */

/*
 * dirs: empty directories (0755, root's) that it begins with, NULL-terminated. Refuses what this host cannot
 * enforce (BERTH_ERR_QUOTA) and a full disk (BERTH_ERR_NO_SPACE).
 */
int volume_create(const struct volume_driver *d, int private_fd, const struct volume_limits *l,
		  const char *const *dirs, struct berth_error *err);

/*
 * A detached mount of the volume (nodev and nosuid: programs run from the root made of it, not from
 * here), for move_mount(2). After an unclean end it runs volume_check first. BERTH_ERR_MOUNTED when
 * it is in use already. *ret_dev is its block device, for io limits (0 when it has none).
 */
int volume_mount(const struct volume_driver *d, int private_fd, int *ret_mount_fd, dev_t *ret_dev,
		 struct berth_error *err);

/* Waits until no kernel object uses the volume any more. BERTH_ERR_TIMEOUT. */
int volume_wait_unused(const struct volume_driver *d, int private_fd, unsigned int timeout_ms,
		       struct berth_error *err);
/*
 * What the kernel keeps of the volume that this process mounted last, or was told of by volume_was_used, goes, unless
 * it is in use. That waits for RCU: to be called by a process for which nobody waits any more.
 */
void volume_was_used(const struct volume_driver *d, int private_fd);
void volume_forget_devices(void);
/* 1 in use, 0 not. */
int volume_in_use(const struct volume_driver *d, int private_fd, struct berth_error *err);

/*
 * Grows online (mount_fd: any descriptor inside the mounted volume, needs CAP_SYS_RESOURCE) or
 * offline (-1); shrinks only offline, and never below what is used. For `image` the inodes follow the
 * size, as at creation; inodes is 0 unless the admin asked for a number himself. *ret_inodes is what
 * the volume then has, whatever was asked: who asked for another number must be told. A crash while it grows leaves a volume that mounts,
 * a crash while it shrinks one that the next check mends; the same call again completes it.
 */
int volume_resize(const struct volume_driver *d, int private_fd, int mount_fd,
		  const struct volume_limits *l, uint64_t *ret_inodes, struct berth_error *err);

/*
 * mount_fd -1: not mounted; then bytes_used and inodes_used come from the superblock. private_fd may be -1 of a mounted
 * one: host_bytes is 0 then.
 */
int volume_usage(const struct volume_driver *d, int private_fd, int mount_fd,
		 struct volume_usage *ret, struct berth_error *err);

/* Runs the driver's check before a mount after an unclean end; 0 clean or repaired. */
int volume_check(const struct volume_driver *d, int private_fd, struct berth_error *err);

/* The next mount checks all of it, whatever it says of itself. -errno. */
int volume_distrust(const struct volume_driver *d, int private_fd);

/* Of a mounted volume. Asks memory only, not the disk: the kernel's counts, and the length of the image. */
int volume_room(const struct volume_driver *d, int private_fd, int mount_fd,
		struct volume_room *ret, struct berth_error *err);

/*
 * From now on nobody gets the last so many bytes of what is free: who wants them is told ENOSPC when he asks,
 * not when his data is written back. Until the unmount, whoever dies. What was taken before stays. Not less than
 * `own` of volume_room.
 */
int volume_keep(const struct volume_driver *d, int mount_fd, uint64_t bytes,
		struct berth_error *err);
/* The same until somebody who watches the host's disk has looked: nobody gets more than so many bytes. */
int volume_keep_first(const struct volume_driver *d, int private_fd, int mount_fd, uint64_t most,
		      struct berth_error *err);
