/*
 * volume_driver.h - what a volume driver implements; see volume.h for the contract of each. What stands behind
 * `mounted` may be NULL: then the call is answered with the one error that says so.
 */
#pragma once

#include "runtime/storage/volume.h"

struct volume_driver {
	const char *name;
	int (*create)(int private_fd, const struct volume_limits *l, const char *const *dirs,
		      struct berth_error *err);
	enum volume_ability (*probe_inode_limits)(struct berth_error *err);
	int (*mount)(int private_fd, const struct volume_limits *l, int *ret_mount_fd,
		     dev_t *ret_dev, struct berth_error *err);
	int (*in_use)(int private_fd, struct berth_error *err);
	void (*was_used)(int private_fd);
	int (*resize)(int private_fd, int mount_fd, const struct volume_limits *l,
		      uint64_t *ret_inodes, struct berth_error *err);
	int (*usage)(int private_fd, int mount_fd, struct volume_usage *ret,
		     struct berth_error *err);
	int (*stamp)(int private_fd, struct volume_stamp *ret, struct berth_error *err);
	int (*check)(int private_fd, struct berth_error *err);
	int (*distrust)(int private_fd);
	int (*room)(int private_fd, int mount_fd, struct volume_room *ret, struct berth_error *err);
	int (*keep)(int mount_fd, uint64_t bytes, struct berth_error *err);
	int (*keep_first)(int private_fd, int mount_fd, uint64_t most, struct berth_error *err);
	const struct volume_need *needs;
	unsigned int n_needs;
	dev_t (*io_device)(void);
	uint64_t (*most)(void);
	int (*promised)(int area_fd, const char *name, struct volume_promise *ret);
	void (*remove)(int private_fd);
	bool (*mounted)(int fd);

	int (*track)(int private_fd, int mount_fd, struct berth_error *err);
	int (*take)(int private_fd, int mount_fd, volume_extent_fn *fn, void *data,
		    struct berth_error *err);
	int (*untrack)(int private_fd, int mount_fd, struct berth_error *err);
	int (*send_open)(int private_fd, bool live, int *ret_fd, struct volume_travel *ret,
			 struct berth_error *err);
	int (*receive_begin)(int private_fd, const struct volume_travel *t, int *ret_fd,
			     struct berth_error *err);
	int (*receive_end)(int private_fd, int fd, struct berth_error *err);
	int (*snapshot)(int private_fd, int mount_fd, const char *name, struct berth_error *err);
	int (*clone)(int from_fd, int mount_fd, int to_fd, volume_progress_fn *progress, void *data,
		     struct volume_cloned *ret, struct berth_error *err);
};

extern const struct volume_driver volume_driver_image;
