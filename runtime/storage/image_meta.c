/*
 * image_meta.c - the metadata of an ext4 image has its place on the host's disk before anybody writes it.
 *
 * The image is sparse. A block of an inode table that is still a hole needs room on the host on the day when
 * the kernel writes it back; without room ext4 gives up its journal and turns read-only, whoever has filled
 * the host. What is allocated can always be overwritten: ext4 and xfs keep blocks of their own for turning
 * fallocate'd extents into written ones, and on btrfs the image is NOCOW (volume_image.c).
 */
#include "runtime/base/cleanup.h"
#include "runtime/storage/image.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

enum {
	DESC_BITMAP = 0x0,
	DESC_INODE_BITMAP = 0x4,
	DESC_TABLE = 0x8,
	DESC_HIGH = 0x20, /* the upper halves stand so much further */
	DESC_WIDE = 64
};

/* Blocks that follow each other, until one does not. */
struct run {
	const struct ext4_super *sb;
	image_meta_fn *fn;
	void *data;
	uint64_t first, n;
};

static int run_end(struct run *r)
{
	uint64_t n = r->n;

	r->n = 0;
	return n > 0 ? r->fn(r->first, n, r->data) : 0;
}

static int run_add(struct run *r, uint64_t first, uint64_t n)
{
	int e;

	if (first >= r->sb->blocks || n > r->sb->blocks - first)
		return -EINVAL;
	if (r->n > 0 && first == r->first + r->n) {
		r->n += n;
		return 0;
	}
	e = run_end(r);
	r->first = first;
	r->n = n;
	return e;
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t desc_block(const struct ext4_super *sb, const uint8_t *desc, size_t at)
{
	uint64_t block = get32(desc + at);

	if (sb->desc_size >= DESC_WIDE)
		block |= (uint64_t)get32(desc + at + DESC_HIGH) << 32;
	return block;
}

static uint64_t count_groups(const struct ext4_super *sb)
{
	return (sb->blocks + sb->blocks_per_group - 1) / sb->blocks_per_group;
}

static uint64_t count_desc_blocks(const struct ext4_super *sb)
{
	return (count_groups(sb) * sb->desc_size + sb->block_size - 1) / sb->block_size;
}

static int add_supers(struct run *r)
{
	uint64_t copy = 1 + count_desc_blocks(r->sb) + r->sb->reserved_gdt;
	int e = 0;

	for (uint64_t g = 0; e == 0 && g < count_groups(r->sb); g++) {
		uint64_t at = g * r->sb->blocks_per_group, left = r->sb->blocks - at;

		if (layout_group_has_super(g))
			e = run_add(r, at, copy < left ? copy : left);
	}
	return e;
}

/* One member of all descriptors: flex_bg puts those of 16 groups side by side. */
static int add_member(struct run *r, const uint8_t *descs, size_t at, uint64_t n)
{
	int e = 0;

	for (uint64_t g = 0; e == 0 && g < count_groups(r->sb); g++)
		e = run_add(r, desc_block(r->sb, descs + g * r->sb->desc_size, at), n);
	return e;
}

int image_meta_each(const struct ext4_super *sb, const void *descs, size_t len, image_meta_fn *fn,
		    void *data)
{
	struct run r = {.sb = sb, .fn = fn, .data = data};
	uint64_t table;
	int e;

	if (sb->block_size != LAYOUT_BLOCK || sb->descs_apart)
		return -EMEDIUMTYPE;
	if (count_groups(sb) > len / sb->desc_size)
		return -EINVAL;
	table = ((uint64_t)sb->inodes_per_group * sb->inode_size + sb->block_size - 1) /
		sb->block_size;
	e = add_supers(&r);
	if (e == 0)
		e = add_member(&r, descs, DESC_BITMAP, 1);
	if (e == 0)
		e = add_member(&r, descs, DESC_INODE_BITMAP, 1);
	if (e == 0)
		e = add_member(&r, descs, DESC_TABLE, table);
	for (int i = 0; e == 0 && i < EXT4_JOURNAL_PARTS && sb->journal[i].n > 0; i++)
		e = run_add(&r, sb->journal[i].first, sb->journal[i].n);
	return e == 0 ? run_end(&r) : e;
}

static int allocate(uint64_t first, uint64_t n, void *data)
{
	const int *fd = data;

	while (fallocate(*fd, FALLOC_FL_KEEP_SIZE, (off_t)(first * LAYOUT_BLOCK),
			 (off_t)(n * LAYOUT_BLOCK)) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int image_meta_allocate(int private_fd, int image_fd, const struct ext4_super *sb,
			struct berth_error *err)
{
	size_t len = count_desc_blocks(sb) * sb->block_size;
	auto_free void *descs = malloc(len);
	char where[200];
	ssize_t n;
	int r;

	if (descs == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory");
	image_where(private_fd, where, sizeof(where));
	n = pread(image_fd, descs, len, sb->block_size);
	if (n < 0)
		return berth_error_sys(err, errno, "read the group descriptors of %s", where);
	r = image_meta_each(sb, descs, (size_t)n, allocate, &image_fd);
	/* A volume that somebody else has made, or a file system that cannot allocate ahead. */
	if (r == 0 || r == -EMEDIUMTYPE || r == -EOPNOTSUPP)
		return 0;
	if (r == -EINVAL)
		return berth_error_set(err, BERTH_ERR_BROKEN, EUCLEAN,
				       "%s: damaged group descriptors; try e2fsck -f on it, or "
				       "restore it from a backup",
				       where);
	if (r == -ENOSPC || r == -EDQUOT)
		return berth_error_set(
			err, BERTH_ERR_NO_SPACE, -r,
			"no room on the host for the metadata of %s, without which a "
			"full host would damage it; free some (df -h)",
			where);
	return berth_error_sys(err, r, "allocate the metadata of %s", where);
}
