/* test_spawn.c - programs that we run: clean environment, only the descriptors named. */
#include "runtime/base/cleanup.h"
#include "runtime/base/spawn.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void output_is_collected(void)
{
	char out[100] = "";

	CHECK(spawn_run_output(ARGV("sh", "-c", "echo hello; echo noise >&2"), out, sizeof(out),
			       NULL) == 0);
	CHECK(strcmp(out, "hello\n") == 0);
	CHECK(spawn_run(ARGV("true"), NULL) == 0);
}

static void more_output_than_room_does_not_hang(void)
{
	char out[10] = "";

	CHECK(spawn_run_output(ARGV("sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x"), out,
			       sizeof(out), NULL) == 0);
	CHECK(strcmp(out, "xxxxxxxxx") == 0);
}

static void a_failure_quotes_the_last_line(void)
{
	struct berth_error err = {0};

	CHECK(spawn_run(ARGV("sh", "-c", "echo first >&2; echo why >&2; exit 3"), &err) == -EIO);
	CHECK(err.code == BERTH_ERR_HELPER);
	CHECK(strstr(err.msg, "3") != NULL && strstr(err.msg, "why") != NULL);
	CHECK(strstr(err.msg, "first") == NULL);
	CHECK(spawn_run(ARGV("sh", "-c", "kill -9 $$"), &err) == -EIO);
	CHECK(strstr(err.msg, "signal 9") != NULL);
}

static void a_missing_program_is_named(void)
{
	struct berth_error err = {0};

	CHECK(spawn_run(ARGV("berth-no-such-program"), &err) == -ENOENT);
	CHECK(err.code == BERTH_ERR_HELPER && strstr(err.msg, "berth-no-such-program") != NULL);
	CHECK(spawn_run(ARGV("/nonexistent/x"), &err) == -ENOENT);
}

/* With one descriptor allowed poll(2) refuses to look at two: the program sees to that. */
static void output_that_cannot_be_heard_is_an_error_and_a_text(void)
{
	struct rlimit limit;
	struct berth_error err = {0};
	char out[8] = "garbage";
	int r;

	CHECK(spawn_run_output(ARGV("berth-no-such-program"), out, sizeof(out), &err) == -ENOENT);
	CHECK(out[0] == '\0');
	memset(out, 'x', sizeof(out));
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	r = spawn_run_output(ARGV("sh", "-c", "prlimit --pid $PPID --nofile=1: && echo hello"), out,
			     sizeof(out), &err);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHECK(r == -EINVAL && err.sys == EINVAL && strstr(err.msg, "sh") != NULL);
	/* What was heard before that, if it already listened: always a text. */
	CHECK(out[0] == '\0' || strcmp(out, "hello\n") == 0);
}

static void the_environment_is_clean(void)
{
	char out[4096] = "";

	CHECK(setenv("LD_PRELOAD_TEST", "evil", 1) == 0);
	CHECK(spawn_run_output(ARGV("env"), out, sizeof(out), NULL) == 0);
	CHECK(strstr(out, "LD_PRELOAD_TEST") == NULL && strstr(out, "LANG=C.UTF-8") != NULL);
	CHECK(strstr(out, "PATH=/usr/sbin:/usr/bin:/sbin:/bin") != NULL);
}

static void only_named_descriptors_are_inherited(void)
{
	auto_close int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
	auto_close int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char script[200];

	(void)snprintf(script, sizeof(script),
		       "test -e /proc/self/fd/%d && ! test -e /proc/self/fd/%d", kept, other);
	CHECK(spawn_run_keep(ARGV("sh", "-c", script), &kept, 1, 0, NULL) == 0);
	CHECK((fcntl(kept, F_GETFD) & FD_CLOEXEC) != 0);
}

static void allowed_statuses_are_returned(void)
{
	struct berth_error err = {0};

	CHECK(spawn_run_keep(ARGV("sh", "-c", "exit 2"), NULL, 0, 2, &err) == 2);
	CHECK(spawn_run_keep(ARGV("sh", "-c", "echo told >&1; exit 3"), NULL, 0, 2, &err) == -EIO);
	CHECK(strstr(err.msg, "told") != NULL);
}

static void signals_are_reset_in_the_child(void)
{
	char out[2000] = "";
	const char *ignored;
	sigset_t set, old;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	CHECK(spawn_run_output(ARGV("grep", "^Sig[BI]", "/proc/self/status"), out, sizeof(out),
			       NULL) == 0);
	CHECK(strstr(out, "SigBlk:\t0000000000000000") != NULL);
	/* Signals 32 and 33 are glibc's own; posix_spawn(3) ignores them. */
	ignored = strstr(out, "SigIgn:\t");
	CHECK(ignored != NULL && (strtoull(ignored + 8, NULL, 16) & 0x7fffffff) == 0);
	CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

static void a_program_in_the_background_has_a_pidfd(void)
{
	struct spawn_fds fds = {.in = -1, .out = -1, .err = -1};
	int pidfd = -1, status = -1;
	pid_t pid = 0;

	CHECK(spawn_program(ARGV("sh", "-c", "exit 5"), NULL, &fds, &pid, &pidfd, NULL) == 0);
	CHECK(pid > 0 && pidfd >= 0);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
	if (pidfd >= 0)
		(void)close(pidfd);
}

static void a_program_of_ours_is_handed_one_word_more(void)
{
	struct spawn_fds fds = {.in = -1, .out = -1, .err = -1};
	const char *const *check =
		ARGV("sh", "-c", "[ \"$BERTH_TEST_WORD\" = 'two words' ] && [ -n \"$PATH\" ]");
	int status = -1;
	pid_t pid = 0;

	spawn_own_env_add("BERTH_TEST_WORD=one");
	spawn_own_env_add("BERTH_TEST_WORD=two words");
	CHECK(spawn_program(check, spawn_own_env(), &fds, &pid, NULL, NULL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(spawn_program(check, NULL, &fds, &pid, NULL, NULL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status != 0);
}

int main(void)
{
	RUN(output_is_collected);
	RUN(more_output_than_room_does_not_hang);
	RUN(a_failure_quotes_the_last_line);
	RUN(a_missing_program_is_named);
	RUN(output_that_cannot_be_heard_is_an_error_and_a_text);
	RUN(the_environment_is_clean);
	RUN(only_named_descriptors_are_inherited);
	RUN(allowed_statuses_are_returned);
	RUN(signals_are_reset_in_the_child);
	RUN(a_program_in_the_background_has_a_pidfd);
	RUN(a_program_of_ours_is_handed_one_word_more);
	return check_failures != 0;
}
