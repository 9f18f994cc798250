/* frame.c - frames of the link: pure. */
#include "runtime/migrate/frame.h"

#include <errno.h>
#include <zlib.h>

static void put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t crc_of(const uint8_t *head, const void *payload, size_t len)
{
	uLong crc = crc32(crc32(0, NULL, 0), head, 8);

	return (uint32_t)(len > 0 ? crc32(crc, payload, (uInt)len) : crc);
}

void frame_head_format(enum frame_type type, enum frame_stream stream, const void *payload,
		       size_t len, uint8_t head[static FRAME_HEAD])
{
	head[0] = (uint8_t)type;
	head[1] = (uint8_t)stream;
	head[2] = head[3] = 0;
	put_u32(head + 4, (uint32_t)len);
	put_u32(head + 8, crc_of(head, payload, len));
}

int frame_head_parse(const uint8_t head[static FRAME_HEAD], struct frame *ret)
{
	struct frame f = {.type = head[0],
			  .stream = head[1],
			  .len = get_u32(head + 4),
			  .crc = get_u32(head + 8)};

	if (f.type == 0 || f.type >= FRAME_TYPE_MAX || f.stream >= STREAM_MAX || head[2] != 0 ||
	    head[3] != 0 || (f.stream == STREAM_BLOCKS) != (f.type == FRAME_BLOCKS))
		return -EBADMSG;
	if (f.len > FRAME_MAX)
		return -EMSGSIZE;
	*ret = f;
	return 0;
}

int frame_check(const struct frame *f, const uint8_t head[static FRAME_HEAD], const void *payload)
{
	return crc_of(head, payload, f->len) == f->crc ? 0 : -EBADMSG;
}

void blocks_head_format(uint64_t at, uint8_t head[static BLOCKS_HEAD])
{
	put_u32(head, (uint32_t)at);
	put_u32(head + 4, (uint32_t)(at >> 32));
}

int blocks_parse(const uint8_t *payload, size_t len, uint64_t volume_bytes, uint64_t *ret_at,
		 size_t *ret_len)
{
	uint64_t at;

	if (len <= BLOCKS_HEAD)
		return -EBADMSG;
	at = get_u32(payload) | (uint64_t)get_u32(payload + 4) << 32;
	if (at > volume_bytes || len - BLOCKS_HEAD > volume_bytes - at)
		return -EBADMSG;
	*ret_at = at;
	*ret_len = len - BLOCKS_HEAD;
	return 0;
}
