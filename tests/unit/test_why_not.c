/* test_why_not.c - what of a process CRIU cannot save is told with its number; and what came into the CT from outside. */
#include "runtime/worker/why_not.h"

#include "tests/unit/check.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[65536];
/* Shared with a process of the CT: what it is to do. */
static volatile enum work {
	NOTHING,
	BUSY,
	MOUNT,
	MOUNTED
} * work;

/* The tracer of its parent's child is its parent. */
static _Noreturn void bad_process(int ready)
{
	if (unshare(CLONE_NEWUTS) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ||
	    write(ready, "x", 1) != 1)
		_exit(1);
	(void)pause();
	_exit(0);
}

/* Children that come and go, as in a build. */
static void have_children(void)
{
	static unsigned int n;

	while (n > 0 && waitpid(-1, NULL, n < 24 ? WNOHANG : 0) > 0)
		n--;
	if (fork() == 0) {
		(void)usleep(30000);
		_exit(0);
	}
	n++;
}

/* A folder that is mounted in itself doubles all its mounts. */
static void have_many_mounts(void)
{
	char path[32];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/tmp", "tmpfs", 0, NULL) < 0)
		_exit(1);
	for (int i = 0; i < 15; i++) {
		(void)snprintf(path, sizeof(path), "/tmp/%d", i);
		if (mkdir(path, 0700) < 0 || mount("/tmp", path, NULL, MS_BIND | MS_REC, NULL) < 0)
			_exit(1);
	}
}

static _Noreturn void worker(void)
{
	for (;;) {
		switch (*work) {
		case BUSY:
			have_children();
			break;
		case MOUNT:
			have_many_mounts();
			*work = MOUNTED;
			break;
		case NOTHING:
		case MOUNTED:
			(void)usleep(1000);
			break;
		}
	}
}

/* The first process of a PID namespace, as a CT's init. */
static _Noreturn void init(int ready)
{
	if (fork() == 0)
		bad_process(ready);
	if (fork() == 0)
		worker();
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

/* Who is born while the processes are looked at is no child that was seen, and yet the CT's own. */
static void what_is_born_meanwhile_is_the_cts(void)
{
	*work = BUSY;
	for (int i = 0; i < 20; i++) {
		CHECK(look(first) == 0);
		CHECK(!says("from outside"));
	}
	*work = NOTHING;
}

/* A tenant may have 100 000 in each namespace. Nothing of how they share is looked at then. */
static void too_many_mounts_are_one_finding(void)
{
	*work = MOUNT;
	CHECK_SOON(*work == MOUNTED);
	CHECK(look(first) == 0);
	CHECK(says("more than 20000 mounts") && says(".name=mounts"));
	CHECK(!says("shared_mount"));
}

static void who_is_gone_is_an_error(void)
{
	CHECK(look(0x3fffffff) < 0);
}

int main(void)
{
	int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

	work = mmap(NULL, sizeof(*work), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(work != MAP_FAILED);
	first = start();
	if (first < 0)
		return 77; /* no root */
	RUN(a_process_is_named_with_all_that_is_bad_about_it);
	RUN(what_came_from_outside_only_ends);
	RUN(what_is_born_meanwhile_is_the_cts);
	RUN(too_many_mounts_are_one_finding);
	RUN(more_than_can_be_told_are_counted);
	RUN(who_is_gone_is_an_error);
	/* What the sanitizers start at the end is to be of our own namespace, and not of one that ends. */
	CHECK(own >= 0 && setns(own, CLONE_NEWPID) == 0);
	(void)kill(first, SIGKILL);
	(void)waitpid(first, NULL, 0);
	return check_failures != 0;
}
