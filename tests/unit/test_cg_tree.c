/* test_cg_tree.c - the cgroups that a CT has made are saved as text and made again from it. */
#include "cgroups/tree.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	ID_BASE = 655425536
};

static char top[128];

static int parse(const char *text, struct cg_tree_line *ret)
{
	static char copy[512];

	(void)snprintf(copy, sizeof(copy), "%s", text);
	return cg_tree_line_parse(copy, ret);
}

static void lines_are_taken_apart(void)
{
	struct cg_tree_line l;

	CHECK(parse("D 0 -1 755 ./a b/c.service", &l) == 0 && l.kind == 'D' && l.uid == 0);
	CHECK(l.gid == -1 && l.mode == 0755 && strcmp(l.name, "./a b/c.service") == 0);
	CHECK(parse("F cgroup.procs 33 0", &l) == 0 && l.uid == 33);
	CHECK(parse("K cpu.max 1000 10000", &l) == 0 && strcmp(l.value, "1000 10000") == 0);
	CHECK(parse("X user.x 00ff", &l) == 0 && strcmp(l.value, "00ff") == 0);
	CHECK(parse("P 17", &l) == 0 && l.pid == 17);
}

/* A disk without the policy, or the scheduler, that a weight was for. */
static void a_knob_that_this_host_does_not_take_loses_no_ct(void)
{
	static const int passed[] = {-ERANGE, -EINVAL, -ENODEV, -EOPNOTSUPP, -EBUSY};
	static const int failed[] = {-EIO, -ENOMEM, -EACCES, -EPERM, -EROFS};

	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
		CHECK(cg_tree_may_differ(passed[i], "io.weight"));
		CHECK(!cg_tree_may_differ(passed[i], "cgroup.subtree_control"));
	}
	for (size_t i = 0; i < sizeof(failed) / sizeof(failed[0]); i++)
		CHECK(!cg_tree_may_differ(failed[i], "io.weight"));
}

/* Nothing outside the CT's own cgroup, no file that is no knob. */
static void lines_that_lead_elsewhere_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"D",
		"D 0 0 755 ..",
		"D 0 0 755 /",
		"D 0 0 755 ./../../x",
		"D 0 0 755 ./a//b",
		"D 0 0 755 ./a/.",
		"D 65536 0 755 ./a",
		"D 0 0 99999 ./a",
		"D 0 0 755",
		"F ../x 0 0",
		"F a/b 0 0",
		"F cgroup.procs 0",
		"K cgroup.procs 1",
		"K memory.max",
		"K ../../x 1",
		"X security.x 00",
		"X user.x 0",
		"X user.x 0g",
		"P 0",
		"P -1",
		"P x",
		"Q 1",
	};
	struct cg_tree_line l;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], &l) != -EINVAL)
			(void)fprintf(stderr, "taken: %s\n", bad[i]);
		CHECK(parse(bad[i], &l) == -EINVAL);
	}
}

static void the_pid_in_the_ct_counts(void)
{
	CHECK(cg_tree_inner_pid("Name:\tx\nNSpid:\t4711\t17\t1\nNSpgid:\t1\n") == 17);
	CHECK(cg_tree_inner_pid("Name:\tx\nNSpid:\t0\n") == -EINVAL);
	CHECK(cg_tree_inner_pid("Name:\tx\nNSpid:\n") == -EINVAL);
	CHECK(cg_tree_inner_pid("Name:\tx\nNSpid:\t4711\t17\nNSpgid:\t1\n") == 17);
	CHECK(cg_tree_inner_pid("Name:\tx\nNSpid:\t4711\n") == 4711);
	CHECK(cg_tree_inner_pid("Name:\tx\n") == -EINVAL);
}

static int make(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	return mkdir(path, 0755);
}

static bool make_top(void)
{
	static const char *const places[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(top, sizeof(top), "%s/cgroup.procs", places[i]);
		if (access(top, F_OK) < 0)
			continue;
		(void)snprintf(top, sizeof(top), "%s/berth-test-tree-%d", places[i], (int)getpid());
		return mkdir(top, 0755) == 0;
	}
	return false;
}

static char *saved(const char *name)
{
	char path[256], *text = NULL;
	auto_close int dir = -EBADF;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	dir = dir_open_at(AT_FDCWD, path);
	CHECK(cg_tree_save(dir, ID_BASE, out) == 0 && fclose(out) == 0);
	return text;
}

static pid_t sleeper_in(const char *name)
{
	char path[256];
	auto_close int dir = -EBADF;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			(void)pause();
	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	dir = dir_open_at(AT_FDCWD, path);
	(void)snprintf(path, sizeof(path), "%d", (int)pid);
	CHECK(file_write_value_at(dir, "cgroup.procs", path) == 0);
	return pid;
}

static void put(const char *name, const char *text)
{
	auto_close int dir = dir_open_at(AT_FDCWD, top);

	CHECK(file_replace_at(dir, name, text, strlen(text), 0644, false) == 0);
}

/* Plain files do for knobs that this host's cgroups may not have. */
static void a_knob_with_a_line_for_each_device_is_carried_whole(void)
{
	char line[200] = "", now[256];
	auto_free char *text = NULL;
	auto_close int to = -EBADF;

	(void)snprintf(top, sizeof(top), "/tmp/berth-test-knobs-%d", (int)getpid());
	CHECK(mkdir(top, 0755) == 0);
	put("cgroup.procs", "");
	put("io.max", "7:1 rbps=1048576 wbps=max riops=max wiops=max\n"
		      "7:2 rbps=max wbps=max riops=10 wiops=max\n");
	put("pids.max", "77\n");
	text = saved(".");
	CHECK(strstr(text, "K io.max 7:1 rbps=1048576 wbps=max riops=max wiops=max\n") != NULL);
	CHECK(strstr(text, "K io.max 7:2 rbps=max wbps=max riops=10 wiops=max\n") != NULL);
	/* The device that has its limit is left alone, the other one is given it. */
	put("io.max", "7:1 rbps=1048576 wbps=max riops=max wiops=max\n");
	put("pids.max", "max\n");
	to = dir_open_at(AT_FDCWD, top);
	CHECK(cg_tree_load(to, ID_BASE, text, CG_TREE_KNOBS, NULL, line, sizeof(line)) == 0);
	CHECK(file_read_line_at(to, "io.max", now, sizeof(now)) == 0);
	CHECK(strncmp(now, "7:2 rbps=max wbps=max riops=10 wiops=max", 40) == 0);
	CHECK(file_read_line_at(to, "pids.max", now, sizeof(now)) == 0 &&
	      strncmp(now, "77", 2) == 0);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
}

static void a_tree_comes_again_with_owners_knobs_and_processes(void)
{
	char path[256], line[200] = "", text_pid[32];
	auto_free char *text = NULL, *again = NULL;
	auto_close int to = -EBADF;
	struct cg_tree_pids pids;
	pid_t pid;

	CHECK(make("a") == 0 && make("a/unit.service") == 0 && make("b") == 0);
	(void)snprintf(path, sizeof(path), "%s/a/unit.service", top);
	CHECK(chown(path, ID_BASE + 33, ID_BASE) == 0 && setxattr(path, "user.k", "v", 1, 0) == 0);
	(void)snprintf(path, sizeof(path), "%s/a/unit.service/cgroup.max.depth", top);
	CHECK(file_write_value_at(AT_FDCWD, path, "3") == 0);
	pid = sleeper_in("a/unit.service");
	text = saved("a");
	(void)snprintf(text_pid, sizeof(text_pid), "\nP %d\n", (int)pid);
	CHECK(strstr(text, "D 33 0 755 ./unit.service\n") != NULL &&
	      strstr(text, text_pid) != NULL);
	(void)snprintf(path, sizeof(path), "%s/b", top);
	to = dir_open_at(AT_FDCWD, path);
	pids = (struct cg_tree_pids){&(struct cg_tree_pid){pid, pid}, 1};
	CHECK(cg_tree_load(to, ID_BASE, text, CG_TREE_DIRS, NULL, line, sizeof(line)) == 0);
	CHECK(cg_tree_load(to, ID_BASE, text, CG_TREE_PROCESSES, &pids, line, sizeof(line)) == 0);
	CHECK(cg_tree_load(to, ID_BASE, text, CG_TREE_KNOBS, NULL, line, sizeof(line)) == 0);
	again = saved("b");
	CHECK(strcmp(text, again) == 0);
	CHECK(cg_tree_processes(to, &pids) == 0 && pids.n == 1 && pids.v[0].pid == pid);
	free(pids.v);
	CHECK(cg_tree_load(to, ID_BASE, "P 1\n", CG_TREE_DIRS, NULL, line, sizeof(line)) ==
	      -EINVAL);
	CHECK(strcmp(line, "P 1") == 0);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void remove_all(void)
{
	static const char *const names[] = {"a/unit.service", "b/unit.service", "a", "b", ""};
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", top, names[i]);
		CHECK_SOON(rmdir(path) == 0 || errno != EBUSY);
	}
}

int main(void)
{
	RUN(lines_are_taken_apart);
	RUN(a_knob_that_this_host_does_not_take_loses_no_ct);
	RUN(lines_that_lead_elsewhere_are_refused);
	RUN(the_pid_in_the_ct_counts);
	RUN(a_knob_with_a_line_for_each_device_is_carried_whole);
	if (geteuid() != 0 || !make_top()) {
		(void)printf("skipped: no cgroups to make\n");
		return check_failures != 0 ? 1 : 77;
	}
	RUN(a_tree_comes_again_with_owners_knobs_and_processes);
	remove_all();
	return check_failures != 0;
}
