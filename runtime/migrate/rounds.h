/*
 * rounds.h - a volume that is written to while it is sent: each round sends the blocks that differ from what was sent
 * of them before, known by a sum of each. The last round, of a volume that rests, makes the copy whole.
 */
#pragma once

#include "runtime/migrate/blocks.h"

enum {
	ROUND_BLOCK = 65536, /* bytes */
	ROUND_SUM = 16 /* bytes: half a SHA-256 */
};

struct rounds {
	uint8_t *sums; /* of each block that was sent; all zero: none was */
	size_t size; /* bytes */
};

/* The sums are in this file, which begins empty and lives as long as the move; only this host's root can write to it. */
int rounds_open(struct rounds *r, int fd, uint64_t volume_bytes, struct berth_error *err);
void rounds_close(struct rounds *r);

/* One round. A block of zeros that was never sent is left out: it is a hole at the other end. */
int rounds_send(struct rounds *r, struct blocks *b, struct link *l, blocks_progress_fn *progress,
		void *data, struct berth_error *err);
