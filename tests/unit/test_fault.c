/* test_fault.c - a point does what root's table says, once and where it was said; without one, nothing. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char path[] = "/tmp/berth-test-fault.XXXXXX";

/* A new table of that mode; the file is there until the test ends. */
static void table_make(mode_t mode)
{
	static const struct fault_table empty = {.magic = FAULT_MAGIC};
	auto_close int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	CHECK(fd >= 0 && fd_write_all(fd, &empty, sizeof(empty)) == 0 && fchmod(fd, mode) == 0);
}

static void forget(void)
{
	if (fault_table != NULL)
		(void)munmap(fault_table, sizeof(*fault_table));
	fault_table = NULL;
}

static struct fault_rule *rule(size_t i, const char *program, const char *point,
			       enum fault_action action, int arg)
{
	struct fault_rule *r = &fault_table->rules[i];

	*r = (struct fault_rule){.used = 1, .action = action, .arg = arg, .times = 1};
	(void)snprintf(r->program, sizeof(r->program), "%s", program);
	(void)snprintf(r->point, sizeof(r->point), "%s", point);
	return r;
}

static int here(void)
{
	return FAULT_POINT("test.here");
}

static void a_point_without_a_table_is_nothing(void)
{
	(void)unsetenv(FAULT_ENV);
	CHECK(fault_init("test") == 0);
	CHECK(fault_table == NULL && fault_environment() == NULL);
	CHECK(here() == 0 && fault_file("open", "/etc/x") == 0);
}

static void a_table_that_others_may_write_is_not_used(void)
{
	(void)setenv(FAULT_ENV, path, 1);
	table_make(0620);
	CHECK(fault_init("test") < 0 && fault_table == NULL);
	table_make(0600);
	CHECK(chown(path, 1, 0) == 0);
	CHECK(fault_init("test") < 0 && fault_table == NULL);
	CHECK(chown(path, 0, 0) == 0 && truncate(path, 100) == 0);
	CHECK(fault_init("test") < 0 && fault_table == NULL && fault_environment() == NULL);
}

static void begin(void)
{
	forget();
	table_make(0600);
	CHECK(fault_init("test") == 0 && fault_table != NULL);
}

static void a_rule_acts_as_often_as_it_says(void)
{
	struct fault_rule *r;

	begin();
	r = rule(0, "", "test.here", FAULT_ERRNO, EMFILE);
	r->skip = 1;
	errno = EDOM;
	CHECK(here() == 0);
	CHECK(here() == -EMFILE);
	CHECK(here() == 0 && errno == EDOM);
	CHECK(r->reached == 3 && r->pid == getpid());
	r->times = 0;
	CHECK(here() == -EMFILE);
	CHECK(here() == -EMFILE);
}

static void a_rule_is_for_its_program_and_its_point(void)
{
	begin();
	(void)rule(0, "berthd", "test.here", FAULT_ERRNO, EIO);
	(void)rule(1, "test", "test.her", FAULT_ERRNO, EIO);
	CHECK(here() == 0);
	(void)rule(2, "test", "open.*", FAULT_ERRNO, ENOSPC);
	CHECK(fault_file("open", "/run/berth/state") == -ENOSPC);
	CHECK(fault_file("open", "state") == 0); /* once */
}

static void a_file_cannot_be_opened_read_or_replaced(void)
{
	auto_close int dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *name = path + strlen("/tmp/");
	char point[FAULT_POINT_MAX], line[64];
	static const char *const calls[] = {"write", "fsync", "rename"};

	begin();
	(void)snprintf(point, sizeof(point), "open.%s", name);
	(void)rule(0, "", point, FAULT_ERRNO, EMFILE);
	CHECK(file_read_line_at(dir, name, line, sizeof(line)) == -EMFILE);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(point, sizeof(point), "%s.new", calls[i]);
		(void)rule(0, "", point, FAULT_ERRNO, ENOSPC);
		CHECK(file_replace_at(dir, "berth-test-fault.d.new", "x", 1, 0600, true) == 0);
		(void)snprintf(point, sizeof(point), "%s.berth-test-fault.d.new", calls[i]);
		(void)rule(0, "", point, FAULT_ERRNO, ENOSPC);
		CHECK(file_replace_at(dir, "berth-test-fault.d.new", "y", 1, 0600, true) ==
		      -ENOSPC);
		/* The old content stands. */
		CHECK(file_read_line_at(dir, "berth-test-fault.d.new", line, sizeof(line)) == 0 &&
		      strcmp(line, "x") == 0);
		CHECK(file_unlink_at(dir, "berth-test-fault.d.new") == 0);
		CHECK(faccessat(dir, "berth-test-fault.d.new.tmp", F_OK, 0) < 0);
	}
}

static int status_of_child(enum fault_action action, int sig, int *ret_pid)
{
	int status = 0;

	begin();
	(void)rule(0, "", "test.here", action, sig);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		(void)here();
		_exit(7);
	}
	CHECK(waitpid(*ret_pid, &status, WUNTRACED) == *ret_pid);
	return status;
}

static void a_process_is_killed_or_stopped_at_the_point(void)
{
	int pid, status = status_of_child(FAULT_SIGNAL, SIGKILL, &pid);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(fault_table->rules[0].pid == pid);
	status = status_of_child(FAULT_SIGNAL, SIGSTOP, &pid);
	CHECK(WIFSTOPPED(status) && kill(pid, SIGCONT) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
}

static void a_point_can_kill_somebody_else(void)
{
	int status, pid;

	begin();
	pid = fork();
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	rule(0, "", "test.here", FAULT_SIGNAL, SIGKILL)->target = pid;
	CHECK(here() == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

static void what_was_reached_is_traced_and_every_point_is_listed(void)
{
	char text[512] = "";
	auto_fclose FILE *f = fmemopen(text, sizeof(text), "w");

	begin();
	(void)here();
	fault_table->tracing = 1;
	(void)here();
	(void)fault_file("open", "/a/b");
	CHECK(strcmp(fault_table->trace, "test test.here\ntest open.b\n") == 0);
	fault_table->trace_len = FAULT_TRACE_MAX - 3;
	(void)here(); /* full: lost, and no more */
	CHECK(fault_table->trace[FAULT_TRACE_MAX - 3] == '\0');
	fault_list(f);
	(void)fflush(f);
	CHECK(strstr(text, "test.here\n") != NULL);
}

static void a_program_of_ours_is_told_of_the_table(void)
{
	begin();
	CHECK(fault_environment() != NULL &&
	      strncmp(fault_environment(), FAULT_ENV "=/tmp/", 18) == 0);
}

int main(void)
{
	int fd;

	if (geteuid() != 0) {
		(void)printf("skipped: needs root\n");
		return 77;
	}
	fd = mkstemp(path);
	CHECK(fd >= 0 && close(fd) == 0);
	RUN(a_point_without_a_table_is_nothing);
	RUN(a_table_that_others_may_write_is_not_used);
	RUN(a_rule_acts_as_often_as_it_says);
	RUN(a_rule_is_for_its_program_and_its_point);
	RUN(a_file_cannot_be_opened_read_or_replaced);
	RUN(a_process_is_killed_or_stopped_at_the_point);
	RUN(a_point_can_kill_somebody_else);
	RUN(what_was_reached_is_traced_and_every_point_is_listed);
	RUN(a_program_of_ours_is_told_of_the_table);
	(void)unlink(path);
	return check_failures != 0;
}
