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

/* Can the kernel hold a volume to fewer inodes than it was made with, while it is mounted? */
enum volume_ability {
	VOLUME_UNKNOWN,
	VOLUME_CAN,
	VOLUME_CANNOT
};

struct volume_limits {
	uint64_t bytes; /* size of the volume */
	/*
	 * 0: the driver's default for the size; on resize: what the size gives; on mount: what it had. A number above
	 * what the volume was made with is as good as no limit.
	 */
	uint64_t inodes;
	enum volume_ability inode_limits; /* of this kernel */
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
	bool inode_limits; /* the volume is made to be held to fewer: not mounted, inodes_total does not tell to how many */
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
	/* What volume_keep has kept of these, a multiple of unit; UINT64_MAX: not known. */
	uint64_t kept;
	uint64_t unit;
	uint64_t owed; /* taken by a file, but not written to the host yet */
	bool read_only;
	uint32_t errors; /* met by ext4 since it was mounted; after the first one it is read-only */
	int cause; /* errno of the first, EUCLEAN for damage, 0 when the kernel does not say */
};

/* What the volume of one private area was promised, and what it has. Bytes. */
struct volume_promise {
	uint64_t size;
	uint64_t on_host;
	dev_t dev; /* of the host's file system that holds it */
	const char *mend; /* NULL, or how to mend a volume that a full host can damage */
};

enum volume_need_kind {
	VOLUME_NEEDS_FILE_SYSTEM, /* of the kernel's, by name */
	VOLUME_NEEDS_PROGRAM, /* by name, of a package */
	VOLUME_NEEDS_NODE /* of /dev, by path */
};

/* What a host must have; for `berth doctor`. */
struct volume_need {
	enum volume_need_kind kind;
	const char *name;
	const char *from; /* of a program its package, of a node the command that makes it */
	const char *level, *without; /* how bad it is to be without, and what cannot be done then */
	const char *path; /* of a node */
};

struct volume_driver;

/*
 * Tries it: makes something small, and mounts it in vain or not. VOLUME_UNKNOWN and an error when that cannot be told.
 * 50 ms and more.
 */
enum volume_ability volume_probe_inode_limits(const struct volume_driver *d,
					      struct berth_error *err);

/* "image"; -ENOENT for a name that is not known. */
const struct volume_driver *volume_driver_find(const char *name);
/* Of a new CT. */
const struct volume_driver *volume_driver_default(void);
const char *volume_driver_name(const struct volume_driver *d);
/* All that the drivers need, in their order; *ret_n of them. */
typedef void volume_need_fn(const struct volume_need *need, void *data);
void volume_needs(volume_need_fn *fn, void *data);

/* The driver on whose mounted volume this open directory lies; NULL when it is none's. */
const struct volume_driver *volume_of_mount(int fd);
/* The kind of device that io limits of its volumes bind to, before there is one; 0 for none. */
dev_t volume_io_device(const struct volume_driver *d);
/* How many of its volumes this host can have mounted at a time; 0: no limit of the driver's. */
uint64_t volume_most(const struct volume_driver *d);
/*
 * Of the private area NAME below area_fd, a half-made one too: what it has was promised. -ENOENT: it has no volume of
 * any driver.
 */
int volume_promised(int area_fd, const char *name, struct volume_promise *ret);
/* Of a private area that is being removed: gives the space back, at once. */
void volume_remove(int private_fd);

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
 * it is in use already. *ret_dev is its block device, for io limits (0 when it has none). Of l only inodes and
 * inode_limits count; NULL is zeroes. On a kernel that cannot hold a volume to fewer inodes, one that was made for it
 * becomes one without, and back again on a kernel that can.
 */
int volume_mount(const struct volume_driver *d, int private_fd, const struct volume_limits *l,
		 int *ret_mount_fd, dev_t *ret_dev, struct berth_error *err);

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
 * size, as at creation; inodes is 0 unless the admin asked for a number himself. Of these no more than that number can
 * be used, at once when mounted and from the next mount on when not. *ret_inodes is what
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

/*
 * How often it was mounted, counted by the volume itself: another number is another volume than the one that was
 * left, or one that somebody has written to since. One mount adds one, modulo 65536.
 */
int volume_mounts(const struct volume_driver *d, int private_fd, uint32_t *ret,
		  struct berth_error *err);
/*
 * What a volume that is not mounted says of its last change: another one after a mount, a check that has mended
 * something, or a write by a tool such as debugfs.
 */
struct volume_stamp {
	uint32_t mounts; /* as above */
	uint64_t written, checked; /* seconds since 1970 */
	uint32_t sum; /* 0: none */
};
int volume_stamp(const struct volume_driver *d, int private_fd, struct volume_stamp *ret,
		 struct berth_error *err);

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

/* ---- what not every driver offers: BERTH_ERR_UNSUPPORTED with EOPNOTSUPP, which names driver and call ---- */

/* Bytes at to at + n - 1 of the volume, as its driver moves it. r < 0 stops, and is the answer. */
typedef int volume_extent_fn(uint64_t at, uint64_t n, void *data);

/* Of a mounted volume: from now on what is written to it is noted, until volume_untrack or the unmount. */
int volume_track(const struct volume_driver *d, int private_fd, int mount_fd,
		 struct berth_error *err);
/* Tells what was written since volume_track or the last take, and forgets it. What fn refuses stays noted. */
int volume_take(const struct volume_driver *d, int private_fd, int mount_fd, volume_extent_fn *fn,
		void *data, struct berth_error *err);
int volume_untrack(const struct volume_driver *d, int private_fd, int mount_fd,
		   struct berth_error *err);
/* What of a volume goes to another host. Bytes. */
struct volume_travel {
	uint64_t bytes; /* its length */
	uint64_t used; /* of these are on the disk now; the rest are holes */
};

/*
 * A descriptor for reading all of a volume that is not mounted, holes and all; while it is open nobody can mount it
 * (BERTH_ERR_MOUNTED when somebody has). live: it may be mounted, and what is read may be changing.
 */
int volume_send_open(const struct volume_driver *d, int private_fd, bool live, int *ret_fd,
		     struct volume_travel *ret, struct berth_error *err);
/*
 * A volume for a private area that has none, to be filled by who gets the descriptor: it is empty and has its length.
 * It is the area's volume after volume_receive_end, which checks all of it, and not before. BERTH_ERR_NO_SPACE.
 */
int volume_receive_begin(const struct volume_driver *d, int private_fd,
			 const struct volume_travel *t, int *ret_fd, struct berth_error *err);
int volume_receive_end(const struct volume_driver *d, int private_fd, int fd,
		       struct berth_error *err);
/* Keeps the volume as it is now under a name. mount_fd -1: not mounted. */
int volume_snapshot(const struct volume_driver *d, int private_fd, int mount_fd, const char *name,
		    struct berth_error *err);

/* How far it is: called for each piece. */
typedef void volume_progress_fn(int percent, void *data);

/* How a volume was copied. */
struct volume_cloned {
	uint64_t used; /* bytes of it that were on the disk */
	bool shared; /* no byte was copied: the two share what they do not change (reflink) */
	uint64_t frozen_ms; /* how long the mounted one stood still */
};

/*
 * A volume for the private area to_fd, which has none, with all that another one has: at one moment, for which it stands
 * still, when it is mounted (mount_fd; else -1, and nobody can mount it meanwhile). BERTH_ERR_TIMEOUT: that
 * would be more than a minute; BERTH_ERR_NO_SPACE. progress may be NULL.
 */
int volume_clone(const struct volume_driver *d, int from_fd, int mount_fd, int to_fd,
		 volume_progress_fn *progress, void *data, struct volume_cloned *ret,
		 struct berth_error *err);
