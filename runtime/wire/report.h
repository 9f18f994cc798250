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

#include <stdint.h>

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

/* A long one, zeroed but for stage. */
struct report_step {
	const char *stage;
	int percent;
	uint64_t next_ms;
};
/* Told when it is another percent, and each 10 s: a worker that says nothing is ended (WORKER_TIMEOUT). */
void report_step(struct report_step *s, int percent);
void report_result(const char *key, const char *value);
void report_error(const struct berth_error *e);
void report_done(void);
