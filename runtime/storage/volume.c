/* volume.c - the table of volume drivers. */
#include "runtime/storage/volume.h"

#include "runtime/storage/loop.h"
#include "runtime/storage/volume_driver.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static const struct volume_driver *const drivers[] = {&volume_driver_image};

const struct volume_driver *volume_driver_find(const char *name)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	errno = ENOENT;
	return NULL;
}

int volume_create(const struct volume_driver *d, int private_fd, const struct volume_limits *l,
		  const char *const *dirs, struct berth_error *err)
{
	return d->create(private_fd, l, dirs, err);
}

int volume_mount(const struct volume_driver *d, int private_fd, int *ret_mount_fd, dev_t *ret_dev,
		 struct berth_error *err)
{
	return d->mount(private_fd, ret_mount_fd, ret_dev, err);
}

int volume_in_use(const struct volume_driver *d, int private_fd, struct berth_error *err)
{
	return d->in_use(private_fd, err);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The kernel tells nobody when it drops the last reference, so it is asked; asking costs 15 us. */
int volume_wait_unused(const struct volume_driver *d, int private_fd, unsigned int timeout_ms,
		       struct berth_error *err)
{
	uint64_t end = now_ms() + timeout_ms;

	for (long pause_us = 100;; pause_us += pause_us < 2000 ? pause_us / 8 : 0) {
		int r = d->in_use(private_fd, err);

		if (r <= 0)
			return r;
		if (now_ms() >= end)
			return berth_error_set(
				err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				"the volume is still in use after %u ms; `fuser -vm` on "
				"its mounts and `losetup -a` show by what",
				timeout_ms);
		(void)nanosleep(&(struct timespec){.tv_nsec = pause_us * 1000}, NULL);
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
