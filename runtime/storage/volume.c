/* volume.c - the table of volume drivers. */
#include "runtime/storage/volume.h"

#include "runtime/base/clock.h"
#include "runtime/storage/loop.h"
#include "runtime/storage/volume_driver.h"

#include <errno.h>
#include <string.h>

/* The first is a new CT's. */
static const struct volume_driver *const drivers[] = {&volume_driver_image};

enum {
	N_DRIVERS = sizeof(drivers) / sizeof(drivers[0])
};

const struct volume_driver *volume_driver_find(const char *name)
{
	for (size_t i = 0; i < N_DRIVERS; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	errno = ENOENT;
	return NULL;
}

const struct volume_driver *volume_driver_default(void)
{
	return drivers[0];
}

const char *volume_driver_name(const struct volume_driver *d)
{
	return d->name;
}

void volume_needs(volume_need_fn *fn, void *data)
{
	for (size_t i = 0; i < N_DRIVERS; i++)
		for (unsigned int n = 0; n < drivers[i]->n_needs; n++)
			fn(&drivers[i]->needs[n], data);
}

const struct volume_driver *volume_of_mount(int fd)
{
	for (size_t i = 0; i < N_DRIVERS; i++)
		if (drivers[i]->mounted(fd))
			return drivers[i];
	return NULL;
}

uint64_t volume_most(const struct volume_driver *d)
{
	return d->most != NULL ? d->most() : 0;
}

dev_t volume_io_device(const struct volume_driver *d)
{
	return d->io_device != NULL ? d->io_device() : 0;
}

int volume_promised(int area_fd, const char *name, struct volume_promise *ret)
{
	for (size_t i = 0; i < N_DRIVERS; i++)
		if (drivers[i]->promised(area_fd, name, ret) == 0)
			return 0;
	return -ENOENT;
}

void volume_remove(int private_fd)
{
	for (size_t i = 0; i < N_DRIVERS; i++)
		drivers[i]->remove(private_fd);
}

int volume_create(const struct volume_driver *d, int private_fd, const struct volume_limits *l,
		  const char *const *dirs, struct berth_error *err)
{
	return d->create(private_fd, l, dirs, err);
}

enum volume_ability volume_probe_inode_limits(const struct volume_driver *d,
					      struct berth_error *err)
{
	return d->probe_inode_limits(err);
}

int volume_mount(const struct volume_driver *d, int private_fd, const struct volume_limits *l,
		 int *ret_mount_fd, dev_t *ret_dev, struct berth_error *err)
{
	static const struct volume_limits none;

	return d->mount(private_fd, l != NULL ? l : &none, ret_mount_fd, ret_dev, err);
}

int volume_in_use(const struct volume_driver *d, int private_fd, struct berth_error *err)
{
	return d->in_use(private_fd, err);
}

/* The kernel tells nobody when it drops the last reference, so it is asked; asking costs 15 us. */
int volume_wait_unused(const struct volume_driver *d, int private_fd, unsigned int timeout_ms,
		       struct berth_error *err)
{
	uint64_t end = clock_deadline(timeout_ms);

	for (uint64_t pause_us = 100;; pause_us += pause_us < 2000 ? pause_us / 8 : 0) {
		int r = d->in_use(private_fd, err);

		if (r <= 0)
			return r;
		if (clock_is_past(end))
			return berth_error_set(
				err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				"the volume is still in use after %u ms; `fuser -vm` on "
				"its mounts and `losetup -a` show who uses it",
				timeout_ms);
		clock_pause_us(pause_us);
	}
}

void volume_was_used(const struct volume_driver *d, int private_fd)
{
	d->was_used(private_fd);
}

void volume_forget_devices(void)
{
	loop_remove_unused();
}

int volume_resize(const struct volume_driver *d, int private_fd, int mount_fd,
		  const struct volume_limits *l, uint64_t *ret_inodes, struct berth_error *err)
{
	return d->resize(private_fd, mount_fd, l, ret_inodes, err);
}

int volume_usage(const struct volume_driver *d, int private_fd, int mount_fd,
		 struct volume_usage *ret, struct berth_error *err)
{
	return d->usage(private_fd, mount_fd, ret, err);
}

int volume_mounts(const struct volume_driver *d, int private_fd, uint32_t *ret,
		  struct berth_error *err)
{
	struct volume_stamp stamp;
	int r = volume_stamp(d, private_fd, &stamp, err);

	if (r == 0)
		*ret = stamp.mounts;
	return r;
}

int volume_stamp(const struct volume_driver *d, int private_fd, struct volume_stamp *ret,
		 struct berth_error *err)
{
	return d->stamp(private_fd, ret, err);
}

int volume_check(const struct volume_driver *d, int private_fd, struct berth_error *err)
{
	return d->check(private_fd, err);
}

int volume_distrust(const struct volume_driver *d, int private_fd)
{
	return d->distrust(private_fd);
}

int volume_room(const struct volume_driver *d, int private_fd, int mount_fd,
		struct volume_room *ret, struct berth_error *err)
{
	return d->room(private_fd, mount_fd, ret, err);
}

int volume_keep(const struct volume_driver *d, int mount_fd, uint64_t bytes,
		struct berth_error *err)
{
	return d->keep(mount_fd, bytes, err);
}

int volume_keep_first(const struct volume_driver *d, int private_fd, int mount_fd, uint64_t most,
		      struct berth_error *err)
{
	return d->keep_first(private_fd, mount_fd, most, err);
}

/* ---- what not every driver offers ---- */

static int refuse(const struct volume_driver *d, const char *what, struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
			       "volumes of the driver '%s' cannot be %s", d->name, what);
}

int volume_track(const struct volume_driver *d, int private_fd, int mount_fd,
		 struct berth_error *err)
{
	return d->track != NULL ? d->track(private_fd, mount_fd, err) : refuse(d, "tracked", err);
}

int volume_take(const struct volume_driver *d, int private_fd, int mount_fd, volume_extent_fn *fn,
		void *data, struct berth_error *err)
{
	return d->take != NULL ? d->take(private_fd, mount_fd, fn, data, err)
			       : refuse(d, "tracked", err);
}

int volume_untrack(const struct volume_driver *d, int private_fd, int mount_fd,
		   struct berth_error *err)
{
	return d->untrack != NULL ? d->untrack(private_fd, mount_fd, err)
				  : refuse(d, "tracked", err);
}

int volume_send_open(const struct volume_driver *d, int private_fd, bool live, int *ret_fd,
		     struct volume_travel *ret, struct berth_error *err)
{
	return d->send_open != NULL ? d->send_open(private_fd, live, ret_fd, ret, err)
				    : refuse(d, "moved", err);
}

int volume_receive_begin(const struct volume_driver *d, int private_fd,
			 const struct volume_travel *t, int *ret_fd, struct berth_error *err)
{
	return d->receive_begin != NULL ? d->receive_begin(private_fd, t, ret_fd, err)
					: refuse(d, "moved", err);
}

int volume_receive_end(const struct volume_driver *d, int private_fd, int fd,
		       struct berth_error *err)
{
	return d->receive_end != NULL ? d->receive_end(private_fd, fd, err)
				      : refuse(d, "moved", err);
}

int volume_snapshot(const struct volume_driver *d, int private_fd, int mount_fd, const char *name,
		    struct berth_error *err)
{
	return d->snapshot != NULL ? d->snapshot(private_fd, mount_fd, name, err)
				   : refuse(d, "kept as a snapshot", err);
}

int volume_clone(const struct volume_driver *d, int from_fd, int mount_fd, int to_fd,
		 volume_progress_fn *progress, void *data, struct volume_cloned *ret,
		 struct berth_error *err)
{
	return d->clone != NULL ? d->clone(from_fd, mount_fd, to_fd, progress, data, ret, err)
				: refuse(d, "cloned", err);
}
