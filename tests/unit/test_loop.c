/* test_loop.c - loop devices; root. */
#include "runtime/storage/loop.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

/* As on a host of many CTs: when all others are taken the kernel offers unused shared devices for volumes. */
static void a_volume_never_takes_the_number_of_a_shared_device(void)
{
	enum {
		MANY = 1200,
		SHARED = 32768
	};
	static struct loop_dev taken[MANY];
	auto_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	auto_close int file = make_file("many", 4096), shared = make_file("shared", 4096);
	struct loop_dev d = {.fd = -EBADF};
	int n = 0, free_number = -1, number = -1;

	/* One that is there and unused. */
	CHECK(loop_attach_shared(shared, &d, &err) == 0);
	fd_close(&d.fd);
	while (n < MANY && (free_number = ioctl(control, LOOP_CTL_GET_FREE)) < SHARED) {
		taken[n].fd = -EBADF;
		if (loop_attach(file, true, &taken[n], &err) < 0)
			break;
		n++;
	}
	CHECK(free_number >= SHARED);
	CHECK(loop_attach(file, true, &d, &err) == 0);
	CHECK(parse_int(d.path + strlen("/dev/loop"), &number) == 0 && number < SHARED);
	fd_close(&d.fd);
	while (n > 0)
		fd_close(&taken[--n].fd);
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
	RUN(sectors_are_as_large_as_the_size_allows);
	RUN(a_read_only_device_cannot_be_written);
	RUN(one_file_has_one_shared_device);
	RUN(a_file_that_is_being_written_gets_no_shared_device);
	RUN(eight_at_once_all_get_a_device);
	RUN(eight_at_once_all_get_the_shared_device);
	RUN(a_volume_never_takes_the_number_of_a_shared_device);
	CHECK(chdir("/") == 0 && tree_remove_at(AT_FDCWD, dir) == 0);
	return check_failures != 0;
}
