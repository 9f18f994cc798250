/*
 * test_ledger_watch.c - a limit that is met is told once, and once when it is not any more.
 * covers: runtime/daemon/troubles.c
 */
#include "runtime/daemon/ledger_watch.h"
#include "tests/unit/check.h"

static void a_limit_is_told_once_and_its_end_once(void)
{
	bool full = false;

	CHECK(ledger_watch_judge(9, 10, &full) == LEDGER_SAME && !full);
	CHECK(ledger_watch_judge(10, 10, &full) == LEDGER_FULL && full);
	CHECK(ledger_watch_judge(10, 10, &full) == LEDGER_SAME && full);
	CHECK(ledger_watch_judge(9, 10, &full) == LEDGER_ROOM && !full);
	CHECK(ledger_watch_judge(9, 10, &full) == LEDGER_SAME && !full);
}

/* A limit that was lowered below what there is, and taken away. */
static void more_than_the_limit_is_the_limit_and_none_is_never_met(void)
{
	bool full = false;

	CHECK(ledger_watch_judge(12, 10, &full) == LEDGER_FULL);
	CHECK(ledger_watch_judge(12, CG_UNLIMITED, &full) == LEDGER_ROOM);
	CHECK(ledger_watch_judge(CG_UNLIMITED, CG_UNLIMITED, &full) == LEDGER_SAME && !full);
}

int main(void)
{
	RUN(a_limit_is_told_once_and_its_end_once);
	RUN(more_than_the_limit_is_the_limit_and_none_is_never_met);
	return check_failures != 0;
}
