/* test_worker_client.c - how a worker ends is told once, whatever it says and however it dies. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/value.h"
#include "runtime/daemon/worker_client.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

static char top[] = "/tmp/berth-test-worker.XXXXXX";
static struct daemon d;

/* What done and progress have heard. */
static struct {
	int done, progress, percent;
	bool ok, died;
	struct berth_error error;
	char values[4096], stage[64];
} heard;

static void done(const struct worker_result *result, void *data)
{
	(void)data;
	heard.done++;
	heard.ok = result->ok;
	heard.died = result->died;
	heard.error = result->error;
	(void)snprintf(heard.values, sizeof(heard.values), "%s", result->values);
}

static void progress(const char *stage, int percent, void *data)
{
	(void)data;
	heard.progress++;
	heard.percent = percent;
	(void)snprintf(heard.stage, sizeof(heard.stage), "%s", stage);
}

static int lock_fd = -1;

/* Runs a shell script as the worker, to its end. */
static void run(const char *script)
{
	static const char *const argv[] = {"start", "101", NULL};
	auto_close int dir = dir_open_at(AT_FDCWD, top);
	uint64_t end = ev_now_ms() + 30000;
	char text[1024];

	memset(&heard, 0, sizeof(heard));
	(void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	CHECK(file_replace_at(dir, "worker", text, strlen(text), 0755, false) == 0);
	CHECK(worker_start(&d, argv, &lock_fd, lock_fd >= 0, progress, done, NULL, NULL) == 0);
	while (heard.done == 0 && ev_now_ms() < end)
		(void)ev_run_once(d.ev, 100);
	CHECK(heard.done == 1);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void progress_results_and_success_are_told(void)
{
	char value[16] = "";

	run("echo 'progress 40 copying'; echo 'result init_pid=7'; echo 'result path=/a b'; echo "
	    "done");
	CHECK(heard.ok && !heard.died && heard.progress == 1 && heard.percent == 40);
	CHECK(strcmp(heard.stage, "copying") == 0);
	CHECK(value_get(heard.values, "init_pid", value, sizeof(value)) == 0 && value[0] == '7');
	CHECK(value_get(heard.values, "path", value, sizeof(value)) == 0 &&
	      strcmp(value, "/a b") == 0);
}

static void an_error_comes_back_as_it_was(void)
{
	run("echo 'error io.berth.NoSpace 28 CT 101: disk full'; exit 1");
	CHECK(!heard.ok && !heard.died && heard.error.code == BERTH_ERR_NO_SPACE);
	CHECK(heard.error.sys == 28 && strcmp(heard.error.msg, "CT 101: disk full") == 0);
}

static void a_worker_is_told_the_number_of_its_lock(void)
{
	lock_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
	run("[ \"$1 $2 $3\" = '--lock 100 start' ] && [ -e /proc/self/fd/100 ] && echo done");
	CHECK(heard.ok);
	fd_close(&lock_fd);
	lock_fd = -1;
}

static void nothing_counts_after_done(void)
{
	run("printf 'done\nerror io.berth.HelperFailed 2 no monitor\n'; sleep 0.2");
	CHECK(heard.ok);
}

static void a_worker_that_dies_says_nothing_and_is_noticed(void)
{
	run("echo 'progress 1 x'; kill -9 $$");
	CHECK(!heard.ok && heard.died && heard.error.code == BERTH_ERR_HELPER);
	run("exit 0");
	CHECK(!heard.ok && heard.died);
}

static void nonsense_and_endless_lines_do_no_harm(void)
{
	run("head -c 100000 /dev/zero | tr '\\0' 'x'; echo; echo what; printf 'done'; echo; "
	    "printf 'result cut=1'");
	CHECK(heard.ok && heard.values[0] == '\0');
}

static void a_flood_of_results_is_cut(void)
{
	run("i=0; while [ $i -lt 3000 ]; do echo \"result key$i=0123456789012345678901234567890\"; "
	    "i=$((i+1)); done; echo done");
	CHECK(heard.ok && strncmp(heard.values, "key0=", 5) == 0);
}

static void a_worker_that_cannot_run_is_an_error_at_once(void)
{
	static const char *const argv[] = {"start", NULL};
	struct berth_error err = {0};
	char saved[BERTH_PATH_MAX];

	memset(&heard, 0, sizeof(heard));
	memcpy(saved, d.worker_path, sizeof(saved));
	(void)snprintf(d.worker_path, sizeof(d.worker_path), "%s/missing", top);
	CHECK(worker_start(&d, argv, NULL, 0, progress, done, NULL, &err) < 0);
	CHECK(err.code == BERTH_ERR_HELPER && heard.done == 0);
	memcpy(d.worker_path, saved, sizeof(saved));
}

int main(void)
{
	if (mkdtemp(top) == NULL || ev_new(&d.ev) < 0)
		return 1;
	(void)snprintf(d.worker_path, sizeof(d.worker_path), "%s/worker", top);
	RUN(progress_results_and_success_are_told);
	RUN(an_error_comes_back_as_it_was);
	RUN(a_worker_is_told_the_number_of_its_lock);
	RUN(nothing_counts_after_done);
	RUN(a_worker_that_dies_says_nothing_and_is_noticed);
	RUN(nonsense_and_endless_lines_do_no_harm);
	RUN(a_flood_of_results_is_cut);
	RUN(a_worker_that_cannot_run_is_an_error_at_once);
	ev_free(d.ev);
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
	return check_failures != 0;
}
