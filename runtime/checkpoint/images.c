/* images.c - alters what CRIU's images say of the namespaces that CRIU itself was in. */
#include "runtime/checkpoint/images.h"

#include <errno.h>
#include <images.pb-c.h>
#include <stdbool.h>
#include <string.h>

/*
 * CRIU's include/magic.h: a common magic for most images, then that of the kind, then the length of the one message in
 * them; the inventory has its own magic alone. All little-endian, as every machine that we run on.
 */
enum {
	MAGIC_COMMON = 0x54564319,
	MAGIC_INVENTORY = 0x58313116,
	COMMON_HEADER = 12,
	INVENTORY_HEADER = 8
};

/* The message behind a header that begins with magic and ends with a length. */
static const uint8_t *find_message(const uint8_t *image, size_t len, uint32_t magic, size_t header,
				   size_t *ret_len)
{
	uint32_t first, n;

	if (len < header)
		return NULL;
	memcpy(&first, image, sizeof(first));
	memcpy(&n, image + header - sizeof(n), sizeof(n));
	if (first != magic || n > len - header)
		return NULL;
	*ret_len = n;
	return image + header;
}

#define TAKE(to, from, field)                        \
	do {                                         \
		if ((from)->has_##field) {           \
			(to)->has_##field = true;    \
			(to)->field = (from)->field; \
		}                                    \
	} while (0)

static ssize_t write_inventory(const uint8_t *old, const CriuImage__Inventory *m, uint8_t *ret,
			       size_t size)
{
	size_t n = criu_image__inventory__get_packed_size(m);
	uint32_t n32 = (uint32_t)n;

	if (n > size || INVENTORY_HEADER + n > size)
		return -ENOSPC;
	memcpy(ret, old, INVENTORY_HEADER - sizeof(n32));
	memcpy(ret + INVENTORY_HEADER - sizeof(n32), &n32, sizeof(n32));
	(void)criu_image__inventory__pack(m, ret + INVENTORY_HEADER);
	return (ssize_t)(INVENTORY_HEADER + n);
}

ssize_t images_adopt_namespaces(const uint8_t *inventory, size_t inventory_len, const uint8_t *ids,
				size_t ids_len, uint8_t *ret, size_t size)
{
	CriuImage__Inventory *inv = NULL;
	CriuImage__Ids *init = NULL;
	const uint8_t *m;
	size_t n;
	ssize_t r = -EBADMSG;

	m = find_message(inventory, inventory_len, MAGIC_INVENTORY, INVENTORY_HEADER, &n);
	if (m != NULL)
		inv = criu_image__inventory__unpack(NULL, n, m);
	m = find_message(ids, ids_len, MAGIC_COMMON, COMMON_HEADER, &n);
	if (m != NULL)
		init = criu_image__ids__unpack(NULL, n, m);
	if (inv != NULL && init != NULL && inv->root_ids != NULL) {
		TAKE(inv->root_ids, init, net_ns_id);
		TAKE(inv->root_ids, init, uts_ns_id);
		TAKE(inv->root_ids, init, user_ns_id);
		TAKE(inv->root_ids, init, cgroup_ns_id);
		TAKE(inv->root_ids, init, time_ns_id);
		r = write_inventory(inventory, inv, ret, size);
	}
	if (inv != NULL)
		criu_image__inventory__free_unpacked(inv, NULL);
	if (init != NULL)
		criu_image__ids__free_unpacked(init, NULL);
	return r;
}
