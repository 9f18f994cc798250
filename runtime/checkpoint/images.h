/* images.h - what berth alters in CRIU's images before it has them restored. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	IMAGE_SMALL_MAX = 65536 /* no inventory and no ids image is larger */
};

/*
 * CRIU makes the namespaces that init had and CRIU itself had not, when it dumped. Those that berth makes are to
 * count as CRIU's own. From the texts of inventory.img and ids-1.img the new inventory.img in ret; its length, or
 * -EBADMSG, -ENOSPC. Pure.
 */
ssize_t images_adopt_namespaces(const uint8_t *inventory, size_t inventory_len, const uint8_t *ids,
				size_t ids_len, uint8_t *ret, size_t size);
