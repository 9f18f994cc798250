/* cmd_explain.c - explain: which limit of a CT bites, since when, and what relieves it. */
#include "runtime/cli/cli.h"
#include "runtime/cli/list_fetch.h"
#include "runtime/cli/style.h"
#include "runtime/cli/text.h"

#include "runtime/base/cleanup.h"

#include <string.h>
#include <time.h>

enum {
	CLOCK_SIZE = 32,
	DAY_S = 86400
};

static int64_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

/* "14:02:11", with the day when that was another. */
static const char *clock_text(int64_t at, char buf[CLOCK_SIZE])
{
	time_t t = (time_t)at, now = time(NULL);
	bool today = now - t < DAY_S && now >= t;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(buf, CLOCK_SIZE, today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &tm) == 0)
		buf[0] = '\0';
	return buf;
}

/* What a CT calls itself or its processes must not steer the terminal. */
static void print_line(const char *before, const char *text)
{
	auto_free char *safe = text_escape(text);

	(void)printf("%s%s\n", before, safe != NULL ? safe : "");
}

static void print_when(const json_t *row)
{
	char since[CLOCK_SIZE], last[CLOCK_SIZE];
	int64_t times = number(row, "times");

	if (number(row, "last") == 0)
		return;
	(void)printf("      since %s, last %s", clock_text(number(row, "since"), since),
		     clock_text(number(row, "last"), last));
	if (times > 0)
		(void)printf(", %lld in the last hour", (long long)times);
	(void)putchar('\n');
}

static void print_row(const json_t *row)
{
	bool now = json_is_true(json_object_get(row, "now"));

	(void)printf("%s%s%s %s: ", style_begin(stdout, now ? STYLE_BAD : STYLE_WARN),
		     now ? "now " : "hour", style_end(stdout), text_of(row, "name"));
	print_line("", text_of(row, "text"));
	print_when(row);
	if (text_of(row, "fix")[0] != '\0')
		print_line("      to relieve it: ", text_of(row, "fix"));
}

static bool has_cause(const json_t *row, bool limit)
{
	return (strcmp(text_of(row, "cause"), "limit") == 0) == limit;
}

/* Returns how many rows there are. */
static size_t print_rows(const json_t *rows, bool limit, const char *head)
{
	const json_t *row;
	size_t i, n = 0;

	json_array_foreach(rows, i, row)
	{
		if (!has_cause(row, limit))
			continue;
		if (n++ == 0 && head != NULL)
			(void)puts(head);
		print_row(row);
	}
	return n;
}

static void print_ct(const json_t *info)
{
	const json_t *rows = json_object_get(info, "explain");
	const char *name = text_of(info, "name");

	(void)printf("CT %lld%s%s%s is %s\n", (long long)number(info, "ctid"),
		     name[0] != '\0' ? " (" : "", name, name[0] != '\0' ? ")" : "",
		     text_of(info, "status"));
	if (print_rows(rows, true, NULL) == 0)
		(void)puts("no limit of it bites, and none has in the last hour");
	(void)print_rows(rows, false, "not its limits:");
}

static int explain(struct cli *cli, const json_t *words, struct berth_error *err)
{
	json_t *needs = json_pack("{s:n, s:n}", "explain", "name"), *cts = NULL;
	const json_t *info;
	size_t i;
	int r = list_fetch(cli, words, false, needs, &cts, err);

	json_decref(needs);
	if (r < 0)
		return r;
	json_array_foreach(cts, i, info)
	{
		/* Without berthd nobody has looked: that is no "nothing". */
		if (!json_is_array(json_object_get(info, "explain"))) {
			json_decref(cts);
			return berth_error_set(err, BERTH_ERR_NO_DAEMON, ENOTCONN,
					       "berthd does not answer, and only it can explain; "
					       "start it: systemctl start berthd");
		}
		if (!cli->json && i > 0)
			(void)putchar('\n');
		if (!cli->json)
			print_ct(info);
	}
	if (cli->json) {
		(void)json_dumpf(cts, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	}
	json_decref(cts);
	return 0;
}

int cmd_explain(struct cli *cli, struct args *a, struct berth_error *err)
{
	json_t *words = NULL;
	struct arg arg;
	int r;

	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		r = r == ARG_OPTION ? cli_usage_error(cli, err, "")
				    : cli_add_ct(&words, arg.value, err);
		if (r < 0)
			break;
	}
	if (r == 0 && !cli->help)
		r = explain(cli, words, err);
	json_decref(words);
	return r;
}
