/*
 * report.h - what berth-worker tells berthd on its standard output, a line a fact:
 *
 *	progress PERCENT STAGE      PERCENT is -1 when unknown
 *	result KEY=VALUE
 *	error CODE ERRNO MESSAGE    CODE is a Varlink error name
 *	done                        and the CT's lock is given back
 *
 * The last line is done or error; nothing after it counts. The parser is pure.
 */
#pragma once

#include "runtime/base/error.h"

enum report_kind {
	REPORT_PROGRESS,
	REPORT_RESULT,
	REPORT_ERROR,
	REPORT_DONE
};

struct report_line {
	enum report_kind kind;
	int percent;
	struct berth_error error;
	char text[400]; /* stage, or KEY=VALUE */
};

/* line without its newline. -EBADMSG. */
int report_parse(const char *line, struct report_line *ret);

void report_progress(const char *stage, int percent);
void report_result(const char *key, const char *value);
void report_error(const struct berth_error *e);
void report_done(void);
