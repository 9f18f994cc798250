/* report.c - a worker's report, written and read. */
#include "runtime/wire/report.h"

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	STEP_MS = 10000
};

/* ---- the worker ---- */

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

void report_step(struct report_step *s, int percent)
{
	uint64_t now = clock_now_ms();

	if (s->next_ms != 0 && percent == s->percent && now < s->next_ms)
		return;
	s->percent = percent;
	s->next_ms = now + STEP_MS;
	report_progress(s->stage, percent);
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

/* ---- its reader ---- */

/* Copies the word at *p (up to a space) and steps over the space. */
static int next_word(const char **p, char *word, size_t size)
{
	size_t len = strcspn(*p, " ");

	if (len == 0 || len >= size || (*p)[len] != ' ')
		return -EBADMSG;
	memcpy(word, *p, len);
	word[len] = '\0';
	*p += len + 1;
	return 0;
}

static int parse_error_line(const char *p, struct report_line *l)
{
	char name[64], sys[16];

	if (next_word(&p, name, sizeof(name)) < 0 || next_word(&p, sys, sizeof(sys)) < 0 ||
	    parse_int(sys, &l->error.sys) < 0 || l->error.sys <= 0)
		return -EBADMSG;
	l->kind = REPORT_ERROR;
	l->error.code = berth_error_from_name(name);
	(void)snprintf(l->error.msg, sizeof(l->error.msg), "%s", p);
	return 0;
}

static int parse_progress_line(const char *p, struct report_line *l)
{
	char word[16];

	if (next_word(&p, word, sizeof(word)) < 0 || parse_int(word, &l->percent) < 0)
		return -EBADMSG;
	l->kind = REPORT_PROGRESS;
	(void)snprintf(l->text, sizeof(l->text), "%s", p);
	return 0;
}

int report_parse(const char *line, struct report_line *ret)
{
	struct report_line l = {.percent = -1};
	int r = 0;

	if (strcmp(line, "done") == 0) {
		l.kind = REPORT_DONE;
	} else if (strncmp(line, "error ", 6) == 0) {
		r = parse_error_line(line + 6, &l);
	} else if (strncmp(line, "progress ", 9) == 0) {
		r = parse_progress_line(line + 9, &l);
	} else if (strncmp(line, "result ", 7) == 0 && strchr(line + 7, '=') != NULL) {
		l.kind = REPORT_RESULT;
		(void)snprintf(l.text, sizeof(l.text), "%s", line + 7);
	} else {
		r = -EBADMSG;
	}
	if (r == 0)
		*ret = l;
	return r;
}
