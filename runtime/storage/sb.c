/* sb.c - readers of the ext4 and the erofs superblock. */
#include "runtime/storage/sb.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>

enum {
	EXT4_STATE_VALID = 1,
	EXT4_STATE_ERROR = 2,
	EXT4_INCOMPAT_RECOVER = 0x4,
	EXT4_INCOMPAT_META_BG = 0x10,
	EXT4_INCOMPAT_64BIT = 0x80,
	EXT4_EXTENT_MAGIC = 0xf30a,
	EXT4_EXTENT_MAX =
		32768, /* blocks; a greater length is one more than this of unwritten ones */
	EXT4_RO_METADATA_CSUM = 0x400,
	EXT4_RO_QUOTA = 0x100,
	EXT4_RO_PROJECT = 0x2000,
	EXT4_JNL_BACKUP_BLOCKS = 1,
	EXT4_CHECKSUM_AT = 0x3fc,
	EROFS_COMPAT_SB_CHKSUM = 1,
	EROFS_SB_MIN = 128
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* CRC-32C without the final inversion, as both file systems store it; four bits a step. */
static uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t len)
{
	static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
					   0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
					   0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
					   0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

	while (len-- > 0) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}

static void ext4_read_state(const uint8_t *b, struct ext4_super *sb)
{
	uint16_t state = get16(b + 0x3a);

	sb->mounts = get16(b + 0x34);
	sb->written = get32(b + 0x30) | (uint64_t)b[0x274] << 32;
	sb->checked = get32(b + 0x40) | (uint64_t)b[0x277] << 32;
	sb->sum = get32(b + 0x3fc);
	sb->error_count = get32(b + 0x194);
	sb->needs_recovery = (get32(b + 0x60) & EXT4_INCOMPAT_RECOVER) != 0;
	sb->has_quota = (get32(b + 0x64) & (EXT4_RO_QUOTA | EXT4_RO_PROJECT)) != 0;
	sb->clean = (state & EXT4_STATE_VALID) != 0 && (state & EXT4_STATE_ERROR) == 0;
}

/* The copy of the journal's inode: an extent tree of one level. A deeper one is left unread. */
static void ext4_read_journal(const uint8_t *inode, struct ext4_super *sb)
{
	unsigned int n = get16(inode + 2), depth = get16(inode + 6);

	sb->journal_bytes = get32(inode + 64) | (uint64_t)get32(inode + 60) << 32;
	if (get16(inode) != EXT4_EXTENT_MAGIC || depth != 0 || n > EXT4_JOURNAL_PARTS)
		return;
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *e = inode + 12 + (size_t)i * 12;
		uint32_t len = get16(e + 4);

		sb->journal[i].first = get32(e + 8) | (uint64_t)get16(e + 6) << 32;
		sb->journal[i].n = len > EXT4_EXTENT_MAX ? len - EXT4_EXTENT_MAX : len;
	}
}

static void ext4_read_counts(const uint8_t *b, struct ext4_super *sb)
{
	bool wide = (get32(b + 0x60) & EXT4_INCOMPAT_64BIT) != 0;

	sb->inodes = get32(b);
	sb->free_inodes = get32(b + 0x10);
	sb->blocks = get32(b + 0x4);
	sb->free_blocks = get32(b + 0xc);
	if (wide) {
		sb->blocks |= (uint64_t)get32(b + 0x150) << 32;
		sb->free_blocks |= (uint64_t)get32(b + 0x158) << 32;
	}
	sb->desc_size = wide ? get16(b + 0xfe) : 32;
	sb->blocks_per_group = get32(b + 0x20);
	sb->inodes_per_group = get32(b + 0x28);
	sb->reserved_gdt = get16(b + 0xce);
	sb->inode_size = get16(b + 0x58);
	sb->overhead = get32(b + 0x248);
	sb->descs_apart = (get32(b + 0x60) & EXT4_INCOMPAT_META_BG) != 0;
	/* i_block, then i_size high and low as words 15 and 16. */
	if (b[0xfd] == EXT4_JNL_BACKUP_BLOCKS)
		ext4_read_journal(b + 0x10c, sb);
	memcpy(sb->uuid, b + 0x68, sizeof(sb->uuid));
}

static bool ext4_makes_sense(const struct ext4_super *sb)
{
	return sb->blocks > 0 && sb->blocks < UINT64_C(1) << 48 && sb->free_blocks <= sb->blocks &&
	       sb->overhead <= sb->blocks && sb->inodes > 0 && sb->free_inodes <= sb->inodes &&
	       sb->blocks_per_group >= 8 && sb->blocks_per_group <= sb->block_size * 8 &&
	       sb->inodes_per_group > 0 && sb->inodes_per_group <= sb->block_size * 8 &&
	       sb->inode_size >= 128 && sb->inode_size <= sb->block_size && sb->desc_size >= 32 &&
	       sb->desc_size <= sb->block_size && (sb->desc_size & (sb->desc_size - 1)) == 0 &&
	       sb->journal_bytes / sb->block_size <= sb->blocks;
}

int ext4_super_parse(const void *buf, size_t len, struct ext4_super *ret)
{
	const uint8_t *b = buf;
	struct ext4_super sb = {0};

	if (len < EXT4_SB_SIZE || get16(b + 0x38) != EXT4_SUPER_MAGIC)
		return -EINVAL;
	if ((get32(b + 0x64) & EXT4_RO_METADATA_CSUM) != 0 &&
	    crc32c(~0u, b, EXT4_CHECKSUM_AT) != get32(b + EXT4_CHECKSUM_AT))
		return -EBADMSG;
	if (get32(b + 0x18) > 6)
		return -EINVAL;
	sb.block_size = 1024u << get32(b + 0x18);
	ext4_read_counts(b, &sb);
	ext4_read_state(b, &sb);
	if (!ext4_makes_sense(&sb))
		return -EINVAL;
	*ret = sb;
	return 0;
}

/* The sum covers the superblock to the end of its block, with the sum's own field as zero. */
static bool erofs_checksum_ok(const uint8_t *sb, size_t block_size)
{
	static const uint8_t zero[4];
	size_t len = block_size > SB_OFFSET ? block_size - SB_OFFSET : block_size;
	uint32_t crc = crc32c(~0u, sb, 4);

	crc = crc32c(crc, zero, sizeof(zero));
	return crc32c(crc, sb + 8, len - 8) == get32(sb + 4);
}

int erofs_super_parse(const void *buf, size_t len, struct erofs_super *ret)
{
	const uint8_t *b = (const uint8_t *)buf + SB_OFFSET;
	struct erofs_super sb = {0};
	size_t end;

	if (len < SB_OFFSET + EROFS_SB_MIN || get32(b) != EROFS_SUPER_MAGIC_V1)
		return -EINVAL;
	/* 512 to 4096 bytes: what every kernel that we run on can mount. */
	if (b[12] < 9 || b[12] > 12)
		return -EINVAL;
	sb.block_size = 1u << b[12];
	sb.inodes = get64(b + 16);
	sb.bytes = (uint64_t)get32(b + 36) << b[12];
	memcpy(sb.uuid, b + 48, sizeof(sb.uuid));
	end = sb.block_size > SB_OFFSET ? sb.block_size : SB_OFFSET + sb.block_size;
	if (sb.bytes < SB_OFFSET + EROFS_SB_MIN || sb.inodes == 0 || len < end)
		return -EINVAL;
	if ((get32(b + 8) & EROFS_COMPAT_SB_CHKSUM) != 0 && !erofs_checksum_ok(b, sb.block_size))
		return -EBADMSG;
	*ret = sb;
	return 0;
}
