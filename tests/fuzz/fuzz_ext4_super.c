/*
 * fuzz_ext4_super.c - any bytes as an ext4 superblock: refused, or with values that the size
 * computations can be done with. The checksum is mended first, else nothing would get past it.
 */
#include "runtime/storage/layout.h"
#include "runtime/storage/sb.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t b[EXT4_SB_SIZE] = {0};
	struct ext4_super sb;
	struct layout l;

	(void)ext4_super_parse(data, size, &sb);
	memcpy(b, data, size < sizeof(b) ? size : sizeof(b));
	b[0x65] &= 0xfb; /* no metadata_csum */
	if (ext4_super_parse(b, sizeof(b), &sb) < 0)
		return 0;
	if (layout_overhead(&sb) > sb.blocks || sb.free_blocks > sb.blocks)
		abort();
	if (layout_resized(&sb, UINT64_C(1) << 30, &l) == 0 &&
	    layout_data_bytes(&l) > UINT64_C(1) << 30)
		abort();
	return 0;
}
