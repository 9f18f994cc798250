/* test_image_move.c - a volume's image goes to another private area: all of it, and nothing but a sound one. */
#include "runtime/storage/volume.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static char dir[] = "/tmp/berth-move-XXXXXX";
static int from = -EBADF, to = -EBADF; /* private areas */
static const struct volume_driver *image;
static struct berth_error err;

static void begin(void)
{
	static const char *const dirs[] = {"upper", NULL};

	CHECK(mkdir("from", 0700) == 0 && mkdir("to", 0700) == 0);
	from = dir_open_at(AT_FDCWD, "from");
	to = dir_open_at(AT_FDCWD, "to");
	CHECK(volume_create(image, from, &(struct volume_limits){.bytes = 64 * MIB}, dirs, &err) ==
	      0);
}

static void end(void)
{
	fd_close(&from);
	fd_close(&to);
	CHECK(tree_remove_at(AT_FDCWD, "from") == 0 && tree_remove_at(AT_FDCWD, "to") == 0);
}

static bool has_file(int area, const char *name)
{
	return faccessat(area, name, F_OK, 0) == 0;
}

static void copy(int in, int out, uint64_t bytes)
{
	static uint8_t buf[1 << 16], zero[1 << 16];

	for (uint64_t at = 0; at < bytes; at += sizeof(buf)) {
		ssize_t n = pread(in, buf, sizeof(buf), (off_t)at);

		CHECK(n > 0);
		if (n > 0 && memcmp(buf, zero, (size_t)n) != 0)
			CHECK(pwrite(out, buf, (size_t)n, (off_t)at) == n);
	}
}

static void what_arrives_is_mounted_as_any_volume(void)
{
	auto_close int in = -EBADF, out = -EBADF;
	int mnt = -EBADF;
	struct volume_travel t;
	dev_t dev;

	begin();
	CHECK(volume_send_open(image, from, false, &in, &t, &err) == 0);
	CHECK(t.bytes > 0 && t.used > 0 && t.used <= t.bytes);
	CHECK(volume_receive_begin(image, to, &t, &out, &err) == 0);
	CHECK(volume_in_use(image, to, &err) != 1 && !has_file(to, "volume.img"));
	copy(in, out, t.bytes);
	CHECK(volume_receive_end(image, to, out, &err) == 0);
	CHECK(has_file(to, "volume.img") && !has_file(to, "volume.img.coming"));
	fd_close(&out);
	CHECK(volume_mount(image, to, NULL, &mnt, &dev, &err) == 0);
	CHECK(has_file(mnt, "upper"));
	fd_close(&mnt);
	CHECK_SOON(volume_in_use(image, to, &err) == 0);
	end();
}

static void nobody_mounts_it_while_it_goes(void)
{
	auto_close int in = -EBADF, second = -EBADF;
	int mnt = -EBADF;
	struct volume_travel t;
	dev_t dev;

	begin();
	CHECK(volume_send_open(image, from, false, &in, &t, &err) == 0);
	CHECK(volume_mount(image, from, NULL, &mnt, &dev, &err) < 0);
	CHECK(err.code == BERTH_ERR_MOUNTED);
	CHECK(volume_send_open(image, from, false, &second, &t, &err) < 0);
	CHECK(err.code == BERTH_ERR_MOUNTED && second < 0);
	CHECK(write(in, "x", 1) < 0); /* it is for reading */
	fd_close(&in);
	CHECK(volume_mount(image, from, NULL, &mnt, &dev, &err) == 0);
	CHECK(volume_send_open(image, from, false, &in, &t, &err) < 0 &&
	      err.code == BERTH_ERR_MOUNTED);
	fd_close(&mnt);
	CHECK_SOON(volume_in_use(image, from, &err) == 0);
	end();
}

static void what_is_no_volume_does_not_become_one(void)
{
	auto_close int in = -EBADF, out = -EBADF;
	struct volume_travel t, longer;

	begin();
	CHECK(volume_send_open(image, from, false, &in, &t, &err) == 0);
	/* Nothing came. */
	CHECK(volume_receive_begin(image, to, &t, &out, &err) == 0);
	CHECK(volume_receive_end(image, to, out, &err) < 0 && err.code == BERTH_ERR_BROKEN);
	CHECK(!has_file(to, "volume.img"));
	/* Longer than its file system: the limits would not be what they seem. */
	fd_close(&out);
	CHECK(unlinkat(to, "volume.img.coming", 0) == 0);
	longer = (struct volume_travel){t.bytes + MIB, t.used};
	CHECK(volume_receive_begin(image, to, &longer, &out, &err) == 0);
	copy(in, out, t.bytes);
	CHECK(volume_receive_end(image, to, out, &err) < 0 && err.code == BERTH_ERR_BROKEN);
	CHECK(strstr(err.msg, "cannot be taken over") != NULL && !has_file(to, "volume.img"));
	end();
}

static void a_volume_that_is_there_stays(void)
{
	auto_close int in = -EBADF, out = -EBADF, second = -EBADF;
	struct volume_travel t;

	begin();
	CHECK(volume_send_open(image, from, false, &in, &t, &err) == 0);
	CHECK(volume_receive_begin(image, to, &t, &out, &err) == 0);
	CHECK(volume_receive_begin(image, to, &t, &second, &err) < 0); /* two at once */
	copy(in, out, t.bytes);
	CHECK(symlinkat("elsewhere", to, "volume.img") == 0);
	CHECK(volume_receive_end(image, to, out, &err) < 0);
	CHECK(has_file(to, "volume.img.coming"));
	end();
}

static void a_host_without_room_says_so_before_anything_is_sent(void)
{
	struct volume_travel t = {UINT64_C(1) << 60, UINT64_C(1) << 59};
	auto_close int out = -EBADF;

	begin();
	CHECK(volume_receive_begin(image, to, &t, &out, &err) < 0);
	CHECK(err.code == BERTH_ERR_NO_SPACE && out < 0 && !has_file(to, "volume.img.coming"));
	end();
}

int main(void)
{
	if (geteuid() != 0) {
		(void)printf("skipped: loop devices need root\n");
		return 77;
	}
	image = volume_driver_find("image");
	CHECK(unshare(CLONE_NEWNS) == 0 &&
	      mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
	RUN(what_arrives_is_mounted_as_any_volume);
	RUN(nobody_mounts_it_while_it_goes);
	RUN(what_is_no_volume_does_not_become_one);
	RUN(a_volume_that_is_there_stays);
	RUN(a_host_without_room_says_so_before_anything_is_sent);
	CHECK(chdir("/") == 0 && tree_remove_at(AT_FDCWD, dir) == 0);
	return check_failures != 0;
}
