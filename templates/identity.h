/*
 * identity.h - what makes one system itself and no other: host keys, ids, seeds. Two CTs of one template must not
 * share them, so they leave the root file system before it becomes an image.
 */
#pragma once

#include <stddef.h>

enum {
	IDENTITY_TEXT_MAX = 160
};

/*
 * Removes it from a root that nobody writes to now; links in it lead nowhere outside. found: what there was, in
 * words ("SSH host keys, machine-id"), "" for nothing; it has IDENTITY_TEXT_MAX bytes. -errno.
 *
 * /etc/machine-id stays as an empty file, and is made where systemd is the init: systemd then takes
 * $container_uuid and sees no first boot (machine-id(5)).
 */
int identity_remove(int root_fd, char *found);
