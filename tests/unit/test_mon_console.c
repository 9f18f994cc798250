/* test_mon_console.c - the console: attached, logged, flooded, left alone. */
#include "runtime/monitor/console.h"

#include "runtime/base/clock.h"
#include "runtime/monitor/wake.h"
#include "tests/unit/check.h"
#include "tests/unit/monitor_fixture.h"

#include <poll.h>
#include <time.h>

struct terminal {
	pid_t pid;
	int master, slave;
};

/* session_console on a terminal of its own, as an operator would have it. */
static void attach(struct terminal *t, const struct fixture *f)
{
	t->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->master < 0 || unlockpt(t->master) < 0)
		abort();
	t->slave = ioctl(t->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	(void)fflush(NULL);
	t->pid = fork();
	if (t->pid == 0) {
		struct berth_error err = {0};

		(void)alarm(600);
		(void)setsid();
		(void)ioctl(t->slave, TIOCSCTTY, 0);
		for (int i = 0; i < 3; i++)
			(void)dup2(t->slave, i);
		(void)close_range(3, ~0u, 0);
		_exit(session_console(&f->paths, CTID, &err) < 0 ? (int)err.code : 0);
	}
}

static bool expect(int fd, const char *want)
{
	char buf[8192] = "";
	size_t got = 0;

	while (got + 1 < sizeof(buf)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, CHECK_PATIENCE_MS) != 1)
			break;
		n = read(fd, buf + got, sizeof(buf) - 1 - got);
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

static int end(struct terminal *t)
{
	struct termios now;
	int status = -1;

	(void)waitpid(t->pid, &status, 0);
	CHECK(tcgetattr(t->slave, &now) == 0 && (now.c_lflag & ICANON) != 0);
	(void)close(t->master);
	(void)close(t->slave);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Until the client's terminal is raw it is not attached. */
static bool is_raw(const struct terminal *t)
{
	struct termios now;

	return tcgetattr(t->slave, &now) == 0 && (now.c_lflag & ICANON) == 0;
}

static void wait_raw(const struct terminal *t)
{
	CHECK_SOON(is_raw(t));
}

static bool has_size(int console, int rows, int cols)
{
	struct winsize w = {0};

	return ioctl(console, TIOCGWINSZ, &w) == 0 && w.ws_row == rows && w.ws_col == cols;
}

static void what_is_typed_and_shown_passes_until_the_escape(void)
{
	struct fixture f;
	struct terminal t;
	struct winsize w = {.ws_row = 41, .ws_col = 99};

	fixture_start(&f, -1);
	attach(&t, &f);
	wait_raw(&t);
	CHECK(write(f.console, "login: ", 7) == 7);
	CHECK(expect(t.master, "login: "));
	CHECK(write(t.master, "root\r", 5) == 5);
	CHECK(expect(f.console, "root\n"));
	(void)ioctl(t.master, TIOCSWINSZ, &w);
	CHECK_SOON(has_size(f.console, 41, 99));
	CHECK(write(t.master, "\r\033.", 3) == 3);
	CHECK(end(&t) == 0);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

static void a_second_operator_is_refused_until_the_first_leaves(void)
{
	struct fixture f;
	struct terminal one, two;

	fixture_start(&f, -1);
	attach(&one, &f);
	wait_raw(&one);
	attach(&two, &f);
	CHECK(end(&two) == BERTH_ERR_LOCKED);
	(void)kill(one.pid, SIGTERM);
	CHECK(end(&one) == 0);
	attach(&two, &f);
	wait_raw(&two);
	CHECK(write(f.console, "hello\n", 6) == 6);
	CHECK(expect(two.master, "hello"));
	(void)kill(two.pid, SIGKILL);
	(void)waitpid(two.pid, NULL, 0);
	(void)close(two.master);
	(void)close(two.slave);
	attach(&one, &f);
	wait_raw(&one);
	(void)fixture_end(&f, SIGINT);
	CHECK(end(&one) == 0);
	fixture_clean(&f);
}

static size_t read_log(const struct fixture *f, char *buf, size_t size)
{
	struct berth_error err = {0};
	auto_close int fd = memfd_create("log", MFD_CLOEXEC);
	ssize_t n;

	CHECK(session_console_log(&f->paths, CTID, fd, false, &err) == 0);
	n = pread(fd, buf, size - 1, 0);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static void the_log_is_told_and_outlives_the_ct(void)
{
	static char text[262144];
	struct fixture f;

	fixture_start(&f, -1);
	CHECK(write(f.console, "first line\nsecond\n", 18) == 18);
	CHECK_SOON(read_log(&f, text, sizeof(text)) == 20);
	CHECK(strcmp(text, "first line\r\nsecond\r\n") == 0);
	CHECK(write(f.console, "bye\n", 4) == 4);
	(void)fixture_end(&f, SIGINT);
	CHECK(read_log(&f, text, sizeof(text)) == 25 && strstr(text, "bye\r\n") != NULL);
	fixture_clean(&f);
}

static uint64_t cpu_ms(pid_t pid)
{
	clockid_t id;
	struct timespec t;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* `yes` writes the console full for a second and a half, or, where others compute, until 1 MB has gone. */
static uint64_t flood(const struct fixture *f, uint64_t *ret_ms)
{
	static char line[4096];
	uint64_t start = clock_now_ms(), sent = 0;

	memset(line, 'y', sizeof(line));
	(void)fcntl(f->console, F_SETFL, O_NONBLOCK);
	while ((*ret_ms = clock_now_ms() - start) < 1500 || (sent < 1000000 && *ret_ms < 60000)) {
		ssize_t n = write(f->console, line, sizeof(line));

		if (n > 0)
			sent += (uint64_t)n;
		else
			(void)usleep(1000);
	}
	return sent;
}

static off_t log_bytes(const struct fixture *f)
{
	struct stat a = {0}, b = {0};

	(void)fstatat(f->dir, "console.log", &a, 0);
	(void)fstatat(f->dir, "console.log.1", &b, 0);
	return a.st_size + b.st_size;
}

static void a_flood_is_bounded_in_bytes_and_time(void)
{
	static char text[262144];
	struct fixture f;
	struct terminal t;
	uint64_t sent, used, ms;

	fixture_start(&f, -1);
	attach(&t, &f); /* an operator who looks at nothing */
	wait_raw(&t);
	used = cpu_ms(f.monitor);
	sent = flood(&f, &ms);
	used = cpu_ms(f.monitor) - used;
	(void)printf("# flood: %llu KiB read in %llu ms, %llu ms of CPU, log %lld KiB\n",
		     (unsigned long long)sent / 1024, (unsigned long long)ms,
		     (unsigned long long)used, (long long)log_bytes(&f) / 1024);
	/* Some 4 MB/s and the burst; a busy machine writes less. */
	CHECK(sent >= 1000000 && sent < ms * 8000);
	/* Unbounded it would be all of the time; a tenth is usual, more where caches are shared. */
	CHECK(used < ms / 4);
	CHECK(log_bytes(&f) <= 2 * (CONSOLE_LOG_MAX + 4096));
	CHECK(read_log(&f, text, sizeof(text)) == RING_SIZE);
	(void)kill(t.pid, SIGKILL);
	(void)waitpid(t.pid, NULL, 0);
	(void)close(t.master);
	(void)close(t.slave);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

static void a_closed_console_costs_nothing_and_comes_back(void)
{
	static char text[262144];
	struct fixture f;
	uint64_t used;

	fixture_start(&f, -1);
	CHECK(ttyname_r(f.console, text, sizeof(text)) == 0);
	(void)close(f.console);
	used = cpu_ms(f.monitor);
	/* An interval, not a wait: what it costs does not depend on when it begins. */
	(void)poll(NULL, 0, 300);
	CHECK(cpu_ms(f.monitor) - used < 20);
	f.console = open(text, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(f.console >= 0 && write(f.console, "again\n", 6) == 6);
	CHECK_SOON(read_log(&f, text, sizeof(text)) == 7 && strcmp(text, "again\r\n") == 0);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

static void an_adopted_ct_keeps_its_log_but_not_its_console(void)
{
	static char text[262144];
	struct berth_error err = {0};
	struct fixture f;

	fixture_start(&f, -1);
	CHECK(write(f.console, "before\n", 7) == 7);
	CHECK_SOON(strcmp(fixture_file(&f, "console.log"), "before\r\n") == 0);
	(void)kill(f.monitor, SIGKILL);
	(void)waitpid(f.monitor, NULL, 0);
	fixture_fork(&f, -1, -1, -1, f.init);
	CHECK(read_log(&f, text, sizeof(text)) == 8 && strcmp(text, "before\r\n") == 0);
	CHECK(session_console(&f.paths, CTID, &err) < 0 && err.code == BERTH_ERR_UNSUPPORTED);
	CHECK(strstr(err.msg, "restart") != NULL);
	(void)fixture_end(&f, SIGKILL);
	fixture_clean(&f);
}

int main(void)
{
	if (geteuid() != 0) {
		(void)fprintf(stderr, "test_mon_console: skipped: the monitor serves root only\n");
		return 77;
	}
	RUN(what_is_typed_and_shown_passes_until_the_escape);
	RUN(a_second_operator_is_refused_until_the_first_leaves);
	RUN(the_log_is_told_and_outlives_the_ct);
	RUN(a_flood_is_bounded_in_bytes_and_time);
	RUN(a_closed_console_costs_nothing_and_comes_back);
	RUN(an_adopted_ct_keeps_its_log_but_not_its_console);
	return check_failures != 0;
}
