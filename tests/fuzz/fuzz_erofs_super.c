/* fuzz_erofs_super.c - any bytes as the head of an erofs image. */
#include "runtime/storage/sb.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t b[EROFS_HEAD_SIZE] = {0};
	struct erofs_super sb;

	(void)erofs_super_parse(data, size, &sb);
	memcpy(b, data, size < sizeof(b) ? size : sizeof(b));
	b[SB_OFFSET + 8] &= 0xfe; /* no checksum */
	if (erofs_super_parse(b, sizeof(b), &sb) == 0 && (sb.bytes == 0 || sb.block_size > 4096))
		abort();
	return 0;
}
