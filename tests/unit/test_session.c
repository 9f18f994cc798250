/*
 * test_session.c - commands run through a monitor: bytes, exit statuses, signals, terminals.
 *
 * covers: runtime/cli/session_console.c runtime/cli/session_exec.c runtime/cli/session_loop.c
 */
#include "runtime/cli/session.h"

#include "tests/unit/check.h"
#include "tests/unit/monitor_fixture.h"

#include <poll.h>

static const char *const env[] = {"PATH=/bin:/usr/bin", "TERM=dumb", NULL};

struct client {
	pid_t pid;
	int in, out, err; /* our ends; of a pty all are its master */
};

/* session_exec as the command line would call it: exits with its status, 200 + code on an error. */
static void client_main(const struct fixture *f, const char *command, bool pty)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct berth_error err = {0};
	int status;

	(void)alarm(600);
	if (session_exec(&f->paths, CTID, argv, env, pty, &status, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		_exit(200 + (int)err.code);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void client_start(struct client *c, const struct fixture *f, const char *command)
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		abort();
	(void)fflush(NULL);
	c->pid = fork();
	if (c->pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		(void)dup2(err[1], 2);
		(void)close_range(3, ~0u, 0);
		client_main(f, command, false);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(err[1]);
	c->in = in[1];
	c->out = out[0];
	c->err = err[0];
}

static int client_end(const struct client *c)
{
	int status = -1;

	(void)waitpid(c->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static const char *drain(int fd)
{
	static char buf[65536];
	ssize_t n = fd_read_all(fd, buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = '\0';
	(void)close(fd);
	return buf;
}

/* The first number of a text; 0 when there is none. */
static int number(const char *text)
{
	int v = 0;

	return sscanf(text, "%d", &v) == 1 ? v : 0;
}

static void output_and_errors_come_apart(const struct fixture *f)
{
	struct client c;

	client_start(&c, f, "echo out; echo err >&2; exit 7");
	(void)close(c.in);
	CHECK(strcmp(drain(c.out), "out\n") == 0);
	CHECK(strcmp(drain(c.err), "err\n") == 0);
	CHECK(client_end(&c) == 7);
}

static void the_end_of_input_is_passed_on(const struct fixture *f)
{
	struct client c;

	client_start(&c, f, "cat; echo end");
	CHECK(write(c.in, "abc\n", 4) == 4);
	(void)close(c.in);
	CHECK(strcmp(drain(c.out), "abc\nend\n") == 0);
	(void)close(c.err);
	CHECK(client_end(&c) == 0);
}

static void a_command_that_reads_nothing_is_not_waited_for(const struct fixture *f)
{
	struct client c;

	client_start(&c, f, "exit 9");
	CHECK(client_end(&c) == 9);
	(void)close(c.in);
	(void)close(c.out);
	(void)close(c.err);
}

static void a_background_process_does_not_hold_the_client(const struct fixture *f)
{
	struct client c;

	client_start(&c, f, "sleep 30 & echo $!");
	(void)close(c.in);
	CHECK(client_end(&c) == 0);
	(void)kill(number(drain(c.out)), SIGKILL);
	(void)close(c.err);
}

static void a_closed_output_reaches_the_command(const struct fixture *f)
{
	struct client c;
	char some[100];

	client_start(&c, f, "yes; echo $? >&2");
	CHECK(read(c.out, some, sizeof(some)) > 0);
	(void)close(c.out);
	(void)close(c.in);
	CHECK(number(drain(c.err)) != 0);
	CHECK(client_end(&c) == 0);
}

static uint64_t mix(uint64_t sum, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)buf[i]) * 1099511628211u;
	return sum;
}

/* Writes and reads at once, as a pipeline would; returns whether all came back unchanged. */
static bool pass_through(const struct client *c, size_t total)
{
	static char piece[50021], back[65536];
	uint64_t sent_sum = 1, got_sum = 1;
	size_t sent = 0, got = 0;

	(void)fcntl(c->in, F_SETFL, O_NONBLOCK);
	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] = (char)(i * 31 + i / 256);
	while (got < total) {
		struct pollfd p[2] = {{.fd = sent < total ? c->in : -1, .events = POLLOUT},
				      {.fd = c->out, .events = POLLIN}};
		ssize_t n;

		if (poll(p, 2, CHECK_PATIENCE_MS) <= 0)
			return false;
		if (p[0].revents != 0) {
			size_t at = sent % sizeof(piece);
			size_t want = sizeof(piece) - at < total - sent ? sizeof(piece) - at
									: total - sent;

			n = write(c->in, piece + at, want);
			if (n > 0) {
				sent_sum = mix(sent_sum, piece + at, (size_t)n);
				sent += (size_t)n;
			}
		}
		if (p[1].revents == 0)
			continue;
		n = read(c->out, back, sizeof(back));
		if (n <= 0)
			return false;
		got_sum = mix(got_sum, back, (size_t)n);
		got += (size_t)n;
	}
	return sent == total && got_sum == sent_sum;
}

static void a_hundred_megabytes_pass_both_ways_unchanged(const struct fixture *f)
{
	struct client c;

	client_start(&c, f, "cat");
	CHECK(pass_through(&c, 100u << 20));
	(void)close(c.in);
	CHECK(drain(c.out)[0] == '\0');
	(void)close(c.err);
	CHECK(client_end(&c) == 0);
}

static void all_output_before_the_end_arrives(const struct fixture *f)
{
	for (int i = 0; i < 20; i++) {
		struct client c;

		client_start(&c, f, "head -c 60000 /dev/zero | tr '\\0' x");
		(void)close(c.in);
		CHECK(strlen(drain(c.out)) == 60000);
		(void)close(c.err);
		CHECK(client_end(&c) == 0);
	}
}

static void signals_go_to_the_command(const struct fixture *f)
{
	static const int sigs[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

	for (unsigned int i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		struct client c;
		char ready[4];

		client_start(&c, f, "trap 'exit 31' INT TERM HUP QUIT; echo up; sleep 20 & wait");
		CHECK(read(c.out, ready, 3) == 3);
		(void)kill(c.pid, sigs[i]);
		CHECK(client_end(&c) == 31);
		(void)close(c.in);
		(void)close(c.out);
		(void)close(c.err);
	}
}

static void a_command_killed_by_a_signal_says_so(const struct fixture *f)
{
	struct client c;

	client_start(&c, f, "kill -9 $$");
	CHECK(client_end(&c) == 128 + SIGKILL);
	(void)close(c.in);
	(void)close(c.out);
	(void)close(c.err);
}

static void a_command_that_is_not_there_is_an_error(const struct fixture *f)
{
	const char *const argv[] = {"no-such-command", NULL};
	struct berth_error err = {0};
	int status = -5;

	CHECK(session_exec(&f->paths, CTID, argv, env, false, &status, &err) == -ENOENT);
	CHECK(err.code == BERTH_ERR_EXEC && status == -5);
	CHECK(strstr(err.msg, "CT 101: cannot run 'no-such-command'") != NULL);
	CHECK(session_exec(&f->paths, 102, argv, env, false, &status, &err) < 0);
	CHECK(err.code == BERTH_ERR_NOT_RUNNING);
}

/* ---- with a terminal ---- */

static void terminal_start(struct client *c, const struct fixture *f, const char *command)
{
	struct winsize w = {.ws_row = 31, .ws_col = 97};
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	if (master < 0 || unlockpt(master) < 0)
		abort();
	(void)ioctl(master, TIOCSWINSZ, &w);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	(void)fflush(NULL);
	c->pid = fork();
	if (c->pid == 0) {
		(void)setsid();
		(void)ioctl(slave, TIOCSCTTY, 0);
		for (int i = 0; i < 3; i++)
			(void)dup2(slave, i);
		(void)close_range(3, ~0u, 0);
		client_main(f, command, true);
	}
	c->in = c->out = master;
	c->err = slave; /* kept: what the operator's shell would have */
}

/* Reads from the terminal until want has come. */
static bool expect(const struct client *c, const char *want)
{
	char buf[4096] = "";
	size_t got = 0;

	while (got + 1 < sizeof(buf)) {
		struct pollfd p = {.fd = c->out, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, CHECK_PATIENCE_MS) != 1)
			break;
		n = read(c->out, buf + got, sizeof(buf) - 1 - got);
		if (n <= 0)
			break;
		got += (size_t)n;
		buf[got] = '\0';
		if (strstr(buf, want) != NULL)
			return true;
	}
	(void)fprintf(stderr, "wanted '%s', got '%s'\n", want, buf);
	return false;
}

static bool is_raw(int slave)
{
	struct termios t;

	return tcgetattr(slave, &t) == 0 && (t.c_lflag & (ICANON | ECHO)) == 0;
}

static int terminal_end(struct client *c)
{
	int status = client_end(c);

	CHECK(!is_raw(c->err));
	(void)close(c->in);
	(void)close(c->err);
	return status;
}

static void a_terminal_has_the_operators_size_and_follows_it(const struct fixture *f)
{
	struct winsize w = {.ws_row = 50, .ws_col = 133};
	struct client c;

	terminal_start(&c, f,
		       "trap 'stty size; exit 3' WINCH; stty size; "
		       "while :; do sleep 0.05; done");
	CHECK(expect(&c, "31 97"));
	CHECK(is_raw(c.err));
	(void)ioctl(c.in, TIOCSWINSZ, &w);
	CHECK(expect(&c, "50 133"));
	CHECK(terminal_end(&c) == 3);
}

static void what_is_typed_reaches_the_command_as_on_a_terminal(const struct fixture *f)
{
	struct client c;

	terminal_start(&c, f,
		       "trap 'echo int; exit 4' INT; tty | sed s/[0-9]*$/N/; read x; "
		       "echo got-$x; sleep 20 & wait");
	CHECK(expect(&c, "/dev/pts/N"));
	CHECK(write(c.in, "hello\r", 6) == 6);
	CHECK(expect(&c, "got-hello"));
	CHECK(write(c.in, "\003", 1) == 1);
	CHECK(expect(&c, "int"));
	CHECK(terminal_end(&c) == 4);
}

static void a_signal_to_the_client_restores_the_terminal(const struct fixture *f)
{
	static const int sigs[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};

	for (unsigned int i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		struct client c;

		terminal_start(&c, f, "echo up; exec sleep 50");
		CHECK(expect(&c, "up"));
		CHECK(is_raw(c.err));
		(void)kill(c.pid, sigs[i]);
		CHECK(terminal_end(&c) == 128 + sigs[i]);
	}
}

static void the_last_words_on_a_terminal_arrive(const struct fixture *f)
{
	for (int i = 0; i < 20; i++) {
		struct client c;

		terminal_start(&c, f, "head -c 3000 /dev/zero | tr '\\0' y; echo last-word");
		CHECK(expect(&c, "last-word"));
		CHECK(terminal_end(&c) == 0);
	}
}

static void a_command_missing_on_a_terminal_is_an_error(const struct fixture *f)
{
	const char *const argv[] = {"no-such-command", NULL};
	struct berth_error err = {0};
	int status;

	CHECK(session_exec(&f->paths, CTID, argv, env, true, &status, &err) == -ENOENT);
	CHECK(err.code == BERTH_ERR_EXEC);
}

#define RUN_WITH(test)                                                                       \
	do {                                                                                 \
		int before_ = check_failures;                                                \
		test(&fixture);                                                              \
		(void)printf("%s %s\n", check_failures == before_ ? "ok" : "FAILED", #test); \
	} while (0)

int main(void)
{
	static struct fixture fixture;

	if (geteuid() != 0) {
		(void)fprintf(stderr, "test_session: skipped: the monitor serves root only\n");
		return 77;
	}
	fixture_start(&fixture, -1);
	RUN_WITH(output_and_errors_come_apart);
	RUN_WITH(the_end_of_input_is_passed_on);
	RUN_WITH(a_command_that_reads_nothing_is_not_waited_for);
	RUN_WITH(a_background_process_does_not_hold_the_client);
	RUN_WITH(a_closed_output_reaches_the_command);
	RUN_WITH(a_hundred_megabytes_pass_both_ways_unchanged);
	RUN_WITH(all_output_before_the_end_arrives);
	RUN_WITH(signals_go_to_the_command);
	RUN_WITH(a_command_killed_by_a_signal_says_so);
	RUN_WITH(a_command_that_is_not_there_is_an_error);
	RUN_WITH(a_terminal_has_the_operators_size_and_follows_it);
	RUN_WITH(what_is_typed_reaches_the_command_as_on_a_terminal);
	RUN_WITH(a_signal_to_the_client_restores_the_terminal);
	RUN_WITH(the_last_words_on_a_terminal_arrive);
	RUN_WITH(a_command_missing_on_a_terminal_is_an_error);
	(void)fixture_end(&fixture, SIGKILL);
	fixture_clean(&fixture);
	return check_failures != 0;
}
