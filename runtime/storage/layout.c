/* layout.c - the size of an ext4 image for a limit in bytes and inodes. */
#include "runtime/storage/layout.h"

#include <errno.h>

enum {
	JOURNAL_LARGE = 4096, /* 16 MiB */
	JOURNAL_SMALL = 1024, /* 4 MiB, the least ext4 takes */
	GDT_MAX = 1024, /* blocks that the resize inode can address */
	TAIL_MIN = 50, /* data blocks without which mkfs drops the last group */
	DESCS_A_BLOCK = LAYOUT_BLOCK / LAYOUT_DESC,
};
#define SMALL_VOLUME (UINT64_C(256) << 20)
#define GROWTH_MIN (UINT64_C(1) << 40) /* every volume can grow online to this at least */
#define GROWTH_TIMES 64u

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static bool is_power(uint64_t n, uint64_t base)
{
	while (n > 1 && n % base == 0)
		n /= base;
	return n == 1;
}

bool layout_group_has_super(uint64_t group)
{
	return group <= 1 || is_power(group, 3) || is_power(group, 5) || is_power(group, 7);
}

/* sparse_super: copies in groups 0, 1 and the powers of 3, 5 and 7. */
static uint64_t count_supers(uint64_t groups)
{
	uint64_t n = groups < 2 ? groups : 2;

	for (uint64_t base = 3; base <= 7; base += 2)
		for (uint64_t g = base; g < groups; g *= base)
			n++;
	return n;
}

static uint64_t table_blocks(const struct layout *l)
{
	return 2 + div_up(l->inodes_per_group, LAYOUT_INODE_STEP);
}

static uint64_t count_overhead(const struct layout *l)
{
	return count_supers(l->groups) * (1 + l->gdt_blocks) + l->groups * table_blocks(l) +
	       l->journal_blocks;
}

static void set_blocks(struct layout *l, uint64_t blocks)
{
	l->blocks = blocks;
	l->groups = div_up(blocks, LAYOUT_GROUP);
	l->overhead = count_overhead(l);
}

/* mkfs, resize2fs and the kernel leave out a last group that could hold little more than itself. */
static void drop_tiny_tail(struct layout *l, uint64_t data)
{
	uint64_t tail = l->blocks % LAYOUT_GROUP;
	uint64_t own =
		table_blocks(l) + (layout_group_has_super(l->groups - 1) ? 1 + l->gdt_blocks : 0);

	if (l->groups > 1 && tail > 0 && tail < own + TAIL_MIN)
		set_blocks(l, l->blocks - tail);
	if (l->blocks - l->overhead > data)
		set_blocks(l, l->blocks - (l->blocks - l->overhead - data));
}

/* The overhead grows with the size, so the size climbs to the first value that leaves room. */
static void fit_blocks(struct layout *l, uint64_t data)
{
	set_blocks(l, data);
	while (l->blocks != data + l->overhead)
		set_blocks(l, data + l->overhead);
	drop_tiny_tail(l, data);
}

/* Room for the descriptors of a volume grown 64 times, so that growing needs no moves. */
static uint32_t choose_gdt_blocks(uint64_t data)
{
	uint64_t most = data * GROWTH_TIMES;
	uint64_t now = div_up(div_up(data + data / 8, LAYOUT_GROUP), DESCS_A_BLOCK);
	uint64_t gdt;

	if (most < GROWTH_MIN / LAYOUT_BLOCK)
		most = GROWTH_MIN / LAYOUT_BLOCK;
	gdt = div_up(div_up(most, LAYOUT_GROUP), DESCS_A_BLOCK);
	return (uint32_t)(gdt > GDT_MAX ? (now > GDT_MAX ? now : GDT_MAX) : gdt);
}

static void fit_with(struct layout *l, uint64_t data, uint64_t inodes_per_group)
{
	l->inodes_per_group = (uint32_t)inodes_per_group;
	fit_blocks(l, data);
}

/*
 * The largest number of inodes a group that does not give more than asked. More inodes make the
 * image larger and may add a group, so the number is searched for, downwards.
 */
static void fit_inodes(struct layout *l, uint64_t data, uint64_t inodes)
{
	uint64_t groups = div_up(data, LAYOUT_GROUP);
	uint64_t per = inodes / groups / LAYOUT_INODE_STEP * LAYOUT_INODE_STEP;

	if (per > LAYOUT_BLOCK * 8)
		per = LAYOUT_BLOCK * 8;
	for (;; per -= LAYOUT_INODE_STEP) {
		uint64_t fits;

		if (per < LAYOUT_INODE_STEP)
			per = LAYOUT_INODE_STEP;
		fit_with(l, data, per);
		if (per == LAYOUT_INODE_STEP || layout_inodes(l) <= inodes)
			return;
		/* Skip what cannot fit: more groups than now would be needed to need fewer. */
		fits = inodes / l->groups / LAYOUT_INODE_STEP * LAYOUT_INODE_STEP;
		if (fits + LAYOUT_INODE_STEP < per)
			per = fits + LAYOUT_INODE_STEP;
	}
}

static uint64_t default_inodes(uint64_t bytes)
{
	uint64_t n = bytes / 16384;

	return n < 16384 ? 16384 : n;
}

static void start(struct layout *l, uint64_t bytes)
{
	*l = (struct layout){
		.journal_blocks = bytes < SMALL_VOLUME ? JOURNAL_SMALL : JOURNAL_LARGE,
		.gdt_blocks = choose_gdt_blocks(bytes / LAYOUT_BLOCK),
	};
}

int layout_new(uint64_t bytes, uint64_t inodes, struct layout *ret)
{
	struct layout l;
	uint64_t asked = inodes != 0 ? inodes : default_inodes(bytes);

	if (bytes < LAYOUT_BYTES_MIN || bytes > LAYOUT_BYTES_MAX)
		return -ERANGE;
	start(&l, bytes);
	fit_inodes(&l, bytes / LAYOUT_BLOCK, asked);
	if (inodes != 0 && (layout_inodes(&l) > asked || asked - layout_inodes(&l) > asked / 50))
		return -EDOM;
	*ret = l;
	return 0;
}

void layout_inodes_near(uint64_t bytes, uint64_t inodes, uint64_t *ret_below, uint64_t *ret_above)
{
	uint64_t data = bytes / LAYOUT_BLOCK;
	struct layout l;

	start(&l, bytes);
	fit_inodes(&l, data, inodes);
	*ret_below = layout_inodes(&l) <= inodes ? layout_inodes(&l) : 0;
	if (*ret_below != 0 && l.inodes_per_group < LAYOUT_BLOCK * 8)
		fit_with(&l, data, l.inodes_per_group + LAYOUT_INODE_STEP);
	*ret_above = layout_inodes(&l);
}

static bool is_our_shape(const struct ext4_super *sb)
{
	return sb->block_size == LAYOUT_BLOCK && sb->blocks_per_group == LAYOUT_GROUP &&
	       sb->inode_size == LAYOUT_INODE && sb->desc_size == LAYOUT_DESC &&
	       sb->journal_bytes > 0;
}

static void take_over(const struct ext4_super *sb, struct layout *l)
{
	uint64_t groups = div_up(sb->blocks, LAYOUT_GROUP);

	*l = (struct layout){
		.journal_blocks = sb->journal_bytes / LAYOUT_BLOCK,
		.inodes_per_group = sb->inodes_per_group,
		.gdt_blocks = (uint32_t)div_up(groups, DESCS_A_BLOCK) + sb->reserved_gdt,
	};
}

uint64_t layout_journal_at(const struct layout *l)
{
	uint64_t flex = l->groups < LAYOUT_FLEX ? l->groups : LAYOUT_FLEX;
	uint64_t tables = flex * (l->inodes_per_group / LAYOUT_INODE_STEP);

	return 1 + l->gdt_blocks + 2 * LAYOUT_FLEX + tables + LAYOUT_FIRST_DIRS;
}

unsigned int layout_hot(const struct ext4_super *sb, struct layout_range ret[static LAYOUT_HOT])
{
	uint64_t bitmaps;
	struct layout l;

	if (!is_our_shape(sb))
		return 0;
	take_over(sb, &l);
	set_blocks(&l, sb->blocks);
	bitmaps = 1 + l.gdt_blocks;
	ret[0] = (struct layout_range){0, 1 + div_up(l.groups, DESCS_A_BLOCK)};
	/* The bitmaps of 16 groups: who allocates in one looks at them all. Then a bitmap of inodes. */
	ret[1] = (struct layout_range){bitmaps, LAYOUT_FLEX + 1};
	ret[2] = (struct layout_range){bitmaps + 2 * LAYOUT_FLEX, 2}; /* inodes 1 to 32 */
	ret[3] = (struct layout_range){layout_journal_at(&l) - LAYOUT_FIRST_DIRS,
				       LAYOUT_FIRST_DIRS + 1};
	return LAYOUT_HOT;
}

int layout_resized(const struct ext4_super *sb, uint64_t bytes, struct layout *ret)
{
	struct layout l;

	if (!is_our_shape(sb))
		return -EMEDIUMTYPE;
	if (bytes < LAYOUT_BYTES_MIN || bytes > LAYOUT_BYTES_MAX)
		return -ERANGE;
	take_over(sb, &l);
	fit_blocks(&l, bytes / LAYOUT_BLOCK);
	if (div_up(l.groups, DESCS_A_BLOCK) > l.gdt_blocks)
		return -ERANGE;
	*ret = l;
	return 0;
}

uint64_t layout_overhead(const struct ext4_super *sb)
{
	struct layout l;

	if (sb->overhead != 0)
		return sb->overhead;
	if (!is_our_shape(sb))
		return 0;
	take_over(sb, &l);
	set_blocks(&l, sb->blocks);
	return l.overhead < sb->blocks ? l.overhead : 0;
}
