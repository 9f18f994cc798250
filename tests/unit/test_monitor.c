/*
 * test_monitor.c - the monitor as its clients, its init and its guest see it.
 *
 * covers: runtime/monitor/exec.c runtime/monitor/harden.c runtime/monitor/init_exit.c
 * covers: runtime/monitor/serve.c
 */
#include "runtime/monitor/monitor.h"

#include "runtime/base/parse.h"
#include "runtime/cli/session_wire.h"
#include "tests/unit/check.h"
#include "tests/unit/monitor_fixture.h"

#include <dirent.h>
#include <poll.h>
#include <sys/prctl.h>

static int receive(int sock, struct mon_record *r, int *ret_fd)
{
	struct berth_error err = {0};
	struct pollfd p = {.fd = sock, .events = POLLIN};

	*ret_fd = -1;
	if (poll(&p, 1, CHECK_PATIENCE_MS) != 1)
		return -ETIMEDOUT;
	return wire_receive(sock, r, ret_fd, CTID, &err);
}

static int ask(int sock, enum mon_type type, struct mon_record *answer)
{
	struct mon_record r;
	int fd;

	mon_record_init(&r, type);
	if (fd_send_message(sock, &r, sizeof(r), NULL, 0) < 0)
		return -1;
	return receive(sock, answer, &fd);
}

static int run(const struct fixture *f, const char *command)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	const char *const env[] = {"PATH=/bin:/usr/bin", NULL};
	struct berth_error err = {0};
	int status = -1, r = session_exec(&f->paths, CTID, argv, env, false, &status, &err);

	return r < 0 ? r : status;
}

static void hello_tells_the_state_and_every_change(void)
{
	struct fixture f;
	struct mon_record r;
	int sock, fd;

	fixture_start(&f, -1);
	sock = wire_connect(&f.paths, CTID, NULL);
	CHECK(ask(sock, MON_HELLO, &r) == 0 && r.type == MON_STATE);
	CHECK(r.a == f.init && r.b == 0 && r.c == 0);
	CHECK(send(f.notify, "X=1\nSTATUS=booting", 18, 0) == 18);
	CHECK(send(f.notify, "READY=1\n", 8, 0) == 8);
	CHECK(receive(sock, &r, &fd) == 0 && r.b == 1 && strcmp(r.text, "booting") == 0);
	CHECK(strcmp(fixture_file(&f, "booted"), "1\n") == 0);
	CHECK(WEXITSTATUS(fixture_end(&f, SIGINT)) == 0);
	CHECK(receive(sock, &r, &fd) == 0 && r.c == 1 && r.d == SIGINT);
	(void)close(sock);
	fixture_clean(&f);
}

static void the_exit_record_says_how_init_ended(void)
{
	static const struct {
		int exit_with, sig;
		const char *text;
	} rows[] = {
		{-1, SIGHUP, "wait_status=1\nknown=1\n"},
		{-1, SIGINT, "wait_status=2\nknown=1\n"},
		{-1, SIGKILL, "wait_status=9\nknown=1\n"},
		{0, SIGUSR1, "wait_status=0\nknown=1\n"},
		{42, SIGUSR1, "wait_status=10752\nknown=1\n"},
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f;
		int status;

		fixture_start(&f, rows[i].exit_with);
		CHECK(run(&f, "exit 3") == 3 << 8);
		status = fixture_end(&f, rows[i].sig);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		CHECK(strcmp(fixture_file(&f, "exit"), rows[i].text) == 0);
		fixture_clean(&f);
	}
}

#define STAT(state, start, code) \
	"77 (a) b) " state " 1 77 77 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " start " 0 0 1 2 3 " code

static void a_zombie_tells_its_status_by_proc(void)
{
	int status = -1;

	CHECK(init_exit_parse_stat(STAT("Z", "5000", "1792"), 5000, &status) == 0);
	CHECK(status == 1792);
	CHECK(init_exit_parse_stat(STAT("S", "5000", "0"), 5000, &status) == -EAGAIN);
	CHECK(init_exit_parse_stat(STAT("Z", "5001", "9"), 5000, &status) == -ESRCH);
	CHECK(init_exit_parse_stat(STAT("Z", "5000", "-9"), 5000, &status) == -EINVAL);
	CHECK(init_exit_parse_stat("77 (a) Z", 5000, &status) == -EINVAL);
	CHECK(init_exit_parse_stat("", 5000, &status) == -EINVAL);
	CHECK(status == 1792);
}

static void an_adopted_init_leaves_a_record_too(void)
{
	struct fixture f;
	const char *text;

	fixture_start(&f, 7);
	/* Its monitor dies; init stays and is adopted by us (a subreaper), not by the new monitor. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)kill(f.monitor, SIGKILL);
	(void)waitpid(f.monitor, NULL, 0);
	fixture_fork(&f, -1, -1, -1, f.init);
	CHECK(run(&f, "exit 5") == 5 << 8);
	(void)kill(f.init, SIGUSR1);
	CHECK(waitpid(f.init, NULL, 0) == f.init);
	CHECK(waitpid(f.monitor, NULL, 0) == f.monitor);
	text = fixture_file(&f, "exit");
	/* Linux 6.15 and later can tell. */
	CHECK(strcmp(text, "wait_status=1792\nknown=1\n") == 0 ||
	      strcmp(text, "wait_status=0\nknown=0\n") == 0);
	fixture_clean(&f);
}

static void a_hundred_commands_at_once_keep_their_exit_codes(void)
{
	struct fixture f;
	pid_t pids[100];
	int wrong = 0;

	fixture_start(&f, -1);
	for (int i = 0; i < 100; i++) {
		char command[64];

		(void)snprintf(command, sizeof(command), "read x; exit %d", i);
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(WEXITSTATUS(run(&f, command)));
	}
	for (int i = 0; i < 100; i++) {
		int status;

		wrong += waitpid(pids[i], &status, 0) != pids[i] || WEXITSTATUS(status) != i;
	}
	CHECK(wrong == 0);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

/* The number in the file, -1 when there is no whole line yet. */
static int number_in(const struct fixture *f, const char *name)
{
	const char *text = fixture_file(f, name);
	char word[16] = "";
	int v;

	if (strchr(text, '\n') == NULL)
		return -1;
	(void)snprintf(word, sizeof(word), "%.*s", (int)strspn(text, "0123456789"), text);
	return parse_int(word, &v) == 0 ? v : -1;
}

/* Runs the command, which writes its pid to RUNDIR/pid, and kills its client. */
static void kill_client_of(const char *trap, const char *rest)
{
	struct fixture f;
	char command[256];
	pid_t client;
	int pid;

	fixture_start(&f, -1);
	(void)snprintf(command, sizeof(command), "%s echo $$ > %s/run/berth/ct/101/pid; %s", trap,
		       f.root, rest);
	client = fork();
	if (client == 0)
		_exit(run(&f, command) != 0);
	CHECK_SOON((pid = number_in(&f, "pid")) > 0);
	(void)kill(client, SIGKILL);
	(void)waitpid(client, NULL, 0);
	CHECK_SOON(kill(pid, 0) < 0);
	CHECK(run(&f, "exit 1") == 1 << 8);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

static void a_killed_client_takes_its_command_along(void)
{
	/* By its SIGHUP, else by a SIGKILL. */
	kill_client_of("", "exec sleep 1000");
	kill_client_of("trap '' HUP;", "while :; do sleep 1; done");
}

/* Its helper is stopped, as by a frozen cgroup or a limit of the CT's; nobody else waits for it. */
static void a_command_that_does_not_come_in_holds_nobody_up(void)
{
	const char *const argv[] = {"held", NULL};
	auto_close int args = wire_args(argv, argv + 1, NULL);
	struct mon_record r;
	struct fixture f;
	int held, other, fd, fds[4] = {args, 0, 1, 2};

	fixture_start(&f, -1);
	held = wire_connect(&f.paths, CTID, NULL);
	mon_record_init(&r, MON_EXEC);
	CHECK(fd_send_message(held, &r, sizeof(r), fds, 4) == 0);
	/* Records of one connection keep their order: the exec has begun when this is answered. */
	CHECK(ask(held, MON_HELLO, &r) == 0 && r.type == MON_STATE);
	other = wire_connect(&f.paths, CTID, NULL);
	CHECK(ask(other, MON_HELLO, &r) == 0 && r.type == MON_STATE);
	CHECK(run(&f, "exit 5") == 5 << 8);
	CHECK(write(f.console, "said\n", 5) == 5);
	CHECK_SOON(strcmp(fixture_file(&f, "console.log"), "said\r\n") == 0);
	/* None of that took the time after which it is given up. */
	CHECK(recv(held, &r, sizeof(r), MSG_DONTWAIT) < 0 && errno == EAGAIN);
	CHECK(receive(held, &r, &fd) == 0 && r.type == MON_ERROR && r.a == ETIMEDOUT);
	(void)close(held);
	CHECK(run(&f, "exit 6") == 6 << 8);
	(void)close(other);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

static bool has_children(const struct fixture *f, int want)
{
	char path[64], text[256];
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", f->monitor, f->monitor);
	if (file_read_line_at(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	for (const char *p = text; *p != '\0'; p++)
		n += *p == ' ';
	return n == want;
}

/* Neither the helper nor a session is left, and the monitor ends with its init as ever. */
static void a_client_that_gives_up_first_takes_the_helper_along(void)
{
	const char *const argv[] = {"held", NULL};
	auto_close int args = wire_args(argv, argv + 1, NULL);
	struct mon_record r;
	struct fixture f;
	int fds[4] = {args, 0, 1, 2};

	fixture_start(&f, 3);
	for (int i = 0; i < 3; i++) {
		auto_close int sock = wire_connect(&f.paths, CTID, NULL);

		mon_record_init(&r, MON_EXEC);
		CHECK(fd_send_message(sock, &r, sizeof(r), fds, 4) == 0);
		CHECK(ask(sock, MON_HELLO, &r) == 0);
		CHECK(has_children(&f, 2));
		fd_close(&sock);
		CHECK_SOON(has_children(&f, 1));
	}
	CHECK(fixture_end(&f, SIGUSR1) == 0);
	fixture_clean(&f);
}

static void a_stranger_among_records_costs_only_its_connection(void)
{
	static const size_t sizes[] = {1, sizeof(struct mon_record) - 1,
				       sizeof(struct mon_record) + 1, sizeof(struct mon_record)};
	static char junk[sizeof(struct mon_record) + 1];
	struct mon_record r;
	struct fixture f;

	fixture_start(&f, -1);
	memset(junk, 0xff, sizeof(junk));
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		auto_close int sock = wire_connect(&f.paths, CTID, NULL);
		int fd;

		CHECK(send(sock, junk, sizes[i], MSG_NOSIGNAL) == (ssize_t)sizes[i]);
		CHECK(receive(sock, &r, &fd) == 0 && r.type == MON_ERROR && r.a == EBADMSG);
		CHECK(receive(sock, &r, &fd) < 0);
	}
	CHECK(run(&f, "exit 4") == 4 << 8);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

static int count_entries(const char *path)
{
	auto_closedir DIR *d = opendir(path);
	int n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	return n;
}

static void descriptors_that_nobody_asked_for_are_closed(void)
{
	struct fixture f;
	char path[64];
	struct mon_record state;
	int before, first;

	fixture_start(&f, -1);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", f.monitor);
	first = wire_connect(&f.paths, CTID, NULL);
	CHECK(ask(first, MON_HELLO, &state) == 0);
	before = count_entries(path); /* it serves: it has all that it needs */
	CHECK(run(&f, "true") == 0);
	for (int i = 0; i < 20; i++) {
		auto_close int sock = wire_connect(&f.paths, CTID, NULL);
		int fds[4] = {0, 1, 2, 0};
		struct mon_record r;

		mon_record_init(&r, i % 2 == 0 ? MON_HELLO : MON_EXEC);
		CHECK(fd_send_message(sock, &r, sizeof(r), fds, i % 2 == 0 ? 4 : 2) == 0);
		CHECK(receive(sock, &r, &fds[0]) == 0);
		CHECK(r.type == (i % 2 == 0 ? MON_STATE : MON_ERROR));
	}
	CHECK(run(&f, "true") == 0);
	CHECK_SOON(count_entries(path) == before);
	(void)close(first);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

static void a_flood_of_notices_costs_little(void)
{
	struct fixture f;
	struct mon_record r;
	int sock, sent = 0;

	fixture_start(&f, -1);
	for (int i = 0; i < 100000; i++)
		sent += send(f.notify, "WATCHDOG=1", 10, MSG_DONTWAIT) == 10;
	CHECK(sent < 5000);
	sock = wire_connect(&f.paths, CTID, NULL);
	CHECK(ask(sock, MON_HELLO, &r) == 0 && r.b == 0);
	(void)close(sock);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

static void only_a_wellformed_failure_is_believed(void)
{
	char text[8];
	int sys;

	CHECK(exec_parse_failure("E\2\0\0\0exec", 9, &sys, text, sizeof(text)) == 0);
	CHECK(sys == ENOENT && strcmp(text, "exec") == 0);
	CHECK(exec_parse_failure("E\2\0\0\0far too long", 17, &sys, text, sizeof(text)) == 0);
	CHECK(strcmp(text, "far too") == 0);
	CHECK(exec_parse_failure("E\2\0\0", 4, &sys, text, sizeof(text)) == -EBADMSG);
	CHECK(exec_parse_failure("X\2\0\0\0", 5, &sys, text, sizeof(text)) == -EBADMSG);
	CHECK(exec_parse_failure("E\0\0\0\0", 5, &sys, text, sizeof(text)) == -EBADMSG);
	CHECK(exec_parse_failure("E\0\0\0\x80", 5, &sys, text, sizeof(text)) == -EBADMSG);
}

static void signals_do_not_end_it(void)
{
	struct fixture f;

	fixture_start(&f, -1);
	CHECK(run(&f, "true") == 0);
	(void)kill(f.monitor, SIGTERM);
	(void)kill(f.monitor, SIGHUP);
	CHECK(run(&f, "exit 6") == 6 << 8);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

int main(void)
{
	if (geteuid() != 0) {
		(void)fprintf(stderr, "test_monitor: skipped: the monitor serves root only\n");
		return 77;
	}
	RUN(only_a_wellformed_failure_is_believed);
	RUN(hello_tells_the_state_and_every_change);
	RUN(the_exit_record_says_how_init_ended);
	RUN(a_zombie_tells_its_status_by_proc);
	RUN(an_adopted_init_leaves_a_record_too);
	RUN(a_hundred_commands_at_once_keep_their_exit_codes);
	RUN(a_killed_client_takes_its_command_along);
	RUN(a_command_that_does_not_come_in_holds_nobody_up);
	RUN(a_client_that_gives_up_first_takes_the_helper_along);
	RUN(a_stranger_among_records_costs_only_its_connection);
	RUN(descriptors_that_nobody_asked_for_are_closed);
	RUN(a_flood_of_notices_costs_little);
	RUN(signals_do_not_end_it);
	return check_failures != 0;
}
