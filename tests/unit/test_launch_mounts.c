/* test_launch_mounts.c - when does the host's own view of /proc stand in a CT's way? */
#include "runtime/launch/child.h"
#include "tests/unit/check.h"

#include <string.h>

#define PROC "22 27 0:21 / /proc rw,relatime - proc proc rw\n"

static void a_plain_host_is_not_covered(void)
{
	CHECK(!mounts_host_covered(""));
	CHECK(!mounts_host_covered(PROC "23 27 0:22 / /sys rw,relatime - sysfs sysfs rw\n"));
	CHECK(!mounts_host_covered("1 1 0:1 / /procession/x rw - tmpfs t rw\n"));
}

static void mounts_on_directories_made_for_them_do_not_count(void)
{
	CHECK(!mounts_host_covered(PROC "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
					"32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw\n"));
	CHECK(!mounts_host_covered(
		"1 1 0:1 / /proc/sys/fs/binfmt_misc rw shared:1 - autofs s rw\n"));
	CHECK(!mounts_host_covered("1 1 0:1 / /sys/kernel/security rw - securityfs s rw"));
}

static void a_mount_over_any_other_part_covers(void)
{
	CHECK(mounts_host_covered(PROC "1 1 0:1 /null /proc/kcore rw - devtmpfs d rw\n"));
	CHECK(mounts_host_covered("1 1 0:1 / /proc/acpi ro - tmpfs t rw"));
	/* The sysfs of a CT is made by the host, whom no cover keeps from it. */
	CHECK(!mounts_host_covered("1 1 0:1 / /sys/firmware ro - tmpfs t rw"));
}

static void damaged_lines_do_no_harm(void)
{
	CHECK(!mounts_host_covered("\n\n1\n1 2\n1 2 3 4"));
	CHECK(!mounts_host_covered("1 2 3 4 "));
}

static void a_tmpfs_gets_a_share_of_the_cts_memory(void)
{
	char buf[FS_SIZE_MAX];

	CHECK(strcmp(tmpfs_size((uint64_t)1 << 30, 50, buf), "536870900") == 0);
	CHECK(strcmp(tmpfs_size(32 << 20, 20, buf), "8388608") == 0);
	CHECK(strcmp(tmpfs_size(0, 50, buf), "50%") == 0);
	CHECK(strcmp(tmpfs_size(UINT64_MAX - 1, 50, buf), "9223372036854775800") == 0);
}

int main(void)
{
	RUN(a_plain_host_is_not_covered);
	RUN(mounts_on_directories_made_for_them_do_not_count);
	RUN(a_mount_over_any_other_part_covers);
	RUN(damaged_lines_do_no_harm);
	RUN(a_tmpfs_gets_a_share_of_the_cts_memory);
	return check_failures != 0;
}
