/* test_daemon_guard.c - a packet filter that cannot be put back is looked for less and less often. */
#include "runtime/daemon/guard.h"
#include "tests/unit/check.h"

static void it_is_looked_for_every_two_seconds(void)
{
	CHECK(guard_wait(0) == 2000);
}

static void each_failure_doubles_the_wait_up_to_a_minute(void)
{
	uint64_t last = guard_wait(0);

	CHECK(guard_wait(1) == 4000 && guard_wait(2) == 8000);
	for (unsigned int n = 1; n < 1000; n++) {
		CHECK(guard_wait(n) >= last && guard_wait(n) <= 60000);
		last = guard_wait(n);
	}
	CHECK(last == 60000 && guard_wait(~0U) == 60000);
}

static void a_look_is_never_sooner_than_two_seconds_after_the_last(void)
{
	CHECK(guard_pause(0) == 2000 && guard_pause(1500) == 500);
	CHECK(guard_pause(2000) == 0 && guard_pause(UINT64_MAX) == 0);
}

int main(void)
{
	RUN(a_look_is_never_sooner_than_two_seconds_after_the_last);
	RUN(it_is_looked_for_every_two_seconds);
	RUN(each_failure_doubles_the_wait_up_to_a_minute);
	return check_failures != 0;
}
