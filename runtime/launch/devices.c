/*
 * devices.c - /dev of a CT: a tmpfs with the CT's device nodes bound in (a user namespace cannot mknod),
 * devpts, shm and mqueue, and the console. What the CT's root must not change comes from cage.c.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

/* A mount on a new file: only the root of a user namespace's own tmpfs may be a device. */
static int place_on_file(int mount_fd, int dev_fd, const char *name, mode_t mode)
{
	if (mknodat(dev_fd, name, S_IFREG | mode, 0) < 0)
		return -errno;
	return mount_place(mount_fd, dev_fd, name);
}

int devices_clone(const struct launch_spec *spec, int nodes_fd, int ret[NODE_MAX])
{
	for (int i = 0; i < NODE_MAX; i++) {
		if (!device_is_wanted(i, spec))
			continue;
		ret[i] = open_tree(nodes_fd, device_file(i), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (ret[i] < 0)
			return -errno;
	}
	return 0;
}

static int attach_nodes(const int nodes[NODE_MAX], int dev_fd)
{
	for (int i = 0; i < NODE_MAX; i++) {
		int r = nodes[i] < 0 ? 0
				     : place_on_file(nodes[i], dev_fd, device_nodes[i].name, 0644);

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

/* A detached mount, or -errno, on the new directory NAME of /dev. */
static int place_below(int mount_fd, int dev_fd, const char *name)
{
	if (mount_fd < 0)
		return mount_fd;
	if (mkdirat(dev_fd, name, 0755) < 0)
		return -errno;
	return mount_place(mount_fd, dev_fd, name);
}

static int attach_shm(int dev_fd, uint64_t memory)
{
	char size[FS_SIZE_MAX];
	const struct fs_option options[] = {
		{"mode", "1777"}, {"size", tmpfs_size(memory, 50, size)}, {NULL, NULL}};
	auto_close int fd = fs_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

	return place_below(fd, dev_fd, "shm");
}

static int attach_mqueue(int dev_fd)
{
	auto_close int fd =
		fs_mount("mqueue", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);

	return place_below(fd, dev_fd, "mqueue");
}

/* Opened by its name in the CT, which is what /proc/PID/fd shows there. */
static int attach_console(int console_mount, int dev_fd, int *ret_slave)
{
	int fd, r = place_on_file(console_mount, dev_fd, "console", 0600);

	if (r < 0)
		return r;
	fd = openat(dev_fd, "console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_slave = fd;
	return 0;
}

static int fill_dev(const struct mount_set *set, const struct launch_spec *spec,
		    const struct cage *cage, int dev_fd, int *ret_slave)
{
	int r;

	if (mkdirat(dev_fd, "net", 0755) < 0)
		return -errno;
	r = attach_nodes(set->nodes, dev_fd);
	if (r == 0)
		r = make_links(dev_fd);
	if (r == 0)
		r = place_below(cage->pts, dev_fd, "pts");
	if (r == 0)
		r = attach_shm(dev_fd, spec->memory);
	if (r == 0)
		r = attach_mqueue(dev_fd);
	if (r == 0)
		r = attach_console(cage->console, dev_fd, ret_slave);
	return r;
}

int devices_attach(const struct mount_set *set, const struct launch_spec *spec,
		   const struct cage *cage, struct ct_dirs *dirs, struct berth_error *err)
{
	static const struct fs_option options[] = {
		{"mode", "0755"}, {"size", "4m"}, {"nr_inodes", "64k"}, {NULL, NULL}};
	auto_close int fd = fs_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	int r;

	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -fd, "make a tmpfs for /dev: %s",
				       strerror(-fd));
	r = mount_place_in_root(fd, dirs->root, "dev", err);
	if (r < 0)
		return r;
	r = fill_dev(set, spec, cage, fd, &dirs->slave);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_MOUNT, -r, "set up /dev of the container: %s",
				       strerror(-r));
	dirs->dev = take_fd(&fd);
	return 0;
}
