/* test_spare.c - the spare worker: kept when wanted, given one order, gone with berthd. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/daemon/spare.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

static char top[] = "/tmp/berth-test-spare.XXXXXX";
static struct daemon d;

/* A worker that counts its starts and says what its order was made of. */
static const char script[] = "#!/bin/sh\n"
			     "echo \"$*\" >>%s/started\n"
			     "cat >/dev/null\n";

static size_t lines_started(void)
{
	auto_close int dir = dir_open_at(AT_FDCWD, top);
	auto_free char *text = NULL;
	size_t n = 0;

	if (file_read_at(dir, "started", 65536, &text, NULL) < 0)
		return 0;
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	return n;
}

static void wait_started(size_t n)
{
	CHECK_SOON(lines_started() >= n);
	CHECK(lines_started() == n);
}

static int pidfd = -EBADF; /* of the one that took the order */

static void none_is_kept_unless_wanted(void)
{
	spare_keep(&d);
	CHECK(d.spare_fd == 0);
	CHECK(spare_order(&d, (const char *const[]){"start", "101", NULL}, 1, NULL, 0, &pidfd) ==
	      -ECHILD);
}

static void one_is_kept_and_takes_one_order(void)
{
	d.keep_spare = true;
	spare_keep(&d);
	spare_keep(&d);
	wait_started(1);
	CHECK(d.spare_fd > 0);
	CHECK(spare_order(&d, (const char *const[]){"start", "101", NULL}, 1, NULL, 0, &pidfd) ==
	      0);
	CHECK(d.spare_fd == 0 && d.spare_pidfd == 0 && pidfd >= 0);
	fd_close(&pidfd);
	CHECK(spare_order(&d, (const char *const[]){"start", "101", NULL}, 1, NULL, 0, &pidfd) ==
	      -ECHILD);
}

static void an_order_too_large_is_left_to_a_worker_of_its_own(void)
{
	static char big[2048];

	memset(big, 'x', sizeof(big) - 1);
	spare_keep(&d);
	CHECK(spare_order(&d, (const char *const[]){"start", big, NULL}, 1, NULL, 0, &pidfd) ==
	      -E2BIG);
	CHECK(d.spare_fd > 0);
}

static void it_ends_when_berthd_lets_go(void)
{
	spare_drop(&d);
	while (waitpid(-1, NULL, 0) > 0)
		;
	CHECK(d.spare_fd == 0);
}

int main(void)
{
	char text[256];
	auto_close int dir = -EBADF;

	if (mkdtemp(top) == NULL)
		return 1;
	dir = dir_open_at(AT_FDCWD, top);
	(void)snprintf(text, sizeof(text), script, top);
	CHECK(file_replace_at(dir, "worker", text, strlen(text), 0755, false) == 0);
	(void)snprintf(d.worker_path, sizeof(d.worker_path), "%s/worker", top);
	RUN(none_is_kept_unless_wanted);
	RUN(one_is_kept_and_takes_one_order);
	RUN(an_order_too_large_is_left_to_a_worker_of_its_own);
	RUN(it_ends_when_berthd_lets_go);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
