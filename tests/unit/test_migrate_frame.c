/* test_migrate_frame.c - a frame comes out as it went in; what is damaged, or none of ours, is refused. */
#include "runtime/migrate/frame.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static void a_frame_comes_out_as_it_went_in(void)
{
	uint8_t head[FRAME_HEAD];
	struct frame f;

	frame_head_format(FRAME_OFFER, STREAM_CONTROL, "abc", 3, head);
	CHECK(frame_head_parse(head, &f) == 0);
	CHECK(f.type == FRAME_OFFER && f.stream == STREAM_CONTROL && f.len == 3);
	CHECK(frame_check(&f, head, "abc") == 0);
	frame_head_format(FRAME_COMMIT, STREAM_CONTROL, "", 0, head);
	CHECK(frame_head_parse(head, &f) == 0 && f.len == 0 && frame_check(&f, head, "") == 0);
}

static void one_bit_of_head_or_payload_is_noticed(void)
{
	uint8_t head[FRAME_HEAD], payload[] = "0123456789";
	struct frame f;

	frame_head_format(FRAME_BLOCKS, STREAM_BLOCKS, payload, 10, head);
	for (unsigned int bit = 0; bit < 8 * (FRAME_HEAD + 10); bit++) {
		uint8_t *at =
			bit < 8 * FRAME_HEAD ? &head[bit / 8] : &payload[bit / 8 - FRAME_HEAD];
		int r;

		*at ^= (uint8_t)(1 << bit % 8);
		r = frame_head_parse(head, &f);
		/* A length that is too long by then is never read. */
		CHECK(r < 0 || f.len != 10 || frame_check(&f, head, payload) < 0);
		*at ^= (uint8_t)(1 << bit % 8);
	}
}

static void what_is_no_frame_of_ours_is_refused(void)
{
	uint8_t head[FRAME_HEAD];
	struct frame f;

	CHECK(frame_head_parse((const uint8_t *)"SSH-2.0-Open", &f) < 0);
	CHECK(frame_head_parse((const uint8_t *)"\0\0\0\0\0\0\0\0\0\0\0\0", &f) == -EBADMSG);
	frame_head_format(FRAME_TYPE_MAX, STREAM_CONTROL, "", 0, head);
	CHECK(frame_head_parse(head, &f) == -EBADMSG);
	frame_head_format(FRAME_OFFER, STREAM_MAX, "", 0, head);
	CHECK(frame_head_parse(head, &f) == -EBADMSG);
	frame_head_format(FRAME_BLOCKS, STREAM_CONTROL, "", 0, head);
	CHECK(frame_head_parse(head, &f) == -EBADMSG);
	frame_head_format(FRAME_OFFER, STREAM_CONTROL, "", 0, head);
	memset(head + 4, 0xff, 4);
	CHECK(frame_head_parse(head, &f) == -EMSGSIZE);
}

static void blocks_must_lie_in_the_volume(void)
{
	uint8_t payload[BLOCKS_HEAD + 100] = {0};
	uint64_t at;
	size_t n;

	blocks_head_format(UINT64_C(0x123456789a), payload);
	CHECK(blocks_parse(payload, sizeof(payload), UINT64_MAX, &at, &n) == 0 &&
	      at == UINT64_C(0x123456789a) && n == 100);
	blocks_head_format(900, payload);
	CHECK(blocks_parse(payload, sizeof(payload), 1000, &at, &n) == 0);
	CHECK(blocks_parse(payload, sizeof(payload), 999, &at, &n) == -EBADMSG);
	CHECK(blocks_parse(payload, sizeof(payload), 10, &at, &n) == -EBADMSG);
	CHECK(blocks_parse(payload, BLOCKS_HEAD, 1000, &at, &n) == -EBADMSG);
	CHECK(blocks_parse(payload, 3, 1000, &at, &n) == -EBADMSG);
	blocks_head_format(UINT64_MAX, payload);
	CHECK(blocks_parse(payload, sizeof(payload), 1000, &at, &n) == -EBADMSG);
}

int main(void)
{
	RUN(a_frame_comes_out_as_it_went_in);
	RUN(one_bit_of_head_or_payload_is_noticed);
	RUN(what_is_no_frame_of_ours_is_refused);
	RUN(blocks_must_lie_in_the_volume);
	return check_failures != 0;
}
