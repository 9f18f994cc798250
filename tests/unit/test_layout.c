/* test_layout.c - the size of an ext4 image for a limit. */
#include "runtime/storage/layout.h"

#include "tests/unit/check.h"

#include <errno.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static void df_never_shows_more_than_asked_and_at_most_2_percent_less(void)
{
	for (uint64_t bytes = 16 * MIB; bytes < 4096 * GIB; bytes += bytes / 97 + 4096) {
		struct layout l;

		CHECK(layout_new(bytes, 0, &l) == 0);
		CHECK(layout_data_bytes(&l) <= bytes);
		CHECK(layout_data_bytes(&l) > bytes - bytes / 50);
	}
}

static void round_sizes_are_exact(void)
{
	static const uint64_t sizes[] = {512 * MIB, GIB, 2 * GIB, 10 * GIB, 100 * GIB, 1024 * GIB};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct layout l;

		CHECK(layout_new(sizes[i], 0, &l) == 0);
		CHECK(layout_data_bytes(&l) == sizes[i]);
	}
}

static void inodes_are_never_more_than_asked_and_at_most_2_percent_fewer(void)
{
	int given = 0;

	for (uint64_t bytes = 64 * MIB; bytes < 512 * GIB; bytes += bytes / 7)
		for (uint64_t inodes = 1000; inodes < 4000000; inodes += inodes / 5) {
			struct layout l;
			int r = layout_new(bytes, inodes, &l);

			CHECK(r == 0 || r == -EDOM);
			if (r < 0)
				continue;
			given++;
			CHECK(layout_inodes(&l) <= inodes &&
			      layout_inodes(&l) >= inodes - inodes / 50);
			CHECK(layout_data_bytes(&l) <= bytes);
			CHECK(layout_data_bytes(&l) > bytes - bytes / 50);
		}
	CHECK(given > 300);
}

static void the_nearest_inode_counts_can_be_had(void)
{
	uint64_t below, above;
	struct layout l;

	CHECK(layout_new(100 * GIB, 20000, &l) == -EDOM);
	layout_inodes_near(100 * GIB, 20000, &below, &above);
	CHECK(below > 0 && below < 20000 && above > 20000);
	CHECK(layout_new(100 * GIB, below, &l) == 0 && layout_inodes(&l) == below);
	CHECK(layout_new(100 * GIB, above, &l) == 0 && layout_inodes(&l) == above);
	layout_inodes_near(100 * GIB, 100, &below, &above);
	CHECK(below == 0 && above > 100);
	CHECK(layout_new(100 * GIB, above, &l) == 0);
}

static void sizes_out_of_range_are_refused(void)
{
	struct layout l = {.blocks = 7};

	CHECK(layout_new(0, 0, &l) == -ERANGE);
	CHECK(layout_new(LAYOUT_BYTES_MIN - 1, 0, &l) == -ERANGE);
	CHECK(layout_new(LAYOUT_BYTES_MAX + 1, 0, &l) == -ERANGE);
	CHECK(layout_new(UINT64_MAX, 0, &l) == -ERANGE);
	CHECK(layout_new(GIB, UINT64_MAX, &l) == -EDOM);
	CHECK(l.blocks == 7);
}

static struct ext4_super super_of(const struct layout *l)
{
	uint64_t descs = (l->groups + 63) / 64;

	return (struct ext4_super){
		.blocks = l->blocks,
		.block_size = LAYOUT_BLOCK,
		.blocks_per_group = LAYOUT_GROUP,
		.inode_size = LAYOUT_INODE,
		.desc_size = LAYOUT_DESC,
		.inodes_per_group = l->inodes_per_group,
		.reserved_gdt = (uint32_t)(l->gdt_blocks - descs),
		.journal_bytes = l->journal_blocks * LAYOUT_BLOCK,
	};
}

static void the_same_size_again_is_the_same_layout(void)
{
	for (uint64_t bytes = 16 * MIB; bytes < 1024 * GIB; bytes += bytes / 13 + 4096) {
		struct layout l, again;
		struct ext4_super sb;

		CHECK(layout_new(bytes, 0, &l) == 0);
		sb = super_of(&l);
		CHECK(layout_overhead(&sb) == l.overhead);
		CHECK(layout_resized(&sb, bytes, &again) == 0 && again.blocks == l.blocks);
	}
}

static void a_volume_can_grow_64_times(void)
{
	struct layout l, big;
	struct ext4_super sb;

	CHECK(layout_new(20 * GIB, 0, &l) == 0);
	sb = super_of(&l);
	CHECK(layout_resized(&sb, 1024 * GIB, &big) == 0);
	CHECK(layout_data_bytes(&big) == 1024 * GIB);
	CHECK(layout_resized(&sb, LAYOUT_BYTES_MAX, &big) == -ERANGE);
}

static void what_a_mount_reads_stands_at_the_front(void)
{
	static const uint64_t sizes[] = {LAYOUT_BYTES_MIN, 512 * MIB, 2 * GIB, LAYOUT_BYTES_MAX};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct layout_range hot[LAYOUT_HOT];
		struct ext4_super sb;
		struct layout l;

		CHECK(layout_new(sizes[i], 0, &l) == 0);
		sb = super_of(&l);
		CHECK(layout_hot(&sb, hot) == LAYOUT_HOT);
		CHECK(hot[1].n == 17); /* block bitmaps of 16 groups, one bitmap of inodes */
		for (unsigned int k = 1; k < LAYOUT_HOT; k++)
			CHECK(hot[k].first >= hot[k - 1].first + hot[k - 1].n);
		CHECK(hot[LAYOUT_HOT - 1].first + hot[LAYOUT_HOT - 1].n ==
		      layout_journal_at(&l) + 1);
		CHECK(layout_journal_at(&l) + l.journal_blocks < l.blocks);
	}
}

static void a_foreign_volume_is_not_resized(void)
{
	struct ext4_super sb = {.blocks = 1000, .block_size = 1024, .blocks_per_group = 8192};
	struct layout_range hot[LAYOUT_HOT];
	struct layout l;

	CHECK(layout_hot(&sb, hot) == 0);

	CHECK(layout_resized(&sb, GIB, &l) == -EMEDIUMTYPE);
	CHECK(layout_overhead(&sb) == 0);
}

int main(void)
{
	RUN(df_never_shows_more_than_asked_and_at_most_2_percent_less);
	RUN(round_sizes_are_exact);
	RUN(inodes_are_never_more_than_asked_and_at_most_2_percent_fewer);
	RUN(the_nearest_inode_counts_can_be_had);
	RUN(sizes_out_of_range_are_refused);
	RUN(the_same_size_again_is_the_same_layout);
	RUN(a_volume_can_grow_64_times);
	RUN(what_a_mount_reads_stands_at_the_front);
	RUN(a_foreign_volume_is_not_resized);
	return check_failures != 0;
}
