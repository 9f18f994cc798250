/* test_ct_plan.c - a failed step undoes what was done, in reverse. */
#include "runtime/ct/plan.h"

#include "tests/unit/check.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static char trace[32];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void note(const char *s)
{
	(void)pthread_mutex_lock(&lock);
	(void)strncat(trace, s, sizeof(trace) - strlen(trace) - 1);
	(void)pthread_mutex_unlock(&lock);
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
	const struct plan plan = PLAN("test", steps);
	struct berth_error err = {0};

	trace[0] = '\0';
	CHECK(plan_run(&plan, NULL, &err) == -EIO);
	CHECK(err.code == BERTH_ERR_NET);
	CHECK(strcmp(trace, "abBA") == 0);
}

static void a_plan_that_works_undoes_nothing(void)
{
	const struct plan_step steps[] = {{"a", do_a, undo_a}, {"b", do_b, NULL}};
	const struct plan plan = PLAN("test", steps);

	trace[0] = '\0';
	CHECK(plan_run(&plan, NULL, NULL) == 0);
	CHECK(strcmp(trace, "ab") == 0);
}

static void both(int (*first)(void *, struct berth_error *),
		 int (*second)(void *, struct berth_error *), struct berth_error *err, int *ret)
{
	const struct plan_step a[] = {{"a", do_a, undo_a}, {"first", first, undo_a}};
	const struct plan_step b[] = {{"b", do_b, undo_b}, {"second", second, undo_b}};
	const struct plan plan_a = PLAN("a", a), plan_b = PLAN("b", b);

	trace[0] = '\0';
	*ret = plan_run_both(&plan_a, &plan_b, NULL, err);
}

static int do_nothing(void *ctx, struct berth_error *err)
{
	(void)ctx;
	(void)err;
	return 0;
}

static int do_fail_too(void *ctx, struct berth_error *err)
{
	(void)ctx;
	return berth_error_set(err, BERTH_ERR_LIMIT, EPERM, "the second failed");
}

static size_t count(char c)
{
	size_t n = 0;

	for (const char *p = trace; *p != '\0'; p++)
		n += *p == c;
	return n;
}

static void two_plans_that_work_are_both_done(void)
{
	int r;

	both(do_nothing, do_nothing, NULL, &r);
	CHECK(r == 0 && count('a') == 1 && count('b') == 1);
	CHECK(count('A') == 0 && count('B') == 0);
}

static void the_failure_of_one_undoes_both(void)
{
	struct berth_error err = {0};
	int r;

	both(do_fail, do_nothing, &err, &r);
	CHECK(r == -EIO && err.code == BERTH_ERR_NET && count('A') == 1 && count('B') == 2);
	both(do_nothing, do_fail_too, &err, &r);
	CHECK(r == -EPERM && err.code == BERTH_ERR_LIMIT && count('A') == 2 && count('B') == 1);
	both(do_fail, do_fail_too, &err, &r);
	CHECK(r == -EIO && err.code == BERTH_ERR_NET && count('A') == 1 && count('B') == 1);
}

int main(void)
{
	RUN(two_plans_that_work_are_both_done);
	RUN(the_failure_of_one_undoes_both);
	RUN(a_failed_step_undoes_the_earlier_ones_in_reverse);
	RUN(a_plan_that_works_undoes_nothing);
	return check_failures != 0;
}
