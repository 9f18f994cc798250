/* test_fd.c - files by directory descriptor: whole, atomic, without following what it must not. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char top[] = "/tmp/berth-test-fd.XXXXXX";
static int dir = -EBADF;

static void put(const char *name, const char *text)
{
	CHECK(file_replace_at(dir, name, text, strlen(text), 0600, false) == 0);
}

static bool exists(const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void what_is_replaced_is_read_back(void)
{
	auto_free char *text = NULL;
	size_t len = 0;

	CHECK(file_replace_at(dir, "a", "hello\n", 6, 0640, true) == 0);
	CHECK(file_read_at(dir, "a", 100, &text, &len) == 0);
	CHECK(len == 6 && strcmp(text, "hello\n") == 0);
	CHECK(!exists("a.tmp"));
}

static void a_crash_leftover_does_not_block_the_next_write(void)
{
	struct stat st;

	put("b.tmp", "torn");
	CHECK(file_replace_at(dir, "b", "whole", 5, 0600, true) == 0);
	CHECK(fstatat(dir, "b", &st, 0) == 0 && st.st_size == 5);
	CHECK(!exists("b.tmp"));
}

static void a_long_name_is_refused_whole(void)
{
	char name[260];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK(file_replace_at(dir, name, "", 0, 0600, false) == -ENAMETOOLONG);
}

static void a_file_over_the_limit_is_refused(void)
{
	static char big[10000];
	auto_free char *text = NULL;

	memset(big, 'x', sizeof(big));
	CHECK(file_replace_at(dir, "big", big, sizeof(big), 0600, false) == 0);
	CHECK(file_read_at(dir, "big", sizeof(big) - 1, &text, NULL) == -EFBIG);
	CHECK(text == NULL);
	CHECK(file_read_at(dir, "big", sizeof(big), &text, NULL) == 0);
	CHECK(text != NULL && strlen(text) == sizeof(big));
}

static void a_new_file_never_takes_the_place_of_another(void)
{
	char line[8];

	CHECK(file_create_at(dir, "fresh", "mine", 4, 0600, true) == 0);
	CHECK(file_create_at(dir, "fresh", "yours", 5, 0600, true) == -EEXIST);
	CHECK(file_read_line_at(dir, "fresh", line, sizeof(line)) == 0 &&
	      strcmp(line, "mine") == 0);
	CHECK(faccessat(dir, "fresh.tmp", F_OK, 0) < 0);
}

static void a_proc_file_is_read_whole(void)
{
	auto_free char *text = NULL;

	CHECK(file_read_at(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &text, NULL) == 0);
	CHECK(text != NULL && strlen(text) > 10);
}

static void links_are_not_followed(void)
{
	auto_free char *text = NULL;
	char line[8];

	put("target", "x");
	CHECK(symlinkat("target", dir, "link") == 0);
	CHECK(file_read_at(dir, "link", 100, &text, NULL) == -ELOOP);
	CHECK(file_read_line_at(dir, "link", line, sizeof(line)) == -ELOOP);
	CHECK(file_write_value_at(dir, "link", "y") == -ELOOP);
	CHECK(file_read_at(dir, "missing", 100, &text, NULL) == -ENOENT);
}

static void a_line_loses_its_newline_only(void)
{
	char line[8];

	put("line", "ab\n\n");
	CHECK(file_read_line_at(dir, "line", line, sizeof(line)) == 0 && strcmp(line, "ab\n") == 0);
	put("line", "abcdefghijk\n");
	CHECK(file_read_line_at(dir, "line", line, sizeof(line)) == 0 &&
	      strcmp(line, "abcdefg") == 0);
	put("line", "");
	CHECK(file_read_line_at(dir, "line", line, sizeof(line)) == 0 && line[0] == '\0');
	CHECK(file_write_value_at(dir, "line", "42") == 0);
	CHECK(file_read_line_at(dir, "line", line, sizeof(line)) == 0 && strcmp(line, "42") == 0);
	CHECK(file_read_value_at(dir, "line", line, sizeof(line)) == 0 && strcmp(line, "42") == 0);
	CHECK(file_read_value_at(AT_FDCWD, "/proc/sys/kernel/ostype", line, sizeof(line)) == 0 &&
	      strncmp("Linux", line, strlen(line)) == 0 && line[0] != '\0');
	CHECK(file_read_value_at(dir, "absent", line, sizeof(line)) == -ENOENT);
}

static void directories_are_made_down_to_the_last(void)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "%s/x//y/z/", top);
	CHECK(dir_make(path, 0755) == 0 && exists("x/y/z"));
	CHECK(dir_make(path, 0755) == 0);
	put("plain", "");
	(void)snprintf(path, sizeof(path), "%s/plain", top);
	CHECK(dir_make(path, 0755) == -ENOTDIR);
	(void)snprintf(path, sizeof(path), "%s/plain/sub", top);
	CHECK(dir_make(path, 0755) == -ENOTDIR);
	CHECK(dir_make("", 0755) == -ENAMETOOLONG);
}

static void a_tree_goes_but_not_what_its_links_point_at(void)
{
	CHECK(mkdirat(dir, "keep", 0755) == 0);
	put("keep/file", "x");
	CHECK(mkdirat(dir, "tree", 0755) == 0 && mkdirat(dir, "tree/sub", 0755) == 0);
	put("tree/sub/file", "x");
	CHECK(symlinkat("../keep", dir, "tree/link") == 0);
	CHECK(dir_flush(dir) == 0 && dir_flush(-EBADF) == -EBADF);
	CHECK(tree_remove_at(dir, "tree") == 0);
	CHECK(!exists("tree") && exists("keep/file"));
	CHECK(tree_remove_at(dir, "tree") == 0);
	CHECK(tree_remove_at(dir, "keep/file") == 0 && !exists("keep/file") && exists("keep"));
	CHECK(tree_remove_at(dir, "no/where") == 0);
}

/* As of what a copy of a customer's /etc/resolv.conf brings along: chattr +i. */
static void an_immutable_file_is_told_as_what_it_is(void)
{
	int flags = FS_IMMUTABLE_FL;

	CHECK(mkdirat(dir, "held", 0755) == 0);
	put("held/file", "x");
	auto_close int fd = openat(dir, "held/file", O_RDONLY | O_CLOEXEC);

	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0) {
		(void)printf("   (not tried: this file system has no flags)\n");
	} else {
		CHECK(tree_remove_at(dir, "held/file") == -EPERM);
		CHECK(tree_remove_at(dir, "held") == -EPERM && exists("held/file"));
		flags = 0;
		CHECK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
	}
	CHECK(tree_remove_at(dir, "held") == 0);
}

/* In a mount namespace of its own: exit status 0 when the mounted file is still there. */
static int remove_across_mount(void)
{
	char from[100], to[100];

	(void)snprintf(from, sizeof(from), "%s/precious", top);
	(void)snprintf(to, sizeof(to), "%s/doomed/mnt", top);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(from, to, NULL, MS_BIND, NULL) < 0)
		return 2;
	/* A descriptor of before sees the mounts of before. */
	dir = dir_open_at(AT_FDCWD, top);
	if (tree_remove_at(dir, "doomed") != -EXDEV)
		return 3;
	return exists("precious/file") ? 0 : 4;
}

static void a_bind_mount_inside_a_tree_is_left_alone(void)
{
	int status = 0;
	pid_t pid;

	CHECK(mkdirat(dir, "precious", 0755) == 0 && mkdirat(dir, "doomed", 0755) == 0);
	CHECK(mkdirat(dir, "doomed/mnt", 0755) == 0);
	put("precious/file", "x");
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(remove_across_mount());
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void messages_carry_descriptors(void)
{
	int sv[2], fds[2] = {-1, -1};
	unsigned int n = 9;
	char buf[8] = "";
	struct stat a, b;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == 0);
	CHECK(fd_send_message(sv[0], "hi", 2, &dir, 1) == 0);
	CHECK(fd_recv_message(sv[1], buf, sizeof(buf), fds, 2, &n) == 2);
	CHECK(n == 1 && memcmp(buf, "hi", 2) == 0);
	CHECK(fstat(fds[0], &a) == 0 && fstat(dir, &b) == 0 && a.st_ino == b.st_ino);
	CHECK((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
	fd_close(&fds[0]);
	CHECK(fds[0] == -EBADF);
	CHECK(fd_send_message(sv[0], "x", 1, NULL, 0) == 0);
	CHECK(fd_recv_message(sv[1], buf, sizeof(buf), fds, 2, &n) == 1 && n == 0);
	fd_close(&sv[0]);
	CHECK(fd_recv_message(sv[1], buf, sizeof(buf), fds, 2, &n) == 0);
	fd_close(&sv[1]);
}

static int lowest_free_fd(void)
{
	int fd = fcntl(dir, F_DUPFD_CLOEXEC, 0);

	fd_close(&(int){fd});
	return fd;
}

static void unwanted_descriptors_are_closed(void)
{
	int many[17], sv[2], fds[1], before;
	unsigned int n;
	char buf[4];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == 0);
	for (size_t i = 0; i < 17; i++)
		many[i] = dir;
	before = lowest_free_fd();
	CHECK(fd_send_message(sv[0], "x", 1, many, 16) == 0);
	CHECK(fd_recv_message(sv[1], buf, sizeof(buf), fds, 1, &n) == -EBADMSG);
	CHECK(fd_send_message(sv[0], "too long", 8, many, 1) == 0);
	CHECK(fd_recv_message(sv[1], buf, sizeof(buf), fds, 1, &n) == -EBADMSG);
	CHECK(lowest_free_fd() == before);
	CHECK(fd_send_message(sv[0], "x", 1, many, 17) == -EINVAL);
	fd_close(&sv[0]);
	fd_close(&sv[1]);
}

static void writing_goes_on_after_a_short_write(void)
{
	static char out[1 << 18], in[1 << 18];
	int p[2], status;
	pid_t pid;

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(fd_write_all(p[1], out, sizeof(out)) == 0 ? 0 : 1);
	fd_close(&p[1]);
	CHECK(fd_read_all(p[0], in, sizeof(in)) == (ssize_t)sizeof(in));
	CHECK(fd_read_all(p[0], in, sizeof(in)) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	fd_close(&p[0]);
}

static void the_last_descriptors_are_a_reserve(void)
{
	struct rlimit before, now;

	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	now = before;
	now.rlim_cur = 64;
	CHECK(setrlimit(RLIMIT_NOFILE, &now) == 0);
	CHECK(!fd_is_reserve(3) && !fd_is_reserve(47) && fd_is_reserve(48) && fd_is_reserve(63));
	CHECK(!fd_is_reserve(-EBADF));
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

int main(void)
{
	if (geteuid() != 0) {
		(void)fprintf(stderr, "skipped: needs root for a mount namespace\n");
		return 77;
	}
	if (mkdtemp(top) == NULL || (dir = dir_open_at(AT_FDCWD, top)) < 0)
		return 1;
	RUN(what_is_replaced_is_read_back);
	RUN(a_crash_leftover_does_not_block_the_next_write);
	RUN(a_long_name_is_refused_whole);
	RUN(a_file_over_the_limit_is_refused);
	RUN(a_new_file_never_takes_the_place_of_another);
	RUN(a_proc_file_is_read_whole);
	RUN(links_are_not_followed);
	RUN(a_line_loses_its_newline_only);
	RUN(directories_are_made_down_to_the_last);
	RUN(a_tree_goes_but_not_what_its_links_point_at);
	RUN(an_immutable_file_is_told_as_what_it_is);
	RUN(a_bind_mount_inside_a_tree_is_left_alone);
	RUN(messages_carry_descriptors);
	RUN(unwanted_descriptors_are_closed);
	RUN(writing_goes_on_after_a_short_write);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	CHECK(access(top, F_OK) < 0);
	RUN(the_last_descriptors_are_a_reserve);
	return check_failures != 0;
}
