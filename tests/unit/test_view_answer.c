/* test_view_answer.c - requests of the kernel's, good and bad. */
#include "runtime/view/view.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>

static char answer[VIEW_ANSWER_MAX];

static size_t ten_bytes(void *data, enum view_file file, uint64_t offset, size_t size,
			const char **ret)
{
	static const char text[] = "0123456789";

	*(enum view_file *)data = file;
	if (offset >= 10)
		return 0;
	*ret = text + offset;
	return 10 - offset < size ? 10 - (size_t)offset : size;
}

/* The error of the answer; its body follows the header in answer. 1: none is wanted. */
static int ask(uint32_t opcode, uint64_t node, const void *body, size_t len)
{
	static enum view_file asked;
	const struct view_reader reader = {ten_bytes, &asked};
	struct fuse_in_header in = {.opcode = opcode, .nodeid = node, .unique = 42};
	struct fuse_out_header out;
	char request[512];
	ssize_t n;

	in.len = (uint32_t)(sizeof(in) + len);
	memcpy(request, &in, sizeof(in));
	if (len > 0)
		memcpy(request + sizeof(in), body, len);
	n = view_answer(request, in.len, &reader, answer);
	if (n == 0)
		return 1;
	CHECK(n >= (ssize_t)sizeof(out));
	memcpy(&out, answer, sizeof(out));
	CHECK(out.len == (uint32_t)n);
	CHECK(opcode == FUSE_INTERRUPT || out.unique == 42);
	return out.error;
}

static const char *body(void)
{
	return answer + sizeof(struct fuse_out_header);
}

static void each_file_is_found_by_its_name_and_nothing_else_is(void)
{
	struct fuse_entry_out e;

	for (int i = 0; i < VIEW_FILES; i++) {
		const char *name = view_places[i].name;

		CHECK(ask(FUSE_LOOKUP, 1, name, strlen(name) + 1) == 0);
		memcpy(&e, body(), sizeof(e));
		CHECK(e.nodeid == (uint64_t)i + 2 && e.attr.mode == 0100444 &&
		      e.attr.ino == e.nodeid);
	}
	CHECK(ask(FUSE_LOOKUP, 1, "shadow", 7) == -ENOENT);
	CHECK(ask(FUSE_LOOKUP, 1, "", 1) == -ENOENT);
	CHECK(ask(FUSE_LOOKUP, 1, "meminf", 6) == -ENOENT);
	CHECK(ask(FUSE_LOOKUP, 2, "meminfo", 8) == -ENOTDIR);
	CHECK(ask(FUSE_GETATTR, 2 + VIEW_FILES, NULL, 0) == -ENOENT);
	CHECK(ask(FUSE_GETATTR, 1, NULL, 0) == 0);
}

static void a_read_gives_what_there_is_at_its_offset(void)
{
	struct fuse_read_in in = {.offset = 4, .size = 4096};

	CHECK(ask(FUSE_READ, 2, &in, sizeof(in)) == 0 && memcmp(body(), "456789", 6) == 0);
	in.offset = UINT64_MAX;
	in.size = UINT32_MAX;
	CHECK(ask(FUSE_READ, 2, &in, sizeof(in)) == 0);
	CHECK(ask(FUSE_READ, 1, &in, sizeof(in)) == -EISDIR);
	CHECK(ask(FUSE_READ, 2 + VIEW_FILES, &in, sizeof(in)) == -EISDIR);
	CHECK(ask(FUSE_READ, 2, &in, 4) == -EINVAL);
}

static void a_directory_lists_all_and_ends(void)
{
	struct fuse_read_in in = {.size = 4096};
	struct fuse_out_header out;

	CHECK(ask(FUSE_READDIR, 1, &in, sizeof(in)) == 0);
	CHECK(memmem(answer, 4096, "loadavg", 7) != NULL);
	in.offset = VIEW_FILES;
	CHECK(ask(FUSE_READDIR, 1, &in, sizeof(in)) == 0);
	memcpy(&out, answer, sizeof(out));
	CHECK(out.len == sizeof(out));
	in.offset = 0;
	in.size = 10;
	CHECK(ask(FUSE_READDIR, 1, &in, sizeof(in)) == 0);
	CHECK(ask(FUSE_READDIR, 3, &in, sizeof(in)) == -ENOTDIR);
}

static void nothing_can_be_written(void)
{
	static const uint32_t ops[] = {FUSE_SETATTR, FUSE_MKNOD,    FUSE_MKDIR,	    FUSE_UNLINK,
				       FUSE_WRITE,   FUSE_CREATE,   FUSE_SYMLINK,   FUSE_LINK,
				       FUSE_RENAME,  FUSE_SETXATTR, FUSE_FALLOCATE, FUSE_IOCTL,
				       FUSE_TMPFILE, 9999};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		CHECK(ask(ops[i], 2, "xxxxxxxxxxxxxxxx", 16) == -ENOSYS);
}

static void what_is_interrupted_is_answered(void)
{
	const struct fuse_interrupt_in in = {.unique = 77};
	struct fuse_out_header out;

	CHECK(ask(FUSE_INTERRUPT, 0, &in, sizeof(in)) == -EINTR);
	memcpy(&out, answer, sizeof(out));
	CHECK(out.unique == 77);
	CHECK(ask(FUSE_FORGET, 2, NULL, 0) == 1);
	CHECK(view_answer("x", 1, NULL, answer) == -EBADMSG);
}

static void an_old_kernel_is_refused_and_a_new_one_is_met(void)
{
	uint32_t in[4] = {FUSE_KERNEL_VERSION, 99, 0, 0};
	struct fuse_init_out out;

	CHECK(ask(FUSE_INIT, 0, in, sizeof(in)) == 0);
	memcpy(&out, body(), sizeof(out));
	CHECK(out.major == 7 && out.minor <= 99 && out.max_write == 4096 && out.flags == 0);
	in[1] = 31;
	CHECK(ask(FUSE_INIT, 0, in, sizeof(in)) == 0);
	memcpy(&out, body(), sizeof(out));
	CHECK(out.minor == 31);
	in[1] = 8;
	CHECK(ask(FUSE_INIT, 0, in, sizeof(in)) == -EPROTO);
	in[0] = 8;
	CHECK(ask(FUSE_INIT, 0, in, sizeof(in)) == -EPROTO);
	CHECK(ask(FUSE_INIT, 0, in, 4) == -EPROTO);
}

int main(void)
{
	RUN(each_file_is_found_by_its_name_and_nothing_else_is);
	RUN(a_read_gives_what_there_is_at_its_offset);
	RUN(a_directory_lists_all_and_ends);
	RUN(nothing_can_be_written);
	RUN(what_is_interrupted_is_answered);
	RUN(an_old_kernel_is_refused_and_a_new_one_is_met);
	return check_failures != 0;
}
