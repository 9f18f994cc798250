/*
 * image.h - the parts of driver `image`: the file volume.img, its lock and its superblock.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/storage/layout.h"
#include "runtime/storage/volume.h"

#include <stdbool.h>

#define IMAGE_NAME "volume.img"
#define IMAGE_COMING IMAGE_NAME ".coming" /* from another host, and not whole yet */

/* How a new limit is refused when the layout cannot give it; r is layout_new's answer. */
int image_refuse_limits(const struct volume_limits *l, int r, struct berth_error *err);

/* "/var/lib/berth/private/101/volume.img", for messages: it names the CT. */
void image_where(int private_fd, char *buf, size_t size);

/* Of a new, empty file: the host's file system must not write what is changed to another place. */
int image_stay_in_place(int image_fd, struct berth_error *err);

/* volume_promised of this driver. */
int image_promised(int area_fd, const char *name, struct volume_promise *ret);

/* Opens volume.img with O_RDWR or O_RDONLY. */
int image_open(int private_fd, int flags, struct berth_error *err);

/* flock(2): _lock for one user alone, _shared to ask. BERTH_ERR_MOUNTED when it is taken. */
int image_lock_shared(int private_fd, int image_fd, struct berth_error *err);
int image_lock(int private_fd, int image_fd, struct berth_error *err);

int image_read_super(int private_fd, int image_fd, struct ext4_super *ret, struct berth_error *err);

/* BERTH_ERR_NO_SPACE when the host's file system has not that many bytes left, or no inode. */
int image_refuse_full_host(int private_fd, uint64_t need, struct berth_error *err);

/* e2fsck on a locked image: -p, with force -f too. Clean or mended: 0. */
int image_fsck(int private_fd, int image_fd, bool force, struct berth_error *err);

/*
 * The file volume.check beside the image: the next mount checks all of it, whatever its superblock says. _distrust: -errno;
 * nothing waits for the disk. _trust: after a check, or when what was begun is whole.
 */
int image_distrust(int private_fd);
bool image_is_distrusted(int private_fd);
void image_trust(int private_fd);

/* volume_resize of this driver. */
int image_resize(int private_fd, int mount_fd, const struct volume_limits *l, uint64_t *ret_inodes,
		 struct berth_error *err);

/* Blocks of metadata that stand side by side. */
typedef int image_meta_fn(uint64_t first, uint64_t n, void *data);

/*
 * Pure. Calls fn for all that ext4 itself has on a volume: superblocks, descriptors and what is kept for their
 * growth, bitmaps, inode tables, journal. descs: the group descriptors, from block 1 on. Stops at r < 0 of fn.
 * -EINVAL: descriptors that make no sense; -EMEDIUMTYPE: a shape that is not ours.
 */
int image_meta_each(const struct ext4_super *sb, const void *descs, size_t len, image_meta_fn *fn,
		    void *data);

/*
 * Gives all of that a place on the host's disk, so that a host without room can never make the volume's journal
 * fail. Costs next to nothing when it is done already. Of a mounted volume too: nothing is written.
 */
int image_meta_allocate(int private_fd, int image_fd, const struct ext4_super *sb,
			struct berth_error *err);

/* ---- image_quota.c: fewer inodes than the image has ---- */

/* Pure. What a mount has to do first: 1 add the feature, -1 take it out, 0 nothing. */
int image_quota_change(const struct ext4_super *sb, const struct volume_limits *l);
/* Does that to a locked image that no device has, and reads sb again. */
int image_quota_fit(int private_fd, int image_fd, const struct volume_limits *l,
		    struct ext4_super *sb, struct berth_error *err);
/* Adds the feature to a new image. */
int image_quota_make(int image_fd, struct berth_error *err);
/* Of a mounted image that has the feature: df shows the limit. Once is enough. */
int image_quota_mark(int mount_fd, struct berth_error *err);
/* The limit, 0 for none; not less than is used, or the next mount would find no room for its own. It is on the disk, too. */
int image_quota_limit(int mount_fd, uint64_t inodes, struct berth_error *err);
/* Is a limit of this mounted image possible? */
bool image_quota_is_on(int mount_fd);
/* 1: the kernel can, 0: it cannot, < 0: that cannot be told. */
int image_quota_probe(struct berth_error *err);

/* volume_send_open, volume_receive_begin and _end of this driver. */
int image_send_open(int private_fd, bool live, int *ret_fd, struct volume_travel *ret,
		    struct berth_error *err);
int image_receive_begin(int private_fd, const struct volume_travel *t, int *ret_fd,
			struct berth_error *err);
int image_receive_end(int private_fd, int image_fd, struct berth_error *err);

/* volume_clone of this driver. */
int image_clone(int from_fd, int mount_fd, int to_fd, volume_progress_fn *progress, void *data,
		struct volume_cloned *ret, struct berth_error *err);

/* volume_room and volume_keep of this driver. */
int image_room(int private_fd, int mount_fd, struct volume_room *ret, struct berth_error *err);
int image_keep(int mount_fd, uint64_t bytes, struct berth_error *err);
/* So many bytes more than now, after a growth. */
int image_keep_more(int mount_fd, uint64_t bytes, struct berth_error *err);

/*
 * What a volume may take between its mount and berthd's first look at it: half of what the host has free, and at
 * most so many bytes. On a full host a start still has the few blocks that it needs.
 */
int image_keep_first(int private_fd, int mount_fd, uint64_t most, struct berth_error *err);
