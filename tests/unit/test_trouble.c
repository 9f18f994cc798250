/* test_trouble.c - the line that says what is wrong with a running CT. */
#include "runtime/ct/trouble.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static struct berth_paths paths;

static void what_was_written_is_read_until_it_is_taken_back(void)
{
	char text[64];

	CHECK(ct_trouble_read(&paths, 101, text, sizeof(text)) == -ENOENT && text[0] == '\0');
	CHECK(ct_trouble_write(&paths, 101, "its volume is read-only") == 0);
	CHECK(ct_trouble_read(&paths, 101, text, sizeof(text)) >= 0);
	CHECK(strcmp(text, "its volume is read-only") == 0);
	CHECK(ct_trouble_write(&paths, 101, "") == 0 && ct_trouble_write(&paths, 101, "") == 0);
	CHECK(ct_trouble_read(&paths, 101, text, sizeof(text)) == -ENOENT);
}

static void a_ct_that_never_ran_has_none(void)
{
	char text[64] = "x";

	CHECK(ct_trouble_read(&paths, 102, text, sizeof(text)) == -ENOENT && text[0] == '\0');
	CHECK(ct_trouble_write(&paths, 102, "x") == -ENOENT);
}

int main(void)
{
	char top[] = "/tmp/berth-trouble-XXXXXX", path[BERTH_PATH_MAX];

	CHECK(mkdtemp(top) != NULL && berth_paths_init(&paths, top, NULL) == 0);
	CHECK(dir_make(path_run_ct(&paths, 101, path), 0755) == 0);
	RUN(what_was_written_is_read_until_it_is_taken_back);
	RUN(a_ct_that_never_ran_has_none);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
