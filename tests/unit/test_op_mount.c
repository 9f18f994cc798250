/*
 * test_op_mount.c - the root of a stopped CT in the host's mount table: harmless, and gone afterwards.
 *
 * covers: runtime/worker/volume_mount.c
 */
#include "runtime/storage/volume.h"
#include "tests/unit/worker_fixture.h"

#include <sys/statvfs.h>

static bool nothing_is_mounted(void)
{
	return mounts_of_ours() == 0 && !is_there(run_dir(101), "mounted") &&
	       !is_there(run_dir(101), "root") && !is_there(run_dir(101), "volume") &&
	       !is_there(paths.lib, "root/101");
}

/* The host's root reads there; it writes as an id of the CT only. */
static void write_as_tenant(const char *path, const char *name)
{
	auto_close int dir = dir_open_at(AT_FDCWD, path);
	auto_close int fd = -EBADF;

	CHECK(openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) < 0);
	CHECK(setegid(655425536) == 0 && seteuid(655425536) == 0);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	CHECK(seteuid(0) == 0 && setegid(0) == 0);
	CHECK(fd >= 0);
}

/* A tenant's setuid files and device nodes must not work on the host. */
static void the_root_is_shown_without_setuid_and_devices(void)
{
	char path[BERTH_PATH_MAX] = "";
	struct statvfs v;
	struct stat st;

	CHECK(is_ok(WORKER("mount", "101")));
	CHECK(value_get(said.values, "path", path, sizeof(path)) == 0);
	CHECK(statvfs(path, &v) == 0 &&
	      (v.f_flag & (ST_NOSUID | ST_NODEV)) == (ST_NOSUID | ST_NODEV));
	CHECK(is_there(path, "sbin/init") && stat(path, &st) == 0 && st.st_uid == 655425536);
	/* It is the CT's own volume that is written. */
	write_as_tenant(path, "left-by-the-admin");
	CHECK(is_there(run_dir(101), "mounted") && mounts_of_ours() == 1);
	CHECK(is_ok(WORKER("umount", "101")) && nothing_is_mounted());
	CHECK(is_ok(WORKER("mount", "101")) && is_there(path, "left-by-the-admin"));
	CHECK(is_ok(WORKER("umount", "101")) && nothing_is_mounted());
}

static void a_mount_in_use_is_not_taken_away(void)
{
	char path[BERTH_PATH_MAX] = "";
	int fd;

	CHECK(is_ok(WORKER("mount", "101")));
	CHECK(value_get(said.values, "path", path, sizeof(path)) == 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(WORKER("umount", "101") == BERTH_ERR_UMOUNT && says("fuser") && says(path));
	CHECK(is_there(run_dir(101), "mounted") && mounts_of_ours() == 1);
	(void)close(fd);
	CHECK(is_ok(WORKER("umount", "101")) && nothing_is_mounted());
	CHECK(is_ok(WORKER("umount", "101"))); /* twice is success */
}

static void what_cannot_be_mounted_leaves_nothing(void)
{
	char from[BERTH_PATH_MAX], to[BERTH_PATH_MAX];

	CHECK(WORKER("mount", "102") == BERTH_ERR_NO_CONFIG);
	/* The image of its template is gone. */
	path_below(paths.lib, "template/image", from);
	path_below(paths.lib, "template/aside", to);
	CHECK(rename(from, to) == 0);
	CHECK(WORKER("mount", "101") == BERTH_ERR_NO_TEMPLATE && says("tiny"));
	CHECK(nothing_is_mounted() && rename(to, from) == 0);
	/* Its volume is gone, or no volume at all. */
	path_below(paths.lib, "private/101/volume.img", from);
	path_below(paths.lib, "private/101/aside", to);
	CHECK(rename(from, to) == 0);
	CHECK(WORKER("mount", "101") != BERTH_OK && nothing_is_mounted());
	put_file(path_below(paths.lib, "private/101", from), "volume.img", "no file system");
	CHECK(WORKER("mount", "101") != BERTH_OK && nothing_is_mounted());
	path_below(paths.lib, "private/101/volume.img", from);
	CHECK(rename(to, from) == 0);
	/* Somebody has put a file in the way. */
	put_file(path_below(paths.lib, "root", from), "101", "x");
	CHECK(WORKER("mount", "101") != BERTH_OK && mounts_of_ours() == 0);
	CHECK(unlink(path_below(from, "101", to)) == 0 && nothing_is_mounted());
	CHECK(is_ok(WORKER("mount", "101")) && is_ok(WORKER("umount", "101")));
	CHECK(nothing_is_mounted());
}

static void a_mount_that_was_killed_is_cleaned_up(void)
{
	char path[BERTH_PATH_MAX];

	CHECK(is_ok(WORKER("mount", "101")));
	(void)unlinkat(AT_FDCWD, path_below(run_dir(101), "mounted", path), 0);
	CHECK(is_ok(WORKER("cleanup", "101")) && nothing_is_mounted());
}

/* In the midst of it: the layers, and what lies on them. */
static void a_stack_of_mounts_is_cleaned_up(void)
{
	static const char *const places[] = {"root", "volume"};
	char path[BERTH_PATH_MAX];

	for (int i = 0; i < 6; i++) {
		path_below(run_dir(101), places[i % 2], path);
		CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
		CHECK(mount("none", path, "tmpfs", 0, NULL) == 0);
	}
	CHECK(is_ok(WORKER("cleanup", "101")) && nothing_is_mounted());
}

/* As on a host with systemd. */
static void shared_mounts_are_no_hindrance(void)
{
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) == 0);
	CHECK(is_ok(WORKER("mount", "101")) && mounts_of_ours() == 1);
	CHECK(is_ok(WORKER("umount", "101")) && nothing_is_mounted());
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

/* As the tenant's root: until nothing more fits. */
static void use_up(bool inodes)
{
	char path[BERTH_PATH_MAX], name[32];
	auto_close int private_fd = dir_open_at(AT_FDCWD, path_private(&paths, 101, path));
	auto_close int mnt = -EBADF, upper = -EBADF, big = -EBADF;
	static char block[65536];
	size_t len;
	dev_t dev;

	CHECK(volume_mount(volume_driver_find("image"), private_fd, NULL, &mnt, &dev, &err) == 0);
	upper = dir_open_at(mnt, "upper");
	for (int i = 0; inodes && i < 100000; i++) {
		auto_close int fd = -EBADF;

		(void)snprintf(name, sizeof(name), "f%d", i);
		fd = openat(upper, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0)
			break;
	}
	if (inodes) {
		CHECK(openat(upper, "last", O_CREAT | O_WRONLY | O_CLOEXEC, 0644) < 0);
		CHECK(errno == ENOSPC);
		return;
	}
	memset(block, 'x', sizeof(block));
	big = openat(upper, "big", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	/* What was set aside for writing back comes free when that is done. */
	for (int i = 0; i < 20; i++) {
		for (len = sizeof(block); len >= 4096; len /= 2)
			while (write(big, block, len) == (ssize_t)len)
				;
		(void)fsync(big);
	}
	CHECK(write(big, block, 4096) < 0 && errno == ENOSPC);
}

static void is_free_again(void)
{
	char path[BERTH_PATH_MAX];
	auto_close int private_fd = dir_open_at(AT_FDCWD, path_private(&paths, 101, path));

	CHECK(volume_wait_unused(volume_driver_find("image"), private_fd, 10000, &err) == 0);
}

static void a_ct_that_has_used_up_its_disk_is_mounted_all_the_same(void)
{
	for (int inodes = 0; inodes <= 1; inodes++) {
		CHECK(create_ct("101", ""));
		use_up(inodes);
		is_free_again();
		/* Again and again: what was let go for the mount is kept back once more. */
		for (int i = 0; i < 4; i++) {
			CHECK(is_ok(WORKER("mount", "101")));
			CHECK(is_ok(WORKER("umount", "101")));
		}
		CHECK(is_ok(WORKER("destroy", "101", "order", UUID, "0", "0")));
	}
}

int main(void)
{
	int r = worker_begin(true);

	if (r != 0)
		return r;
	CHECK(create_ct("101", ""));
	RUN(the_root_is_shown_without_setuid_and_devices);
	RUN(a_mount_in_use_is_not_taken_away);
	RUN(what_cannot_be_mounted_leaves_nothing);
	RUN(a_mount_that_was_killed_is_cleaned_up);
	RUN(a_stack_of_mounts_is_cleaned_up);
	RUN(shared_mounts_are_no_hindrance);
	CHECK(is_ok(WORKER("destroy", "101", "order", UUID, "0", "0")));
	RUN(a_ct_that_has_used_up_its_disk_is_mounted_all_the_same);
	return worker_end();
}
