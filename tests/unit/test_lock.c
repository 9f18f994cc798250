/* test_lock.c - one operation a CT; the holder is named; a dead holder holds nothing. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/lock.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static char top[] = "/tmp/berth-test-lock.XXXXXX";
static int dir = -EBADF;

static void the_second_is_told_who_holds_it(void)
{
	auto_close int first = lock_take(dir, "101.lock", "start", NULL);
	struct berth_error err = {0};
	char pid[20];

	CHECK(first >= 0);
	CHECK(lock_take(dir, "101.lock", "stop", &err) == -EWOULDBLOCK);
	(void)snprintf(pid, sizeof(pid), "pid %d", getpid());
	CHECK(err.code == BERTH_ERR_LOCKED && strstr(err.msg, "start") != NULL);
	CHECK(strstr(err.msg, pid) != NULL);
}

static void what_is_closed_is_free(void)
{
	int fd = lock_take(dir, "102.lock", "a longer name than the next", NULL);

	CHECK(fd >= 0);
	fd_close(&fd);
	fd = lock_take(dir, "102.lock", "stop", NULL);
	CHECK(fd >= 0);
	fd_close(&fd);
}

static void a_killed_holder_holds_nothing(void)
{
	int ready[2], fd;
	char c;
	pid_t pid;

	CHECK(pipe2(ready, O_CLOEXEC) == 0);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (lock_take(dir, "103.lock", "start", NULL) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK(lock_take(dir, "103.lock", "stop", NULL) == -EWOULDBLOCK);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	fd = lock_take(dir, "103.lock", "stop", NULL);
	CHECK(fd >= 0);
	fd_close(&fd);
	fd_close(&ready[0]);
	fd_close(&ready[1]);
}

static void a_link_in_its_place_is_refused(void)
{
	struct berth_error err = {0};

	CHECK(symlinkat("/tmp/elsewhere", dir, "104.lock") == 0);
	CHECK(lock_take(dir, "104.lock", "start", &err) == -ELOOP);
	CHECK(err.code == BERTH_ERR_SYSTEM);
}

static void a_look_at_it_takes_nothing(void)
{
	int fd;

	CHECK(lock_is_held(dir, "105.lock") == 0);
	CHECK(faccessat(dir, "105.lock", F_OK, 0) < 0);
	fd = lock_take(dir, "105.lock", "start", NULL);
	CHECK(fd >= 0 && lock_is_held(dir, "105.lock") == 1);
	fd_close(&fd);
	CHECK(lock_is_held(dir, "105.lock") == 0);
}

/* A destroy removes the file while it holds it: the next one must not lock the nameless rest. */
static void a_removed_file_locks_nobody_out(void)
{
	int old = lock_take(dir, "106.lock", "destroy", NULL), fd;

	CHECK(old >= 0 && unlinkat(dir, "106.lock", 0) == 0);
	fd = lock_take(dir, "106.lock", "create", NULL);
	CHECK(fd >= 0 && lock_is_held(dir, "106.lock") == 1);
	fd_close(&fd);
	fd_close(&old);
}

int main(void)
{
	if (mkdtemp(top) == NULL || (dir = dir_open_at(AT_FDCWD, top)) < 0)
		return 1;
	RUN(the_second_is_told_who_holds_it);
	RUN(what_is_closed_is_free);
	RUN(a_killed_holder_holds_nothing);
	RUN(a_link_in_its_place_is_refused);
	RUN(a_look_at_it_takes_nothing);
	RUN(a_removed_file_locks_nobody_out);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
