/* test_host_space.c - what was promised on a file system, and what is there. */
#include "runtime/worker/host_space.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct worker w;
static struct berth_error err;
static char top[] = "/tmp/berth-space-XXXXXX";

/* A sparse image: promised, and not there. */
static void put_image(const char *area, off_t bytes)
{
	char dir[BERTH_PATH_MAX], path[BERTH_PATH_MAX];
	auto_close int fd = -EBADF;

	(void)snprintf(dir, sizeof(dir), "%.300s/private/%s", w.paths.lib, area);
	CHECK(dir_make(dir, 0700) == 0);
	fd = open(path_below(dir, "volume.img", path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && ftruncate(fd, bytes) == 0);
}

static void every_volume_counts_with_its_length(void)
{
	struct host_space s;

	put_image("101", 1 << 20);
	put_image("102", 2 << 20);
	CHECK(host_space_read(&w, &s, &err) == 0);
	CHECK(s.n == 2 && s.promised == 3 << 20);
	CHECK(s.reserve > 0 && s.room + s.reserve >= s.avail);
	CHECK((s.frail == 0 && s.mend == NULL) || (s.frail == 2 && s.mend != NULL));
}

static void percent_of_what_there_is(void)
{
	CHECK(host_space_percent(&(struct host_space){.promised = 300, .room = 200}) == 150);
	CHECK(host_space_percent(&(struct host_space){0}) == 0);
	CHECK(host_space_percent(&(struct host_space){.promised = 1}) == UINT64_MAX);
}

static void what_there_is_may_be_promised(void)
{
	w.host.overcommit = 100;
	CHECK(host_space_promise(&w, 1 << 20, &err) == 0);
}

static void more_is_refused_or_said_as_the_policy_has_it(void)
{
	const uint64_t much = UINT64_C(1) << 60;

	w.ctid = 103;
	w.host.overcommit = 100;
	CHECK(host_space_promise(&w, much, &err) == -ENOSPC && err.code == BERTH_ERR_NO_SPACE);
	CHECK(strstr(err.msg, "CT 103") != NULL && strstr(err.msg, "DISK_OVERCOMMIT") != NULL);
	w.host.overcommit = 0;
	CHECK(host_space_promise(&w, much, &err) == 1); /* "result note.disk=..." */
}

int main(void)
{
	char path[BERTH_PATH_MAX];

	CHECK(mkdtemp(top) != NULL && berth_paths_init(&w.paths, top, NULL) == 0);
	CHECK(dir_make(path_below(w.paths.lib, "private", path), 0700) == 0);
	RUN(every_volume_counts_with_its_length);
	RUN(percent_of_what_there_is);
	RUN(what_there_is_may_be_promised);
	RUN(more_is_refused_or_said_as_the_policy_has_it);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
