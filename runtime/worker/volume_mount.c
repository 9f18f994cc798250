/* volume_mount.c - a CT's volume and root in the caller's mount namespace. */
#include "runtime/worker/volume_mount.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/spec.h"
#include "runtime/storage/reserve.h"
#include "runtime/storage/rootfs.h"
#include "runtime/storage/volume.h"
#include "templates/template.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

void ct_mounts_init(struct ct_mounts *m)
{
	*m = (struct ct_mounts){
		.userns_fd = -EBADF, .volume_fd = -EBADF, .root_fd = -EBADF, .lower_fd = -EBADF};
}

/* Attaches a detached mount at NAME below dirfd; *fd becomes a directory of the attached one. */
static int attach(uint32_t ctid, int *fd, int dirfd, const char *name, struct berth_error *err)
{
	int dir;

	if (mkdirat(dirfd, name, 0700) < 0 && errno != EEXIST)
		return berth_error_sys(err, errno, "CT %u: make mount point %s", ctid, name);
	if (move_mount(*fd, "", dirfd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return berth_error_sys(err, errno, "CT %u: attach mount %s", ctid, name);
	dir = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return berth_error_sys(err, errno, "CT %u: open mount %s", ctid, name);
	fd_close(fd);
	*fd = dir;
	return 0;
}

static void detach(struct worker *w, const char *name)
{
	char path[BERTH_PATH_MAX];

	rootfs_detach(path_below(w->ct_path, name, path));
}

void ct_mounts_detach(struct worker *w)
{
	detach(w, "root");
	detach(w, "volume");
}

static void drop_volume(struct worker *w, struct ct_mounts *m)
{
	fd_close(&m->volume_fd);
	detach(w, "volume");
	(void)unlinkat(w->ct_fd, "volume", AT_REMOVEDIR);
}

static bool is_private(const struct ct_facts *f)
{
	return strcmp(f->layout, "private") == 0;
}

const struct volume_driver *worker_volume_driver(const struct worker *w, const struct ct_facts *f,
						 struct berth_error *err)
{
	const struct volume_driver *d = volume_driver_find(f->driver);

	if (d == NULL)
		(void)berth_error_set(err, BERTH_ERR_BROKEN, EINVAL,
				      "CT %u: its facts name the volume driver '%s', which this "
				      "berth does not have; a newer berth may have made it",
				      w->ctid, f->driver);
	return d;
}

#define ABILITY_FILE "inode-limits" /* below RUN: what volume_probe_inode_limits has found */

enum volume_ability worker_inode_limits(struct worker *w)
{
	char line[8];

	if (file_read_line_at(worker_run_dir(w), ABILITY_FILE, line, sizeof(line)) < 0)
		return VOLUME_UNKNOWN;
	return strcmp(line, "yes") == 0	 ? VOLUME_CAN
	       : strcmp(line, "no") == 0 ? VOLUME_CANNOT
					 : VOLUME_UNKNOWN;
}

int worker_probe_volumes(struct worker *w, struct berth_error *err)
{
	enum volume_ability can = volume_probe_inode_limits(volume_driver_default(), err);
	const char *word = can == VOLUME_CAN ? "yes\n" : "no\n";
	int r;

	if (can == VOLUME_UNKNOWN)
		return -err->sys;
	r = file_replace_at(worker_run_dir(w), ABILITY_FILE, word, strlen(word), 0644, false);
	return r < 0 ? berth_error_sys(err, r, "write " ABILITY_FILE) : 0;
}

void worker_volume_limits(struct worker *w, const struct ct_config *c, struct volume_limits *ret)
{
	spec_volume_limits(c, ret);
	ret->inode_limits = worker_inode_limits(w);
}

uint64_t ct_mounts_inodes(const struct ct_config *c)
{
	return c->diskinodes_given ? c->diskinodes : UINT64_MAX;
}

int ct_mounts_volume(struct worker *w, const struct ct_facts *f, struct ct_mounts *m,
		     struct berth_error *err)
{
	const struct volume_driver *d = worker_volume_driver(w, f, err);
	const struct volume_limits l = {.inodes = m->inodes,
					.inode_limits = worker_inode_limits(w)};
	int dir = worker_ct_dir(w, err), private_fd, r;

	if (d == NULL)
		return -EINVAL;
	if (dir < 0)
		return dir;
	private_fd = worker_private_dir(w, err);
	if (private_fd < 0)
		return private_fd;
	r = volume_mount(d, private_fd, &l, &m->volume_fd, &m->dev, err);
	if (r == 0)
		r = attach(w->ctid, &m->volume_fd, dir, "volume", err);
	if (r == 0)
		r = rootfs_prepare(is_private(f) ? ROOTFS_PRIVATE : ROOTFS_OVERLAY, m->volume_fd,
				   err);
	if (r < 0)
		drop_volume(w, m);
	else if (!is_private(f))
		reserve_make(m->volume_fd);
	return r;
}

/* The template's image, checked to be there. */
static int find_image(struct worker *w, const struct ct_facts *f, char *buf, size_t size,
		      struct berth_error *err)
{
	char dir[BERTH_PATH_MAX];

	(void)snprintf(buf, size, "%s/image/%s.erofs", worker_template_dir(w, dir),
		       f->template_hash);
	if (!is_private(f) && access(buf, F_OK) < 0)
		return berth_error_set(err, BERTH_ERR_NO_TEMPLATE, errno,
				       "CT %u was made from template %s (image %.12s...), which is "
				       "gone; bring %s back",
				       w->ctid, f->template_name, f->template_hash, buf);
	return 0;
}

int ct_mounts_lower(struct worker *w, const struct ct_facts *f, struct ct_mounts *m,
		    struct berth_error *err)
{
	char image[BERTH_PATH_MAX + 80];
	int r = is_private(f) ? 0 : find_image(w, f, image, sizeof(image), err);

	return r < 0 || is_private(f) ? r : rootfs_lower(image, m->userns_fd, &m->lower_fd, err);
}

/* Where the parts of a root are. */
struct root_paths {
	char image[BERTH_PATH_MAX + 80], target[BERTH_PATH_MAX];
};

static struct rootfs_spec root_spec(struct worker *w, const struct ct_facts *f,
				    const struct ct_mounts *m, struct root_paths *p)
{
	return (struct rootfs_spec){
		.layout = is_private(f) ? ROOTFS_PRIVATE : ROOTFS_OVERLAY,
		.lower_image = p->image,
		.lower_fd = m->lower_fd,
		.volume_fd = m->volume_fd,
		.userns_fd = m->userns_fd,
		.mapped_root = f->id_base,
		.target = path_below(w->ct_path, "root", p->target),
	};
}

enum {
	MOUNT_INODES = 8,
	MOUNT_BLOCKS = 16
};

/*
 * Less than a mount needs? It is asked first: without a block for work/ the kernel mounts read-only and calls
 * it success.
 */
static bool volume_is_full(const struct ct_mounts *m)
{
	struct statvfs vfs;

	return fstatvfs(m->volume_fd, &vfs) == 0 &&
	       (vfs.f_ffree < MOUNT_INODES || vfs.f_bavail < MOUNT_BLOCKS);
}

/* Made by a berth that kept no room. A block group more has inodes of its own, and is 128 MiB. */
static int refuse_full_volume(struct worker *w, const struct ct_mounts *m, struct berth_error *err)
{
	uint64_t mib = 0;
	struct statvfs vfs;
	bool inodes = false;

	if (fstatvfs(m->volume_fd, &vfs) == 0) {
		inodes = vfs.f_ffree < MOUNT_INODES;
		mib = (vfs.f_blocks * vfs.f_frsize >> 20) + 160;
	}
	return berth_error_set(err, BERTH_ERR_NO_SPACE, ENOSPC,
			       "CT %u: its disk has no free %s left, so its root cannot be "
			       "mounted; enlarge it: berth set %u --diskspace %lluM --save",
			       w->ctid, inodes ? "inode" : "block", w->ctid,
			       (unsigned long long)mib);
}

/* A tenant who has used up every inode or block is mounted all the same: there is room kept for that. */
static int mount_root(struct worker *w, const struct rootfs_spec *spec, struct ct_mounts *m,
		      struct berth_error *err)
{
	bool full = spec->layout == ROOTFS_OVERLAY && volume_is_full(m);
	int r;

	if (full)
		(void)reserve_release(m->volume_fd);
	r = rootfs_mount(spec, &m->root_fd, err);
	if (full)
		reserve_make(m->volume_fd);
	return full && r == -ENOSPC ? refuse_full_volume(w, m, err) : r;
}

int ct_mounts_root(struct worker *w, const struct ct_facts *f, struct ct_mounts *m,
		   struct berth_error *err)
{
	struct root_paths p;
	const struct rootfs_spec spec = root_spec(w, f, m, &p);
	int r = find_image(w, f, p.image, sizeof(p.image), err);

	if (r < 0)
		return r;
	if (mkdirat(w->ct_fd, "root", 0700) < 0 && errno != EEXIST)
		return berth_error_sys(err, errno, "CT %u: make mount point %s", w->ctid, p.target);
	r = mount_root(w, &spec, m, err);
	return r < 0 ? r : 0;
}

int ct_mounts_verify(struct worker *w, const struct ct_facts *f, const struct ct_mounts *m,
		     struct berth_error *err)
{
	struct root_paths p;
	const struct rootfs_spec spec = root_spec(w, f, m, &p);
	int r = rootfs_verify(&spec, m->root_fd, err);

	return r == -EROFS && !is_private(f) && volume_is_full(m) ? refuse_full_volume(w, m, err)
								  : r;
}

int ct_mounts_make(struct worker *w, const struct ct_facts *f, struct ct_mounts *m,
		   struct berth_error *err)
{
	int r = ct_mounts_volume(w, f, m, err);

	if (r == 0)
		r = ct_mounts_root(w, f, m, err);
	if (r == 0)
		r = ct_mounts_verify(w, f, m, err);
	if (r < 0)
		ct_mounts_drop(w, m);
	return r;
}

void ct_mounts_drop(struct worker *w, struct ct_mounts *m)
{
	fd_close(&m->root_fd);
	fd_close(&m->lower_fd);
	fd_close(&m->userns_fd);
	detach(w, "root");
	drop_volume(w, m);
	(void)unlinkat(w->ct_fd, "root", AT_REMOVEDIR);
}
