/* test_ct_plan.c - a failed step undoes what was done, in reverse. */
#include "runtime/ct/plan.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static char trace[32];

static void note(const char *s)
{
	(void)strncat(trace, s, sizeof(trace) - strlen(trace) - 1);
}

static int do_a(void *ctx, struct berth_error *err)
{
	(void)ctx;
	(void)err;
	note("a");
	return 0;
}

static int do_b(void *ctx, struct berth_error *err)
{
	(void)ctx;
	(void)err;
	note("b");
	return 0;
}

static int do_fail(void *ctx, struct berth_error *err)
{
	(void)ctx;
	return berth_error_set(err, BERTH_ERR_NET, EIO, "step failed");
}

static void undo_a(void *ctx)
{
	(void)ctx;
	note("A");
}

static void undo_b(void *ctx)
{
	(void)ctx;
	note("B");
}

static void a_failed_step_undoes_the_earlier_ones_in_reverse(void)
{
	const struct plan_step steps[] = {
		{"a", do_a, undo_a}, {"b", do_b, undo_b}, {"fail", do_fail, undo_a}};
	struct berth_error err = {0};

	trace[0] = '\0';
	CHECK(plan_run(steps, 3, NULL, &err) == -EIO);
	CHECK(err.code == BERTH_ERR_NET);
	CHECK(strcmp(trace, "abBA") == 0);
}

static void a_plan_that_works_undoes_nothing(void)
{
	const struct plan_step steps[] = {{"a", do_a, undo_a}, {"b", do_b, NULL}};

	trace[0] = '\0';
	CHECK(plan_run(steps, 2, NULL, NULL) == 0);
	CHECK(strcmp(trace, "ab") == 0);
}

int main(void)
{
	RUN(a_failed_step_undoes_the_earlier_ones_in_reverse);
	RUN(a_plan_that_works_undoes_nothing);
	return check_failures != 0;
}
