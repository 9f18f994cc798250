/* test_sb.c - the superblock readers, against what mkfs.ext4 and mkfs.erofs write. */
#include "runtime/storage/sb.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char dir[] = "/tmp/berth-sb-XXXXXX";
static uint8_t ext4[EXT4_SB_SIZE], erofs[EROFS_HEAD_SIZE];

static bool make_images(void)
{
	const char *const mkfs[] = {
		"mkfs.ext4",
		"-qF",
		"-O^orphan_file",
		"-b4096",
		"-N1024",
		"-Jsize=4",
		"-U01020304-0506-0708-090a-0b0c0d0e0f10",
		"a",
		"64M",
		NULL,
	};
	const char *const mkerofs[] = {"mkfs.erofs", "b", "t", NULL};
	auto_close int a = -EBADF, b = -EBADF;

	if (mkdtemp(dir) == NULL || chdir(dir) < 0 || mkdir("t", 0755) < 0)
		return false;
	if (spawn_run(mkfs, NULL) < 0 || spawn_run(mkerofs, NULL) < 0)
		return false;
	a = open("a", O_RDONLY | O_CLOEXEC);
	b = open("b", O_RDONLY | O_CLOEXEC);
	return pread(a, ext4, sizeof(ext4), SB_OFFSET) == EXT4_SB_SIZE &&
	       fd_read_all(b, erofs, sizeof(erofs)) == EROFS_HEAD_SIZE;
}

static void an_ext4_superblock_is_read(void)
{
	struct ext4_super sb;

	CHECK(ext4_super_parse(ext4, sizeof(ext4), &sb) == 0);
	CHECK(sb.blocks == 16384 && sb.block_size == 4096 && sb.inodes == 1024);
	CHECK(sb.free_inodes == 1024 - 11 && sb.free_blocks < sb.blocks);
	CHECK(sb.journal_bytes == 4 << 20 && sb.overhead >= 1024 + 64);
	CHECK(sb.clean && !sb.needs_recovery && sb.error_count == 0);
	for (uint8_t i = 0; i < 16; i++)
		CHECK(sb.uuid[i] == i + 1);
}

static void a_flipped_bit_anywhere_is_seen(void)
{
	struct ext4_super sb = {.blocks = 7};

	for (size_t i = 0; i < EXT4_SB_SIZE; i++) {
		ext4[i] ^= 0x10;
		CHECK(ext4_super_parse(ext4, sizeof(ext4), &sb) < 0);
		ext4[i] ^= 0x10;
	}
	CHECK(sb.blocks == 7);
}

/* Without metadata_csum, so that the values themselves are looked at. */
static int parse_without_sum(size_t at, uint8_t value, struct ext4_super *ret)
{
	uint8_t b[EXT4_SB_SIZE];

	memcpy(b, ext4, sizeof(b));
	b[0x65] &= 0xfb;
	b[at] = value;
	return ext4_super_parse(b, sizeof(b), ret);
}

static void states_are_told_apart(void)
{
	struct ext4_super sb;

	CHECK(parse_without_sum(0x3a, 1, &sb) == 0 && sb.clean);
	CHECK(parse_without_sum(0x3a, 0, &sb) == 0 && !sb.clean);
	CHECK(parse_without_sum(0x3a, 3, &sb) == 0 && !sb.clean);
	CHECK(parse_without_sum(0x60, ext4[0x60] | 4, &sb) == 0 && sb.needs_recovery && sb.clean);
	CHECK(parse_without_sum(0x194, 5, &sb) == 0 && sb.error_count == 5);
}

static void senseless_values_are_refused(void)
{
	struct ext4_super sb;

	CHECK(parse_without_sum(0x18, 7, &sb) == -EINVAL); /* block size */
	CHECK(parse_without_sum(0x0f, 0xff, &sb) == -EINVAL); /* more free than there is */
	CHECK(parse_without_sum(0x13, 0xff, &sb) == -EINVAL);
	CHECK(parse_without_sum(0x23, 0xff, &sb) == -EINVAL); /* blocks a group */
	CHECK(parse_without_sum(0xfe, 65, &sb) == -EINVAL); /* descriptor size */
	CHECK(ext4_super_parse(ext4, EXT4_SB_SIZE - 1, &sb) == -EINVAL);
	memset(&sb, 0, sizeof(sb));
	CHECK(ext4_super_parse(&(uint8_t[EXT4_SB_SIZE]){0}, EXT4_SB_SIZE, &sb) == -EINVAL);
}

static void an_erofs_superblock_is_read(void)
{
	struct erofs_super sb;
	struct stat st;

	CHECK(erofs_super_parse(erofs, sizeof(erofs), &sb) == 0);
	CHECK(stat("b", &st) == 0 && sb.bytes == (uint64_t)st.st_size);
	CHECK(sb.block_size == 4096 && sb.inodes == 1);
}

static void a_damaged_erofs_superblock_is_seen(void)
{
	struct erofs_super sb;

	CHECK(erofs_super_parse(erofs, 1100, &sb) == -EINVAL);
	for (size_t i = SB_OFFSET; i < SB_OFFSET + 128; i++) {
		erofs[i] ^= 0x40;
		CHECK(erofs_super_parse(erofs, sizeof(erofs), &sb) < 0);
		erofs[i] ^= 0x40;
	}
}

int main(void)
{
	if (!make_images()) {
		(void)fprintf(stderr, "cannot make images with mkfs.ext4 and mkfs.erofs\n");
		return 1;
	}
	RUN(an_ext4_superblock_is_read);
	RUN(a_flipped_bit_anywhere_is_seen);
	RUN(states_are_told_apart);
	RUN(senseless_values_are_refused);
	RUN(an_erofs_superblock_is_read);
	RUN(a_damaged_erofs_superblock_is_seen);
	(void)tree_remove_at(AT_FDCWD, dir);
	return check_failures != 0;
}
