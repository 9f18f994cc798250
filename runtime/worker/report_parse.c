/* report_parse.c - the reader's side of a worker's report. */
#include "runtime/worker/report.h"

#include "runtime/base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
