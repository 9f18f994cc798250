/* fuzz_migrate_frame.c - the head of a frame, and the blocks in it; the head of an image among them. */
#include "runtime/migrate/pack.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t head[FRAME_HEAD];
	uint8_t pack[PACK_HEAD], again[PACK_HEAD];
	struct pack_entry e;
	struct frame f;
	uint64_t at;
	size_t n;

	if (size >= PACK_HEAD) {
		memcpy(pack, data, PACK_HEAD);
		if (pack_head_parse(pack, &e) == 0) {
			pack_head_format(&e, again);
			if (memcmp(pack, again, PACK_HEAD) != 0)
				abort();
		}
	}
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
