/*
 * test_rootfs.c - roots on real overlays and volumes; root, in an own mount namespace. As
 * "PROGRAM --euid" it is the set-user-id program of the template, and exits with its euid.
 *
 * covers: runtime/storage/erofs.c runtime/storage/fsctx.c runtime/storage/rootfs_fill.c
 */
#include "runtime/storage/rootfs.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "runtime/storage/erofs.h"
#include "runtime/storage/volume.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

enum {
	ID_BASE = 100000
};

static char dir[] = "/tmp/berth-rootfs-XXXXXX";
static const struct volume_driver *image;
static struct berth_error err;
static int userns = -EBADF;

struct ct {
	int private_fd, volume_fd, root_fd;
	char private[16], volume[16], root[16];
	struct rootfs_spec spec;
};

/* cap_net_raw+ep, and user 1234 may read and write: as setcap and setfacl store them. */
static const uint8_t cap[] = {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t acl[] = {2,    0,	  0,	0,    1,    0,	  6,	0,    0xff, 0xff, 0xff,
			      0xff, 2,	  0,	6,    0,    0xd2, 4,	0,    0,    4,	  0,
			      4,    0,	  0xff, 0xff, 0xff, 0xff, 0x10, 0,    6,    0,	  0xff,
			      0xff, 0xff, 0xff, 0x20, 0,    4,	  0,	0xff, 0xff, 0xff, 0xff};

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool ok(int r)
{
	if (r < 0)
		(void)fprintf(stderr, "code %d: %s\n", (int)err.code, err.msg);
	return r >= 0;
}

static void put(const char *path, const char *text, mode_t mode)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0 && fchmod(fd, mode) == 0);
}

static bool make_template(void)
{
	const char *const mkfs[] = {"mkfs.erofs", "t.erofs", "t", NULL};
	const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	CHECK(mkdir("t", 0755) == 0 && mkdir("t/etc", 0755) == 0 && mkdir("t/sub", 0750) == 0);
	put("t/etc/hello", "hello\n", 0644);
	put("t/etc/gone", "gone\n", 0644);
	put("t/sub/user", "1000\n", 0600);
	CHECK(chown("t/sub", 1000, 1001) == 0 && chown("t/sub/user", 1000, 1001) == 0);
	put("t/ping", "cap\n", 0755);
	CHECK(setxattr("t/ping", "security.capability", cap, sizeof(cap), 0) == 0);
	put("t/acl", "acl\n", 0664);
	CHECK(setxattr("t/acl", "system.posix_acl_access", acl, sizeof(acl), 0) == 0);
	CHECK(link("t/ping", "t/etc/ping2") == 0 && symlink("hello", "t/etc/link") == 0);
	put("t/sparse", "x", 0644);
	CHECK(truncate("t/sparse", 8 << 20) == 0);
	CHECK(mkfifo("t/fifo", 0640) == 0 && mknod("t/null", S_IFCHR | 0666, makedev(1, 3)) == 0);
	CHECK(spawn_run((const char *const[]){"cp", self, "t/suid", NULL}, &err) == 0);
	CHECK(chmod("t/suid", 04755) == 0);
	CHECK(utimensat(AT_FDCWD, "t/etc/hello", times, 0) == 0);
	return ok(spawn_run(mkfs, &err));
}

/* A user namespace that maps 0..65535 to ID_BASE.., held by a descriptor only. */
static bool make_userns(void)
{
	char path[64];
	int p[2];
	char c = 0;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		(void)fd_write_all(p[1], unshare(CLONE_NEWUSER) == 0 ? "y" : "n", 1);
		for (;;)
			(void)pause();
	}
	CHECK(read(p[0], &c, 1) == 1 && c == 'y');
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/%s_map", pid, i == 0 ? "uid" : "gid");
		CHECK(file_write_value_at(AT_FDCWD, path, "0 100000 65536") == 0);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	userns = open(path, O_RDONLY | O_CLOEXEC);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(p[0]);
	(void)close(p[1]);
	return userns >= 0;
}

/* Runs fn as uid and gid of the CT, at the top of its root; returns what it returns. */
static int in_ct(const struct ct *c, uid_t uid, int (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (setns(userns, CLONE_NEWUSER) < 0 || setgroups(0, NULL) < 0 ||
		    setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ||
		    fchdir(c->root_fd) < 0)
			_exit(99);
		_exit(fn());
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool volume_attach(struct ct *c)
{
	auto_close int mnt = -EBADF;
	dev_t dev;

	if (!ok(volume_mount(image, c->private_fd, NULL, &mnt, &dev, &err)))
		return false;
	if (move_mount(mnt, "", AT_FDCWD, c->volume, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return false;
	c->volume_fd = dir_open_at(AT_FDCWD, c->volume);
	c->spec.volume_fd = c->volume_fd;
	return c->volume_fd >= 0;
}

static void begin(struct ct *c, enum rootfs_layout layout, uint64_t mib)
{
	static int n = 100;

	n++;
	*c = (struct ct){.private_fd = -EBADF, .volume_fd = -EBADF, .root_fd = -EBADF};
	(void)snprintf(c->private, sizeof(c->private), "p%d", n);
	(void)snprintf(c->volume, sizeof(c->volume), "v%d", n);
	(void)snprintf(c->root, sizeof(c->root), "r%d", n);
	CHECK(mkdir(c->private, 0700) == 0 && mkdir(c->volume, 0700) == 0);
	CHECK(mkdir(c->root, 0700) == 0);
	c->private_fd = dir_open_at(AT_FDCWD, c->private);
	c->spec = (struct rootfs_spec){.layout = layout,
				       .lower_image = "t.erofs",
				       .lower_fd = -EBADF,
				       .userns_fd = userns,
				       .mapped_root = ID_BASE,
				       .target = c->root};
	CHECK(ok(volume_create(image, c->private_fd, &(struct volume_limits){.bytes = mib << 20},
			       rootfs_dirs(layout), &err)));
	CHECK(volume_attach(c));
	CHECK(ok(rootfs_prepare(layout, c->volume_fd, &err)));
	CHECK(ok(rootfs_prepare(layout, c->volume_fd, &err)));
}

static bool mount_root(struct ct *c)
{
	return ok(rootfs_mount(&c->spec, &c->root_fd, &err)) &&
	       ok(rootfs_verify(&c->spec, c->root_fd, &err));
}

static void drop_root(struct ct *c)
{
	fd_close(&c->root_fd);
	rootfs_detach(c->root);
	CHECK(umount2(c->root, MNT_DETACH) < 0 && errno == EINVAL);
}

static void end(struct ct *c)
{
	fd_close(&c->volume_fd);
	CHECK(umount2(c->volume, MNT_DETACH) == 0);
	CHECK(ok(volume_wait_unused(image, c->private_fd, 5000, &err)));
	fd_close(&c->private_fd);
}

static bool holds(int dirfd, const char *name, const char *text)
{
	char buf[64];

	return file_read_line_at(dirfd, name, buf, sizeof(buf)) == 0 && strcmp(buf, text) == 0;
}

static bool owned(int dirfd, const char *name, uid_t uid, gid_t gid)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == uid &&
	       st.st_gid == gid;
}

/* The CT's root changes files of both layers. Nonzero: the step that failed. */
static int change_files(void)
{
	if (!owned(AT_FDCWD, ".", 0, 0) || !owned(AT_FDCWD, "sub/user", 1000, 1001))
		return 1;
	check_failures = 0; /* of this process: it is a child */
	put("new", "new\n", 0644);
	put("etc/hello", "changed\n", 0644);
	if (check_failures != 0 || !owned(AT_FDCWD, "new", 0, 0) || chown("new", 33, 34) < 0)
		return 2;
	if (unlink("etc/gone") < 0 || access("etc/gone", F_OK) == 0)
		return 3;
	if (mkdir("d", 0755) < 0 || rename("d", "e") < 0 || symlink("x", "l") < 0 ||
	    link("etc/hello", "hard") < 0)
		return 4;
	return 0;
}

static int make_device(void)
{
	return mknod("disk", S_IFBLK | 0600, makedev(7, 0)) < 0 && errno == EPERM ? 0 : 1;
}

static int use_template_device(void)
{
	return open("null", O_RDWR | O_CLOEXEC) < 0 && errno == EACCES ? 0 : 1;
}

static int run_suid(void)
{
	(void)execl("suid", "suid", "--euid", (char *)NULL);
	return 98;
}

/* Returns the MiB that fitted. */
static int write_until_full(void)
{
	static char block[1 << 16];
	auto_close int fd = open("big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n, done = 0;

	while ((n = write(fd, block, sizeof(block))) > 0 && done < 200 << 20)
		done += n;
	return n < 0 && errno == ENOSPC ? (int)(done >> 20) : 250;
}

static void an_overlay_root_shifts_ids_and_keeps_changes(void)
{
	struct ct c;

	begin(&c, ROOTFS_OVERLAY, 64);
	CHECK(mount_root(&c));
	CHECK(owned(c.root_fd, "etc/hello", ID_BASE, ID_BASE));
	CHECK(owned(c.root_fd, "sub/user", ID_BASE + 1000, ID_BASE + 1001));
	CHECK(in_ct(&c, 0, change_files) == 0);
	CHECK(owned(c.root_fd, "new", ID_BASE + 33, ID_BASE + 34));
	/* On the volume itself everything is 0-based. */
	CHECK(owned(c.volume_fd, "upper/new", 33, 34) && owned(c.volume_fd, "upper/etc", 0, 0));
	drop_root(&c);
	CHECK(mount_root(&c));
	CHECK(holds(c.root_fd, "etc/hello", "changed") && holds(c.root_fd, "new", "new"));
	CHECK(faccessat(c.root_fd, "etc/gone", F_OK, 0) < 0);
	drop_root(&c);
	end(&c);
}

static void the_volume_moves_with_its_root_to_another_mount(void)
{
	struct ct c;

	begin(&c, ROOTFS_OVERLAY, 64);
	CHECK(mount_root(&c) && in_ct(&c, 0, change_files) == 0);
	drop_root(&c);
	end(&c);
	c.private_fd = dir_open_at(AT_FDCWD, c.private);
	CHECK(volume_attach(&c) && mount_root(&c));
	CHECK(holds(c.root_fd, "hard", "changed"));
	drop_root(&c);
	end(&c);
}

static void handles_open_files_of_the_root(void)
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} f = {.h.handle_bytes = MAX_HANDLE_SZ};
	auto_close int fd = -EBADF;
	struct ct c;
	int id;

	begin(&c, ROOTFS_OVERLAY, 32);
	CHECK(mount_root(&c));
	CHECK(name_to_handle_at(c.root_fd, "etc/hello", &f.h, &id, 0) == 0);
	fd = open_by_handle_at(c.root_fd, &f.h, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	fd_close(&fd);
	drop_root(&c);
	end(&c);
}

static void set_user_id_works_and_devices_do_not(void)
{
	struct ct c;

	begin(&c, ROOTFS_OVERLAY, 32);
	CHECK(mount_root(&c));
	CHECK(in_ct(&c, 7, run_suid) == 0);
	CHECK(in_ct(&c, 0, make_device) == 0);
	CHECK(in_ct(&c, 0, use_template_device) == 0);
	drop_root(&c);
	end(&c);
}

static void the_disk_limit_bites_the_root_of_the_ct(void)
{
	struct ct c;
	int mib;

	begin(&c, ROOTFS_OVERLAY, 32);
	CHECK(mount_root(&c));
	mib = in_ct(&c, 0, write_until_full);
	(void)printf("   wrote %d MiB of 32\n", mib);
	CHECK(mib > 28 && mib < 32);
	drop_root(&c);
	end(&c);
}

static void the_host_s_root_cannot_write_by_mistake(void)
{
	struct ct c;

	begin(&c, ROOTFS_OVERLAY, 32);
	CHECK(mount_root(&c));
	CHECK(mkdirat(c.root_fd, "oops", 0755) < 0 && errno == EOVERFLOW);
	CHECK(geteuid() == 0 && mkdir("host", 0755) == 0 && owned(AT_FDCWD, "host", 0, 0));
	CHECK(rmdir("host") == 0);
	drop_root(&c);
	end(&c);
}

/* With fsuid 0 the kernel mounts read-only, and says so only in its log. */
static void a_silently_read_only_overlay_is_refused(void)
{
	struct ct c;

	begin(&c, ROOTFS_OVERLAY, 32);
	c.spec.mapped_root = 0;
	CHECK(ok(rootfs_mount(&c.spec, &c.root_fd, &err)));
	CHECK(rootfs_verify(&c.spec, c.root_fd, &err) < 0 && err.code == BERTH_ERR_MOUNT);
	CHECK(strstr(err.msg, "read-only") != NULL);
	(void)printf("   %s\n", err.msg);
	drop_root(&c);
	c.spec.mapped_root = ID_BASE;
	CHECK(mount_root(&c));
	drop_root(&c);
	end(&c);
}

static void a_volume_of_another_template_is_refused(void)
{
	const char *const mkfs[] = {"mkfs.erofs", "u.erofs", "t", NULL};
	struct ct c;

	CHECK(ok(spawn_run(mkfs, &err)));
	begin(&c, ROOTFS_OVERLAY, 32);
	CHECK(mount_root(&c) && in_ct(&c, 0, change_files) == 0);
	drop_root(&c);
	c.spec.lower_image = "u.erofs";
	CHECK(rootfs_mount(&c.spec, &c.root_fd, &err) < 0 && err.code == BERTH_ERR_MOUNT);
	(void)printf("   %s\n", err.msg);
	end(&c);
}

static void missing_parts_are_named(void)
{
	struct ct c;

	begin(&c, ROOTFS_OVERLAY, 32);
	c.spec.lower_image = "none.erofs";
	CHECK(rootfs_mount(&c.spec, &c.root_fd, &err) < 0 && err.code == BERTH_ERR_NO_TEMPLATE);
	c.spec.lower_image = "t.erofs";
	CHECK(unlinkat(c.volume_fd, "work", AT_REMOVEDIR) == 0);
	CHECK(rootfs_mount(&c.spec, &c.root_fd, &err) < 0 && err.code == BERTH_ERR_BROKEN);
	CHECK(umount2(c.root, MNT_DETACH) < 0 && errno == EINVAL);
	c.spec.layout = ROOTFS_PRIVATE;
	CHECK(rootfs_mount(&c.spec, &c.root_fd, &err) < 0 && err.code == BERTH_ERR_BROKEN);
	c.spec.target = "nowhere";
	CHECK(rootfs_prepare(ROOTFS_PRIVATE, c.volume_fd, &err) == 0);
	CHECK(rootfs_mount(&c.spec, &c.root_fd, &err) < 0 && err.code == BERTH_ERR_MOUNT);
	end(&c);
}

static void two_roots_of_one_image_share_its_page_cache(void)
{
	auto_close int a = -EBADF, b = -EBADF, lock = open("t.erofs", O_RDONLY | O_CLOEXEC);
	struct stat sa, sb;

	CHECK(ok(erofs_mount("t.erofs", &a, &err)) && ok(erofs_mount("t.erofs", &b, &err)));
	CHECK(fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev);
	CHECK(flock(lock, LOCK_EX | LOCK_NB) < 0);
	fd_close(&a);
	CHECK(holds(b, "etc/hello", "hello") && flock(lock, LOCK_EX | LOCK_NB) < 0);
	fd_close(&b);
	CHECK_SOON(flock(lock, LOCK_EX | LOCK_NB) == 0);
}

static void an_image_mounts_from_the_file_where_the_kernel_can(void)
{
	auto_close int a = -EBADF;
	int r = erofs_mount_by("t.erofs", EROFS_BY_FILE, &a, &err);

	if (r == -ENOTBLK) {
		(void)printf("   (not tried: this kernel mounts erofs from block devices only)\n");
		return;
	}
	CHECK(ok(r) && holds(a, "etc/hello", "hello"));
	CHECK(mkdirat(a, "x", 0755) < 0 && errno == EROFS);
}

static void a_bad_image_is_refused_by_name(void)
{
	auto_close int fd = -EBADF;
	const char *const cp[] = {"cp", "t.erofs", "cut.erofs", NULL};

	put("bad.erofs", "not an image", 0600);
	CHECK(erofs_mount("bad.erofs", &fd, &err) < 0 && err.code == BERTH_ERR_BAD_TEMPLATE);
	CHECK(strstr(err.msg, "bad.erofs") != NULL);
	CHECK(ok(spawn_run(cp, &err)) && truncate("cut.erofs", 8192) == 0);
	CHECK(erofs_mount("cut.erofs", &fd, &err) < 0 && err.code == BERTH_ERR_BAD_TEMPLATE);
	CHECK(strstr(err.msg, "cut off") != NULL);
}

static void has_xattr(int root_fd, const char *name, const char *attr, const void *want, size_t n)
{
	auto_close int fd = openat(root_fd, name, O_RDONLY | O_CLOEXEC);
	char buf[128];

	CHECK(fgetxattr(fd, attr, buf, sizeof(buf)) == (ssize_t)n && memcmp(buf, want, n) == 0);
}

static void a_private_root_is_a_whole_copy(void)
{
	auto_close int disk = -EBADF;
	struct stat a, b;
	struct ct c;

	begin(&c, ROOTFS_PRIVATE, 64);
	CHECK(ok(rootfs_fill("t.erofs", c.volume_fd, &err)));
	disk = dir_open_at(c.volume_fd, "root");
	CHECK(owned(disk, "sub", 1000, 1001) && owned(disk, "sub/user", 1000, 1001));
	has_xattr(disk, "ping", "security.capability", cap, sizeof(cap));
	has_xattr(disk, "acl", "system.posix_acl_access", acl, sizeof(acl));
	CHECK(fstatat(disk, "ping", &a, 0) == 0 && fstatat(disk, "etc/ping2", &b, 0) == 0);
	CHECK(a.st_ino == b.st_ino && a.st_nlink == 2);
	CHECK(fstatat(disk, "sparse", &a, 0) == 0 && a.st_size == 8 << 20 && a.st_blocks <= 16);
	CHECK(fstatat(disk, "etc/hello", &a, 0) == 0 && a.st_mtim.tv_sec == 1000000000);
	CHECK(fstatat(disk, "suid", &a, 0) == 0 && (a.st_mode & 07777) == 04755);
	CHECK(fstatat(disk, "sub", &a, 0) == 0 && (a.st_mode & 07777) == 0750);
	CHECK(fstatat(disk, "fifo", &a, 0) == 0 && S_ISFIFO(a.st_mode));
	CHECK(fstatat(disk, "etc/link", &a, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(a.st_mode));
	CHECK(fstatat(disk, "null", &a, 0) == 0 && a.st_rdev == makedev(1, 3));
	fd_close(&disk);
	CHECK(mount_root(&c));
	CHECK(owned(c.root_fd, "sub/user", ID_BASE + 1000, ID_BASE + 1001));
	CHECK(in_ct(&c, 0, change_files) == 0 && in_ct(&c, 7, run_suid) == 0);
	CHECK(in_ct(&c, 0, make_device) == 0 && in_ct(&c, 0, use_template_device) == 0);
	CHECK(mkdirat(c.root_fd, "oops", 0755) < 0 && errno == EOVERFLOW);
	drop_root(&c);
	end(&c);
}

static void a_template_that_does_not_fit_is_refused(void)
{
	const char *const mkfs[] = {"mkfs.erofs", "big.erofs", "big", NULL};
	const char *const cp[] = {"cp", "t.erofs", "big/b", NULL};
	struct ct c;

	CHECK(mkdir("big", 0755) == 0 && ok(spawn_run(cp, &err)));
	for (int i = 0; i < 40; i++) {
		char name[16];
		static char block[1 << 20];
		auto_close int fd = -EBADF;

		(void)snprintf(name, sizeof(name), "big/%d", i);
		memset(block, i + 1, sizeof(block));
		fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		CHECK(fd_write_all(fd, block, sizeof(block)) == 0);
	}
	CHECK(ok(spawn_run(mkfs, &err)));
	begin(&c, ROOTFS_PRIVATE, 16);
	CHECK(rootfs_fill("big.erofs", c.volume_fd, &err) < 0 && err.code == BERTH_ERR_NO_SPACE);
	CHECK(strstr(err.msg, "--diskspace") != NULL);
	end(&c);
}

static void a_root_is_mounted_quickly(void)
{
	double best = 1e9, sum = 0;
	struct ct c;

	begin(&c, ROOTFS_OVERLAY, 64);
	for (int i = 0; i < 20; i++) {
		double t = now_ms();

		CHECK(mount_root(&c));
		t = now_ms() - t;
		sum += t;
		best = t < best ? t : best;
		drop_root(&c);
	}
	(void)printf("   overlay root: mean %.2f ms, best %.2f ms of 20\n", sum / 20, best);
	end(&c);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--euid") == 0)
		return (int)geteuid();
	if (geteuid() != 0) {
		(void)fprintf(stderr, "skipped: needs root\n");
		return 77;
	}
	image = volume_driver_find("image");
	(void)umask(022);
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mkdtemp(dir) == NULL || chmod(dir, 0755) < 0 || chdir(dir) < 0 || !make_template() ||
	    !make_userns()) {
		perror("set up");
		return 1;
	}
	RUN(an_overlay_root_shifts_ids_and_keeps_changes);
	RUN(the_volume_moves_with_its_root_to_another_mount);
	RUN(handles_open_files_of_the_root);
	RUN(set_user_id_works_and_devices_do_not);
	RUN(the_disk_limit_bites_the_root_of_the_ct);
	RUN(the_host_s_root_cannot_write_by_mistake);
	RUN(a_silently_read_only_overlay_is_refused);
	RUN(a_volume_of_another_template_is_refused);
	RUN(missing_parts_are_named);
	RUN(two_roots_of_one_image_share_its_page_cache);
	RUN(an_image_mounts_from_the_file_where_the_kernel_can);
	RUN(a_bad_image_is_refused_by_name);
	RUN(a_private_root_is_a_whole_copy);
	RUN(a_template_that_does_not_fit_is_refused);
	RUN(a_root_is_mounted_quickly);
	CHECK(chdir("/") == 0 && tree_remove_at(AT_FDCWD, dir) == 0);
	return check_failures != 0;
}
