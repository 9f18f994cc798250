/* test_hurry.c - when RCU is expedited for a dying CT, and what a killed berthd leaves. */
#include "tests/unit/daemon_fixture.h"

#include "runtime/daemon/hurry.h"

static void a_quick_death_is_not_hurried(void)
{
	unsigned int seen = 0;

	CHECK(hurry_judge(true, &seen, false) == HURRY_SAME);
	CHECK(hurry_judge(false, &seen, false) == HURRY_SAME);
	CHECK(hurry_judge(true, &seen, false) == HURRY_SAME);
}

static void a_slow_one_is_until_it_is_over(void)
{
	unsigned int seen = 0;

	(void)hurry_judge(true, &seen, false);
	CHECK(hurry_judge(true, &seen, false) == HURRY_ON);
	CHECK(hurry_judge(true, &seen, true) == HURRY_SAME);
	CHECK(hurry_judge(false, &seen, true) == HURRY_OFF);
	CHECK(hurry_judge(false, &seen, false) == HURRY_SAME);
}

/* What the admin or another berthd has set stays. */
static void what_a_killed_berthd_left_is_taken_back(void)
{
	host_begin("");
	put_file(d.paths.run, "rcu_expedited", "1\n", 0644);
	hurry_begin(&d);
	CHECK(!is_there(d.paths.run, "rcu_expedited"));
	host_end();
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_quick_death_is_not_hurried);
	RUN(a_slow_one_is_until_it_is_over);
	RUN(what_a_killed_berthd_left_is_taken_back);
	return check_failures != 0;
}
