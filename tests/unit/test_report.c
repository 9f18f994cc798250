/*
 * test_report.c - a worker's report: what is said is understood, what is not ours is refused.
 */
#include "runtime/wire/report.h"

#include "tests/unit/check.h"

#include <string.h>

static void each_kind_of_line_is_understood(void)
{
	struct report_line l;

	CHECK(report_parse("done", &l) == 0 && l.kind == REPORT_DONE);
	CHECK(report_parse("progress 40 installing packages", &l) == 0 && l.percent == 40 &&
	      strcmp(l.text, "installing packages") == 0);
	CHECK(report_parse("progress -1 x", &l) == 0 && l.percent == -1);
	CHECK(report_parse("result init_pid=7", &l) == 0 && l.kind == REPORT_RESULT &&
	      strcmp(l.text, "init_pid=7") == 0);
	CHECK(report_parse("error io.berth.NoSpace 28 CT 101: disk full", &l) == 0 &&
	      l.error.code == BERTH_ERR_NO_SPACE && l.error.sys == 28 &&
	      strcmp(l.error.msg, "CT 101: disk full") == 0);
}

static void what_is_not_a_report_is_refused(void)
{
	static const char *const bad[] = {"",
					  "ok",
					  "done ",
					  "error",
					  "error x",
					  "error x y z",
					  "error x 0 z",
					  "result novalue",
					  "progress x y",
					  "progress 5"};
	struct report_line l;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(report_parse(bad[i], &l) < 0);
}

int main(void)
{
	RUN(each_kind_of_line_is_understood);
	RUN(what_is_not_a_report_is_refused);
	return check_failures != 0;
}
