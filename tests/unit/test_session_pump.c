/* test_session_pump.c - copying bytes one way. */
#include "runtime/cli/session_pump.h"

#include "tests/unit/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct pump pump;

/* One round of poll(2); what happens within 100 ms. */
static void round_of(struct pump *p)
{
	struct pollfd fds[2];

	pump_want(p, fds);
	(void)poll(fds, 2, 100);
	pump_run(p, fds);
}

static void make(int from[2], int to[2])
{
	if (pipe2(from, O_CLOEXEC) < 0 || pipe2(to, O_CLOEXEC) < 0)
		_exit(1);
	(void)fcntl(to[1], F_SETFL, O_NONBLOCK);
}

static void bytes_pass_and_the_end_follows(void)
{
	int from[2], to[2];
	char buf[16];

	make(from, to);
	pump_init(&pump, from[0], false, to[1], true);
	CHECK(write(from[1], "abc", 3) == 3);
	round_of(&pump);
	CHECK(read(to[0], buf, sizeof(buf)) == 3 && memcmp(buf, "abc", 3) == 0);
	(void)close(from[1]);
	round_of(&pump);
	CHECK(pump_is_done(&pump));
	CHECK(read(to[0], buf, sizeof(buf)) == 0);
	(void)close(from[0]);
	(void)close(to[0]);
}

static void a_full_receiver_stops_the_reading(void)
{
	static char block[PUMP_SIZE];
	int from[2], to[2];

	make(from, to);
	pump_init(&pump, from[0], false, to[1], true);
	(void)fcntl(from[1], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 8; i++) {
		(void)!write(from[1], block, sizeof(block));
		round_of(&pump);
	}
	CHECK(pump.done < pump.len);
	CHECK(write(from[1], block, sizeof(block)) < 0);
	pump_close(&pump);
	(void)close(from[0]);
	(void)close(from[1]);
	(void)close(to[0]);
}

static void a_reader_that_left_ends_the_reading_too(void)
{
	int from[2], to[2];

	make(from, to);
	pump_init(&pump, from[0], true, to[1], false);
	(void)close(to[0]);
	round_of(&pump);
	CHECK(pump_is_done(&pump));
	CHECK(write(from[1], "x", 1) < 0);
	(void)close(from[1]);
	(void)close(to[1]);
}

static void after_the_end_only_what_is_there_is_copied(void)
{
	int from[2], to[2];
	char buf[16];

	make(from, to);
	pump_init(&pump, from[0], true, to[1], true);
	CHECK(write(from[1], "rest", 4) == 4);
	pump_finish(&pump, 0);
	CHECK(!pump_is_done(&pump));
	CHECK(write(from[1], "late", 4) == 4);
	round_of(&pump);
	CHECK(pump_is_done(&pump));
	CHECK(read(to[0], buf, sizeof(buf)) == 4 && memcmp(buf, "rest", 4) == 0);
	pump_close(&pump);
	(void)close(from[1]);
	(void)close(to[0]);
}

static void the_end_is_typed_to_a_terminal(void)
{
	int from[2], to[2];
	char buf[16];

	make(from, to);
	pump_init(&pump, from[0], false, to[1], true);
	pump.send_eof = true;
	(void)close(from[1]);
	round_of(&pump);
	round_of(&pump);
	CHECK(read(to[0], buf, sizeof(buf)) == 1 && buf[0] == 4);
	CHECK(pump.to >= 0);
	pump_close(&pump);
	(void)close(from[0]);
	(void)close(to[0]);
}

int main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	RUN(bytes_pass_and_the_end_follows);
	RUN(a_full_receiver_stops_the_reading);
	RUN(a_reader_that_left_ends_the_reading_too);
	RUN(after_the_end_only_what_is_there_is_copied);
	RUN(the_end_is_typed_to_a_terminal);
	return check_failures != 0;
}
