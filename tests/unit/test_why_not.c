/* test_why_not.c - what of a process CRIU cannot save is told with its number; and what came into the CT from outside. */
#include "runtime/worker/why_not.h"

#include "tests/unit/check.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[65536];

/* The tracer of its parent's child is its parent. */
static _Noreturn void bad_process(int ready)
{
	if (unshare(CLONE_NEWUTS) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ||
	    write(ready, "x", 1) != 1)
		_exit(1);
	(void)pause();
	_exit(0);
}

/* The first process of a PID namespace, as a CT's init. */
static _Noreturn void init(int ready)
{
	if (fork() == 0)
		bad_process(ready);
	(void)pause();
	_exit(0);
}

static pid_t start(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	if (unshare(CLONE_NEWPID) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)close(ready[0]);
		init(ready[1]);
	}
	(void)close(ready[1]);
	CHECK(read(ready[0], &byte, 1) == 1);
	(void)close(ready[0]);
	return pid;
}

/* Results go to standard output. */
static int look(pid_t of)
{
	struct why_not y = {.init = of};
	int out = memfd_create("said", MFD_CLOEXEC), was = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3),
	    r;
	ssize_t n;

	CHECK(out >= 0 && was >= 0 && dup2(out, STDOUT_FILENO) >= 0);
	r = why_not_processes(&y);
	why_not_end(&y);
	CHECK(dup2(was, STDOUT_FILENO) >= 0);
	n = pread(out, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	(void)close(out);
	(void)close(was);
	return r;
}

static bool says(const char *text)
{
	return strstr(said, text) != NULL;
}

static pid_t first;

static void a_process_is_named_with_all_that_is_bad_about_it(void)
{
	CHECK(look(first) == 0);
	CHECK(says("has a UTS namespace of its own") && says(".name=namespace"));
	CHECK(says("has a tracer, process ") && says(".name=ptrace"));
	CHECK(says("f0.pid=") && says("f0.command=test_why_not"));
	CHECK(!says("from outside"));
}

static void what_came_from_outside_only_ends(void)
{
	pid_t pid = fork(); /* into the same namespace, as a child of this process */

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	CHECK(look(first) == 0);
	CHECK(says(".level=warning") && says("come into the CT from outside"));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* As many results as FINDINGS findings and their end make, in said. */
static void tell(unsigned int findings)
{
	struct why_not y = {.n = 0};
	int out = memfd_create("said", MFD_CLOEXEC), was = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	char text[32];
	ssize_t n;

	CHECK(dup2(out, STDOUT_FILENO) >= 0);
	for (unsigned int i = 0; i < findings; i++) {
		(void)snprintf(text, sizeof(text), "number %u.", i);
		why_not_found(&y, "error", "a", 1, "b", text, "");
	}
	why_not_end(&y);
	CHECK(dup2(was, STDOUT_FILENO) >= 0);
	n = pread(out, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	(void)close(out);
	(void)close(was);
}

/* Who reads the results takes the first of a name: the count must be the only one of its. */
static void more_than_can_be_told_are_counted(void)
{
	tell(WHY_NOT_MAX - 1);
	CHECK(says("number 98.") && !says("f99.") && !says("more of such"));
	tell(WHY_NOT_MAX + 1);
	CHECK(says("number 98.") && !says("number 99.") && !says("number 100."));
	CHECK(says("f99.text=there are 2 more of such findings") && !says("f99.pid="));
}

static void who_is_gone_is_an_error(void)
{
	CHECK(look(0x3fffffff) < 0);
}

int main(void)
{
	int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

	first = start();
	if (first < 0)
		return 77; /* no root */
	RUN(a_process_is_named_with_all_that_is_bad_about_it);
	RUN(what_came_from_outside_only_ends);
	RUN(more_than_can_be_told_are_counted);
	RUN(who_is_gone_is_an_error);
	/* What the sanitizers start at the end is to be of our own namespace, and not of one that ends. */
	CHECK(own >= 0 && setns(own, CLONE_NEWPID) == 0);
	(void)kill(first, SIGKILL);
	(void)waitpid(first, NULL, 0);
	return check_failures != 0;
}
