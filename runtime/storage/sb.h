/*
 * sb.h - superblocks, read as plain bytes: what an image file says about itself.
 *
 * Pure functions over untrusted bytes. 0, -EINVAL (not this file system, or values that make no
 * sense), -EBADMSG (checksum). Outputs are written on success only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both superblocks stand 1024 bytes into the image. */
enum {
	SB_OFFSET = 1024,
	EXT4_SB_SIZE = 1024,
	EROFS_HEAD_SIZE = 4096,
	EXT4_JOURNAL_PARTS = 4
};

struct ext4_super {
	uint64_t blocks, free_blocks;
	uint64_t overhead; /* blocks of metadata that df does not count; 0: not recorded */
	uint32_t block_size;
	uint32_t blocks_per_group, inodes_per_group;
	uint32_t inodes, free_inodes;
	uint32_t inode_size;
	uint32_t reserved_gdt; /* blocks kept for growth in each copy of the descriptors */
	uint32_t desc_size;
	uint64_t journal_bytes; /* 0: not recorded */
	struct {
		uint64_t first, n; /* blocks */
	} journal
		[EXT4_JOURNAL_PARTS]; /* where it lies; n is 0 from the first part on that it lacks */
	bool descs_apart; /* feature meta_bg: the descriptors do not stand behind the superblock */
	uint32_t error_count;
	bool clean; /* unmounted well or to be mended by the journal alone, and no error seen */
	bool has_quota; /* features quota and project: see image_quota.c */
	bool needs_recovery; /* the journal has to be replayed: mount(2) does it */
	uint32_t mounts; /* since it was made or checked, modulo 65536 */
	uint64_t written, checked; /* when the superblock was, seconds since 1970 */
	uint32_t sum; /* its checksum, 0 without one */
	uint8_t uuid[16];
};

/* buf: the EXT4_SB_SIZE bytes at SB_OFFSET. */
int ext4_super_parse(const void *buf, size_t len, struct ext4_super *ret);

struct erofs_super {
	uint64_t bytes; /* what the image needs; a shorter file is cut off */
	uint64_t inodes;
	uint32_t block_size;
	uint8_t uuid[16];
};

/* buf: the first EROFS_HEAD_SIZE bytes of the image (fewer if the file is shorter). */
int erofs_super_parse(const void *buf, size_t len, struct erofs_super *ret);
