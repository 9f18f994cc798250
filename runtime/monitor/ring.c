/* ring.c - the last 64 KiB of a byte stream. */
#include "runtime/monitor/ring.h"

#include <string.h>

void ring_put(struct ring *r, const char *buf, size_t len)
{
	if (len > RING_SIZE) {
		r->head += len - RING_SIZE;
		buf += len - RING_SIZE;
		len = RING_SIZE;
	}
	while (len > 0) {
		size_t at = r->head % RING_SIZE;
		size_t n = len < RING_SIZE - at ? len : RING_SIZE - at;

		memcpy(r->data + at, buf, n);
		r->head += n;
		buf += n;
		len -= n;
	}
}

uint64_t ring_oldest(const struct ring *r)
{
	return r->head > RING_SIZE ? r->head - RING_SIZE : 0;
}

size_t ring_peek(const struct ring *r, uint64_t *cursor, const char **ret, uint64_t *ret_lost)
{
	uint64_t oldest = ring_oldest(r);
	size_t at, left;

	*ret_lost = 0;
	if (*cursor < oldest) {
		*ret_lost = oldest - *cursor;
		*cursor = oldest;
	}
	at = *cursor % RING_SIZE;
	left = (size_t)(r->head - *cursor);
	*ret = r->data + at;
	return left < RING_SIZE - at ? left : RING_SIZE - at;
}
