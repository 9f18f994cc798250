/* report.c - the worker's side of its report. */
#include "runtime/worker/report.h"

#include "runtime/base/fd.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* One line; a newline in a text would forge another, so control bytes become spaces. */
__attribute__((format(printf, 1, 2))) static void report(const char *fmt, ...)
{
	char line[600];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20)
			line[i] = ' ';
	line[n] = '\n';
	(void)fd_write_all(STDOUT_FILENO, line, (size_t)n + 1);
}

void report_progress(const char *stage, int percent)
{
	report("progress %d %s", percent, stage);
}

void report_result(const char *key, const char *value)
{
	report("result %s=%s", key, value);
}

void report_error(const struct berth_error *e)
{
	report("error %s %d %s", berth_error_name(e->code), e->sys > 0 ? e->sys : 5, e->msg);
}

void report_done(void)
{
	report("done");
}
