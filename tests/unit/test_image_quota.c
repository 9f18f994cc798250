/* test_image_quota.c - a number of inodes below what an image has; root, in an own mount namespace. */
#include "runtime/storage/image.h"
#include "runtime/storage/volume.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define MIB (UINT64_C(1) << 20)

static char dir[] = "/tmp/berth-quota-XXXXXX";
static int private_fd = -EBADF;
static const struct volume_driver *image;
static struct berth_error err;
static int can; /* what the kernel says */

static int ok(int r)
{
	if (r < 0)
		(void)fprintf(stderr, "code %d: %s\n", (int)err.code, err.msg);
	return r >= 0;
}

static void begin(void)
{
	static int n;
	char name[16];

	fd_close(&private_fd);
	(void)snprintf(name, sizeof(name), "%d", 100 + ++n);
	CHECK(mkdirat(AT_FDCWD, name, 0700) == 0);
	private_fd = dir_open_at(AT_FDCWD, name);
}

static bool create(enum volume_ability ability)
{
	static const char *const dirs[] = {"upper", NULL};

	return ok(volume_create(
		image, private_fd,
		&(struct volume_limits){.bytes = 64 * MIB, .inodes = 4096, .inode_limits = ability},
		dirs, &err));
}

static int mount_with(uint64_t inodes, enum volume_ability ability)
{
	const struct volume_limits l = {.inodes = inodes, .inode_limits = ability};
	int fd = -EBADF;
	dev_t dev;

	CHECK(ok(volume_mount(image, private_fd, &l, &fd, &dev, &err)));
	return fd;
}

static void unmount(int *fd)
{
	fd_close(fd);
	CHECK(ok(volume_wait_unused(image, private_fd, 5000, &err)));
}

static bool has_quota(void)
{
	auto_close int fd = image_open(private_fd, O_RDONLY, &err);
	struct ext4_super sb = {0};

	CHECK(ok(image_read_super(private_fd, fd, &sb, &err)));
	return sb.has_quota;
}

static int shell(const char *line)
{
	return spawn_run((const char *const[]){"sh", "-c", line, NULL}, NULL);
}

static bool is_clean(void)
{
	return spawn_run((const char *const[]){"e2fsck", "-fn", "volume.img", NULL}, NULL) == 0;
}

static void a_mount_changes_an_image_only_on_a_sure_answer(void)
{
	const struct ext4_super with = {.inodes = 4096, .has_quota = true},
				without = {.inodes = 4096};
	struct volume_limits l = {.inodes = 1000};

	CHECK(image_quota_change(&with, &l) == 0 && image_quota_change(&without, &l) == 0);
	l.inode_limits = VOLUME_CANNOT;
	CHECK(image_quota_change(&with, &l) == -1 && image_quota_change(&without, &l) == 0);
	l.inode_limits = VOLUME_CAN;
	CHECK(image_quota_change(&with, &l) == 0 && image_quota_change(&without, &l) == 1);
	/* No number, or none below what it has: not worth a change. */
	l.inodes = 0;
	CHECK(image_quota_change(&without, &l) == 0);
	l.inodes = 4096;
	CHECK(image_quota_change(&without, &l) == 0);
}

/* Against mount(8) of an image that mkfs made: our own probe may not be wrong in either direction. */
static void the_probe_is_what_the_kernel_does(void)
{
	int r = shell("truncate -s 1M sample && mkdir sample.mnt && mkfs.ext4 -q -F -b 1024 "
		      "-I 256 -O ^has_journal,quota,project -E quotatype=prjquota sample && "
		      "mount -o loop sample sample.mnt && touch sample.mnt/x && "
		      "umount sample.mnt");

	can = image_quota_probe(&err);
	CHECK(ok(can));
	CHECK(can == (r == 0));
	CHECK(shell("losetup -n -O BACK-FILE | grep -q berth-quota-probe") != 0);
}

static void an_image_goes_to_a_kernel_without_and_comes_back(void)
{
	auto_close int mnt = -EBADF;

	begin();
	CHECK(create(VOLUME_CAN) && has_quota());
	CHECK(fchdir(private_fd) == 0 && is_clean());
	/* This one may be such a kernel or not: it must mount. */
	mnt = mount_with(1000, VOLUME_CANNOT);
	CHECK(!has_quota() && mkdirat(mnt, "upper/mine", 0700) == 0);
	unmount(&mnt);
	CHECK(is_clean());
	if (can == 1) {
		mnt = mount_with(1000, VOLUME_CAN);
		CHECK(has_quota() && faccessat(mnt, "upper/mine", F_OK, 0) == 0);
		unmount(&mnt);
		CHECK(is_clean());
	}
	CHECK(chdir(dir) == 0);
}

/* Power may be lost in the middle of a change. */
static void a_change_has_its_mark_first_and_none_after_it(void)
{
	static const struct volume_limits cannot = {.inodes = 1000, .inode_limits = VOLUME_CANNOT};
	struct ext4_super sb = {0};
	auto_close int fd = -EBADF;

	begin();
	CHECK(create(VOLUME_CAN) && has_quota());
	fd = image_open(private_fd, O_RDWR, &err);
	CHECK(ok(image_read_super(private_fd, fd, &sb, &err)));
	/* No mark can be made: nothing is changed. */
	CHECK(mkdirat(private_fd, "volume.check", 0700) == 0);
	CHECK(image_quota_fit(private_fd, fd, &cannot, &sb, &err) == -EISDIR && has_quota());
	CHECK(unlinkat(private_fd, "volume.check", AT_REMOVEDIR) == 0);
	CHECK(ok(image_quota_fit(private_fd, fd, &cannot, &sb, &err)) && !has_quota());
	CHECK(!image_is_distrusted(private_fd));
	CHECK(image_distrust(private_fd) == 0 && image_is_distrusted(private_fd));
	image_trust(private_fd);
	CHECK(!image_is_distrusted(private_fd));
}

static void an_image_made_without_is_left_alone(void)
{
	auto_close int mnt = -EBADF;
	uint64_t inodes;

	begin();
	CHECK(create(VOLUME_CANNOT) && !has_quota());
	mnt = mount_with(1000, VOLUME_UNKNOWN);
	CHECK(!has_quota() && !image_quota_is_on(mnt));
	CHECK(ok(volume_resize(image, private_fd, mnt,
			       &(struct volume_limits){.bytes = 64 * MIB, .inodes = 1000}, &inodes,
			       &err)));
	CHECK(inodes == 4096);
	unmount(&mnt);
}

static uint64_t files_of(int mnt)
{
	auto_close int upper = openat(mnt, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statvfs vfs;

	CHECK(fstatvfs(upper, &vfs) == 0);
	return vfs.f_files;
}

static int set_live(int mnt, uint64_t inodes, uint64_t *ret)
{
	return volume_resize(image, private_fd, mnt,
			     &(struct volume_limits){.bytes = 64 * MIB, .inodes = inodes}, ret,
			     &err);
}

static void a_mounted_volume_gets_another_number(void)
{
	auto_close int mnt = -EBADF;
	uint64_t n;

	if (can != 1)
		return; /* the bats test 13-disk does this in guests whose kernels can */
	begin();
	CHECK(create(VOLUME_CAN));
	mnt = mount_with(UINT64_MAX, VOLUME_CAN);
	CHECK(files_of(mnt) == 4096);
	CHECK(ok(set_live(mnt, 2000, &n)) && n == 2000 && files_of(mnt) == 2000);
	CHECK(ok(set_live(mnt, 9000, &n)) && n == 4096 && files_of(mnt) == 4096);
	/* Not below what is in use, its callers refuse that: the next mount needs room of its own. */
	CHECK(ok(set_live(mnt, 1, &n)) && files_of(mnt) > 1 && files_of(mnt) < 10);
	CHECK(ok(set_live(mnt, 1500, &n)));
	unmount(&mnt);
	/* On the disk, too. */
	mnt = mount_with(0, VOLUME_UNKNOWN);
	CHECK(files_of(mnt) == 1500);
	unmount(&mnt);
}

int main(void)
{
	if (geteuid() != 0) {
		(void)printf("skipped: needs root\n");
		return 77;
	}
	CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	image = volume_driver_find("image");
	CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
	RUN(a_mount_changes_an_image_only_on_a_sure_answer);
	RUN(the_probe_is_what_the_kernel_does);
	RUN(an_image_goes_to_a_kernel_without_and_comes_back);
	RUN(a_change_has_its_mark_first_and_none_after_it);
	RUN(an_image_made_without_is_left_alone);
	RUN(a_mounted_volume_gets_another_number);
	fd_close(&private_fd);
	CHECK(chdir("/") == 0 && tree_remove_at(AT_FDCWD, dir) == 0);
	return check_failures != 0;
}
