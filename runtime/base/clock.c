/* clock.c - the clock that deadlines are counted by, and short pauses. */
#include "runtime/base/clock.h"

#include <time.h>

static uint64_t ns_of(clockid_t clock)
{
	struct timespec t = {0};

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
	return ns_of(CLOCK_MONOTONIC);
}

uint64_t clock_boottime_ns(void)
{
	return ns_of(CLOCK_BOOTTIME);
}

uint64_t clock_own_cpu_ns(void)
{
	return ns_of(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_process_cpu_ns(pid_t pid)
{
	clockid_t clock;

	/* To clock_getcpuclockid(3), 0 is the caller. */
	return pid > 0 && clock_getcpuclockid(pid, &clock) == 0 ? ns_of(clock) : 0;
}

uint64_t clock_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t clock_uptime_s(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec;
}

void clock_pause_us(uint64_t us)
{
	const struct timespec t = {.tv_sec = (time_t)(us / 1000000),
				   .tv_nsec = (long)(us % 1000000) * 1000};

	(void)nanosleep(&t, NULL);
}
