/* test_reserve.c - what is kept back is let go and made again, and made only where there is room. */
#include "runtime/storage/reserve.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/berth-test-reserve.XXXXXX";
static int volume;

static unsigned int files(void)
{
	char path[64];
	unsigned int n = 0;
	auto_closedir DIR *d = NULL;
	struct dirent *e;

	(void)snprintf(path, sizeof(path), "%s/reserve", top);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	return n;
}

static void it_is_made_let_go_and_made_again(void)
{
	struct stat st;

	CHECK(reserve_release(volume) == 0 && files() == 0);
	reserve_make(volume);
	CHECK(files() > 8 && fstatat(volume, "reserve/space", &st, 0) == 0 && st.st_blocks >= 64);
	reserve_make(volume);
	CHECK(reserve_release(volume) == 1 && files() == 0 && reserve_release(volume) == 0);
	reserve_make(volume);
	CHECK(files() > 8);
}

/* Half of it was made when the room ended: the rest comes when there is some. */
static void what_is_missing_is_made(void)
{
	unsigned int all = files();

	CHECK(unlinkat(volume, "reserve/space", 0) == 0 && unlinkat(volume, "reserve/3", 0) == 0);
	reserve_make(volume);
	CHECK(files() == all);
}

static void a_place_where_nothing_can_be_made_is_left_alone(void)
{
	int fd;

	CHECK(tree_remove_at(volume, "reserve") == 0);
	fd = openat(volume, "reserve", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && close(fd) == 0);
	reserve_make(volume);
	CHECK(reserve_release(volume) == 0 && faccessat(volume, "reserve", F_OK, 0) == 0);
}

int main(void)
{
	if (mkdtemp(top) == NULL)
		return 1;
	volume = dir_open_at(AT_FDCWD, top);
	RUN(it_is_made_let_go_and_made_again);
	RUN(what_is_missing_is_made);
	RUN(a_place_where_nothing_can_be_made_is_left_alone);
	(void)close(volume);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
