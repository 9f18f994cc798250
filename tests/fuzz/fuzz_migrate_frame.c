/* fuzz_migrate_frame.c - the head of a frame, and the blocks in it. */
#include "runtime/migrate/frame.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t head[FRAME_HEAD];
	struct frame f;
	uint64_t at;
	size_t n;

	if (size < FRAME_HEAD)
		return 0;
	memcpy(head, data, FRAME_HEAD);
	data += FRAME_HEAD;
	size -= FRAME_HEAD;
	if (frame_head_parse(head, &f) == 0 && f.len <= size)
		(void)frame_check(&f, head, data);
	(void)blocks_parse(data, size, size < 1 ? 0 : (uint64_t)data[0] << 8, &at, &n);
	return 0;
}
