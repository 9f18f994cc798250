/*
 * test_image_clone.c - a copy of a volume is the volume as it was at one moment; whoever dies, it does not stay frozen.
 *
 * covers: runtime/storage/freeze.c
 */
#include "runtime/storage/freeze.h"
#include "runtime/storage/volume.h"

#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static char dir[] = "/tmp/berth-clone-XXXXXX";
static int from = -EBADF, to = -EBADF; /* private areas */
static int mounted = -EBADF; /* a directory of the mounted one */
static const struct volume_driver *image;
static struct berth_error err;

static int mount_dir(int area)
{
	auto_close int mnt = -EBADF;
	dev_t dev;

	CHECK(volume_mount(image, area, NULL, &mnt, &dev, &err) == 0);
	return mnt < 0 ? mnt : openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void begin(void)
{
	static const char *const dirs[] = {"upper", NULL};

	CHECK(mkdir("from", 0700) == 0 && mkdir("to", 0700) == 0);
	from = dir_open_at(AT_FDCWD, "from");
	to = dir_open_at(AT_FDCWD, "to");
	CHECK(volume_create(image, from, &(struct volume_limits){.bytes = 64 * MIB}, dirs, &err) ==
	      0);
	mounted = mount_dir(from);
	CHECK(mounted >= 0);
}

static void end(void)
{
	fd_close(&mounted);
	CHECK_SOON(volume_in_use(image, from, &err) == 0);
	fd_close(&from);
	fd_close(&to);
	CHECK(tree_remove_at(AT_FDCWD, "from") == 0 && tree_remove_at(AT_FDCWD, "to") == 0);
}

static void put(int area, const char *name, char c)
{
	auto_close int fd = openat(area, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char buf[65536];

	memset(buf, c, sizeof(buf));
	for (int i = 0; i < 32; i++)
		CHECK(fd_write_all(fd, buf, sizeof(buf)) == 0);
}

static bool has(int area, const char *name, char c)
{
	auto_close int fd = openat(area, name, O_RDONLY | O_CLOEXEC);
	char buf[65536], want[65536];
	int n = 0;

	memset(want, c, sizeof(want));
	while (fd >= 0 && read(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf)) {
		if (memcmp(buf, want, sizeof(buf)) != 0)
			return false;
		n++;
	}
	return n == 32;
}

static void a_mounted_one_is_copied_with_all_that_was_written(void)
{
	struct volume_cloned c;
	int copy;

	begin();
	put(mounted, "gone", 'x');
	(void)syncfs(mounted);
	CHECK(unlinkat(mounted, "gone", 0) == 0);
	put(mounted, "file", 'a'); /* and not synced */
	CHECK(volume_clone(image, from, mounted, to, NULL, NULL, &c, &err) == 0);
	CHECK(c.used > 0);
	/* It goes on, and the copy knows nothing of that. */
	put(mounted, "file", 'b');
	copy = mount_dir(to);
	CHECK(copy >= 0 && has(copy, "file", 'a') && has(mounted, "file", 'b'));
	CHECK(faccessat(copy, "gone", F_OK, 0) < 0 && faccessat(copy, "upper", F_OK, 0) == 0);
	put(copy, "file", 'c');
	fd_close(&copy);
	CHECK_SOON(volume_in_use(image, to, &err) == 0);
	CHECK(has(mounted, "file", 'b'));
	end();
}

static unsigned int pieces, change_at;

/* Where nothing is frozen yet: else it would wait for the end of the freeze, and the copy with it. */
static void change(int percent, void *data)
{
	(void)data;
	CHECK(percent >= 0 && percent <= 99);
	if (++pieces != change_at)
		return;
	put(mounted, "file", 'b');
	put(mounted, "new", 'n');
	CHECK(unlinkat(mounted, "gone", 0) == 0);
	(void)syncfs(mounted);
}

static void again(void)
{
	fd_close(&to);
	CHECK(tree_remove_at(AT_FDCWD, "to") == 0 && mkdir("to", 0700) == 0);
	to = dir_open_at(AT_FDCWD, "to");
}

static void what_changes_after_the_first_pass_is_in_the_copy(void)
{
	struct volume_cloned c;
	int copy;

	begin();
	put(mounted, "file", 'a');
	put(mounted, "gone", 'x');
	(void)syncfs(mounted);
	pieces = change_at = 0;
	CHECK(volume_clone(image, from, mounted, to, change, NULL, &c, &err) == 0);
	/* Nothing has changed: the second pass has as many as the first. None where blocks are shared. */
	CHECK(c.shared || pieces >= 4);
	change_at = c.shared ? 0 : pieces / 2 - 1;
	again();
	if (c.shared)
		goto out;
	pieces = 0;
	CHECK(volume_clone(image, from, mounted, to, change, NULL, &c, &err) == 0);
	CHECK(pieces > change_at);
	copy = mount_dir(to);
	CHECK(copy >= 0 && has(copy, "file", 'b') && has(copy, "new", 'n'));
	CHECK(faccessat(copy, "gone", F_OK, 0) < 0);
	fd_close(&copy);
	CHECK_SOON(volume_in_use(image, to, &err) == 0);
	CHECK(volume_check(image, to, &err) == 0);
out:
	end();
}

static void one_that_is_not_mounted_is_locked_meanwhile(void)
{
	struct volume_cloned c;
	int copy;

	begin();
	put(mounted, "file", 'a');
	CHECK(volume_clone(image, from, -1, to, NULL, NULL, &c, &err) < 0 &&
	      err.code == BERTH_ERR_MOUNTED);
	fd_close(&mounted);
	CHECK_SOON(volume_in_use(image, from, &err) == 0);
	again();
	CHECK(volume_clone(image, from, -1, to, NULL, NULL, &c, &err) == 0 && c.frozen_ms == 0);
	copy = mount_dir(to);
	CHECK(copy >= 0 && has(copy, "file", 'a'));
	fd_close(&copy);
	CHECK_SOON(volume_in_use(image, to, &err) == 0);
	end();
}

static bool is_frozen(void)
{
	if (ioctl(mounted, FITHAW, 0) < 0)
		return false;
	return true;
}

static void who_dies_frozen_leaves_it_thawed(void)
{
	struct freeze f;
	pid_t pid;

	begin();
	pid = fork();
	if (pid == 0) {
		if (freeze_begin(mounted, 60000, &f, &err) == 0)
			(void)raise(SIGKILL);
		_exit(1);
	}
	CHECK(child_wait(pid, 10000, NULL) == 0);
	/* As soon as its guard hears of it, it takes a write again; else this test comes to its time limit. */
	put(mounted, "file", 'a');
	CHECK(!is_frozen());
	end();
}

static void a_freeze_that_takes_too_long_is_told(void)
{
	struct freeze f;
	uint64_t ms;

	begin();
	CHECK(freeze_begin(mounted, 60000, &f, &err) == 0);
	CHECK(freeze_begin(mounted, 60000, &(struct freeze){0}, &err) < 0 && err.sys == EBUSY);
	CHECK(freeze_end(&f, &ms, &err) == 0 && !is_frozen());
	CHECK(freeze_begin(mounted, 1, &f, &err) == 0);
	put(mounted, "file", 'a'); /* waits for the guard */
	CHECK(freeze_end(&f, &ms, &err) < 0 && err.code == BERTH_ERR_TIMEOUT);
	end();
}

int main(void)
{
	if (geteuid() != 0) {
		(void)printf("skipped: needs root\n");
		return 77;
	}
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return 1;
	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		return 1;
	image = volume_driver_find("image");
	RUN(a_mounted_one_is_copied_with_all_that_was_written);
	RUN(what_changes_after_the_first_pass_is_in_the_copy);
	RUN(one_that_is_not_mounted_is_locked_meanwhile);
	RUN(who_dies_frozen_leaves_it_thawed);
	RUN(a_freeze_that_takes_too_long_is_told);
	CHECK(chdir("/") == 0);
	(void)tree_remove_at(AT_FDCWD, dir);
	return check_failures != 0;
}
