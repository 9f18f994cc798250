/*
 * test_volume.c - driver `image` on real loop devices; root, in an own mount namespace.
 *
 * covers: runtime/storage/fsid.c runtime/storage/image.c runtime/storage/image_resize.c
 * covers: runtime/storage/image_host.c runtime/storage/image_room.c runtime/storage/volume_image.c
 */
#include "runtime/storage/volume.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "runtime/storage/image.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#define MIB (UINT64_C(1) << 20)

static char dir[] = "/tmp/berth-volume-XXXXXX";
static int private_fd = -EBADF;
static const struct volume_driver *image;
static struct berth_error err;

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Each test has a private area of its own. */
static void begin(void)
{
	static int n;
	char name[16];

	fd_close(&private_fd);
	(void)snprintf(name, sizeof(name), "%d", 100 + ++n);
	CHECK(mkdirat(AT_FDCWD, name, 0700) == 0);
	private_fd = dir_open_at(AT_FDCWD, name);
	CHECK(private_fd >= 0);
	err = (struct berth_error){0};
}

static const char *const dirs[] = {NULL};

static int ok(int r)
{
	if (r < 0)
		(void)fprintf(stderr, "code %d: %s\n", (int)err.code, err.msg);
	return r >= 0;
}

static bool create(uint64_t bytes, uint64_t inodes)
{
	return ok(volume_create(image, private_fd,
				&(struct volume_limits){.bytes = bytes, .inodes = inodes}, dirs,
				&err));
}

static uint64_t inodes_now;

static int resize(int mount_fd, uint64_t bytes, uint64_t inodes)
{
	return volume_resize(image, private_fd, mount_fd,
			     &(struct volume_limits){.bytes = bytes, .inodes = inodes}, &inodes_now,
			     &err);
}

static int mount_it(void)
{
	dev_t dev = 0;
	int fd = -EBADF;

	CHECK(ok(volume_mount(image, private_fd, NULL, &fd, &dev, &err)));
	CHECK(major(dev) == 7);
	return fd;
}

static bool is_in_use(void)
{
	return volume_in_use(image, private_fd, &err) == 1;
}

static void unmount(int *fd)
{
	fd_close(fd);
	CHECK(ok(volume_wait_unused(image, private_fd, 5000, &err)));
}

/* Writes into the mounted volume until errno stops it; returns the bytes written. */
static uint64_t write_until_full(int mount_fd, const char *name, int *ret_errno)
{
	static char block[1 << 20];
	auto_close int fd = openat(mount_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	uint64_t done = 0;
	ssize_t n;

	memset(block, 'x', sizeof(block));
	while ((n = write(fd, block, sizeof(block))) > 0)
		done += (uint64_t)n;
	*ret_errno = errno;
	return done;
}

static void there_is_one_driver_so_far(void)
{
	CHECK(volume_driver_find("image") != NULL);
	CHECK(volume_driver_find("zfs") == NULL && errno == ENOENT);
}

static void df_inside_shows_the_limits_and_writes_stop_there(void)
{
	auto_close int mnt = -EBADF;
	struct volume_usage u;
	struct statvfs vfs;
	struct stat st;
	uint64_t done;
	int e = 0;

	begin();
	CHECK(create(64 * MIB, 4096));
	CHECK(fstatat(private_fd, "volume.img", &st, 0) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(st.st_blocks * 512 < 8 << 20);
	mnt = mount_it();
	CHECK(fstatvfs(mnt, &vfs) == 0 && vfs.f_blocks * vfs.f_frsize == 64 * MIB);
	CHECK(vfs.f_files == 4096);
	done = write_until_full(mnt, "big", &e);
	CHECK(e == ENOSPC && done <= 64 * MIB && done > 60 * MIB);
	CHECK(ok(volume_usage(image, private_fd, mnt, &u, &err)));
	CHECK(u.bytes_total == 64 * MIB && u.bytes_used > 60 * MIB && u.bytes_free < MIB);
	CHECK(u.inodes_total == 4096 && u.inodes_used == 12 && u.host_bytes > 0);
	unmount(&mnt);
	CHECK(ok(volume_usage(image, private_fd, -1, &u, &err)));
	CHECK(u.bytes_total == 64 * MIB && u.bytes_used > 60 * MIB && u.inodes_used == 12);
	CHECK(u.host_bytes > 60 * MIB);
}

/* Among the first inodes: what a mount and a start read stands together. */
static void a_volume_begins_with_its_directories_at_its_front(void)
{
	static const char *const two[] = {"upper", "work", NULL};
	auto_close int mnt = -EBADF;
	struct stat st;

	begin();
	CHECK(ok(volume_create(image, private_fd, &(struct volume_limits){.bytes = 10240 * MIB},
			       two, &err)));
	CHECK(faccessat(private_fd, "volume.dirs.new", F_OK, 0) < 0);
	mnt = mount_it();
	for (const char *const *name = two; *name != NULL; name++)
		CHECK(fstatat(mnt, *name, &st, 0) == 0 && S_ISDIR(st.st_mode) &&
		      (st.st_mode & 07777) == 0755 && st.st_uid == 0 && st.st_gid == 0 &&
		      st.st_ino <= 32);
}

static void the_inode_limit_bites(void)
{
	auto_close int mnt = -EBADF;
	unsigned int made = 0;

	begin();
	CHECK(create(32 * MIB, 512));
	mnt = mount_it();
	for (; made < 1000; made++) {
		char name[16];
		auto_close int fd = -EBADF;

		(void)snprintf(name, sizeof(name), "f%u", made);
		fd = openat(mnt, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			break;
	}
	CHECK(errno == ENOSPC && made == 512 - 11);
	unmount(&mnt);
}

/* What df does not show, beside the files: held by the image. */
static uint64_t metadata_bytes(void)
{
	struct volume_usage u = {0};
	struct stat st = {0};

	CHECK(ok(volume_usage(image, private_fd, -1, &u, &err)));
	CHECK(fstatat(private_fd, "volume.img", &st, 0) == 0);
	return (uint64_t)st.st_size - u.bytes_total;
}

static uint64_t host_bytes(void)
{
	struct stat st = {0};

	CHECK(fstatat(private_fd, "volume.img", &st, 0) == 0);
	return (uint64_t)st.st_blocks * 512;
}

static void all_metadata_has_its_place_on_the_host_from_the_start_on(void)
{
	auto_close int fd = -EBADF, mnt = -EBADF;

	begin();
	CHECK(create(4096 * MIB, 0));
	CHECK(host_bytes() >= metadata_bytes() && host_bytes() < metadata_bytes() + MIB);
	CHECK(ok(resize(-1, 8192 * MIB, 0)));
	CHECK(host_bytes() >= metadata_bytes() && host_bytes() < metadata_bytes() + 2 * MIB);
	/* Copied with holes, or made by a berth that left them. */
	fd = openat(private_fd, "volume.img", O_RDWR | O_CLOEXEC);
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000 * 4096, 100 * 4096) ==
	      0);
	CHECK(host_bytes() < metadata_bytes());
	mnt = mount_it();
	CHECK(host_bytes() >= metadata_bytes());
	unmount(&mnt);
}

static void a_host_without_room_for_metadata_refuses_and_keeps_the_file(void)
{
	struct stat before, after;

	begin();
	CHECK(mkdir("few", 0700) == 0 && mount("none", "few", "tmpfs", 0, "size=100m") == 0);
	fd_close(&private_fd);
	private_fd = dir_open_at(AT_FDCWD, "few");
	CHECK(create(64 * MIB, 0));
	CHECK(fstatat(private_fd, "volume.img", &before, 0) == 0);
	CHECK(resize(-1, 64 * 1024 * MIB, 0) == -ENOSPC && err.code == BERTH_ERR_NO_SPACE);
	CHECK(fstatat(private_fd, "volume.img", &after, 0) == 0);
	CHECK(before.st_size == after.st_size && before.st_blocks == after.st_blocks);
	CHECK(umount2("few", MNT_DETACH) == 0);
}

static uint64_t host_bytes_synced(int mount_fd)
{
	auto_close int fd = openat(mount_fd, ".", O_RDONLY | O_CLOEXEC);
	struct volume_usage u = {0};

	CHECK(syncfs(fd) == 0);
	CHECK(ok(volume_usage(image, private_fd, mount_fd, &u, &err)));
	return u.host_bytes;
}

/* The kernel discards in the background, and what is left over at an unmount not at all. */
static void deleted_blocks_go_back_to_the_host(void)
{
	auto_close int mnt = -EBADF;
	int e;

	begin();
	CHECK(create(64 * MIB, 0));
	mnt = mount_it();
	(void)write_until_full(mnt, "big", &e);
	CHECK(host_bytes_synced(mnt) > 60 * MIB);
	CHECK(unlinkat(mnt, "big", 0) == 0);
	CHECK_SOON(host_bytes_synced(mnt) < 16 * MIB);
	unmount(&mnt);
}

static void a_second_mount_is_refused_until_the_first_is_gone(void)
{
	auto_close int mnt = -EBADF, second = -EBADF;
	dev_t dev;

	begin();
	CHECK(create(32 * MIB, 0) && !is_in_use());
	mnt = mount_it();
	CHECK(is_in_use());
	CHECK(volume_mount(image, private_fd, NULL, &second, &dev, &err) == -EBUSY);
	CHECK(err.code == BERTH_ERR_MOUNTED && strstr(err.msg, "volume.img") != NULL);
	CHECK(volume_check(image, private_fd, &err) < 0 && err.code == BERTH_ERR_MOUNTED);
	CHECK(resize(-1, 64 * MIB, 0) < 0 && err.code == BERTH_ERR_MOUNTED);
	CHECK(volume_wait_unused(image, private_fd, 30, &err) < 0 && err.code == BERTH_ERR_TIMEOUT);
	unmount(&mnt);
	CHECK(!is_in_use());
	mnt = mount_it();
	unmount(&mnt);
}

/* As `list -a` and doctor do, all the time and from several processes. */
static _Noreturn void ask_forever(void)
{
	for (;;)
		if (!is_in_use())
			(void)poll(NULL, 0, 0);
}

static void those_who_only_ask_do_not_keep_it_from_a_mount(void)
{
	pid_t askers[3];

	begin();
	CHECK(create(32 * MIB, 0));
	(void)fflush(NULL);
	for (int i = 0; i < 3; i++) {
		askers[i] = fork();
		if (askers[i] == 0)
			ask_forever();
	}
	for (int i = 0; i < 20; i++) {
		auto_close int fd = openat(private_fd, "volume.img", O_RDWR | O_CLOEXEC);

		CHECK(ok(image_lock(private_fd, fd, &err)));
	}
	for (int i = 0; i < 3; i++) {
		(void)kill(askers[i], SIGKILL);
		(void)waitpid(askers[i], NULL, 0);
	}
}

/* Attaches the volume in a mount namespace of its own, says so, and waits to be killed. */
static _Noreturn void hold_forever(int pipe_fd)
{
	int mnt = unshare(CLONE_NEWNS) == 0 ? mount_it() : -1;

	if (mnt >= 0 && move_mount(mnt, "", AT_FDCWD, "mnt", MOVE_MOUNT_F_EMPTY_PATH) == 0)
		(void)fd_write_all(pipe_fd, "m", 1);
	for (;;)
		(void)pause();
}

static void a_killed_mounter_leaves_the_volume_free(void)
{
	int p[2];
	char c = 0;
	pid_t pid;

	begin();
	CHECK(create(32 * MIB, 0));
	CHECK(mkdir("mnt", 0700) == 0 && pipe2(p, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0)
		hold_forever(p[1]);
	(void)close(p[1]);
	CHECK(read(p[0], &c, 1) == 1 && c == 'm');
	(void)close(p[0]);
	CHECK(is_in_use());
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	CHECK(ok(volume_wait_unused(image, private_fd, 5000, &err)));
}

static void a_volume_is_not_made_over_another_one(void)
{
	begin();
	CHECK(create(32 * MIB, 0));
	CHECK(volume_create(image, private_fd, &(struct volume_limits){.bytes = 64 * MIB}, dirs,
			    &err) < 0);
	CHECK(err.code == BERTH_ERR_EXISTS && strstr(err.msg, "volume.img") != NULL);
}

static void a_crash_leftover_does_not_block_create(void)
{
	auto_close int fd = -EBADF;

	begin();
	fd = openat(private_fd, "volume.img.new", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	CHECK(fd >= 0 && create(32 * MIB, 0));
	CHECK(faccessat(private_fd, "volume.img.new", F_OK, 0) < 0);
}

static void limits_that_cannot_be_kept_are_refused(void)
{
	static const struct volume_limits bad[] = {{.bytes = 1 * MIB},
						   {.bytes = UINT64_MAX},
						   {.bytes = 64 * MIB, .inodes = 5},
						   {.bytes = 64 * MIB, .inodes = 1000000},
						   {.bytes = 102400 * MIB, .inodes = 20000}};

	begin();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(volume_create(image, private_fd, &bad[i], dirs, &err) < 0);
		CHECK(err.code == BERTH_ERR_QUOTA && strstr(err.msg, "disk") != NULL);
	}
	CHECK(faccessat(private_fd, "volume.img", F_OK, 0) < 0);
	CHECK(volume_usage(image, private_fd, -1, &(struct volume_usage){0}, &err) < 0);
	CHECK(err.code == BERTH_ERR_NO_PRIVATE);
}

static void a_full_host_is_seen_before_anything_is_made(void)
{
	begin();
	CHECK(mkdir("small", 0700) == 0 && mount("none", "small", "tmpfs", 0, "size=8m") == 0);
	fd_close(&private_fd);
	private_fd = dir_open_at(AT_FDCWD, "small");
	CHECK(volume_create(image, private_fd, &(struct volume_limits){.bytes = 64 * MIB}, dirs,
			    &err) == -ENOSPC);
	CHECK(err.code == BERTH_ERR_NO_SPACE);
	CHECK(faccessat(private_fd, "volume.img.new", F_OK, 0) < 0);
	CHECK(umount2("small", MNT_DETACH) == 0);
}

static void a_volume_works_where_direct_io_does_not(void)
{
	auto_close int mnt = -EBADF;

	begin();
	CHECK(mkdir("ram", 0700) == 0 && mount("none", "ram", "ramfs", 0, NULL) == 0);
	CHECK(umount2("ram", 0) == 0 && mount("none", "ram", "tmpfs", 0, "size=128m") == 0);
	fd_close(&private_fd);
	private_fd = dir_open_at(AT_FDCWD, "ram");
	CHECK(create(32 * MIB, 0));
	mnt = mount_it();
	CHECK(mkdirat(mnt, "d", 0755) == 0);
	unmount(&mnt);
	fd_close(&private_fd);
	CHECK(umount2("ram", 0) == 0);
}

static void check_size(uint64_t bytes)
{
	auto_close int mnt = mount_it();
	struct volume_usage u = {0};
	struct stat st;

	CHECK(ok(volume_usage(image, private_fd, mnt, &u, &err)) && u.bytes_total == bytes);
	CHECK(fstatat(mnt, "keep", &st, 0) == 0 && st.st_size == 5);
	unmount(&mnt);
}

static void an_unmounted_volume_grows_and_shrinks(void)
{
	auto_close int mnt = -EBADF, fd = -EBADF;
	struct stat before, after;

	begin();
	CHECK(create(64 * MIB, 0));
	mnt = mount_it();
	fd = openat(mnt, "keep", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	CHECK(fd_write_all(fd, "keep\n", 5) == 0);
	fd_close(&fd);
	unmount(&mnt);
	CHECK(fstatat(private_fd, "volume.img", &before, 0) == 0);
	CHECK(ok(resize(-1, 1024 * MIB, 0)));
	check_size(1024 * MIB);
	CHECK(ok(resize(-1, 64 * MIB, 0)));
	check_size(64 * MIB);
	CHECK(fstatat(private_fd, "volume.img", &after, 0) == 0 && after.st_size == before.st_size);
	CHECK(ok(resize(-1, 64 * MIB, 0)));
}

static void a_resize_below_what_is_used_touches_nothing(void)
{
	auto_close int mnt = -EBADF, fd = -EBADF;
	struct stat before, after;

	begin();
	CHECK(create(256 * MIB, 0));
	mnt = mount_it();
	fd = openat(mnt, "big", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	CHECK(fallocate(fd, 0, 0, 100 << 20) == 0);
	fd_close(&fd);
	unmount(&mnt);
	CHECK(fstatat(private_fd, "volume.img", &before, 0) == 0);
	CHECK(resize(-1, 64 * MIB, 0) < 0);
	CHECK(err.code == BERTH_ERR_QUOTA && strstr(err.msg, "in use") != NULL);
	CHECK(fstatat(private_fd, "volume.img", &after, 0) == 0);
	CHECK(after.st_size == before.st_size && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
}

static void a_resize_says_how_many_inodes_there_are(void)
{
	begin();
	CHECK(create(128 * MIB, 8192));
	CHECK(ok(resize(-1, 128 * MIB, 9000)) && inodes_now == 8192);
	CHECK(ok(resize(-1, 128 * MIB, 8192)) && inodes_now == 8192);
	CHECK(ok(resize(-1, 256 * MIB, 9000)) && inodes_now > 8192);
}

static void a_mounted_volume_grows_where_the_kernel_lets_us(void)
{
	auto_close int mnt = -EBADF;
	struct volume_usage u = {0};
	struct stat before, after;
	uint64_t free_now;
	int r;

	begin();
	CHECK(create(64 * MIB, 0));
	CHECK(fstatat(private_fd, "volume.img", &before, 0) == 0);
	mnt = mount_it();
	r = resize(mnt, 1024 * MIB, 0);
	if (r == -EPERM) {
		CHECK(err.code == BERTH_ERR_PERMISSION);
		CHECK(fstatat(private_fd, "volume.img", &after, 0) == 0);
		CHECK(after.st_size == before.st_size);
		(void)printf("   (not tried: this root has no CAP_SYS_RESOURCE)\n");
	} else {
		CHECK(ok(r));
		CHECK(ok(volume_usage(image, private_fd, mnt, &u, &err)));
		CHECK(u.bytes_total == 1024 * MIB);
		/* Of the room that it gains the most is somebody else's until the host's disk was looked at. */
		free_now = u.bytes_free;
		CHECK(ok(volume_resize(
			image, private_fd, mnt,
			&(struct volume_limits){.bytes = 2048 * MIB, .withheld = 1000 * MIB},
			&inodes_now, &err)));
		CHECK(ok(volume_usage(image, private_fd, mnt, &u, &err)));
		CHECK(u.bytes_total == 2048 * MIB && u.bytes_free == free_now + 24 * MIB);
		CHECK(ok(volume_keep(image, mnt, 16 * MIB, &err)) &&
		      ok(volume_usage(image, private_fd, mnt, &u, &err)));
		CHECK(u.bytes_free > free_now + 1000 * MIB);
		CHECK(resize(mnt, 64 * MIB, 0) < 0 && err.code == BERTH_ERR_RUNNING);
	}
	unmount(&mnt);
	CHECK(ok(volume_check(image, private_fd, &err)));
}

static int no_extent(uint64_t at, uint64_t n, void *data)
{
	(void)at;
	(void)n;
	*(bool *)data = true;
	return 0;
}

/* One error for all, that names who cannot do what. */
static void what_the_driver_does_not_offer_is_refused(void)
{
	bool called = false;

	begin();
	CHECK(volume_track(image, private_fd, -1, &err) == -EOPNOTSUPP &&
	      err.code == BERTH_ERR_UNSUPPORTED && strstr(err.msg, "'image'") != NULL);
	CHECK(volume_take(image, private_fd, -1, no_extent, &called, &err) == -EOPNOTSUPP &&
	      !called);
	CHECK(volume_untrack(image, private_fd, -1, &err) == -EOPNOTSUPP);
	CHECK(volume_snapshot(image, private_fd, -1, "s", &err) == -EOPNOTSUPP &&
	      strstr(err.msg, "snapshot") != NULL);
}

static void count_need(const struct volume_need *need, void *data)
{
	*(int *)data += need->name != NULL && need->level != NULL;
}

static void who_knows_no_driver_is_told_all_the_same(void)
{
	auto_close int mnt = -EBADF, area = -EBADF;
	struct volume_promise p;
	char path[64], here[512];
	const char *name;
	ssize_t n;
	int needs = 0;

	begin();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", private_fd);
	n = readlink(path, here, sizeof(here) - 1);
	CHECK(n > 0);
	here[n > 0 ? n : 0] = '\0';
	name = strrchr(here, '/') + 1;
	area = openat(private_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(volume_driver_default() == image && strcmp(volume_driver_name(image), "image") == 0);
	CHECK(volume_promised(area, name, &p) == -ENOENT);
	CHECK(create(64 * MIB, 0));
	CHECK(volume_promised(area, name, &p) == 0 && p.size > 64 * MIB && p.on_host < p.size);
	/* While it comes from another host, too. */
	CHECK(renameat(private_fd, "volume.img", private_fd, "volume.img.coming") == 0);
	CHECK(volume_promised(area, name, &p) == 0 && p.size > 64 * MIB);
	CHECK(renameat(private_fd, "volume.img.coming", private_fd, "volume.img") == 0);
	CHECK(volume_of_mount(private_fd) == NULL);
	mnt = mount_it();
	CHECK(volume_of_mount(mnt) == image);
	unmount(&mnt);
	volume_remove(private_fd);
	CHECK(volume_promised(area, name, &p) == -ENOENT);
	volume_needs(count_need, &needs);
	CHECK(needs > 0 && volume_io_device(image) != 0);
}

static void poke(off_t at, const void *bytes, size_t n)
{
	auto_close int fd = openat(private_fd, "volume.img", O_WRONLY | O_CLOEXEC);

	CHECK(pwrite(fd, bytes, n, at) == (ssize_t)n);
}

static void a_damaged_superblock_is_refused_by_name(void)
{
	auto_close int mnt = -EBADF;
	dev_t dev;

	begin();
	CHECK(create(32 * MIB, 0));
	poke(1024 + 0x68, "damaged", 7);
	CHECK(volume_mount(image, private_fd, NULL, &mnt, &dev, &err) < 0);
	CHECK(err.code == BERTH_ERR_BROKEN && strstr(err.msg, "volume.img") != NULL);
	CHECK(!is_in_use());
}

static void a_cut_off_image_is_refused(void)
{
	auto_close int mnt = -EBADF, fd = -EBADF;
	dev_t dev;

	begin();
	CHECK(create(32 * MIB, 0));
	fd = openat(private_fd, "volume.img", O_WRONLY | O_CLOEXEC);
	CHECK(ftruncate(fd, 16 << 20) == 0);
	CHECK(volume_mount(image, private_fd, NULL, &mnt, &dev, &err) < 0);
	CHECK(err.code == BERTH_ERR_BROKEN && strstr(err.msg, "cut off") != NULL);
}

/* debugfs sets the state that a kernel leaves after it saw an error. */
static void a_volume_with_errors_is_mended_before_it_is_mounted(void)
{
	char file[64];
	const char *const argv[] = {"debugfs", "-w", "-R", "set_super_value state 2", file, NULL};
	auto_close int mnt = -EBADF;

	begin();
	CHECK(create(32 * MIB, 0));
	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d/volume.img", private_fd);
	CHECK(spawn_run_keep(argv, &private_fd, 1, 0, &err) == 0);
	mnt = mount_it();
	CHECK(mnt >= 0);
	unmount(&mnt);
	CHECK(ok(volume_check(image, private_fd, &err)));
}

static void the_made_file_system_is_clean(void)
{
	static const uint64_t mib[] = {16, 100, 129, 257, 1024, 10240};

	for (size_t i = 0; i < sizeof(mib) / sizeof(mib[0]); i++) {
		char file[64];
		const char *const argv[] = {"e2fsck", "-fn", file, NULL};

		begin();
		CHECK(create(mib[i] * MIB, 0));
		(void)snprintf(file, sizeof(file), "/proc/self/fd/%d/volume.img", private_fd);
		CHECK(ok(spawn_run_keep(argv, &private_fd, 1, 0, &err)));
	}
}

static void measure(uint64_t bytes)
{
	double t0, t1, t2, t3;
	int mnt;

	begin();
	t0 = now_ms();
	CHECK(create(bytes, 0));
	t1 = now_ms();
	mnt = mount_it();
	t2 = now_ms();
	unmount(&mnt);
	t3 = now_ms();
	(void)printf("   %6llu MiB: create %.1f ms, mount %.1f ms, unmount and free %.1f ms\n",
		     (unsigned long long)(bytes / MIB), t1 - t0, t2 - t1, t3 - t2);
}

static void create_and_mount_are_quick(void)
{
	for (uint64_t gib = 2; gib <= 200; gib *= 10)
		measure(gib * 1024 * MIB);
	measure(102400 * MIB);
}

int main(void)
{
	if (geteuid() != 0) {
		(void)fprintf(stderr, "skipped: needs root\n");
		return 77;
	}
	image = volume_driver_find("image");
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mkdtemp(dir) == NULL || chdir(dir) < 0) {
		perror("set up");
		return 1;
	}
	RUN(there_is_one_driver_so_far);
	RUN(df_inside_shows_the_limits_and_writes_stop_there);
	RUN(a_volume_begins_with_its_directories_at_its_front);
	RUN(the_inode_limit_bites);
	RUN(all_metadata_has_its_place_on_the_host_from_the_start_on);
	RUN(a_host_without_room_for_metadata_refuses_and_keeps_the_file);
	RUN(deleted_blocks_go_back_to_the_host);
	RUN(a_second_mount_is_refused_until_the_first_is_gone);
	RUN(those_who_only_ask_do_not_keep_it_from_a_mount);
	RUN(a_killed_mounter_leaves_the_volume_free);
	RUN(a_volume_is_not_made_over_another_one);
	RUN(a_crash_leftover_does_not_block_create);
	RUN(limits_that_cannot_be_kept_are_refused);
	RUN(a_full_host_is_seen_before_anything_is_made);
	RUN(a_volume_works_where_direct_io_does_not);
	RUN(an_unmounted_volume_grows_and_shrinks);
	RUN(a_resize_below_what_is_used_touches_nothing);
	RUN(a_resize_says_how_many_inodes_there_are);
	RUN(a_mounted_volume_grows_where_the_kernel_lets_us);
	RUN(a_damaged_superblock_is_refused_by_name);
	RUN(a_cut_off_image_is_refused);
	RUN(what_the_driver_does_not_offer_is_refused);
	RUN(who_knows_no_driver_is_told_all_the_same);
	RUN(a_volume_with_errors_is_mended_before_it_is_mounted);
	RUN(the_made_file_system_is_clean);
	RUN(create_and_mount_are_quick);
	CHECK(chdir("/") == 0 && tree_remove_at(AT_FDCWD, dir) == 0);
	return check_failures != 0;
}
