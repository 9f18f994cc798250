/*
 * test_bring_up.c - the plan that a start and a restore share, with ignitions that are not the launch of a start:
 * one that goes on where a CT was and is held until told, and such as fail.
 *
 * covers: runtime/worker/volume_mount.c runtime/worker/view_up.c runtime/launch/view.c
 * covers: runtime/monitor/seen.c
 */
#include "runtime/worker/bring_up.h"
#include "tests/unit/worker_fixture.h"

#include "runtime/base/value.h"

#include <net/if.h>
#include <signal.h>
#include <sys/mman.h>

/* What the ignition has met, told by the process that is brought up. */
static struct seen {
	int prepared, let_go, aborted;
	bool network_was_up, state_was_there, was_launched;
	pid_t init;
} * seen;

static struct ct_run run;
static int held[2]; /* a byte: go */

static const char *const waits[] = {"/bin/sh", "-c", "while :; do sleep 86400; done", NULL};

static int prepare(struct bring_up *b, struct berth_error *e)
{
	static struct launch_spec spec;
	int r;

	seen->prepared++;
	seen->network_was_up = if_nametoindex("ct101.0") != 0;
	spec = (struct launch_spec){
		.ctid = 101,
		.id_base = b->facts.id_base,
		.hostname = b->hostname,
		.uuid = b->facts.uuid,
		.root_fd = b->mounts.root_fd,
		.userns_fd = b->ns.userns_fd,
		.netns_fd = b->ns.netns_fd,
		.cgroup = &b->attach,
		.seccomp = b->seccomp,
		.init_argv = waits,
		.pts_fd = b->pts_fd,
		.view_fd = b->view.mount_fd,
		.host_covered = b->host_covered,
	};
	b->data = &spec;
	r = launch_clone(&spec, &b->child, e);
	seen->init = b->child.pid;
	return r;
}

static int go(struct bring_up *b, struct berth_error *e)
{
	char word;

	seen->let_go++;
	seen->state_was_there = ct_run_load(&paths, 101, &b->run, NULL) == 0;
	seen->was_launched = b->run.launched;
	if (read(held[0], &word, 1) != 1)
		return berth_error_set(e, BERTH_ERR_TIMEOUT, ETIMEDOUT, "nobody said go");
	b->booted = true;
	return launch_go(b->data, &b->child, e);
}

static void give_up(struct bring_up *b)
{
	seen->aborted++;
	launch_abort(&b->child);
}

static int cannot(struct bring_up *b, struct berth_error *e)
{
	(void)b;
	seen->prepared++;
	return berth_error_set(e, BERTH_ERR_RESOURCES, EIO, "no image");
}

static const struct ignition goes_on = {
	.prepare = prepare, .go = go, .abort = give_up, .network_first = true, .goes_on = true};
static const struct ignition new_boot = {.prepare = prepare, .go = go, .abort = give_up};
static const struct ignition has_no_image = {
	.prepare = cannot, .go = go, .abort = give_up, .network_first = true, .goes_on = true};

/* In a process of its own, as it becomes the monitor. */
static void begin(const struct ignition *ignition)
{
	struct bring_up b = {.ignition = ignition};
	struct worker w;

	memset(seen, 0, sizeof(*seen));
	memset(&said, 0, sizeof(said));
	CHECK(pipe2(held, O_CLOEXEC) == 0);
	said.pid = fork();
	if (said.pid != 0) {
		(void)close(held[0]);
		return;
	}
	(void)close(held[1]);
	if (freopen("/dev/null", "w", stdout) == NULL)
		_exit(1);
	b.w = &w;
	if (worker_init(&w, top, 101, &err) == 0)
		(void)bring_up(&b, &err);
	(void)fprintf(stderr, "not brought up: %s\n", err.msg);
	_exit(err.sys);
}

/* How it ended when it was not brought up: the errno. */
static int end_of_it(void)
{
	int status;

	(void)close(held[1]);
	return waitpid(said.pid, &status, 0) == said.pid && WIFEXITED(status) ? WEXITSTATUS(status)
									      : -1;
}

static bool nothing_is_left(void)
{
	return !cg_ct_exists(cg, 101) && if_nametoindex("ct101.0") == 0 &&
	       !is_there(run_dir(101), "state") && !is_there(run_dir(101), "monitor.sock") &&
	       !is_there(run_dir(101), "volume") && !is_there(run_dir(101), "root") &&
	       mounts_of_ours() == 0;
}

static bool is_let_go(void)
{
	for (int i = 0; i < 1000 && seen->let_go == 0; i++)
		(void)usleep(10000);
	return seen->let_go == 1;
}

/* A file of the root as init sees it. */
static const char *in_root(const char *name)
{
	static char text[256];
	char path[128];
	auto_close int fd = -EBADF;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/root/%s", run.init.pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : fd_read_all(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static const char *path_in_run(const char *name)
{
	static char path[BERTH_PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", run_dir(101), name);
	return path;
}

static bool is_launched(void)
{
	bool booted = false;

	for (int i = 0; i < 1000; i++) {
		if (ct_run_load(&paths, 101, &run, &booted) == 0 && run.launched && booted)
			return true;
		(void)usleep(10000);
	}
	return false;
}

/* Its memory is its limit's, by whoever answers: the worker's process first, then one of the monitor's, then the next. */
static void check_view(void)
{
	char text[128];
	uint64_t pid[2] = {0, 0};

	CHECK(strstr(in_root("proc/meminfo"), "MemTotal:         524288 kB") != NULL);
	for (int i = 0; i < 2; i++) {
		CHECK_SOON(
			file_read_line_at(AT_FDCWD, path_in_run("view"), text, sizeof(text)) == 0 &&
			value_get_u64(text, "pid", &pid[i]) == 0 && pid[i] != pid[0] * (uint64_t)i);
		CHECK(pid[i] > 0 && kill((pid_t)pid[i], SIGKILL) == 0);
		CHECK(strstr(in_root("proc/meminfo"), "MemTotal:         524288 kB") != NULL);
	}
}

static void what_goes_on_is_held_with_its_network_up_until_told(void)
{
	/* Its config says another name by now; its files are its own. */
	put_file(paths.etc, "ct/101.conf",
		 "OSTEMPLATE=\"tiny\"\nVE_LAYOUT=\"overlay\"\nDISKSPACE=\"64M\"\nHOSTNAME="
		 "\"second\"\n");
	begin(&goes_on);
	CHECK(is_let_go() && seen->prepared == 1 && seen->network_was_up);
	CHECK(seen->state_was_there && !seen->was_launched);
	CHECK(ct_run_load(&paths, 101, &run, NULL) == 0 && !run.launched);
	CHECK(run.init.pid == seen->init && run.monitor.pid == said.pid);
	CHECK(write(held[1], "g", 1) == 1);
	CHECK(is_launched() && seen->aborted == 0);
	CHECK(strstr(in_root("etc/hostname"), "first") != NULL);
	check_view();
	CHECK(cg_ct_kill(cg, 101, &err) == 0 && end_of_it() == 0);
	CHECK(is_ok(WORKER("cleanup", "101")) && nothing_is_left());
}

static void who_is_not_told_takes_all_of_it_back(void)
{
	begin(&goes_on);
	CHECK(is_let_go());
	CHECK(end_of_it() == ETIMEDOUT && seen->aborted == 1 && nothing_is_left());
	begin(&new_boot);
	CHECK(is_let_go() && !seen->network_was_up);
	CHECK(end_of_it() == ETIMEDOUT && seen->aborted == 1 && nothing_is_left());
}

static void an_ignition_that_could_not_prepare_is_not_aborted(void)
{
	begin(&has_no_image);
	CHECK(end_of_it() == EIO && seen->prepared == 1 && seen->let_go == 0);
	CHECK(seen->aborted == 0 && nothing_is_left());
}

int main(void)
{
	int r = worker_begin(true);

	if (r != 0)
		return r;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED || !create_ct("101", "HOSTNAME=\"first\"\n"))
		return 1;
	what_goes_on_is_held_with_its_network_up_until_told();
	who_is_not_told_takes_all_of_it_back();
	an_ignition_that_could_not_prepare_is_not_aborted();
	return worker_end();
}
