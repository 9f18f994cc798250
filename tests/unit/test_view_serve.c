/*
 * test_view_serve.c - the process that serves a view, over a real mount: it is begun, killed and begun anew under
 * readers. Needs root and FUSE.
 */
#include "runtime/base/fd.h"
#include "runtime/view/view.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static struct view_fds fds;
static int limit_fd; /* its memory.max */
static char where[] = "/tmp/test_view_XXXXXX";

/* false: this host has no FUSE. */
static bool set_up(void)
{
	char options[128];

	if (geteuid() != 0 || (fds.fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK)) < 0)
		return false;
	for (int i = 0; i < VIEW_SOURCES; i++)
		fds.source[i] = open(view_origins[i].v2 != NULL && view_origins[i].v2[0] == '/'
					     ? view_origins[i].v2
					     : "/dev/null",
				     O_RDONLY | O_CLOEXEC);
	limit_fd = memfd_create("limit", MFD_CLOEXEC);
	(void)dup2(limit_fd, fds.source[VIEW_SRC_MEMORY_MAX]);
	(void)snprintf(options, sizeof(options),
		       "fd=%d,rootmode=40555,user_id=0,group_id=0,allow_other", fds.fuse);
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mkdtemp(where) != NULL &&
	       mount("fuse", where, "fuse", MS_RDONLY, options) == 0;
}

static pid_t begin(int until)
{
	const struct view_serve s = {.fds = &fds, .uid = 65534, .until = until};
	pid_t pid = fork();

	if (pid == 0)
		view_serve(&s);
	return pid;
}

/* The bytes that can be read, or -errno. */
static ssize_t read_view(const char *name, char *buf, size_t size)
{
	char path[256];
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", where, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	n = n < 0 ? -errno : n;
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static int end_status(pid_t pid)
{
	int status = -1;

	(void)waitpid(pid, &status, 0);
	return status;
}

static void it_serves_until_it_is_told_to_end(void)
{
	char buf[8192];
	int end[2];
	pid_t pid;

	CHECK(pipe2(end, O_CLOEXEC) == 0);
	pid = begin(end[0]);
	(void)close(end[0]);
	CHECK(read_view("meminfo", buf, sizeof(buf)) > 100);
	CHECK(strncmp(buf, "MemTotal:", 9) == 0);
	CHECK(read_view("cpuinfo", buf, sizeof(buf)) > 0);
	CHECK(read_view("nothing", buf, sizeof(buf)) == -ENOENT);
	(void)close(end[1]);
	CHECK(end_status(pid) == 0);
}

/* From 6.9 on; before that a reader may get an error once. */
static bool kernel_sends_again(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	(void)uname(&u);
	(void)sscanf(u.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 9);
}

/* A reader that waits while nobody serves has its answer when somebody does. */
static void a_killed_one_is_replaced_under_its_readers(void)
{
	char buf[8192];

	for (int round = 0; round < 20; round++) {
		pid_t reader, pid = begin(-1);
		int status;

		CHECK(read_view("swaps", buf, sizeof(buf)) > 0);
		reader = fork();
		if (reader == 0) {
			for (int i = 0; i < 50; i++)
				if (read_view("meminfo", buf, sizeof(buf)) <= 0)
					_exit(1);
			_exit(0);
		}
		(void)kill(pid, SIGKILL);
		CHECK(WIFSIGNALED(end_status(pid)));
		pid = begin(-1);
		status = end_status(reader);
		CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || !kernel_sends_again()));
		(void)kill(pid, SIGKILL);
		(void)end_status(pid);
	}
}

/* As busybox's cat does: by sendfile(2), twice, and sees what has changed. */
static void sendfile_gives_all_of_it_and_anew(void)
{
	pid_t pid = begin(-1);
	char path[256], buf[256];
	int out = memfd_create("out", MFD_CLOEXEC);
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/memory.max", where);
	for (int i = 0; i < 4; i++) {
		static const char *const limits[] = {"4096\n", "8192\n", "123456789\n", "0\n"};
		int in;
		ssize_t n;

		CHECK(ftruncate(limit_fd, 0) == 0 &&
		      pwrite(limit_fd, limits[i], strlen(limits[i]), 0) > 0);
		(void)poll(NULL, 0, 20); /* a text may be some milliseconds old */
		in = open(path, O_RDONLY | O_CLOEXEC);
		CHECK(ftruncate(out, 0) == 0 && lseek(out, 0, SEEK_SET) == 0);
		n = sendfile(out, in, NULL, 1 << 24);
		CHECK(n == (ssize_t)strlen(limits[i]) && sendfile(out, in, NULL, 1 << 24) == 0);
		CHECK(pread(out, buf, sizeof(buf), 0) == n &&
		      memcmp(buf, limits[i], strlen(limits[i])) == 0);
		/* stat(2) says what it says of /proc. */
		CHECK(fstat(in, &st) == 0 && st.st_size == 0 && lseek(in, 0, SEEK_END) == 0);
		(void)close(in);
	}
	(void)close(out);
	(void)kill(pid, SIGKILL);
	(void)end_status(pid);
}

static void it_ends_with_the_mount(void)
{
	char buf[8192];
	pid_t pid = begin(-1);

	CHECK(read_view("stat", buf, sizeof(buf)) > 0);
	CHECK(umount(where) == 0);
	CHECK(end_status(pid) == 0);
	view_fds_close(&fds);
	(void)rmdir(where);
}

int main(void)
{
	view_fds_init(&fds);
	if (!set_up()) {
		(void)printf("skipped: needs root and FUSE\n");
		return 77;
	}
	RUN(it_serves_until_it_is_told_to_end);
	RUN(a_killed_one_is_replaced_under_its_readers);
	RUN(sendfile_gives_all_of_it_and_anew);
	RUN(it_ends_with_the_mount);
	return check_failures != 0;
}
