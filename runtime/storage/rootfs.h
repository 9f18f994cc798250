/*
 * rootfs.h - the root of a CT as one detached mount.
 *
 * layout overlay: lower = the template's read-only erofs image, idmapped; upper and work = upper/ and
 * work/ of the CT's volume, idmapped; mounted index=on,nfs_export=on,xino=on with metacopy and
 * redirect_dir off, with the mounter's fsuid and fsgid = the CT's mapped root (else the kernel
 * silently mounts read-only). Read-write and options are verified afterwards, else refused.
 * layout private: the volume's root/ itself, idmapped, filled with a full copy of the template.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <sys/types.h>

enum rootfs_layout {
	ROOTFS_OVERLAY,
	ROOTFS_PRIVATE
};

struct rootfs_spec {
	enum rootfs_layout layout;
	const char *lower_image; /* path of the erofs image; unused for private */
	int volume_fd; /* detached or attached mount of the volume */
	int userns_fd; /* user namespace with the CT's mapping */
	uid_t mapped_root; /* host uid and gid of the CT's root */
};

/* Stores a detached mount for move_mount(2). Needs CAP_SYS_ADMIN in the initial user namespace. */
int rootfs_mount(const struct rootfs_spec *s, int *ret_mount_fd, struct berth_error *err);

/* Makes upper/ and work/ (or root/) on a fresh volume, 0755, ids 0. volume_fd: mounted volume. */
int rootfs_prepare(enum rootfs_layout layout, int volume_fd, struct berth_error *err);

/* Fills root/ of a private-layout volume from the template image (all ids, xattrs, hard links). */
int rootfs_fill(const char *lower_image, int volume_fd, struct berth_error *err);

/* A detached, read-only, nosuid-free mount of an erofs image: file-backed, else through loop. */
int erofs_mount(const char *image, int *ret_mount_fd, struct berth_error *err);

/* Pure: does this line of /proc/self/mountinfo show rw and index=on,nfs_export=on,xino=on? */
bool rootfs_options_ok(const char *mountinfo_line);
