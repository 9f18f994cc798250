/*
 * test_loop.c - loop devices; root.
 *
 * covers: runtime/storage/hide.c
 */
#include "runtime/storage/loop.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/berth-loop-XXXXXX";
static struct berth_error err;

static int make_file(const char *name, off_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && ftruncate(fd, size) == 0);
	return fd;
}

static int reopen(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static unsigned int sector(int dev_fd)
{
	int size = 0;

	CHECK(ioctl(dev_fd, _IO(0x12, 104), &size) == 0); /* BLKSSZGET */
	return (unsigned int)size;
}

static void the_device_keeps_the_lock_of_the_file(void)
{
	auto_close int file = make_file("lock", 1 << 20), other = reopen("lock");
	struct loop_dev d = {.fd = -EBADF};

	CHECK(flock(file, LOCK_EX | LOCK_NB) == 0);
	CHECK(loop_attach(file, false, &d, &err) == 0);
	fd_close(&file);
	CHECK(flock(other, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	fd_close(&d.fd);
	CHECK_SOON(flock(other, LOCK_EX | LOCK_NB) == 0);
}

/* ext4's part is shown by tests/bats/22-security-more.bats. */
static void what_the_kernel_tells_of_a_device_is_roots_alone(void)
{
	auto_close int fd = make_file("hidden", 1 << 20);
	struct loop_dev dev;
	char path[64];
	struct stat st;

	CHECK(loop_attach(fd, false, &dev, &err) == 0);
	(void)snprintf(path, sizeof(path), "/sys/devices/virtual/block%s", dev.path + 4);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0500 && st.st_uid == 0);
	fd_close(&dev.fd);
}

static void sectors_are_as_large_as_the_size_allows(void)
{
	auto_close int even = make_file("even", 8192), odd = make_file("odd", 8192 + 512);
	struct loop_dev a = {.fd = -EBADF}, b = {.fd = -EBADF};

	CHECK(loop_attach(even, false, &a, &err) == 0 && sector(a.fd) == 4096);
	CHECK(loop_attach(odd, true, &b, &err) == 0 && sector(b.fd) == 512);
	CHECK(strcmp(a.path, b.path) != 0);
	fd_close(&a.fd);
	fd_close(&b.fd);
}

static void a_read_only_device_cannot_be_written(void)
{
	auto_close int file = make_file("ro", 1 << 20), dev = -EBADF;
	struct loop_dev d = {.fd = -EBADF};

	CHECK(loop_attach(file, true, &d, &err) == 0);
	dev = open(d.path, O_RDWR | O_CLOEXEC);
	CHECK(dev < 0 || pwrite(dev, "x", 1, 0) < 0);
	fd_close(&d.fd);
}

static void one_file_has_one_shared_device(void)
{
	auto_close int one = make_file("a", 1 << 20), again = reopen("a");
	auto_close int other = make_file("b", 1 << 20);
	struct loop_dev d1 = {.fd = -EBADF}, d2 = {.fd = -EBADF}, d3 = {.fd = -EBADF};

	CHECK(loop_attach_shared(one, &d1, &err) == 0);
	CHECK(loop_attach_shared(again, &d2, &err) == 0);
	CHECK(loop_attach_shared(other, &d3, &err) == 0);
	CHECK(strcmp(d1.path, d2.path) == 0 && strcmp(d1.path, d3.path) != 0);
	fd_close(&one);
	fd_close(&again);
	fd_close(&d1.fd);
	again = reopen("a");
	CHECK(flock(again, LOCK_EX | LOCK_NB) < 0);
	fd_close(&d2.fd);
	CHECK(flock(again, LOCK_EX | LOCK_NB) == 0);
	fd_close(&d3.fd);
}

static void a_file_that_is_being_written_gets_no_shared_device(void)
{
	auto_close int writer = make_file("c", 1 << 20), reader = reopen("c");
	struct loop_dev d = {.fd = -EBADF};

	CHECK(flock(writer, LOCK_EX | LOCK_NB) == 0);
	CHECK(loop_attach_shared(reader, &d, &err) < 0 && err.code == BERTH_ERR_LOCKED);
}

static _Noreturn void attach_many(unsigned int seed, bool shared)
{
	auto_close int file = shared ? reopen("s") : -EBADF;
	int bad = 0;

	for (int i = 0; i < 30; i++) {
		char name[32];
		struct loop_dev d = {.fd = -EBADF};
		auto_close int own = -EBADF;

		(void)snprintf(name, sizeof(name), "race%u", seed);
		own = shared ? -EBADF : make_file(name, 4096 * (off_t)(seed + 1));
		if (shared ? loop_attach_shared(file, &d, &err)
			   : loop_attach(own, false, &d, &err)) {
			(void)fprintf(stderr, "%s\n", err.msg);
			bad = 1;
		}
		fd_close(&d.fd);
	}
	_exit(bad);
}

static void race(bool shared)
{
	pid_t pids[8];
	int status;

	for (unsigned int i = 0; i < 8; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			attach_many(i, shared);
	}
	for (unsigned int i = 0; i < 8; i++)
		CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
}

static void eight_at_once_all_get_a_device(void)
{
	race(false);
}

static void eight_at_once_all_get_the_shared_device(void)
{
	(void)close(make_file("s", 1 << 20));
	race(true);
}

static int number_of(const struct loop_dev *d)
{
	int n = -1;

	CHECK(parse_int(d->path + strlen("/dev/loop"), &n) == 0);
	return n;
}

static bool device_is_there(const struct loop_dev *d)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/sys/block/%s", d->path + strlen("/dev/"));
	return access(path, F_OK) == 0;
}

/* On a host of many CTs volumes would else take what images need, and removing one might be removing another's. */
static void a_volume_has_a_number_of_volumes(void)
{
	auto_close int file = make_file("numbered", 4096), other = make_file("other number", 4096);
	struct loop_dev d = {.fd = -EBADF}, o = {.fd = -EBADF};

	CHECK(loop_attach(file, true, &d, &err) == 0);
	CHECK(loop_attach(other, true, &o, &err) == 0);
	CHECK(number_of(&d) >= 65536 && number_of(&o) >= 65536);
	CHECK(number_of(&d) != number_of(&o));
	fd_close(&d.fd);
	fd_close(&o.fd);
	loop_was_on(file);
	loop_remove_unused();
}

static void a_device_goes_when_nobody_uses_it(void)
{
	auto_close int file = make_file("goes", 4096);
	struct loop_dev d = {.fd = -EBADF}, again = {.fd = -EBADF};

	CHECK(loop_attach(file, true, &d, &err) == 0);
	loop_remove_unused();
	CHECK(device_is_there(&d)); /* it is used */
	fd_close(&d.fd);
	loop_remove_unused();
	CHECK(!device_is_there(&d));
	/* Also when somebody else had it. */
	CHECK(loop_attach(file, true, &d, &err) == 0);
	fd_close(&d.fd);
	CHECK(loop_attach(file, true, &again, &err) == 0 && number_of(&again) == number_of(&d));
	fd_close(&again.fd);
	loop_was_on(file);
	loop_remove_unused();
	CHECK(!device_is_there(&again));
}

static void a_driver_with_partitions_has_fewer_numbers(void)
{
	unsigned int first;

	CHECK(loop_volume_slots(0, &first) == 65536 && first == 65536);
	CHECK(loop_volume_slots(7, &first) == 65536 && first == 65536);
	for (unsigned int max_part = 8, bits = 4; bits < 8; max_part <<= 1, bits++) {
		unsigned int slots = loop_volume_slots(max_part, &first);

		/* As the kernel counts: the last one's first minor number fits, and none is a shared device's. */
		CHECK(slots > 1000 && ((first + slots) << bits) <= 1u << 20);
		CHECK(first >= 32768 + 1024 || first + slots <= 32768);
	}
}

/* As a start does at once after a stop. */
static void a_volume_is_attached_while_its_device_is_being_removed(void)
{
	auto_close int file = make_file("races", 4096);
	pid_t pid = fork();
	bool ok = true;

	CHECK(pid >= 0);
	if (pid == 0) {
		loop_was_on(file);
		for (;;) {
			loop_remove_unused();
			(void)usleep(
				2000); /* stops of one CT follow each other, they are not all the time */
		}
	}
	for (int i = 0; i < 30 && ok; i++) {
		struct loop_dev d = {.fd = -EBADF};

		ok = loop_attach(file, true, &d, &err) == 0;
		fd_close(&d.fd);
	}
	CHECK(ok);
	(void)kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);
	loop_was_on(file);
	loop_remove_unused();
}

int main(void)
{
	if (geteuid() != 0) {
		(void)fprintf(stderr, "skipped: needs root\n");
		return 77;
	}
	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		return 1;
	RUN(the_device_keeps_the_lock_of_the_file);
	RUN(what_the_kernel_tells_of_a_device_is_roots_alone);
	RUN(sectors_are_as_large_as_the_size_allows);
	RUN(a_read_only_device_cannot_be_written);
	RUN(one_file_has_one_shared_device);
	RUN(a_file_that_is_being_written_gets_no_shared_device);
	RUN(eight_at_once_all_get_a_device);
	RUN(eight_at_once_all_get_the_shared_device);
	RUN(a_volume_has_a_number_of_volumes);
	RUN(a_device_goes_when_nobody_uses_it);
	RUN(a_driver_with_partitions_has_fewer_numbers);
	RUN(a_volume_is_attached_while_its_device_is_being_removed);
	CHECK(chdir("/") == 0 && tree_remove_at(AT_FDCWD, dir) == 0);
	return check_failures != 0;
}
