/*
 * test_op_login.c - a password into a CT that does not run; a running one is for the bats tests.
 *
 * covers: runtime/worker/login.c
 */
#include "tests/unit/worker_fixture.h"

#include <sys/mman.h>

static void hand_over(const char *text)
{
	worker_fd = memfd_create("login", MFD_CLOEXEC);
	CHECK(worker_fd >= 0 && fd_write_all(worker_fd, text, strlen(text)) == 0);
}

static enum berth_errcode set(const char *word, const char *text)
{
	enum berth_errcode code;

	hand_over(text);
	code = WORKER("login", "101", word);
	fd_close(&worker_fd);
	worker_fd = -1;
	return code;
}

static bool shadow_has(const char *text)
{
	char path[BERTH_PATH_MAX] = "", shadow[4096] = "";
	auto_close int fd = -EBADF;

	CHECK(is_ok(WORKER("mount", "101")));
	CHECK(value_get(said.values, "path", path, sizeof(path)) == 0);
	path_below(path, "etc/shadow", shadow);
	fd = open(shadow, O_RDONLY | O_CLOEXEC);
	memset(shadow, 0, sizeof(shadow));
	CHECK(fd >= 0 && fd_read_all(fd, shadow, sizeof(shadow) - 1) > 0);
	fd_close(&fd);
	CHECK(is_ok(WORKER("umount", "101")));
	return strstr(shadow, text) != NULL;
}

static void a_stopped_one_gets_it_and_nothing_stays_mounted(void)
{
	CHECK(is_ok(set("userpasswd", "root:$6$first$hash\n")));
	CHECK(mounts_of_ours() == 0 && !is_there(run_dir(101), "root"));
	CHECK(shadow_has("root:$6$first$hash:"));
}

static void one_that_is_mounted_gets_it_there(void)
{
	CHECK(is_ok(WORKER("mount", "101")));
	CHECK(is_ok(set("userpasswd", "root:$6$second$hash")));
	CHECK(mounts_of_ours() == 1 && is_ok(WORKER("umount", "101")));
	CHECK(shadow_has("root:$6$second$hash:"));
}

static void what_is_refused_changes_nothing(void)
{
	CHECK(set("userpasswd", "mallory:$6$x$y") == BERTH_ERR_PASSWD && says("'mallory'"));
	CHECK(set("userpasswd", "root:$6$x$y\nroot:z") == BERTH_ERR_VALUE && !says("$6$"));
	CHECK(set("sshkey", "no key") == BERTH_ERR_VALUE);
	CHECK(set("password", "root:$6$x$y") == BERTH_ERR_VALUE);
	CHECK(WORKER("login", "101", "userpasswd") == BERTH_ERR_VALUE);
	CHECK(mounts_of_ours() == 0 && shadow_has("root:$6$second$hash:"));
}

static void a_pipe_is_not_waited_for(void)
{
	int fds[2];

	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	worker_fd = fds[0];
	CHECK(WORKER("login", "101", "userpasswd") == BERTH_ERR_VALUE);
	worker_fd = -1;
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	int r = worker_begin(true);

	if (r != 0)
		return r;
	CHECK(create_ct("101", ""));
	RUN(a_stopped_one_gets_it_and_nothing_stays_mounted);
	RUN(one_that_is_mounted_gets_it_there);
	RUN(what_is_refused_changes_nothing);
	RUN(a_pipe_is_not_waited_for);
	return worker_end();
}
