/* test_child.c - children and descriptors, waited for with a limit. */
#include "runtime/base/child.h"

#include "runtime/base/ev.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child(int exit_with)
{
	pid_t pid = fork();

	if (pid == 0 && exit_with >= 0)
		_exit(exit_with);
	if (pid == 0)
		for (;;)
			(void)pause();
	return pid;
}

static void a_child_that_ends_is_reaped(void)
{
	pid_t pid = child(7);
	int status = 0;

	CHECK(child_wait(pid, CHECK_PATIENCE_MS, &status) == 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK(child_wait(pid, 0, &status) == -ECHILD);
}

static void one_that_does_not_end_is_waited_for_no_longer_than_asked(void)
{
	pid_t pid = child(-1);
	uint64_t begun = ev_now_ms();
	int status = 5;

	CHECK(child_wait(pid, 30, &status) == -ETIMEDOUT && status == 5);
	CHECK(ev_now_ms() - begun >= 30);
	CHECK(child_end(pid, CHECK_PATIENCE_MS, &status) == 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(waitpid(pid, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* A signal in each millisecond: neither an early end, nor an endless wait when the time is just over. */
static void signals_do_not_change_the_time(void)
{
	const struct sigaction act = {.sa_handler = on_alarm};
	const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	uint64_t begun = ev_now_ms();
	int p[2];

	CHECK(pipe(p) == 0 && sigaction(SIGALRM, &act, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
	CHECK(fd_wait(p[0], POLLIN, 50) == 0);
	CHECK(ev_now_ms() - begun >= 50);
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
	CHECK(write(p[1], "x", 1) == 1 && fd_wait(p[0], POLLIN, CHECK_PATIENCE_MS) == 1);
	CHECK(fd_wait(p[0], POLLIN, 0) == 1);
	(void)close(p[1]);
	CHECK(read(p[0], (char[1]){0}, 1) == 1 && fd_wait(p[0], POLLIN, CHECK_PATIENCE_MS) == 1);
	(void)close(p[0]);
}

int main(void)
{
	RUN(a_child_that_ends_is_reaped);
	RUN(one_that_does_not_end_is_waited_for_no_longer_than_asked);
	RUN(signals_do_not_change_the_time);
	return check_failures != 0;
}
