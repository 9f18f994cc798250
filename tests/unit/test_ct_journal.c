/* test_ct_journal.c - the journal of a move is read as it was written; a torn one is never taken for none. */
#include "runtime/ct/journal.h"

#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct journal given = {JOURNAL_GIVEN,
				     "0a1b2c3d-0000-4000-8000-123456789abc",
				     "0a1b2c3d-0000-4000-8000-123456789abd",
				     4,
				     102,
				     true,
				     "host-b"};

static void it_is_read_as_it_was_written(void)
{
	char dir[] = "/tmp/berth-journal-XXXXXX", path[100];
	struct berth_paths p;
	struct berth_error err;
	struct journal j;

	CHECK(mkdtemp(dir) != NULL);
	CHECK(berth_paths_init(&p, dir, &err) == 0 && berth_paths_make(&p, &err) == 0);
	CHECK(journal_load(&p, 101, &j) == -ENOENT);
	CHECK(journal_save(&p, 101, &given, &err) == 0 && journal_load(&p, 101, &j) == 0);
	CHECK(j.phase == JOURNAL_GIVEN && j.epoch == 4 && j.peer_ctid == 102 && j.start);
	CHECK(strcmp(j.id, given.id) == 0 && strcmp(j.uuid, given.uuid) == 0 &&
	      strcmp(j.peer, "host-b") == 0);
	CHECK(journal_load(&p, 102, &j) == -ENOENT);
	(void)snprintf(path, sizeof(path), "%s/var/lib/berth/state/101.move", dir);
	CHECK(truncate(path, 60) == 0 && journal_load(&p, 101, &j) == -EBADMSG);
	CHECK(journal_clear(&p, 101, &err) == 0 && journal_load(&p, 101, &j) == -ENOENT);
	CHECK(journal_clear(&p, 101, &err) == 0);
	CHECK(tree_remove_at(AT_FDCWD, dir) == 0);
}

/* Whatever of it a torn write has left. */
static void a_torn_one_is_damaged(void)
{
	char text[1024], cut[1024];
	struct journal j;

	CHECK(journal_format(&given, text, sizeof(text)) == 0);
	for (size_t n = 0; n + 2 < strlen(text); n++) {
		(void)snprintf(cut, sizeof(cut), "%.*s", (int)n, text);
		CHECK(journal_parse(cut, &j) == -EBADMSG);
	}
}

int main(void)
{
	RUN(it_is_read_as_it_was_written);
	RUN(a_torn_one_is_damaged);
	return check_failures != 0;
}
