/* test_host_free.c - what a file system has left. */
#include "runtime/storage/host_free.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>

static void there_is_less_left_than_there_is(void)
{
	auto_close int fd = dir_open_at(AT_FDCWD, "/tmp");
	uint64_t total = 0, avail = 0;

	CHECK(host_free(fd, &total, &avail) == 0 && total > 0 && avail < total);
}

static void no_descriptor_is_an_error(void)
{
	uint64_t total, avail;

	CHECK(host_free(-1, &total, &avail) == -EBADF);
}

int main(void)
{
	RUN(there_is_less_left_than_there_is);
	RUN(no_descriptor_is_an_error);
	return check_failures != 0;
}
