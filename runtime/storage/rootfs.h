/*
 * rootfs.h - the root of a CT, attached and verified.
 *
 * layout overlay: lower = the template's read-only erofs image, idmapped; upper and work = upper/ and
 * work/ of the CT's volume, idmapped; mounted index=on,nfs_export=on,xino=on with metacopy and
 * redirect_dir off, with the mounter's fsuid and fsgid = the CT's mapped root (else the kernel
 * silently mounts read-only). Read-write and options are verified afterwards, else refused.
 * layout private: the volume's root/ itself, idmapped, filled with a full copy of the template.
 *
 * The root has nodev (a CT's devices are on its own /dev) and lets set-user-id programs work.
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
	int lower_fd; /* of rootfs_lower, borrowed; -EBADF: rootfs_mount makes its own */
	int volume_fd; /* a directory of the volume, attached in the caller's mount namespace */
	int userns_fd; /* user namespace with the CT's mapping */
	uid_t mapped_root; /* host uid and gid of the CT's root */
	const char *target; /* an existing directory, where the root is attached */
};

/* The lower layer alone, idmapped and detached: it can be made before there is a volume. */
int rootfs_lower(const char *image, int userns_fd, int *ret_fd, struct berth_error *err);

/*
 * Attaches the root at s->target of the caller's (private) mount namespace and stores a descriptor
 * of its top directory. Kernels before 6.14 build an overlay from attached mounts only, and only an
 * attached mount can be verified: hence no detached mount. The overlay's layers are attached below it.
 * On failure nothing stays attached. Needs CAP_SYS_ADMIN in the initial user namespace.
 */
int rootfs_mount(const struct rootfs_spec *s, int *ret_root_fd, struct berth_error *err);

/*
 * Is the mounted root writable, and what was asked for? The kernel mounts an overlay with less than that, and says
 * so in its log only. To be asked before anything of the CT runs.
 */
int rootfs_verify(const struct rootfs_spec *s, int root_fd, struct berth_error *err);

/* Takes all off the target, lazily: what still uses a file system keeps it. Nothing there is success. */
void rootfs_detach(const char *target);

/* The directories that a volume needs for the layout: upper and work, or root. Ends with NULL. */
const char *const *rootfs_dirs(enum rootfs_layout layout);
/* Makes them, 0755, ids 0, where they are missing. */
int rootfs_prepare(enum rootfs_layout layout, int volume_fd, struct berth_error *err);

/*
 * Fills root/ of a private-layout volume from the template image: ids, modes, times, xattrs, ACLs,
 * hard links, holes. volume_fd: mounted volume, not idmapped. BERTH_ERR_NO_SPACE when it is too
 * small for the template.
 */
int rootfs_fill(const char *lower_image, int volume_fd, struct berth_error *err);

/*
 * A detached, read-only mount of an erofs image. All mounts of one image share one loop device, and
 * with it one page cache: a mount straight from the file would cache the template once a CT. The
 * device holds flock(LOCK_SH) on the image: whoever gets LOCK_EX knows that it is unused.
 * BERTH_ERR_BAD_TEMPLATE for what is not a whole erofs image.
 */
int erofs_mount(const char *image, int *ret_mount_fd, struct berth_error *err);

/* What /sys/module/overlay/parameters says: the kernel shows only options that differ from it. */
struct rootfs_defaults {
	bool index, nfs_export, redirect_dir, metacopy;
};

void rootfs_defaults_read(struct rootfs_defaults *ret);

/* Pure: does this line of /proc/self/mountinfo show rw and index=on,nfs_export=on,xino=on? */
bool rootfs_options_ok(const char *mountinfo_line, const struct rootfs_defaults *d);
