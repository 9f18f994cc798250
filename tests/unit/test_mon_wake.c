/* test_mon_wake.c - what wakes the monitor comes back as kind and slot; what was removed does not. */
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/monitor/wake.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/epoll.h>

static int epoll, p[2];

static bool wakes(enum wake_kind kind, unsigned int slot)
{
	struct epoll_event e;

	return epoll_wait(epoll, &e, 1, 0) == 1 && wake_kind_of(e.data.u64) == kind &&
	       wake_slot_of(e.data.u64) == slot;
}

static bool is_quiet(void)
{
	struct epoll_event e;

	return epoll_wait(epoll, &e, 1, 0) == 0;
}

static void kind_and_slot_come_back(void)
{
	static const unsigned int slots[] = {0, 1, 255, 65535};

	for (size_t i = 0; i < 4; i++) {
		CHECK(wake_add(epoll, p[0], EPOLLIN, WAKE_REPLY, slots[i]) == 0);
		CHECK(wakes(WAKE_REPLY, slots[i]));
		wake_remove(epoll, p[0]);
	}
	CHECK(wake_add(epoll, p[0], EPOLLIN, WAKE_LISTEN, 0) == 0 && wakes(WAKE_LISTEN, 0));
	wake_remove(epoll, p[0]);
}

static void what_is_removed_or_not_wanted_is_quiet(void)
{
	CHECK(wake_add(epoll, p[0], EPOLLIN, WAKE_CONN, 3) == 0);
	CHECK(wake_change(epoll, p[0], 0, WAKE_CONN, 3) == 0 && is_quiet());
	CHECK(wake_change(epoll, p[0], EPOLLIN, WAKE_CONN, 4) == 0 && wakes(WAKE_CONN, 4));
	wake_remove(epoll, p[0]);
	CHECK(is_quiet());
	wake_remove(epoll, p[0]);
}

static void what_cannot_be_watched_is_an_error(void)
{
	CHECK(wake_add(epoll, -1, EPOLLIN, WAKE_CONN, 0) == -EBADF);
	CHECK(wake_change(epoll, p[0], EPOLLIN, WAKE_CONN, 0) == -ENOENT);
	CHECK(wake_add(epoll, p[0], EPOLLIN, WAKE_CONN, 0) == 0);
	CHECK(wake_add(epoll, p[0], EPOLLIN, WAKE_CONN, 0) == -EEXIST);
	wake_remove(epoll, p[0]);
}

static void the_clock_does_not_go_back(void)
{
	uint64_t last = clock_now_ms();

	CHECK(last > 0);
	for (int i = 0; i < 1000; i++) {
		uint64_t now = clock_now_ms();

		CHECK(now >= last);
		last = now;
	}
}

int main(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || pipe2(p, O_CLOEXEC) < 0 || write(p[1], "x", 1) != 1)
		return 1;
	RUN(kind_and_slot_come_back);
	RUN(what_is_removed_or_not_wanted_is_quiet);
	RUN(what_cannot_be_watched_is_an_error);
	RUN(the_clock_does_not_go_back);
	return check_failures != 0;
}
