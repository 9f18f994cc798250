/*
 * test_op_suspend.c - what the workers of suspend and resume refuse, and that they have touched nothing then. What
 * takes a CRIU is in tests/bats/41-suspend.bats.
 *
 * covers: runtime/worker/op_resume.c runtime/worker/suspend_save.c
 * covers: runtime/worker/op_why_not.c
 * covers: runtime/worker/suspend_finish.c runtime/worker/criu_run.c runtime/launch/rebuild.c
 */
#include "runtime/checkpoint/dump_record.h"
#include "runtime/storage/volume.h"
#include "tests/unit/worker_fixture.h"
#include <sys/utsname.h>

static char dump[BERTH_PATH_MAX];

static struct checkpoint_record rec = {.boot_id = "d1ff4f03-c31a-441c-8a24-9105a65b29ea",
				       .init = {91, 1},
				       .kernel = "6",
				       .tty = "tty[8800:1a]",
				       .hostname = "x",
				       .stop_command = ""};

static bool results(const char *text)
{
	return strstr(said.values, text) != NULL;
}

static void put_record(void)
{
	char text[RECORD_SIZE_MAX];

	CHECK(checkpoint_record_format(&rec, text, sizeof(text)) == 0);
	put_file(dump, "record", text);
}

static void what_does_not_run_is_not_suspended(void)
{
	CHECK(WORKER("suspend", "101") == BERTH_ERR_NOT_RUNNING);
	CHECK(WORKER("suspend", "102") == BERTH_ERR_NO_CONFIG);
	CHECK(WORKER("suspend", "101", "finish") == BERTH_ERR_NOT_RUNNING);
	CHECK(!is_there(paths.lib, "private/101/dump.new"));
}

/* Of one that does not run nothing is in the way; of one that is suspended its images may be. */
static void what_does_not_run_can_move(void)
{
	char text[32], path[BERTH_PATH_MAX];

	CHECK(is_ok(WORKER("why-not", "101")) && !results("level"));
	CHECK(WORKER("why-not", "102") == BERTH_ERR_NO_CONFIG);
	put_file(dump, "record", "version=9\n");
	CHECK(is_ok(WORKER("why-not", "101")) && results("f0.name=images\n") &&
	      results("another version"));
	(void)snprintf(text, sizeof(text), "version=%d\n", RECORD_VERSION);
	put_file(dump, "record", text);
	CHECK(is_ok(WORKER("why-not", "101")) && results("f0.name=images\n") && results("damaged"));
	CHECK(unlink(path_below(dump, "record", path)) == 0 && rmdir(dump) == 0);
}

static void images_must_be_this_cts(void)
{
	char text[32];

	CHECK(WORKER("resume", "101") == BERTH_ERR_NOT_RUNNING && says("not suspended"));
	put_file(dump, "record", "version=9\n");
	CHECK(WORKER("resume", "101") == BERTH_ERR_UNSUPPORTED && says("another version"));
	(void)snprintf(text, sizeof(text), "version=%d\n", RECORD_VERSION);
	put_file(dump, "record", text);
	CHECK(WORKER("resume", "101") == BERTH_ERR_BROKEN && says("damaged"));
	(void)snprintf(rec.uuid, sizeof(rec.uuid), "99999999-89ab-4cde-8f01-23456789abcd");
	put_record();
	CHECK(WORKER("resume", "101") == BERTH_ERR_BROKEN && says("another CT's"));
	(void)snprintf(rec.uuid, sizeof(rec.uuid), "%s", UUID);
}

/* A mount since then: what is on the disk no longer fits what is in the memory. */
static void the_volume_must_be_the_one_that_was_left(void)
{
	char path[BERTH_PATH_MAX], text[RECORD_SIZE_MAX] = "";
	auto_close int private_fd = dir_open_at(AT_FDCWD, path_private(&paths, 101, path));
	auto_close int dir = -EBADF;
	struct utsname uts;
	uint32_t before, after;

	CHECK(volume_mounts(volume_driver_find("image"), private_fd, &before, &err) == 0);
	rec.mounts = rec.mounts_tried = before;
	put_record();
	CHECK(WORKER("resume", "101") == BERTH_ERR_UNSUPPORTED && says("under Linux 6,"));
	CHECK(uname(&uts) == 0);
	(void)snprintf(rec.kernel, sizeof(rec.kernel), "%s", uts.release);
	put_record();
	CHECK(unlink(path_below(dump, "record", path)) == 0); /* mount refuses a suspended one */
	CHECK(is_ok(WORKER("mount", "101")) && is_ok(WORKER("umount", "101")));
	CHECK(volume_mounts(volume_driver_find("image"), private_fd, &after, &err) == 0);
	CHECK(after == before + 1);
	put_record();
	CHECK(WORKER("resume", "101") == BERTH_ERR_BROKEN && says("stop 101 --fast"));
	/* A resume that failed has mounted it, and said so before. */
	rec.mounts_tried = after;
	put_record();
	CHECK(WORKER("resume", "101") != BERTH_OK && !says("no longer fits"));
	dir = dir_open_at(AT_FDCWD, dump);
	CHECK(file_read_line_at(dir, "record", text, sizeof(text)) == 0);
	(void)snprintf(path, sizeof(path), "\nmounts_tried=%u\n", after + 1);
	CHECK(strstr(text, path) != NULL);
	CHECK(is_ok(WORKER("cleanup", "101")));
}

static void giving_it_up_removes_the_images(void)
{
	char private[BERTH_PATH_MAX], half[BERTH_PATH_MAX];

	CHECK(is_there(dump, "record"));
	put_file(path_below(path_private(&paths, 101, private), "dump.new", half), "record", "");
	CHECK(is_ok(WORKER("cleanup", "101")) && is_there(dump, "record"));
	CHECK(!is_there(private, "dump.new"));
	CHECK(is_ok(WORKER("cleanup", "101", "forget")) &&
	      !is_there(paths.lib, "private/101/dump"));
	CHECK(is_ok(WORKER("cleanup", "101", "forget")));
}

int main(void)
{
	int r = worker_begin(true);
	char path[BERTH_PATH_MAX];

	if (r != 0)
		return r;
	CHECK(create_ct("101", ""));
	path_below(path_private(&paths, 101, path), "dump", dump);
	RUN(what_does_not_run_is_not_suspended);
	RUN(what_does_not_run_can_move);
	RUN(images_must_be_this_cts);
	RUN(the_volume_must_be_the_one_that_was_left);
	RUN(giving_it_up_removes_the_images);
	CHECK(is_ok(WORKER("destroy", "101", "order", UUID, "0", "0")));
	return worker_end();
}
