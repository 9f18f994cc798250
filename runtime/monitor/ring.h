/*
 * ring.h - the last 64 KiB of a byte stream, read by any number of cursors. A writer never waits: a
 * reader that falls behind loses the oldest bytes and is told how many.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	RING_SIZE = 65536
};

struct ring {
	uint64_t head; /* bytes ever written; cursors count on the same scale */
	char data[RING_SIZE];
};

void ring_put(struct ring *r, const char *buf, size_t len);

/* The oldest byte still kept. */
uint64_t ring_oldest(const struct ring *r);

/*
 * The bytes that follow *cursor and lie in one piece: stores where, returns how many (0: none).
 * A cursor that was overtaken is moved to the oldest byte; *ret_lost counts the bytes skipped.
 * The caller advances the cursor by what it used.
 */
size_t ring_peek(const struct ring *r, uint64_t *cursor, const char **ret, uint64_t *ret_lost);
