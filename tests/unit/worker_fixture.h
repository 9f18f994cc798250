/*
 * worker_fixture.h - the real berth-worker on a host of its own below a temporary directory, in mount and
 * network namespaces of the test, with cgroups of its own. What it reports is what berthd would hear.
 */
#pragma once

#include "cgroups/host.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/spawn.h"
#include "runtime/base/value.h"
#include "runtime/ct/area.h"
#include "runtime/ct/info.h"
#include "runtime/ct/store.h"
#include "runtime/wire/report.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#define ID_BASE "655425536"
#define UUID "01234567-89ab-4cde-8f01-23456789abcd"

static char top[64], cgroup_parent[64];
static struct berth_paths paths;
static struct berth_error err;
static struct cg_host *cg;

/* How the last worker ended. */
static struct {
	bool ok;
	struct berth_error error;
	char values[32768]; /* results, a line each */
	int progress; /* lines of it */
	pid_t pid;
} said;

static inline void take_line(const char *line)
{
	struct report_line l;
	size_t used = strlen(said.values);

	if (report_parse(line, &l) < 0)
		return;
	if (l.kind == REPORT_DONE)
		said.ok = true;
	if (l.kind == REPORT_PROGRESS)
		said.progress++;
	if (l.kind == REPORT_RESULT)
		(void)snprintf(said.values + used, sizeof(said.values) - used, "%s\n", l.text);
	if (l.kind == REPORT_ERROR) {
		said.ok = false;
		said.error = l.error;
	}
}

/* Until the end of the pipe: a worker that becomes a monitor closes it too. */
static inline void read_report(int fd)
{
	static char text[65536];
	ssize_t n = fd_read_all(fd, text, sizeof(text) - 1);
	char *line = text, *end;

	text[n > 0 ? n : 0] = '\0';
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		take_line(line);
	}
}

static int worker_lock = -1; /* inherited by the next workers as the CT's lock */
static int worker_fd = -1; /* passed on to the next workers */

/* Runs PROGRAM [--lock FD] --root TOP WORDS... and returns the code of its error, BERTH_OK for success. */
static inline enum berth_errcode run_words(const char *program, const char *const *words)
{
	/* A worker gives back at its exit what it has; who asks the sanitizer asks for our leaks. */
	static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
					  "ASAN_OPTIONS=detect_leaks=0", NULL};
	const char *argv[18] = {NULL};
	char path[BERTH_PATH_MAX], lock[12], fd[12];
	int keep[2];
	unsigned int n_keep = 0;
	int fds[2], n = 1;

	(void)snprintf(path, sizeof(path), "%s/%s", BERTH_BIN, program);
	(void)snprintf(lock, sizeof(lock), "%d", worker_lock);
	argv[0] = path;
	if (worker_lock >= 0) {
		argv[n++] = "--lock";
		argv[n++] = lock;
		keep[n_keep++] = worker_lock;
	}
	(void)snprintf(fd, sizeof(fd), "%d", worker_fd);
	if (worker_fd >= 0) {
		argv[n++] = "--fds";
		argv[n++] = fd;
		keep[n_keep++] = worker_fd;
	}
	argv[n++] = "--root";
	argv[n++] = top;
	while (*words != NULL && n < 17)
		argv[n++] = *words++;
	memset(&said, 0, sizeof(said));
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	CHECK(spawn_program(
		      argv, env,
		      &(struct spawn_fds){
			      .in = -1, .out = fds[1], .err = 2, .keep = keep, .n_keep = n_keep},
		      &said.pid, NULL, &err) == 0);
	(void)close(fds[1]);
	read_report(fds[0]);
	(void)close(fds[0]);
	if (said.ok)
		return BERTH_OK;
	(void)waitpid(said.pid, NULL, 0);
	return said.error.code;
}

/* As run_words; what has not become a monitor is waited for. */
#define WORKER(...) run_words("berth-worker", (const char *const[]){__VA_ARGS__, NULL})

static inline bool is_ok(enum berth_errcode code)
{
	if (code != BERTH_OK)
		(void)fprintf(stderr, "worker: code %d: %s\n", (int)code, said.error.msg);
	return code == BERTH_OK;
}

static inline bool says(const char *text)
{
	return strstr(said.error.msg, text) != NULL;
}

/* ---- files ---- */

static inline void put_file(const char *dir, const char *name, const char *text)
{
	auto_close int fd = -EBADF;

	CHECK(dir_make(dir, 0755) == 0);
	fd = dir_open_at(AT_FDCWD, dir);
	CHECK(file_replace_at(fd, name, text, strlen(text), 0644, false) == 0);
}

static inline bool is_there(const char *base, const char *name)
{
	char path[BERTH_PATH_MAX];

	return faccessat(AT_FDCWD, path_below(base, name, path), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline const char *run_dir(uint32_t ctid)
{
	static char path[BERTH_PATH_MAX];

	return path_run_ct(&paths, ctid, path);
}

static inline void put_candidate(uint32_t ctid, const char *text)
{
	put_file(run_dir(ctid), "candidate.conf", text);
}

/* A small CT of the template, as berthd would have it made. */
static inline bool create_ct(const char *ctid, const char *conf)
{
	char text[512];
	uint32_t n = 0;

	(void)snprintf(text, sizeof(text),
		       "OSTEMPLATE=\"tiny\"\nVE_LAYOUT=\"overlay\"\nDISKSPACE=\"64M\"\n%s", conf);
	CHECK(parse_ctid(ctid, &n) == 0);
	put_candidate(n, text);
	return is_ok(WORKER("create", ctid, ID_BASE, UUID)) &&
	       waitpid(said.pid, NULL, 0) == said.pid;
}

/* Lines of a file that hold a word: mounts, loop devices. */
static inline unsigned int count_lines(const char *file, const char *word)
{
	auto_fclose FILE *f = fopen(file, "re");
	unsigned int n = 0;
	char line[4096];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, word) != NULL;
	return n;
}

static inline unsigned int mounts_of_ours(void)
{
	return count_lines("/proc/self/mounts", top);
}

/* ---- begin and end ---- */

static inline bool have_template(void)
{
	return run_words("berth-worker-template",
			 (const char *const[]){"template-build", "tiny", NULL}) == BERTH_OK &&
	       waitpid(said.pid, NULL, 0) == said.pid;
}

static inline void write_host_conf(void)
{
	char text[256];

	(void)snprintf(cgroup_parent, sizeof(cgroup_parent), "/berth-unit-%d", (int)getpid());
	(void)snprintf(text, sizeof(text), "CGROUP_PARENT=\"%s\"\nNFT_TABLE=\"berth_unit\"\n",
		       cgroup_parent);
	put_file(paths.etc, "berth.conf", text);
}

/* 0; 77 when this cannot be tried here. A template costs some time: only who needs it has it. */
static inline int worker_begin(bool template)
{
	if (geteuid() != 0) {
		(void)printf("skipped: a worker needs root\n");
		return 77;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(top, sizeof(top), "/tmp/berth-test-worker.XXXXXX");
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mkdtemp(top) == NULL ||
	    berth_paths_init(&paths, top, NULL) < 0 || berth_paths_make(&paths, NULL) < 0)
		return 1;
	write_host_conf();
	if (!is_ok(WORKER("host-setup")) || waitpid(said.pid, NULL, 0) != said.pid ||
	    cg_host_open(cgroup_parent, &cg, &err) < 0)
		return 1;
	return !template || have_template() ? 0 : 1;
}

static inline int worker_end(void)
{
	CHECK(mounts_of_ours() == 0);
	CHECK(cg_host_teardown(cg, &err) == 0);
	for (unsigned int i = 0; i < cg->n_hier; i++)
		CHECK(unlinkat(cg->hier[i].root, cgroup_parent + 1, AT_REMOVEDIR) == 0);
	cg_host_free(cg);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
