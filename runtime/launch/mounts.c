/*
 * mounts.c - the mounts of a CT. What needs the host's mounts in view is made first and detached; then
 * the CT's root becomes "/" and the host's tree is gone; then the rest is attached by descriptor,
 * so that no link planted in the root leads anywhere.
 *
 * Covers over parts of /proc only tidy the view. What they hide is denied by its owner already: every
 * such file belongs to the host's root, whom no CT maps.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/mountinfo.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>

enum {
	TMPFS_MIN = 8 << 20
};

/* Where stage 1 puts what init takes, in a mount namespace that only these two see. */
#define STAGE_ROOT "/sys"
#define STAGE_SYS "/dev"

#define ATTR_API (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* ---- a new file system, a place for it ---- */

int fs_mount(const char *type, const struct fs_option *options, unsigned int attrs)
{
	auto_close int fs = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", type, 0) < 0)
		return -errno;
	for (; options != NULL && options->key != NULL; options++)
		if (fsconfig(fs, options->value == NULL ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING,
			     options->key, options->value, 0) < 0)
			return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, attrs);
	return fd < 0 ? -errno : fd;
}

const char *tmpfs_size(uint64_t memory, unsigned int percent, char buf[FS_SIZE_MAX])
{
	uint64_t size = memory / 100 * percent;

	/* What is in it counts as the CT's memory anyway: this makes a full one fail and not kill. */
	if (memory == 0)
		(void)snprintf(buf, FS_SIZE_MAX, "%u%%", percent);
	else
		(void)snprintf(buf, FS_SIZE_MAX, "%llu",
			       (unsigned long long)(size < TMPFS_MIN ? TMPFS_MIN : size));
	return buf;
}

int mount_place(int mount_fd, int dirfd, const char *name)
{
	auto_close int target =
		sys_openat2(dirfd, name, O_PATH | O_CLOEXEC, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

	if (target < 0)
		return target;
	if (move_mount(mount_fd, "", target, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

static int place_error(struct berth_error *err, int r, const char *name)
{
	if (r == -ELOOP)
		return berth_error_set(
			err, BERTH_ERR_MOUNT, ELOOP,
			"/%s in the container's root is a symbolic link; it must be a directory",
			name);
	return berth_error_set(err, BERTH_ERR_MOUNT, -r, "mount on /%s of the container: %s", name,
			       strerror(-r));
}

int mount_place_in_root(int mount_fd, int root_fd, const char *name, struct berth_error *err)
{
	int r = mount_place(mount_fd, root_fd, name);

	if (r == -ENOENT && mkdirat(root_fd, name, 0755) == 0)
		r = mount_place(mount_fd, root_fd, name);
	return r < 0 ? place_error(err, r, name) : 0;
}

/* ---- while the host's mounts are in view ---- */

static int prepare_proc(int *ret, struct berth_error *err)
{
	int fd = fs_mount("proc", NULL, ATTR_API);

	if (fd == -EPERM)
		return berth_error_set(err, BERTH_ERR_MOUNT, EPERM,
				       "the kernel refuses a new /proc, because something is "
				       "mounted over a part of "
				       "/proc on this host; see findmnt -R /proc");
	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -fd, "make a new /proc: %s",
				       strerror(-fd));
	*ret = fd;
	return 0;
}

/*
 * Attached in the host's tree, with which they go. Not on its root: pivot_root and umount take the root's uppermost
 * mount for all of it.
 */
static int prepare_nodes(struct mount_set *set, const struct launch_spec *spec,
			 const struct cage *cage, struct berth_error *err)
{
	int r = move_mount(cage->nodes, "", AT_FDCWD, "/dev", MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno
											   : 0;

	if (r == 0)
		r = devices_clone(spec, cage->nodes, set->nodes);
	return r < 0 ? berth_error_sys(err, -r, "attach the container's device nodes") : 0;
}

/* As the nodes. */
static int prepare_view(struct mount_set *set, const struct cage *cage, struct berth_error *err)
{
	int r = 0;

	if (cage->view < 0)
		return 0;
	if (move_mount(cage->view, "", AT_FDCWD, "/run", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		r = -errno;
	if (r == 0)
		r = view_clone(cage->view, set->view);
	return r < 0 ? berth_error_sys(err, -r, "attach the container's view") : 0;
}

int mounts_prepare(struct mount_set *set, const struct launch_spec *spec, const struct cage *cage,
		   struct berth_error *err)
{
	const unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
	int r;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return berth_error_sys(err, errno, "make all mounts private");
	set->root = open_tree(AT_FDCWD, STAGE_ROOT, flags);
	if (set->root < 0)
		return berth_error_sys(err, errno, "take the container's root mount");
	/* Not by a path, which would lead to what lies on it. */
	set->sys = open_tree(AT_FDCWD, ".", flags);
	if (set->sys < 0)
		return berth_error_sys(err, errno, "take the container's sysfs");
	r = prepare_proc(&set->proc, err);
	if (r == 0)
		r = prepare_nodes(set, spec, cage, err);
	return r < 0 ? r : prepare_view(set, cage, err);
}

void mounts_init(struct mount_set *set)
{
	set->root = set->sys = set->proc = -EBADF;
	for (int i = 0; i < NODE_MAX; i++)
		set->nodes[i] = -EBADF;
	for (int i = 0; i < VIEW_FILES; i++)
		set->view[i] = -EBADF;
}

void mounts_close(struct mount_set *set)
{
	fd_close(&set->root);
	fd_close(&set->sys);
	fd_close(&set->proc);
	for (int i = 0; i < NODE_MAX; i++)
		fd_close(&set->nodes[i]);
	for (int i = 0; i < VIEW_FILES; i++)
		fd_close(&set->view[i]);
}

int mounts_enter_root(struct mount_set *set, struct berth_error *err)
{
	int r;

	if (move_mount(set->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(set->root) < 0)
		return berth_error_sys(err, errno, "attach the container's root");
	/* Both arguments the same directory: the old root is stacked on the new one. */
	r = sys_pivot_root(".", ".");
	if (r < 0)
		return berth_error_sys(err, -r, "pivot_root into the container's root");
	if (umount2(".", MNT_DETACH) < 0)
		return berth_error_sys(err, errno, "detach the host's mounts");
	if (chdir("/") < 0)
		return berth_error_sys(err, errno, "chdir to the container's root");
	r = process_check_cwd();
	if (r < 0)
		return berth_error_sys(err, -r, "check the container's root");
	return 0;
}

/* ---- inside ---- */

static int attach_cgroup(int root_fd, struct berth_error *err)
{
	auto_close int fd = fs_mount("cgroup2", NULL, ATTR_API);
	int r;

	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -fd, "make a cgroup2 mount: %s",
				       strerror(-fd));
	r = mount_place(fd, root_fd, "sys/fs/cgroup");
	return r < 0 ? place_error(err, r, "sys/fs/cgroup") : 0;
}

static int write_text(int dirfd, const char *name, mode_t mode, const char *text)
{
	auto_close int fd =
		openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0)
		return -errno;
	return fd_write_all(fd, text, strlen(text));
}

/*
 * A boot of the CT has its own boot id, or its journal could not tell one from the next; and it stays
 * the same when the CT moves to another host.
 */
static int write_boot_id(int host_fd)
{
	unsigned char b[16];
	char text[64];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return -EIO;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	(void)snprintf(text, sizeof(text),
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n",
		       b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
		       b[12], b[13], b[14], b[15]);
	return write_text(host_fd, "boot-id", 0444, text);
}

/* /run/host of systemd's container interface. */
static int fill_run_host(int run_fd, const struct launch_spec *spec)
{
	auto_close int host = -EBADF;
	char uuid[64];
	int r;

	if (mkdirat(run_fd, "host", 0755) < 0)
		return -errno;
	host = dir_open_at(run_fd, "host");
	if (host < 0)
		return host;
	r = write_text(host, "container-manager", 0444, "berth\n");
	if (r == 0 && spec->uuid != NULL) {
		(void)snprintf(uuid, sizeof(uuid), "%s\n", spec->uuid);
		r = write_text(host, "container-uuid", 0444, uuid);
	}
	if (r == 0)
		r = write_text(host, "hidden", 0, "");
	if (r == 0)
		r = write_text(host, "nothing", 0444, "");
	if (r == 0 && mkdirat(host, "empty", 0555) < 0)
		r = -errno;
	if (r == 0)
		r = write_boot_id(host);
	return r;
}

static int attach_run(int root_fd, const struct launch_spec *spec, int *ret,
		      struct berth_error *err)
{
	char size[FS_SIZE_MAX];
	const struct fs_option options[] = {{"mode", "0755"},
					    {"size", tmpfs_size(spec->memory, 20, size)},
					    {"nr_inodes", "800k"},
					    {NULL, NULL}};
	auto_close int fd = fs_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	int r;

	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -fd, "make a tmpfs for /run: %s",
				       strerror(-fd));
	r = mount_place_in_root(fd, root_fd, "run", err);
	if (r < 0)
		return r;
	r = fill_run_host(fd, spec);
	if (r < 0)
		return berth_error_sys(err, -r, "fill /run/host of the container");
	*ret = take_fd(&fd);
	return 0;
}

/*
 * Parts of /proc behind a file of the CT's own /run (so that a dump finds all that is mounted inside the
 * CT), or, without one, made read-only.
 */
struct cover {
	const char *name;
	const char *file;
};

static const struct cover covers[] = {
	{"kallsyms", "host/hidden"},
	{"kcore", "host/hidden"},
	{"keys", "host/hidden"},
	{"sysrq-trigger", "host/hidden"},
	{"timer_list", "host/hidden"},
	{"sys/kernel/random/boot_id", "host/boot-id"},
	/* The host's disks and how busy they are. Who takes the cover off finds numbers, and no names. */
	{"diskstats", "host/nothing"},
	{"partitions", "host/nothing"},
	{"fs", "host/empty"},
	{"acpi", NULL},
	{"asound", NULL},
	{"bus", NULL},
	{"irq", NULL},
	{"scsi", NULL},
};

/*
 * To a user namespace inside, the covers are locked, and where each /proc in view has one the kernel refuses a new
 * one (mount_too_revealing). Nothing is revealed by this: the CT's root may mount its own.
 */
static int keep_proc_whole(int proc_fd, int run_fd, struct berth_error *err)
{
	auto_close int fd =
		open_tree(proc_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && mkdirat(run_fd, "host/proc", 0755) < 0)
		r = -errno;
	if (r == 0)
		r = mount_place(fd, run_fd, "host/proc");
	return r < 0 ? place_error(err, r, "run/host/proc") : 0;
}

static int cover_one(const struct cover *c, int proc_fd, int run_fd)
{
	struct mount_attr ro = {.attr_set = ATTR_API | MOUNT_ATTR_RDONLY};
	auto_close int fd = -EBADF;

	if (faccessat(proc_fd, c->name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* not in this kernel */
	fd = open_tree(c->file != NULL ? run_fd : proc_fd, c->file != NULL ? c->file : c->name,
		       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &ro, sizeof(ro)) < 0)
		return -errno;
	return mount_place(fd, proc_fd, c->name);
}

/* What the view covers needs no other: below one criu would find no way to it. */
static bool is_in_view(const char *name, const int view[VIEW_FILES])
{
	return view[VIEW_DISKSTATS] >= 0 && strcmp(name, view_places[VIEW_DISKSTATS].name) == 0;
}

static int cover_proc(int proc_fd, int run_fd, const int view[VIEW_FILES], struct berth_error *err)
{
	for (size_t i = 0; i < sizeof(covers) / sizeof(covers[0]); i++) {
		int r = is_in_view(covers[i].name, view) ? 0
							 : cover_one(&covers[i], proc_fd, run_fd);

		if (r < 0)
			return berth_error_set(err, BERTH_ERR_MOUNT, -r,
					       "cover /proc/%s of the container: %s",
					       covers[i].name, strerror(-r));
	}
	return 0;
}

int mounts_attach(struct mount_set *set, const struct launch_spec *spec, const struct cage *cage,
		  struct ct_dirs *ret, struct berth_error *err)
{
	int r;

	ret->root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->root < 0)
		return berth_error_sys(err, errno, "open the container's root");
	r = mount_place_in_root(set->proc, ret->root, "proc", err);
	if (r == 0)
		r = mount_place_in_root(set->sys, ret->root, "sys", err);
	if (r == 0)
		r = attach_cgroup(ret->root, err);
	if (r == 0)
		r = attach_run(ret->root, spec, &ret->run, err);
	if (r == 0)
		r = devices_attach(set, spec, cage, ret, err);
	if (r == 0 && spec->nesting)
		r = keep_proc_whole(set->proc, ret->run, err);
	if (r == 0)
		r = cover_proc(set->proc, ret->run, set->view, err);
	if (r == 0)
		r = view_attach(set->view, ret->root, err);
	return r;
}

/* ---- a host whose own /proc is covered ---- */

/* Directories that the kernel makes as mount points, always empty. */
static const char *const mount_points[] = {"/proc/sys/fs/binfmt_misc", "/proc/fs/nfsd"};

static bool is_covering(const char *path, size_t len)
{
	if (strncmp(path, "/proc/", 6) != 0)
		return false;
	for (size_t i = 0; i < sizeof(mount_points) / sizeof(mount_points[0]); i++) {
		size_t n = strlen(mount_points[i]);

		/* The mount itself, or a mount below it: then it lies on another file system. */
		if (len >= n && memcmp(path, mount_points[i], n) == 0 &&
		    (len == n || path[n] == '/'))
			return false;
	}
	return true;
}

bool mounts_host_covered(const char *mountinfo)
{
	for (const char *line = mountinfo; *line != '\0';) {
		const char *where = mountinfo_field(line, 5), *end = strchr(line, '\n');

		if (where != NULL && is_covering(where, strcspn(where, " \n")))
			return true;
		if (end == NULL)
			break;
		line = end + 1;
	}
	return false;
}

int launch_host_covered(bool *ret, struct berth_error *err)
{
	auto_free char *text = NULL;
	int r = mountinfo_read(&text, err);

	if (r == 0)
		*ret = mounts_host_covered(text);
	return r;
}

int mounts_uncover_host(struct berth_error *err)
{
	auto_close int fd = fs_mount("proc", NULL, ATTR_API);

	if (fd < 0)
		return berth_error_sys(err, -fd, "make an uncovered proc");
	if (move_mount(fd, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return berth_error_sys(err, errno, "attach an uncovered proc");
	return 0;
}

/* ---- stage 1 ---- */

/* While the mounts that it lies in are ours: those of another namespace cannot be copied. */
static int take_root(int root_fd)
{
	int fd = open_tree(root_fd, "",
			   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);

	if (fd < 0 && errno == EINVAL) /* a detached mount */
		fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

/* The sysfs twice, the upper one on the lower one's root, which is where we are then. */
static int stage_sys(const struct cage *cage)
{
	auto_close int upper = -EBADF;

	if (move_mount(cage->sys, "", AT_FDCWD, STAGE_SYS, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	upper = open_tree(cage->sys, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (upper < 0 || move_mount(upper, "", cage->sys, "",
				    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return fchdir(cage->sys) < 0 ? -errno : 0;
}

int mounts_stage(const struct launch_spec *spec, const struct cage *cage, struct berth_error *err)
{
	auto_close int root = take_root(spec->root_fd);
	int r;

	if (root < 0)
		return berth_error_sys(err, -root, "take the container's root mount");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return berth_error_sys(err, errno, "make an own mount namespace");
	r = spec->host_covered ? mounts_uncover_host(err) : 0;
	if (r < 0)
		return r;
	if (move_mount(root, "", AT_FDCWD, STAGE_ROOT, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return berth_error_sys(err, errno, "attach the container's root");
	r = stage_sys(cage);
	return r < 0 ? berth_error_sys(err, -r, "attach the container's sysfs") : 0;
}
