/*
 * first.c - an init that writes the time of its first instruction (microseconds of CLOCK_REALTIME, as bash's
 * EPOCHREALTIME has it) to /first and waits.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec t;
	FILE *f;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	f = fopen("/first", "w");
	if (f != NULL) {
		(void)fprintf(f, "%lld\n", t.tv_sec * 1000000LL + t.tv_nsec / 1000);
		(void)fclose(f);
	}
	for (;;)
		(void)pause();
}
