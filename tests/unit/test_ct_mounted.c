/* test_ct_mounted.c - runtime/ct/mounted.c: whose volume is looked at. */
#include "runtime/ct/mounted.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct berth_paths paths;

static void a_process_that_only_has_the_monitors_pid_is_not_looked_into(void)
{
	struct pidref me;

	CHECK(pidref_get(getpid(), &me) == 0);
	me.start_time++;
	CHECK(ct_mounted_volume_open(&paths, 101, &me) == -ESRCH);
	me.pid = 0;
	CHECK(ct_mounted_volume_open(&paths, 101, &me) == -ESRCH);
}

static void a_directory_without_a_volume_on_it_is_none(void)
{
	static const char *const dirs[] = {"/run", "/run/berth", "/run/berth/ct",
					   "/run/berth/ct/101", "/run/berth/ct/101/volume"};
	struct pidref me;
	char path[BERTH_PATH_MAX];

	CHECK(pidref_get(getpid(), &me) == 0);
	CHECK(ct_mounted_volume_open(&paths, 101, &me) == -ESRCH);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		CHECK(mkdir(path_below(paths.root, dirs[i] + 1, path), 0700) == 0);
	CHECK(ct_mounted_volume_open(&paths, 101, &me) == -ESRCH);
	for (size_t i = sizeof(dirs) / sizeof(dirs[0]); i-- > 0;)
		(void)rmdir(path_below(paths.root, dirs[i] + 1, path));
}

int main(void)
{
	/* A tmpfs here as in /run: on an ext4 any directory would do for a volume. */
	char root[] = "/dev/shm/test_ct_mounted.XXXXXX";

	if (mkdtemp(root) == NULL || berth_paths_init(&paths, root, NULL) < 0)
		return 1;
	RUN(a_process_that_only_has_the_monitors_pid_is_not_looked_into);
	RUN(a_directory_without_a_volume_on_it_is_none);
	(void)rmdir(root);
	return check_failures != 0;
}
