/*
 * test_use.c - levels and rates: told once, and of one run only.
 * covers: runtime/daemon/use.c
 */
#include "runtime/daemon/use.h"
#include "tests/unit/check.h"

#include <string.h>

static void a_level_is_reached_and_left_five_percent_lower(void)
{
	CHECK(use_level(79, 100, 100, 0) == 0);
	CHECK(use_level(80, 100, 100, 0) == 80);
	CHECK(use_level(76, 100, 100, 80) == 80 && use_level(74, 100, 100, 80) == 0);
	CHECK(use_level(95, 100, 100, 80) == 95 && use_level(91, 100, 100, 95) == 95);
	CHECK(use_level(89, 100, 100, 95) == 80);
	CHECK(use_level(100, 100, 100, 95) == USE_FULL && use_level(96, 100, 100, 100) == USE_FULL);
	CHECK(use_level(99, 100, 99, 0) == USE_FULL && use_level(98, 100, 99, 0) == 95);
	CHECK(use_level(300, 100, 100, 0) == USE_FULL);
}

static void a_level_is_told_with_what_is_used_of_the_limit(void)
{
	char text[96];

	use_level_text(LEDGER_NUMPROC, 95, 38, 40, text, sizeof(text));
	CHECK(strcmp(text, "numproc 95 % (38 of 40)") == 0);
	use_level_text(LEDGER_PHYSPAGES, USE_CALM, 100 << 20, 256 << 20, text, sizeof(text));
	CHECK(strcmp(text, "physpages below 80 % (100M of 256M)") == 0);
	use_level_text(LEDGER_NUMPROC, USE_CALM, 38, UINT64_MAX, text, sizeof(text));
	CHECK(strcmp(text, "numproc below 80 % (38 of unlimited)") == 0);
}

static void no_limit_is_never_near(void)
{
	CHECK(use_level(5, 0, 100, 100) == USE_CALM);
	CHECK(use_level(UINT64_MAX, UINT64_MAX, 100, 100) == USE_CALM);
	CHECK(use_level(UINT64_MAX, INT64_MAX, 100, 0) == USE_CALM);
}

static struct ct_rate at(uint64_t ms, uint64_t written, uint64_t stalled_ms)
{
	return (struct ct_rate){.init = {7, 1},
				.at_ms = ms,
				.io.write_bytes = written,
				.io.writes = written / 1000,
				.io_stalled_usec = stalled_ms * 1000};
}

static void a_disk_rate_is_that_of_one_run(void)
{
	struct ct_rate a = at(1000, 0, 0), b = at(11000, 50000, 9000), other = b;

	CHECK(use_is_at_io_limit(&a, &b, 5000, 0));
	CHECK(!use_is_at_io_limit(&a, &b, 10000, 0));
	CHECK(!use_is_at_io_limit(&a, &b, 0, 0));
	CHECK(use_is_at_io_limit(&a, &b, 0, 5));
	other.init.pid = 8;
	CHECK(!use_is_at_io_limit(&a, &other, 5000, 0));
	/* A counter that went back. */
	CHECK(!use_is_at_io_limit(&b, &a, 5000, 0));
}

static void cpu_time_is_in_percent_of_one_cpu(void)
{
	struct ct ct = {.run.init = {7, 1}, .rate = {.init = {7, 1}, .at_ms = 1000}};
	struct cg_stat st = {.cpu_usec = 5000000};
	struct use u = {0};
	struct ct_rate r;

	use_rate(&ct, &st, &u, 11000, &r);
	CHECK(r.cpu_percent == 50 && r.at_ms == 11000 && r.cpu_usec == 5000000);
	ct.run.init.start_time = 2;
	use_rate(&ct, &st, &u, 11000, &r);
	CHECK(r.cpu_percent == 0);
}

static void pressure_that_is_not_known_is_not_counted(void)
{
	struct use u = {.pressure[CG_PRESSURE_IO] = {.known = true, .some.usec = 7999}};
	struct ledger_sample s = {.of[LEDGER_CPUPRESSURE].failcnt = LEDGER_NOT_COUNTED};

	use_sample(&u, &s);
	CHECK(s.of[LEDGER_IOPRESSURE].failcnt == 7);
	CHECK(s.of[LEDGER_CPUPRESSURE].failcnt == LEDGER_NOT_COUNTED);
}

int main(void)
{
	RUN(a_level_is_reached_and_left_five_percent_lower);
	RUN(a_level_is_told_with_what_is_used_of_the_limit);
	RUN(no_limit_is_never_near);
	RUN(a_disk_rate_is_that_of_one_run);
	RUN(cpu_time_is_in_percent_of_one_cpu);
	RUN(pressure_that_is_not_known_is_not_counted);
	return check_failures != 0;
}
