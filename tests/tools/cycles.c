/*
 * cycles - prints how many thousand times a second the processor's time stamp counter counts. An emulated guest reads the
 * host's counter and, on a busy host, measures its rate wrongly at boot: then its clock runs several times too fast.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

enum {
	TRIES = 1000
};

struct moment {
	uint64_t ns, cycles;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Of many readings the one between whose two clocks the least time went by: nobody interrupted it. */
static struct moment read_moment(void)
{
	struct moment best = {0, 0};
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = now_ns(), cycles = __rdtsc(), after = now_ns();

		if (after - before < least) {
			least = after - before;
			best = (struct moment){before + least / 2, cycles};
		}
	}
	return best;
}

int main(void)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	struct moment a = read_moment(), b;

	(void)nanosleep(&pause, NULL);
	b = read_moment();
	printf("%llu\n", (unsigned long long)((b.cycles - a.cycles) * 1000000 / (b.ns - a.ns)));
	return 0;
}
