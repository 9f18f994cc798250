/* test_space_share.c - who may take how much of what the host has left. */
#include "runtime/daemon/space_share.h"
#include "tests/unit/check.h"

#include <stdlib.h>

#define MIB (UINT64_C(1) << 20)

static uint64_t sum(const struct space_share *v, size_t n)
{
	uint64_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += v[i].may;
	return all;
}

static void who_has_room_for_all_gives_all(void)
{
	struct space_share v[] = {{.want = 300 * MIB}, {.want = 500 * MIB, .grown = 900 * MIB}};

	space_share(800 * MIB, 64 * MIB, v, 2);
	CHECK(v[0].may == 300 * MIB && v[1].may == 500 * MIB);
}

/* The same numbers each time (Knuth's generator): 31 bits. */
static uint64_t number(void)
{
	static uint64_t x = 1;

	x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return x >> 33;
}

/* Numbers of every size, as a tenant may bring about. */
static void the_shares_never_exceed_what_there_is(void)
{
	struct space_share v[40];

	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)number() % 40 + 1;
		uint64_t room = (number() << (number() % 20)) % (UINT64_C(1) << 44);

		for (size_t i = 0; i < n; i++)
			v[i] = (struct space_share){.want = number() << (number() % 16),
						    .grown = number() << (number() % 16),
						    .used = number()};
		space_share(room, 64 * MIB, v, n);
		CHECK(sum(v, n) <= room);
		for (size_t i = 0; i < n; i++)
			CHECK(v[i].may <= v[i].want);
	}
}

static void the_largest_grower_is_the_first_to_get_nothing(void)
{
	struct space_share v[] = {{.want = 1000 * MIB, .grown = 700 * MIB},
				  {.want = 1000 * MIB, .grown = 3 * MIB},
				  {.want = 1000 * MIB}};

	space_share(130 * MIB, 64 * MIB, v, 3);
	CHECK(v[0].may == 2 * MIB && v[1].may == 64 * MIB && v[2].may == 64 * MIB);
	space_share(100 * MIB, 64 * MIB, v, 3);
	CHECK(v[0].may == 0 && v[1].may == 36 * MIB && v[2].may == 64 * MIB);
	space_share(0, 64 * MIB, v, 3);
	CHECK(sum(v, 3) == 0);
}

static void where_nobody_has_grown_the_largest_is_last(void)
{
	struct space_share v[] = {{.want = 1000 * MIB, .used = 900 * MIB},
				  {.want = 1000 * MIB, .used = 10 * MIB}};

	space_share(64 * MIB, 64 * MIB, v, 2);
	CHECK(v[0].may == 0 && v[1].may == 64 * MIB);
}

static void a_log_file_is_no_growth(void)
{
	struct space_share v[] = {{.want = 1000 * MIB, .grown = 0, .used = 900 * MIB},
				  {.want = 1000 * MIB, .grown = 50000, .used = 10 * MIB}};

	space_share(64 * MIB, 64 * MIB, v, 2);
	CHECK(v[0].may == 0 && v[1].may == 64 * MIB);
}

static void who_grows_gets_most_of_what_is_free_and_the_others_enough_to_begin(void)
{
	struct space_share v[] = {{.want = 9000 * MIB, .grown = 50 * MIB},
				  {.want = 9000 * MIB},
				  {.want = 9000 * MIB}};

	space_share(3000 * MIB, 64 * MIB, v, 3);
	CHECK(v[0].may > 1800 * MIB && v[1].may > 400 * MIB && v[2].may == v[1].may);
}

static void who_does_not_grow_is_never_left_without(void)
{
	struct space_share v[3] = {{.want = 2000 * MIB, .grown = 303 * MIB, .used = 400 * MIB},
				   {.want = 2000 * MIB, .used = 50 * MIB},
				   {.want = 2000 * MIB, .used = 51 * MIB}};

	space_share(21 * MIB, 32 * MIB, v, 3);
	CHECK(v[0].may == 0 && v[1].may >= 10 * MIB && v[2].may >= 10 * MIB);
	CHECK(v[1].may + v[2].may <= 21 * MIB);
}

static void nobody_at_all_is_fine(void)
{
	space_share(100 * MIB, 64 * MIB, NULL, 0);
}

static void what_was_taken_fades_by_half_in_ten_minutes(void)
{
	uint64_t in_steps = 1000 * MIB;

	for (int i = 0; i < 600; i++)
		in_steps = space_fade(in_steps, 1000);
	CHECK(space_fade(1000 * MIB, 600000) > 450 * MIB &&
	      space_fade(1000 * MIB, 600000) < 550 * MIB);
	CHECK(in_steps > 450 * MIB && in_steps < 550 * MIB);
	CHECK(space_fade(1000 * MIB, 0) == 1000 * MIB);
	CHECK(space_fade(1, 1000) <= 1 && space_fade(1000 * MIB, UINT64_C(1) << 40) == 0);
}

static void the_floor_is_half_the_reserve_within_bounds(void)
{
	CHECK(space_floor(0) == 16 * MIB && space_floor(64 * MIB) == 32 * MIB);
	CHECK(space_floor(UINT64_C(100) << 30) == 256 * MIB);
}

static void looks_come_before_half_of_a_share_is_taken(void)
{
	struct space_share v[] = {{.want = 10000 * MIB, .may = 400 * MIB},
				  {.want = 500 * MIB, .may = 500 * MIB}};
	uint64_t taken[] = {100 * MIB, 500 * MIB};

	CHECK(space_wait(v, taken, 1, 100, 0) == 200);
	CHECK(space_wait(v, taken, 1, 1000, 0) == 1000);
	CHECK(space_wait(v, taken, 1, 10, 0) == 100); /* no faster */
	CHECK(space_wait(v, taken, 1, 100, 90) == 900); /* looking is not all it does */
	CHECK(space_wait(v + 1, taken + 1, 1, 100, 0) == 2000); /* has all that it wants */
	CHECK(space_wait(v, taken, 0, 0, 0) == 2000);
}

int main(void)
{
	RUN(who_has_room_for_all_gives_all);
	RUN(the_shares_never_exceed_what_there_is);
	RUN(the_largest_grower_is_the_first_to_get_nothing);
	RUN(where_nobody_has_grown_the_largest_is_last);
	RUN(a_log_file_is_no_growth);
	RUN(who_grows_gets_most_of_what_is_free_and_the_others_enough_to_begin);
	RUN(who_does_not_grow_is_never_left_without);
	RUN(nobody_at_all_is_fine);
	RUN(what_was_taken_fades_by_half_in_ten_minutes);
	RUN(the_floor_is_half_the_reserve_within_bounds);
	RUN(looks_come_before_half_of_a_share_is_taken);
	return check_failures != 0;
}
