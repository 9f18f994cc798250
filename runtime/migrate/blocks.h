/*
 * blocks.h - the data of a volume over the link: holes are not sent, and stay holes at the other end. Both ends
 * compute one hash of all pieces; a piece never lies before the end of the one before it.
 */
#pragma once

#include "runtime/migrate/link.h"
#include "runtime/migrate/message.h"

#include <nettle/sha2.h>

typedef void blocks_progress_fn(uint64_t bytes, void *data);

struct blocks {
	int fd; /* of the volume; the caller's */
	uint64_t volume_bytes;
	uint64_t next; /* where the next piece may begin */
	uint64_t bytes; /* of data so far */
	struct sha256_ctx hash;
};

void blocks_begin(struct blocks *b, int fd, uint64_t volume_bytes);

/* All n bytes of the file at that place; -EIO: there are not so many. */
int blocks_read(int fd, void *buf, size_t n, uint64_t at);
/* Sends n bytes as the piece at b->next; they stand in buf behind room for its head, BLOCKS_HEAD bytes. */
int blocks_put(struct blocks *b, struct link *l, uint8_t *buf, size_t n, struct berth_error *err);
/* What was sent, or taken, so far. */
void blocks_digest(struct blocks *b, struct message_end *end);

/* Sends all data of the file. progress may be NULL. Fills *end. */
int blocks_send(struct blocks *b, struct link *l, blocks_progress_fn *progress, void *data,
		struct message_end *end, struct berth_error *err);

/* One FRAME_BLOCKS: into the file. BERTH_ERR_PROTOCOL, BERTH_ERR_NO_SPACE. */
int blocks_take(struct blocks *b, const uint8_t *payload, size_t len, struct berth_error *err);
/* Is this all, and the same? BERTH_ERR_PROTOCOL. */
int blocks_verify(struct blocks *b, const struct message_end *end, struct berth_error *err);
