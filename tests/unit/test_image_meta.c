/* test_image_meta.c - where the metadata of an ext4 image lies, out of descriptors that may be anything. */
#include "runtime/storage/image.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

enum {
	GROUPS = 20
};

static uint8_t descs[GROUPS * LAYOUT_DESC];

static void put32(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* As mkfs lays out flex groups of 16: the bitmaps side by side, then the tables. */
static struct ext4_super make(void)
{
	struct ext4_super sb = {.blocks = (uint64_t)GROUPS * LAYOUT_GROUP,
				.block_size = LAYOUT_BLOCK,
				.blocks_per_group = LAYOUT_GROUP,
				.inodes_per_group = 8192,
				.inode_size = LAYOUT_INODE,
				.reserved_gdt = 127,
				.desc_size = LAYOUT_DESC,
				.journal[0] = {9000, 4096}};

	for (uint64_t g = 0; g < GROUPS; g++) {
		uint64_t flex = g / LAYOUT_FLEX * LAYOUT_FLEX, in = g - flex;
		uint64_t at = flex * LAYOUT_GROUP + 129;
		uint8_t *d = descs + g * LAYOUT_DESC;

		memset(d, 0, LAYOUT_DESC);
		put32(d, at + in);
		put32(d + 4, at + 16 + in);
		put32(d + 8, at + 32 + in * 512);
	}
	return sb;
}

struct sum {
	uint64_t n, calls;
	int answer;
};

static int add(uint64_t first, uint64_t n, void *data)
{
	struct sum *s = data;

	(void)first;
	s->n += n;
	s->calls++;
	return s->answer;
}

static void all_of_it_is_found_in_few_pieces(void)
{
	struct ext4_super sb = make();
	struct sum s = {0};

	CHECK(image_meta_each(&sb, descs, sizeof(descs), add, &s) == 0);
	/* Copies of superblock and descriptors in 0 1 3 5 7 9; two bitmaps and a table a group; the journal. */
	CHECK(s.n == 6 * 129 + GROUPS * (2 + 512) + 4096);
	CHECK(s.calls <= 6 + 3 * 2 + 1);
}

static void a_refusal_ends_it(void)
{
	struct ext4_super sb = make();
	struct sum s = {.answer = -ENOSPC};

	CHECK(image_meta_each(&sb, descs, sizeof(descs), add, &s) == -ENOSPC && s.calls == 1);
}

static void descriptors_that_make_no_sense_are_refused(void)
{
	struct ext4_super sb = make();
	struct sum s = {0};

	CHECK(image_meta_each(&sb, descs, sizeof(descs) - 1, add, &s) == -EINVAL);
	put32(descs + 5 * LAYOUT_DESC + 8, sb.blocks - 511); /* a table past the end */
	CHECK(image_meta_each(&sb, descs, sizeof(descs), add, &s) == -EINVAL);
	sb = make();
	put32(descs + 5 * LAYOUT_DESC + 8 + 0x20, 1);
	CHECK(image_meta_each(&sb, descs, sizeof(descs), add, &s) == -EINVAL);
	sb = make();
	sb.journal[1].first = sb.blocks;
	sb.journal[1].n = 1;
	CHECK(image_meta_each(&sb, descs, sizeof(descs), add, &s) == -EINVAL);
}

static void shapes_that_are_not_ours_are_left_alone(void)
{
	struct ext4_super sb = make();
	struct sum s = {0};

	sb.descs_apart = true;
	CHECK(image_meta_each(&sb, descs, sizeof(descs), add, &s) == -EMEDIUMTYPE && s.calls == 0);
	sb = make();
	sb.block_size = 1024;
	CHECK(image_meta_each(&sb, descs, sizeof(descs), add, &s) == -EMEDIUMTYPE && s.calls == 0);
}

int main(void)
{
	RUN(all_of_it_is_found_in_few_pieces);
	RUN(a_refusal_ends_it);
	RUN(descriptors_that_make_no_sense_are_refused);
	RUN(shapes_that_are_not_ours_are_left_alone);
	return check_failures != 0;
}
