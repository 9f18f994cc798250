/*
 * frame.h - the frames of the link between two hosts: one connection, several streams beside each other.
 *
 * A frame is 12 bytes and its payload: type, stream, two zero bytes, the payload's length and a CRC-32 of those
 * eight bytes and the payload; numbers little endian. The CRC finds what a broken transport does, not what an
 * attacker does: the transport (ssh) has to know who is at the other end. The parser is pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_HEAD = 12, /* bytes */
	FRAME_MAX = 256 * 1024 /* of a payload, bytes */
};

enum frame_stream {
	STREAM_CONTROL,
	STREAM_BLOCKS, /* of the volume */
	STREAM_IMAGES, /* of kernel objects: not used yet */
	STREAM_MEMORY, /* not used yet */
	STREAM_MAX
};

enum frame_type {
	/* control; the payload is KEY=VALUE lines (message.h) unless it says otherwise */
	FRAME_HELLO = 1, /* both ways, the first */
	FRAME_OFFER, /* source: what is to be moved */
	FRAME_CONFIG, /* source: the CT's config, as it is in its file */
	FRAME_ANSWER, /* destination: may it come, and all that is in the way */
	FRAME_END, /* source: all blocks were sent */
	FRAME_READY, /* destination: all is here, verified and on the disk */
	FRAME_COMMIT, /* source: it is yours. The one commit point */
	FRAME_OWNED, /* destination: it is mine */
	FRAME_ABORT, /* either: it stays where it was */
	/* blocks */
	FRAME_BLOCKS, /* source: 8 bytes of offset, and the data */
	/* control */
	FRAME_WORKING, /* destination: it is still at what FRAME_END has begun. Empty, at any time before READY */
	/*
	 * source: all blocks of a round of a volume that is in use were sent, as FRAME_END says it; the next round may
	 * send what has changed. destination: it has them
	 */
	FRAME_ROUND,
	FRAME_TYPE_MAX
};

struct frame {
	enum frame_type type;
	enum frame_stream stream;
	uint32_t len; /* of the payload, bytes */
	uint32_t crc;
};

/* The head of a frame with this payload, len <= FRAME_MAX. */
void frame_head_format(enum frame_type type, enum frame_stream stream, const void *payload,
		       size_t len, uint8_t head[static FRAME_HEAD]);

/* -EBADMSG: no frame of ours; -EMSGSIZE: longer than FRAME_MAX. */
int frame_head_parse(const uint8_t head[static FRAME_HEAD], struct frame *ret);

/* Is this the payload that the head was made for? -EBADMSG. */
int frame_check(const struct frame *f, const uint8_t head[static FRAME_HEAD], const void *payload);

/* The offset in front of the data of FRAME_BLOCKS. */
enum {
	BLOCKS_HEAD = 8,
	BLOCKS_MAX = FRAME_MAX - BLOCKS_HEAD
};

void blocks_head_format(uint64_t at, uint8_t head[static BLOCKS_HEAD]);

/* Data for a volume of so many bytes. -EBADMSG: none, or not all of it lies in the volume. */
int blocks_parse(const uint8_t *payload, size_t len, uint64_t volume_bytes, uint64_t *ret_at,
		 size_t *ret_len);
