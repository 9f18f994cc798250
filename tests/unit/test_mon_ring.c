/* test_mon_ring.c - the console's ring. */
#include "runtime/monitor/ring.h"

#include "tests/unit/check.h"

#include <string.h>

static struct ring ring;
static char big[3 * RING_SIZE];

static void fill_big(void)
{
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)('a' + i % 23);
}

/* Reads all from *cursor and compares it with the tail of what was put. */
static size_t read_and_compare(uint64_t *cursor, const char *all)
{
	size_t total = 0;

	for (;;) {
		const char *p;
		uint64_t lost;
		size_t n = ring_peek(&ring, cursor, &p, &lost);

		if (n == 0)
			return total;
		CHECK(memcmp(p, all + *cursor, n) == 0);
		*cursor += n;
		total += n;
	}
}

static void a_reader_gets_what_was_put_across_the_seam(void)
{
	uint64_t cursor = 0;
	size_t at = 0;

	memset(&ring, 0, sizeof(ring));
	while (at + 5000 < sizeof(big)) {
		ring_put(&ring, big + at, 5000);
		at += 5000;
		CHECK(read_and_compare(&cursor, big) == 5000);
	}
}

static void a_slow_reader_loses_the_oldest_and_is_told(void)
{
	uint64_t cursor = 10, lost;
	const char *p;

	memset(&ring, 0, sizeof(ring));
	for (size_t at = 0; at < RING_SIZE + 500; at += 100)
		ring_put(&ring, big + at, 100);
	CHECK(ring.head == 66100);
	CHECK(ring_peek(&ring, &cursor, &p, &lost) > 0);
	CHECK(lost == ring.head - RING_SIZE - 10 && cursor == ring_oldest(&ring));
	CHECK(read_and_compare(&cursor, big) == RING_SIZE);
}

static void one_put_may_be_larger_than_the_ring(void)
{
	uint64_t cursor = 0;

	memset(&ring, 0, sizeof(ring));
	ring_put(&ring, big, 7);
	ring_put(&ring, big + 7, 2 * RING_SIZE + 11);
	CHECK(ring.head == 2 * RING_SIZE + 18);
	CHECK(read_and_compare(&cursor, big) == RING_SIZE);
}

static void an_empty_ring_gives_nothing(void)
{
	uint64_t cursor = 0, lost;
	const char *p;

	memset(&ring, 0, sizeof(ring));
	CHECK(ring_peek(&ring, &cursor, &p, &lost) == 0 && lost == 0);
}

int main(void)
{
	fill_big();
	RUN(a_reader_gets_what_was_put_across_the_seam);
	RUN(a_slow_reader_loses_the_oldest_and_is_told);
	RUN(one_put_may_be_larger_than_the_ring);
	RUN(an_empty_ring_gives_nothing);
	return check_failures != 0;
}
