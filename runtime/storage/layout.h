/*
 * layout.h - how large an ext4 image must be so that df(1) inside shows the limit asked for.
 *
 * df leaves out ext4's own metadata (inode tables, bitmaps, descriptors and their copies, the
 * journal), so the image is that much larger than the limit. Never more than asked, and less by
 * less than 2 %: exact but where a last block group would be too small to exist. Pure functions.
 */
#pragma once

#include "runtime/storage/sb.h"

#include <stdint.h>

enum {
	LAYOUT_BLOCK = 4096,
	LAYOUT_INODE = 256,
	LAYOUT_GROUP = 32768, /* blocks */
	LAYOUT_DESC = 64,
	LAYOUT_FLEX = 16, /* groups whose bitmaps and tables stand together */
	LAYOUT_FIRST_DIRS = 16, /* blocks */
	LAYOUT_INODE_STEP = LAYOUT_BLOCK / LAYOUT_INODE, /* a group's inodes come in these steps */
};
#define LAYOUT_BYTES_MIN (UINT64_C(16) << 20)
#define LAYOUT_BYTES_MAX (UINT64_C(8) << 40)

struct layout {
	uint64_t blocks; /* of the whole image */
	uint64_t overhead; /* blocks of these that df does not show */
	uint64_t groups;
	uint32_t inodes_per_group;
	uint32_t gdt_blocks; /* descriptors and what is kept for their growth, a copy */
	uint64_t journal_blocks;
};

static inline uint64_t layout_data_bytes(const struct layout *l)
{
	return (l->blocks - l->overhead) * LAYOUT_BLOCK;
}

static inline uint64_t layout_inodes(const struct layout *l)
{
	return l->groups * l->inodes_per_group;
}

/*
 * Where the journal is to be: right behind the tables of the first groups and the few directories that
 * mkfs makes, so that one read of the disk fetches what every mount needs.
 */
uint64_t layout_journal_at(const struct layout *l);

/* Blocks first to first + n - 1. */
struct layout_range {
	uint64_t first, n;
};
enum {
	LAYOUT_HOT = 4
};
/* What every mount reads, on a volume as layout_new has laid it out. Returns the count: 0 for another shape. */
unsigned int layout_hot(const struct ext4_super *sb, struct layout_range ret[static LAYOUT_HOT]);

/* sparse_super: the groups with a copy of the superblock and the descriptors. */
bool layout_group_has_super(uint64_t group);

/* inodes 0: one for 16 KiB. -ERANGE: bytes out of range; -EDOM: no such inode count (see _near). */
int layout_new(uint64_t bytes, uint64_t inodes, struct layout *ret);

/* The nearest inode counts that layout_new can give for this size, below (0: none) and above. */
void layout_inodes_near(uint64_t bytes, uint64_t inodes, uint64_t *ret_below, uint64_t *ret_above);

/* The same file system at another size: inodes a group, journal and descriptor room stay. */
int layout_resized(const struct ext4_super *sb, uint64_t bytes, struct layout *ret);

/* Blocks that df does not show, when the superblock does not say. */
uint64_t layout_overhead(const struct ext4_super *sb);
