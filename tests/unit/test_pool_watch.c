/* test_pool_watch.c - an alarm is said once, and its end once. */
#include "runtime/daemon/pool_watch.h"
#include "tests/unit/check.h"

static enum pool_news judge(uint64_t used, bool *alarm)
{
	return pool_watch_judge(&(struct pool_use){"p", "things", "", used, 1000}, alarm);
}

static void it_speaks_once_when_a_pool_comes_to_its_end(void)
{
	bool alarm = false;

	CHECK(judge(0, &alarm) == POOL_SAME && judge(749, &alarm) == POOL_SAME && !alarm);
	CHECK(judge(750, &alarm) == POOL_ENDS && alarm);
	CHECK(judge(1000, &alarm) == POOL_SAME && judge(751, &alarm) == POOL_SAME && alarm);
}

static void what_goes_up_and_down_at_the_mark_does_not_fill_the_log(void)
{
	bool alarm = true;

	CHECK(judge(700, &alarm) == POOL_SAME && judge(600, &alarm) == POOL_SAME && alarm);
	CHECK(judge(599, &alarm) == POOL_RELAXED && !alarm);
	CHECK(judge(700, &alarm) == POOL_SAME && !alarm);
}

int main(void)
{
	RUN(it_speaks_once_when_a_pool_comes_to_its_end);
	RUN(what_goes_up_and_down_at_the_mark_does_not_fill_the_log);
	return check_failures != 0;
}
