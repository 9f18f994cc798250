/* test_clock.c - deadlines, pauses, and the hash that names are made of (runtime/base/hash.h). */
#include "runtime/base/clock.h"

#include "runtime/base/hash.h"
#include "tests/unit/check.h"

#include <unistd.h>

static void a_deadline_passes_after_its_time(void)
{
	uint64_t begun = clock_now_ms(), end = clock_deadline(20);

	CHECK(end >= begun + 20 && !clock_is_past(end + 600000));
	while (!clock_is_past(end))
		clock_pause_us(1000);
	CHECK(clock_now_ms() >= begun + 20 && clock_is_past(begun));
}

static void a_pause_is_not_shorter_than_asked(void)
{
	uint64_t begun = clock_now_ms();

	clock_pause_us(1200000);
	CHECK(clock_now_ms() - begun >= 1199);
	CHECK(clock_uptime_s() > 0 && clock_uptime_s() >= clock_now_ms() / 1000 - 1);
}

static void a_process_takes_time_while_it_computes(void)
{
	uint64_t begun = clock_process_cpu_ns(getpid());

	CHECK(begun > 0 && clock_process_cpu_ns(0) == 0 && clock_process_cpu_ns(-1) == 0);
	CHECK(clock_own_cpu_ns() >= begun);
	while (clock_process_cpu_ns(getpid()) < begun + 1000000)
		;
}

/* Golden: FNV-1a's own test vectors. A change would rename what runs. */
static void the_hash_never_changes(void)
{
	CHECK(hash_fnv1a(HASH_BEGIN, "", 0) == UINT64_C(0xcbf29ce484222325));
	CHECK(hash_fnv1a(HASH_BEGIN, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	CHECK(hash_fnv1a(HASH_BEGIN, "foobar", 6) == UINT64_C(0x85944171f73967e8));
	CHECK(hash_fnv1a(hash_fnv1a(HASH_BEGIN, "foo", 3), "bar", 3) ==
	      UINT64_C(0x85944171f73967e8));
}

int main(void)
{
	RUN(a_deadline_passes_after_its_time);
	RUN(a_pause_is_not_shorter_than_asked);
	RUN(a_process_takes_time_while_it_computes);
	RUN(the_hash_never_changes);
	return check_failures != 0;
}
