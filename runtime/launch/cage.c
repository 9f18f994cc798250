/*
 * cage.c - what the host makes for a CT before it enters its user namespace. A file system belongs to the user
 * namespace that made it: these belong to the host's, so the CT's root may use them and can change neither
 * their limits nor their flags, whatever it mounts or remounts.
 *
 *	nodes	/dev/null and the like. Nodes of the host's own /dev would be shared by all: a lock on one
 *		would hold everybody, a watch would count everybody's opens
 *	sys	sysfs of the CT's network namespace. Its superblock is read-only, so every other mount of it
 *		is, and the kernel lets a mount namespace that sees it have only read-only ones of others
 *		(mount_too_revealing in fs/namespace.c), nested network namespaces' included. It cannot be
 *		unmounted inside (mounts_stage), so that there always is one in view
 *	pts	a devpts with a limit
 *	view	the files of /proc and /sys that show the CT's numbers (view.c)
 *	console	a pty of the host's own: it is there when tenants have taken all that they can get, and no
 *		mount namespace inside keeps the CT's devpts for it
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

enum {
	NODE_TUN = 6,
	NODE_FUSE = 7,
	GID_TTY = 5, /* in the CT */
	CONSOLE_MODE = 0620
};

const struct device_node device_nodes[NODE_MAX] = {
	{"null", 1, 3},	   {"zero", 1, 5}, {"full", 1, 7},	 {"random", 1, 8},
	{"urandom", 1, 9}, {"tty", 5, 0},  {"net/tun", 10, 200}, {"fuse", 10, 229},
};

const char *device_file(int i)
{
	const char *slash = strrchr(device_nodes[i].name, '/');

	return slash != NULL ? slash + 1 : device_nodes[i].name;
}

bool device_is_wanted(int i, const struct launch_spec *spec)
{
	if (i == NODE_TUN)
		return spec->dev_tun;
	if (i == NODE_FUSE)
		return spec->dev_fuse;
	return true;
}

/* ---- device nodes ---- */

/* The kernel loads the module when the node is opened, if there is one. */
static int check_driver(int nodes_fd, const char *name, const struct device_node *node,
			struct berth_error *err)
{
	auto_close int fd = openat(nodes_fd, name, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return 0;
	return berth_error_set(err, BERTH_ERR_UNSUPPORTED, errno,
			       "this host has no driver for /dev/%s: %s; load it: modprobe %s",
			       node->name, strerror(errno), name);
}

/* They belong to the CT's root, as everything in its /dev. */
static int make_node(int nodes_fd, int i, uint32_t id_base, struct berth_error *err)
{
	const struct device_node *node = &device_nodes[i];
	const char *name = device_file(i);

	if (mknodat(nodes_fd, name, S_IFCHR | 0666, makedev(node->major, node->minor)) < 0 ||
	    fchmodat(nodes_fd, name, 0666, 0) < 0 ||
	    fchownat(nodes_fd, name, id_base, id_base, AT_SYMLINK_NOFOLLOW) < 0)
		return berth_error_sys(err, errno, "make /dev/%s of the container", node->name);
	return i == NODE_TUN || i == NODE_FUSE ? check_driver(nodes_fd, name, node, err) : 0;
}

static int make_nodes(const struct launch_spec *spec, int *ret, struct berth_error *err)
{
	static const struct fs_option options[] = {
		{"mode", "0755"}, {"size", "4k"}, {"nr_inodes", "16"}, {NULL, NULL}};
	auto_close int fd = fs_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);

	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -fd,
				       "make a tmpfs for the container's device nodes: %s",
				       strerror(-fd));
	for (int i = 0; i < NODE_MAX; i++) {
		int r = device_is_wanted(i, spec) ? make_node(fd, i, spec->id_base, err) : 0;

		if (r < 0)
			return r;
	}
	*ret = take_fd(&fd);
	return 0;
}

/* ---- sysfs ---- */

static int make_sys(int *ret, struct berth_error *err)
{
	static const struct fs_option options[] = {{"ro", NULL}, {NULL, NULL}};
	int fd = fs_mount("sysfs", options,
			  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				  MOUNT_ATTR_NOEXEC);

	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -fd, "make a new sysfs: %s",
				       strerror(-fd));
	*ret = fd;
	return 0;
}

/* ---- terminals ---- */

int launch_pts(uint32_t id_base, unsigned int max, int *ret, struct berth_error *err)
{
	char gid[16], limit[16];
	const struct fs_option options[] = {
		{"gid", gid}, {"mode", "620"}, {"ptmxmode", "666"}, {"max", limit}, {NULL, NULL}};
	int fd;

	(void)snprintf(gid, sizeof(gid), "%u", id_base + GID_TTY);
	(void)snprintf(limit, sizeof(limit), "%u", max);
	fd = fs_mount("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -fd,
				       "make a devpts for %u terminals: %s", max, strerror(-fd));
	*ret = fd;
	return 0;
}

static int make_pts(const struct launch_spec *spec, int *ret, struct berth_error *err)
{
	if (spec->pts_fd <= 0)
		return launch_pts(spec->id_base, LAUNCH_PTYS, ret, err);
	*ret = fcntl(spec->pts_fd, F_DUPFD_CLOEXEC, 3);
	return *ret < 0 ? berth_error_sys(err, errno, "take the container's devpts") : 0;
}

static int take_view(const struct launch_spec *spec, int *ret, struct berth_error *err)
{
	if (spec->view_fd <= 0)
		return 0;
	*ret = fcntl(spec->view_fd, F_DUPFD_CLOEXEC, 3);
	return *ret < 0 ? berth_error_sys(err, errno, "take the container's view") : 0;
}

static int open_console(uint32_t id_base, int *ret_master, int *ret_mount)
{
	auto_close int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	auto_close int slave = -EBADF;
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	int unlock = 0, fd;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
	    ioctl(master, TIOCSWINSZ, &size) < 0)
		return -errno;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || fchown(slave, id_base, id_base + GID_TTY) < 0 ||
	    fchmod(slave, CONSOLE_MODE) < 0)
		return -errno;
	fd = open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_mount = fd;
	*ret_master = take_fd(&master);
	return 0;
}

static int make_console(uint32_t id_base, int *ret_master, int *ret_mount, struct berth_error *err)
{
	int r = open_console(id_base, ret_master, ret_mount);

	if (r < 0)
		return berth_error_sys(err, -r,
				       "make the container's console from the host's /dev/ptmx "
				       "(limit: /proc/sys/kernel/pty/max)");
	return 0;
}

/* ---- all of it ---- */

void cage_init(struct cage *c)
{
	c->nodes = c->sys = c->pts = c->view = c->master = c->console = -EBADF;
}

int cage_make(const struct launch_spec *spec, struct cage *ret, struct berth_error *err)
{
	int r = make_nodes(spec, &ret->nodes, err);

	if (r == 0)
		r = make_sys(&ret->sys, err);
	if (r == 0)
		r = make_pts(spec, &ret->pts, err);
	if (r == 0)
		r = take_view(spec, &ret->view, err);
	if (r == 0)
		r = make_console(spec->id_base, &ret->master, &ret->console, err);
	if (r < 0)
		cage_close(ret);
	return r;
}

void cage_close(struct cage *c)
{
	fd_close(&c->nodes);
	fd_close(&c->sys);
	fd_close(&c->pts);
	fd_close(&c->view);
	fd_close(&c->master);
	fd_close(&c->console);
}
