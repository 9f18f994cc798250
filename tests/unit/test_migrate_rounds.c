/*
 * test_migrate_rounds.c - a volume that changes while it is sent is the same at the other end after the last round; and
 * a folder of images arrives as it was. The confined reader takes both.
 * covers: runtime/migrate/pack.c
 */
#include "runtime/migrate/rounds.h"

#include "runtime/base/fd.h"
#include "runtime/migrate/pack.h"
#include "runtime/migrate/reader.h"
#include "runtime/migrate/source.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BLOCKS = 40,
	VOLUME = BLOCKS * ROUND_BLOCK + 1000, /* the last block is a short one */
	NOBODY = 655360000,
	QUIET = 60000
};

static int up[2], down[2], file; /* to the destination and back; what it fills */
static struct link l;
static struct reader rd;
static struct berth_error err;

static void ends_begin(uint64_t bytes, bool rounds)
{
	CHECK(pipe2(up, O_CLOEXEC) == 0 && pipe2(down, O_CLOEXEC) == 0);
	file = memfd_create("copy", MFD_CLOEXEC);
	CHECK(reader_start_blocks(
		      &(struct reader_order){up[0], down[1], file, bytes, NOBODY, QUIET, rounds, 0},
		      &rd, &err) == 0);
	fd_close(&up[0]);
	CHECK(link_open(&l, down[0], up[1], QUIET, &err) == 0);
}

static void ends_end(void)
{
	reader_end(&rd);
	link_close(&l);
	fd_close(&up[1]);
	fd_close(&down[0]);
	fd_close(&down[1]);
	fd_close(&file);
}

static uint64_t hear(enum reader_said want)
{
	enum reader_said said;
	uint64_t bytes = 0;

	memset(&err, 0, sizeof(err));
	while (reader_next(&rd, &said, &bytes, &err) == 0 && said == READER_PROGRESS)
		;
	CHECK(said == want);
	return bytes;
}

static void put(int fd, unsigned int block, const char *text)
{
	CHECK(pwrite(fd, text, strlen(text), (off_t)block * ROUND_BLOCK + 77) ==
	      (ssize_t)strlen(text));
}

static bool same(int a, int b)
{
	static uint8_t x[VOLUME], y[VOLUME];

	return blocks_read(a, x, VOLUME, 0) == 0 && blocks_read(b, y, VOLUME, 0) == 0 &&
	       memcmp(x, y, VOLUME) == 0;
}

/* One round of a volume, and its end; how many bytes it took. */
static uint64_t round_of(int from, struct rounds *r, enum frame_type type)
{
	struct message_end end;
	char text[MESSAGE_SIZE];
	struct blocks b;

	blocks_begin(&b, from, VOLUME);
	CHECK(rounds_send(r, &b, &l, NULL, NULL, &err) == 0);
	blocks_digest(&b, &end);
	CHECK(message_end_format(&end, text) == 0 && link_send_text(&l, type, text, &err) == 0);
	CHECK(hear(type == FRAME_END ? READER_DONE : READER_ROUND) == end.bytes);
	return end.bytes;
}

static void only_what_has_changed_is_sent_again(void)
{
	int from = memfd_create("volume", MFD_CLOEXEC), sums = memfd_create("sums", MFD_CLOEXEC);
	struct rounds r;
	struct stat st;

	CHECK(ftruncate(from, VOLUME) == 0);
	put(from, 3, "first");
	put(from, 4, "second");
	put(from, BLOCKS, "last");
	ends_begin(VOLUME, true);
	CHECK(ftruncate(file, VOLUME) == 0);
	CHECK(rounds_open(&r, sums, VOLUME, &err) == 0);
	CHECK(round_of(from, &r, FRAME_ROUND) == 2 * ROUND_BLOCK + 1000 && same(from, file));
	/* The sums live in their file: another process goes on with them. */
	rounds_close(&r);
	CHECK(rounds_open(&r, sums, VOLUME, &err) == 0);
	CHECK(round_of(from, &r, FRAME_ROUND) == 0);
	put(from, 4, "SECOND");
	put(from, 9, "new");
	CHECK(fallocate(from, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 3 * ROUND_BLOCK,
			ROUND_BLOCK) == 0);
	CHECK(!same(from, file));
	CHECK(round_of(from, &r, FRAME_ROUND) == 3 * ROUND_BLOCK && same(from, file));
	put(from, 3, "again");
	CHECK(round_of(from, &r, FRAME_END) == ROUND_BLOCK && same(from, file));
	CHECK(fstat(file, &st) == 0 && st.st_blocks * 512 < 8 * ROUND_BLOCK);
	rounds_close(&r);
	ends_end();
	fd_close(&from);
	fd_close(&sums);
}

static void blocks_without_rounds_end_once(void)
{
	ends_begin(VOLUME, false);
	CHECK(link_send_text(&l, FRAME_ROUND, "bytes=0\n", &err) == 0);
	(void)hear(READER_FAILED);
	CHECK(err.code == BERTH_ERR_PROTOCOL);
	ends_end();
}

/* ---- packs ---- */

static int folder(void)
{
	char path[] = "/tmp/test_pack.XXXXXX";
	int fd = mkdtemp(path) == NULL ? -1 : dir_open_at(AT_FDCWD, path);

	CHECK(fd >= 0);
	return fd;
}

static void folder_end(int *fd)
{
	char link[32], path[100] = "";

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", *fd);
	CHECK(readlink(link, path, sizeof(path) - 1) > 0);
	CHECK(tree_remove_at(AT_FDCWD, path) == 0);
	fd_close(fd);
}

/* What of a folder comes out at the other end; -errno. */
static int travel(int from, int to, uint64_t cut)
{
	struct message_end end;
	char text[MESSAGE_SIZE];
	struct blocks b;
	off_t at = 0;
	uint64_t bytes;
	int r;

	ends_begin(64 << 20, false);
	blocks_begin(&b, -1, INT64_MAX);
	r = pack_send(from, "left", &b, &l, &err);
	if (r == 0) {
		blocks_digest(&b, &end);
		CHECK(message_end_format(&end, text) == 0 &&
		      link_send_text(&l, FRAME_END, text, &err) == 0);
		bytes = hear(READER_DONE);
		r = pack_unpack(file, bytes - cut, &at, to, &err);
		CHECK(r < 0 || (uint64_t)at == bytes);
	}
	ends_end();
	return r;
}

static void a_folder_of_images_arrives(void)
{
	int from = folder(), to = folder();
	char *big = calloc(1, 3 << 20), *text = NULL;
	struct stat st;
	size_t len;

	memset(big, 'x', 3 << 20);
	CHECK(file_replace_at(from, "pages-1.img", big, 3 << 20, 0600, false) == 0);
	CHECK(file_replace_at(from, "empty", "", 0, 0600, false) == 0);
	CHECK(mkdirat(from, "left", 0700) == 0);
	CHECK(travel(from, to, 0) == 0);
	CHECK(file_read_at(to, "pages-1.img", 4 << 20, &text, &len) == 0 && len == 3 << 20 &&
	      memcmp(text, big, len) == 0);
	CHECK(fstatat(to, "empty", &st, 0) == 0 && st.st_size == 0 && (st.st_mode & 07777) == 0600);
	CHECK(faccessat(to, "left", F_OK, 0) < 0);
	/* Nothing is written over. */
	CHECK(travel(from, to, 0) == -EEXIST);
	free(text);
	free(big);
	folder_end(&from);
	folder_end(&to);
}

static void what_is_no_pack_is_refused(void)
{
	int from = folder(), to = folder();

	CHECK(file_replace_at(from, "a", "data", 4, 0600, false) == 0);
	CHECK(travel(from, to, 1) < 0 && err.code == BERTH_ERR_PROTOCOL);
	CHECK(mkdirat(from, "d", 0700) == 0);
	CHECK(travel(from, to, 0) < 0 && err.code == BERTH_ERR_BROKEN);
	folder_end(&from);
	folder_end(&to);
}

static void names_of_a_pack_are_plain(void)
{
	static const char *const bad[] = {"../x", "a/b", ".x", "a b", "a\n"};
	struct pack_entry e = {.size = 7, .name = "pages-1.img"}, back;
	uint8_t head[PACK_HEAD];

	pack_head_format(&e, head);
	CHECK(pack_head_parse(head, &back) == 0 && back.size == 7 &&
	      strcmp(back.name, e.name) == 0);
	head[PACK_HEAD - 1] = 'x'; /* behind the name */
	CHECK(pack_head_parse(head, &back) == -EBADMSG);
	memset(head + 16, 'x', PACK_NAME); /* no end */
	CHECK(pack_head_parse(head, &back) == -EBADMSG);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(e.name, sizeof(e.name), "%s", bad[i]);
		pack_head_format(&e, head);
		CHECK(pack_head_parse(head, &back) == -EBADMSG);
	}
	e = (struct pack_entry){.size = 1};
	pack_head_format(&e, head); /* an end with data */
	CHECK(pack_head_parse(head, &back) == -EBADMSG);
	head[0] = 'x';
	CHECK(pack_head_parse(head, &back) == -EBADMSG);
}

int main(void)
{
	if (geteuid() != 0)
		return 77;
	RUN(only_what_has_changed_is_sent_again);
	RUN(blocks_without_rounds_end_once);
	RUN(a_folder_of_images_arrives);
	RUN(what_is_no_pack_is_refused);
	RUN(names_of_a_pack_are_plain);
	return check_failures != 0;
}
