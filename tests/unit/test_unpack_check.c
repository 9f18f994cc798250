/*
 * test_unpack_check.c - names, attributes and sizes in a stranger's archive, and its holes in an image.
 *
 * covers: templates/unpack_check.c templates/sparse.c
 */
#include "templates/template_private.h"
#include "templates/unpack.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static void entry_names_are_relative_and_never_go_up(void)
{
	CHECK(unpack_name_ok("./") && unpack_name_ok("a/b") && unpack_name_ok("..a/b..") &&
	      unpack_name_ok("..."));
	CHECK(!unpack_name_ok("") && !unpack_name_ok("/") && !unpack_name_ok("..") &&
	      !unpack_name_ok("a//../b") && !unpack_name_ok("./../x"));
	CHECK(unpack_name_in_dev("dev/null") && unpack_name_in_dev("././dev/x"));
	CHECK(!unpack_name_in_dev("dev") && !unpack_name_in_dev("x/dev/null"));
	CHECK(unpack_xattr_ok("user.x") && unpack_xattr_ok("security.capability"));
	CHECK(!unpack_xattr_ok("security.ima") && !unpack_xattr_ok("trusted.overlay.opaque") &&
	      !unpack_xattr_ok("system.posix_acl_access"));
}

static void blocks_are_counted_once(void)
{
	static const char data[3 * UNPACK_BLOCK] = {[5] = 'x', [6] = 'x', [UNPACK_BLOCK] = 'x'};
	uint64_t last = UNPACK_NO_BLOCK;

	CHECK(unpack_data_bytes(data, sizeof(data), 0, &last) == 2 * UNPACK_BLOCK && last == 1);
	last = UNPACK_NO_BLOCK;
	CHECK(unpack_data_bytes(data, 6, 0, &last) == UNPACK_BLOCK);
	CHECK(unpack_data_bytes(data + 6, 1, 6, &last) == 0);
	CHECK(unpack_data_bytes(data + 7, 100, 7, &last) == 0 && last == 0);
	/* Not aligned as the file is: both sides of a border. */
	CHECK(unpack_data_bytes(data + 5, 2, 2 * UNPACK_BLOCK - 1, &last) == 2 * UNPACK_BLOCK);
	CHECK(last == 2);
}

static void a_hint_names_one_file(void)
{
	char line[64];

	CHECK(sparse_hint("var/log/last-log.1 (2)\n", line, sizeof(line)) > 0);
	CHECK(strcmp(line, "65536 ^var/log/last.log.1..2..$\n") == 0);
	CHECK(sparse_hint("a/name/that/is/longer/than/there/is/room/for/in/this/buffer/of/ours",
			  line, sizeof(line)) == -ENAMETOOLONG);
	CHECK(sparse_hole(4096, 8) == 0 && sparse_hole(100, 8) == 0);
	CHECK(sparse_hole(1 << 20, 8) == (1 << 20) - 4096);
}

int main(void)
{
	RUN(entry_names_are_relative_and_never_go_up);
	RUN(blocks_are_counted_once);
	RUN(a_hint_names_one_file);
	return check_failures != 0;
}
