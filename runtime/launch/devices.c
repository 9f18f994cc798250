/*
 * devices.c - /dev of a CT: a tmpfs with the host's harmless nodes bound in (a user namespace cannot
 * mknod), own devpts, shm and mqueue, and a console that is a pty of the CT's own devpts.
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

struct device_node {
	const char *name;
	unsigned int major, minor;
};

enum {
	NODE_TUN = 6,
	NODE_FUSE = 7
};

static const struct device_node device_nodes[NODE_MAX] = {
	{"null", 1, 3},	   {"zero", 1, 5}, {"full", 1, 7},	 {"random", 1, 8},
	{"urandom", 1, 9}, {"tty", 5, 0},  {"net/tun", 10, 200}, {"fuse", 10, 229},
};

static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

static bool is_wanted(int i, const struct launch_spec *spec)
{
	if (i == NODE_TUN)
		return spec->dev_tun;
	if (i == NODE_FUSE)
		return spec->dev_fuse;
	return true;
}

/* The node is what its name says, whoever made the host's /dev. */
static int clone_node(const struct device_node *node, int *ret, struct berth_error *err)
{
	char path[32];
	auto_close int fd = -EBADF;
	struct stat st;

	(void)snprintf(path, sizeof(path), "/dev/%s", node->name);
	fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return berth_error_sys(err, errno, "take the host's %s (modprobe tun, fuse?)",
				       path);
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(node->major, node->minor))
		return berth_error_set(err, BERTH_ERR_MOUNT, ENODEV,
				       "%s of the host is not the character device %u:%u", path,
				       node->major, node->minor);
	/* The host's owner of the node is nobody in the CT: only the mode for others counts there. */
	if ((st.st_mode & 0006) != 0006)
		return berth_error_set(err, BERTH_ERR_PERMISSION, EACCES,
				       "%s of the host is closed to the container: chmod 666 %s",
				       path, path);
	*ret = take_fd(&fd);
	return 0;
}

int devices_prepare(int nodes[NODE_MAX], const struct launch_spec *spec, struct berth_error *err)
{
	for (int i = 0; i < NODE_MAX; i++) {
		int r = is_wanted(i, spec) ? clone_node(&device_nodes[i], &nodes[i], err) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int attach_nodes(const int nodes[NODE_MAX], int dev_fd)
{
	for (int i = 0; i < NODE_MAX; i++) {
		int r;

		if (nodes[i] < 0)
			continue;
		if (mknodat(dev_fd, device_nodes[i].name, S_IFREG | 0644, 0) < 0)
			return -errno;
		r = mount_place(nodes[i], dev_fd, device_nodes[i].name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_links(int dev_fd)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i].target, dev_fd, links[i].name) < 0)
			return -errno;
	return 0;
}

/* A new file system on the new directory NAME of /dev; ret_fd may be NULL. */
static int attach_below(int dev_fd, const char *name, const char *type,
			const struct fs_option *options, unsigned int attrs, int *ret_fd)
{
	auto_close int fd = fs_mount(type, options, attrs);
	int r;

	if (fd < 0)
		return fd;
	if (mkdirat(dev_fd, name, 0755) < 0)
		return -errno;
	r = mount_place(fd, dev_fd, name);
	if (r == 0 && ret_fd != NULL)
		*ret_fd = take_fd(&fd);
	return r;
}

static int fill_dev(int dev_fd, const int nodes[NODE_MAX], uint64_t memory, int *ret_pts)
{
	static const struct fs_option pts_options[] = {
		{"gid", "5"}, {"mode", "620"}, {"ptmxmode", "666"}, {"max", "1024"}, {NULL, NULL}};
	char size[FS_SIZE_MAX];
	const struct fs_option shm_options[] = {
		{"mode", "1777"}, {"size", tmpfs_size(memory, 50, size)}, {NULL, NULL}};
	int r;

	if (mkdirat(dev_fd, "net", 0755) < 0)
		return -errno;
	r = attach_nodes(nodes, dev_fd);
	if (r == 0)
		r = make_links(dev_fd);
	if (r == 0)
		r = attach_below(dev_fd, "pts", "devpts", pts_options,
				 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, ret_pts);
	if (r == 0)
		r = attach_below(dev_fd, "shm", "tmpfs", shm_options,
				 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, NULL);
	if (r == 0)
		r = attach_below(dev_fd, "mqueue", "mqueue", NULL,
				 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, NULL);
	return r;
}

int devices_attach(const int nodes[NODE_MAX], const struct launch_spec *spec, int root_fd,
		   int *ret_dev, int *ret_pts, struct berth_error *err)
{
	static const struct fs_option options[] = {
		{"mode", "0755"}, {"size", "4m"}, {"nr_inodes", "64k"}, {NULL, NULL}};
	auto_close int fd = fs_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	int r;

	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -fd, "make a tmpfs for /dev: %s",
				       strerror(-fd));
	r = mount_place_in_root(fd, root_fd, "dev", err);
	if (r < 0)
		return r;
	r = fill_dev(fd, nodes, spec->memory, ret_pts);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -r, "set up /dev of the container: %s",
				       strerror(-r));
	*ret_dev = take_fd(&fd);
	return 0;
}

static int open_pty(int pts_fd, int *ret_master, int *ret_slave, unsigned int *ret_number)
{
	auto_close int master = openat(pts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	int unlock = 0, slave;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
	    ioctl(master, TIOCGPTN, ret_number) < 0 || ioctl(master, TIOCSWINSZ, &size) < 0)
		return -errno;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	*ret_slave = slave;
	*ret_master = take_fd(&master);
	return 0;
}

/* Nobody else is in the CT yet: the number names our slave. */
static int bind_console(int dev_fd, int pts_fd, unsigned int number)
{
	auto_close int fd = -EBADF;
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", number);
	fd = open_tree(pts_fd, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (fd < 0 || mknodat(dev_fd, "console", S_IFREG | 0600, 0) < 0)
		return -errno;
	return mount_place(fd, dev_fd, "console");
}

int devices_console(int dev_fd, int pts_fd, int *ret_master, int *ret_slave,
		    struct berth_error *err)
{
	auto_close int master = -EBADF;
	auto_close int slave = -EBADF;
	unsigned int number = 0;
	int r = open_pty(pts_fd, &master, &slave, &number);

	if (r == 0)
		r = bind_console(dev_fd, pts_fd, number);
	if (r < 0)
		return berth_error_sys(err, -r,
				       "make the container's console (limit: "
				       "/proc/sys/kernel/pty/max)");
	*ret_master = take_fd(&master);
	*ret_slave = take_fd(&slave);
	return 0;
}
