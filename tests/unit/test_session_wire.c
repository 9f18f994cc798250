/* test_session_wire.c - the arguments' memfd and errors of connecting. */
#include "runtime/cli/session_wire.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <string.h>

static const char *const argv[] = {"echo", "", "two words", NULL};
static const char *const env[] = {"A=1", NULL};
static const char packed[] = "\3\0\0\0\1\0\0\0echo\0\0two words\0A=1";

static void arguments_are_packed_as_launch_enter_reads_them(void)
{
	char buf[64];

	CHECK(wire_args_pack(argv, env, buf, sizeof(buf)) == sizeof(packed));
	CHECK(memcmp(buf, packed, sizeof(packed)) == 0);
	CHECK(wire_args_pack(argv, env, NULL, 0) == sizeof(packed));
	CHECK(wire_args_pack(argv, NULL, NULL, 0) == sizeof(packed) - 4);
}

static void the_memfd_holds_them_whole(void)
{
	struct berth_error err = {0};
	auto_close int fd = wire_args(argv, env, &err);
	char buf[64];

	CHECK(fd >= 0 && pread(fd, buf, sizeof(buf), 0) == sizeof(packed));
	CHECK(memcmp(buf, packed, sizeof(packed)) == 0);
}

static void a_ct_without_a_socket_is_not_running(void)
{
	struct berth_paths p;
	struct berth_error err = {0};

	CHECK(berth_paths_init(&p, "/nonexistent", &err) == 0);
	CHECK(wire_connect(&p, 101, &err) < 0 && err.code == BERTH_ERR_NOT_RUNNING);
	CHECK(strstr(err.msg, "CT 101") != NULL && strstr(err.msg, "berth start 101") != NULL);
}

static void a_path_too_long_for_a_socket_is_no_obstacle(void)
{
	char root[180] = "/nonexistent/";
	struct berth_paths p;
	struct berth_error err = {0};

	memset(root + 13, 'x', sizeof(root) - 14);
	CHECK(berth_paths_init(&p, root, &err) == 0);
	CHECK(wire_connect(&p, 101, &err) < 0 && err.code == BERTH_ERR_NOT_RUNNING);
}

static void an_error_record_becomes_an_error(void)
{
	struct berth_error err = {0};
	struct mon_record r;

	mon_record_error(&r, ENOENT, "exec");
	CHECK(wire_error(&r, BERTH_ERR_EXEC, 101, "run 'foo'", &err) == -ENOENT);
	CHECK(err.code == BERTH_ERR_EXEC && strstr(err.msg, "CT 101: cannot run 'foo'") != NULL);
	mon_record_error(&r, ENOENT, "\033[31m");
	(void)wire_error(&r, BERTH_ERR_EXEC, 101, "run 'foo'", &err);
	CHECK(strchr(err.msg, '\033') == NULL);
	mon_record_error(&r, ESRCH, "gone");
	(void)wire_error(&r, BERTH_ERR_EXEC, 101, "run 'foo'", &err);
	CHECK(err.code == BERTH_ERR_NOT_RUNNING);
}

int main(void)
{
	RUN(arguments_are_packed_as_launch_enter_reads_them);
	RUN(the_memfd_holds_them_whole);
	RUN(a_ct_without_a_socket_is_not_running);
	RUN(a_path_too_long_for_a_socket_is_no_obstacle);
	RUN(an_error_record_becomes_an_error);
	return check_failures != 0;
}
