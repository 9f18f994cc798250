/*
 * rootfs.c - the root of a CT: layers, idmapping, overlay, verification.
 *
 * The layers are attached to the target first (a kernel before 6.14 makes an overlay of attached mounts only)
 * and referred to as /proc/self/fd/N, so no path is looked up in what a CT may have written. They stay
 * there, below the overlay: each unmounting waits for RCU.
 */
#include "runtime/storage/rootfs.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/mountinfo.h"
#include "runtime/storage/fsctx.h"
#include "runtime/storage/fsid.h"
#include "runtime/storage/kmsg.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum {
	FD_PATH_MAX = 32
};

/* What has been put on the target. */
struct stack {
	const char *target;
	int depth;
};

static int stack_push(struct stack *s, int mount_fd, struct berth_error *err)
{
	if (move_mount(mount_fd, "", AT_FDCWD, s->target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, errno, "attach a mount at %.200s: %s",
				       s->target, strerror(errno));
	s->depth++;
	return 0;
}

static void stack_drop(struct stack *s)
{
	for (; s->depth > 0; s->depth--)
		(void)umount2(s->target, MNT_DETACH | UMOUNT_NOFOLLOW);
}

void rootfs_detach(const char *target)
{
	while (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
}

static int set_idmap(int mount_fd, int userns_fd, const char *what, struct berth_error *err)
{
	/* Private: a copy of a shared mount is its peer, and what is mounted on one appears on the other. */
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP,
				  .propagation = MS_PRIVATE,
				  .userns_fd = (unsigned int)userns_fd};

	if (mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
		return 0;
	return berth_error_set(err, errno == EINVAL ? BERTH_ERR_UNSUPPORTED : BERTH_ERR_MOUNT,
			       errno, "idmap %s: %s (this needs Linux 5.19 or later)", what,
			       strerror(errno));
}

int rootfs_lower(const char *image, int userns_fd, int *ret_fd, struct berth_error *err)
{
	auto_close int fd = -EBADF;
	int r = erofs_mount(image, &fd, err);

	if (r == 0)
		r = set_idmap(fd, userns_fd, image, err);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

/* A detached copy of a mount, to be idmapped: what is attached cannot be. */
static int clone_volume(int volume_fd, const char *path, struct berth_error *err)
{
	unsigned int flags =
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
	int fd = open_tree(volume_fd, path, flags);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return berth_error_set(err, BERTH_ERR_BROKEN, ENOENT,
				       "the volume has no directory %s/; restore it from a backup",
				       path);
	return berth_error_set(err, BERTH_ERR_MOUNT, errno, "copy the mount of the volume: %s",
			       strerror(errno));
}

static int open_layer_dir(int upper_mnt, const char *name, struct berth_error *err)
{
	int fd = openat(upper_mnt, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return berth_error_set(err, BERTH_ERR_BROKEN, errno, "open %s/ of the volume: %s", name,
			       strerror(errno));
}

static int enter(void *data, struct berth_error *err)
{
	return fsid_enter(data, err);
}

static int leave(void *data, struct berth_error *err)
{
	return fsid_leave(data, err);
}

static const char *fd_path(int fd, char buf[FD_PATH_MAX])
{
	(void)snprintf(buf, FD_PATH_MAX, "/proc/self/fd/%d", fd);
	return buf;
}

static int make_overlay(const struct rootfs_spec *s, int lower, int upper, int work, int *ret,
			struct berth_error *err)
{
	char l[FD_PATH_MAX], u[FD_PATH_MAX], w[FD_PATH_MAX];
	const struct fsctx_option options[] = {
		{"source", "berth"},
		{"lowerdir", fd_path(lower, l)},
		{"upperdir", fd_path(upper, u)},
		{"workdir", fd_path(work, w)},
		{"index", "on"},
		{"nfs_export", "on"},
		{"xino", "on"},
		{"metacopy", "off"},
		{"redirect_dir", "off"},
		{0},
	};
	const struct fsctx_spec spec = {.kernel_type = "overlay",
					.log_word = "overlayfs",
					.where = s->target,
					.options = options,
					.attr = MOUNT_ATTR_NODEV};
	struct fsid id = {.uid = s->mapped_root};

	return fsctx_mount(&spec, enter, leave, &id, ret, err);
}

/* Puts both layers on the stack and makes the overlay of them, detached. */
static int build_overlay(const struct rootfs_spec *s, struct stack *layers, int *ret,
			 struct berth_error *err)
{
	auto_close int own = -EBADF, upper_mnt = -EBADF, upper = -EBADF, work = -EBADF;
	int r = s->lower_fd >= 0 ? 0 : rootfs_lower(s->lower_image, s->userns_fd, &own, err);
	int lower = s->lower_fd >= 0 ? s->lower_fd : own;

	if (r == 0)
		r = upper_mnt = clone_volume(s->volume_fd, "", err);
	if (r >= 0)
		r = set_idmap(upper_mnt, s->userns_fd, "the volume", err);
	if (r == 0)
		r = stack_push(layers, lower, err);
	if (r == 0)
		r = stack_push(layers, upper_mnt, err);
	if (r == 0)
		r = upper = open_layer_dir(upper_mnt, "upper", err);
	if (r >= 0)
		r = work = open_layer_dir(upper_mnt, "work", err);
	return r < 0 ? r : make_overlay(s, lower, upper, work, ret, err);
}

static int refuse_overlay(const struct rootfs_spec *s, const char *line, struct berth_error *err)
{
	char why[160];
	bool rw = mountinfo_is_writable(line);

	kmsg_first("overlayfs", why, sizeof(why));
	return berth_error_set(
		err, BERTH_ERR_MOUNT, rw ? ENOTSUP : EROFS,
		"root at %.100s: the kernel mounted the overlay %s; it says: %s; see "
		"dmesg and berth doctor",
		s->target, rw ? "without index, nfs_export or xino" : "read-only",
		why[0] != '\0' ? why : "nothing");
}

static int verify_overlay(const struct rootfs_spec *s, const char *line, struct berth_error *err)
{
	struct rootfs_defaults defaults;

	rootfs_defaults_read(&defaults);
	return rootfs_options_ok(line, &defaults) ? 0 : refuse_overlay(s, line, err);
}

static int open_top(const struct rootfs_spec *s, int mount_fd, int *ret, struct berth_error *err)
{
	int fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return berth_error_sys(err, errno, "open the root at %s", s->target);
	*ret = fd;
	return 0;
}

static int mount_overlay(const struct rootfs_spec *s, int *ret, struct berth_error *err)
{
	struct stack stack = {.target = s->target};
	auto_close int mount_fd = -EBADF;
	int r = build_overlay(s, &stack, &mount_fd, err);

	if (r == 0)
		r = stack_push(&stack, mount_fd, err);
	if (r == 0)
		r = open_top(s, mount_fd, ret, err);
	if (r < 0)
		stack_drop(&stack);
	return r;
}

/* The copy of the mount has the volume's nosuid, which a root must not have. */
static int allow_suid(int mount_fd, struct berth_error *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NODEV, .attr_clr = MOUNT_ATTR_NOSUID};

	if (mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return berth_error_sys(err, errno, "set the attributes of a root");
	return 0;
}

static int verify_private(const struct rootfs_spec *s, const char *line, struct berth_error *err)
{
	if (mountinfo_is_writable(line))
		return 0;
	return berth_error_set(
		err, BERTH_ERR_MOUNT, EROFS,
		"root at %.200s: its volume is read-only, the kernel saw errors on it; "
		"see dmesg, unmount it, and start it again for a check",
		s->target);
}

static int mount_private(const struct rootfs_spec *s, int *ret, struct berth_error *err)
{
	struct stack root = {.target = s->target};
	auto_close int mount_fd = clone_volume(s->volume_fd, "root", err);
	int r = mount_fd < 0 ? mount_fd : set_idmap(mount_fd, s->userns_fd, "the volume", err);

	if (r == 0)
		r = allow_suid(mount_fd, err);
	if (r == 0)
		r = stack_push(&root, mount_fd, err);
	if (r == 0)
		r = open_top(s, mount_fd, ret, err);
	if (r < 0)
		stack_drop(&root);
	return r;
}

int rootfs_mount(const struct rootfs_spec *s, int *ret_root_fd, struct berth_error *err)
{
	if (s->layout == ROOTFS_PRIVATE)
		return mount_private(s, ret_root_fd, err);
	return mount_overlay(s, ret_root_fd, err);
}

int rootfs_verify(const struct rootfs_spec *s, int root_fd, struct berth_error *err)
{
	auto_free char *line = NULL;
	int r = mountinfo_line(root_fd, &line, err);

	if (r < 0)
		return r;
	return s->layout == ROOTFS_PRIVATE ? verify_private(s, line, err)
					   : verify_overlay(s, line, err);
}
