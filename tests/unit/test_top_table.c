/* test_top_table.c - rows of top. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/top_table.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

static const char before_text[] =
	"[{\"ctid\":101,\"init_pid\":7,\"usage\":{\"at_usec\":0,\"cpu_usec\":0,\"periods\":0,"
	"\"throttled\":0}},"
	" {\"ctid\":102,\"init_pid\":9,\"usage\":{\"at_usec\":0,\"cpu_usec\":0}}]";
static const char now_text[] =
	"[{\"ctid\":101,\"init_pid\":7,\"resources\":{\"physpages\":{\"held\":1048576,\"limit\":"
	"2097152},"
	"\"cpulimit\":{\"held\":0,\"limit\":25}},"
	"\"usage\":{\"at_usec\":1000000,\"cpu_usec\":250000,\"periods\":10,\"throttled\":10}},"
	" {\"ctid\":102,\"name\":\"db\\u001b[2J\",\"init_pid\":9,\"resources\":{\"physpages\":{"
	"\"held\":2097152,\"limit\":-1}},"
	"\"usage\":{\"at_usec\":1000000,\"cpu_usec\":100000,\"pressure\":{\"io\":{\"some_avg10\":3}"
	"}}},"
	" {\"ctid\":103,\"status\":\"stopping\"}]";

static char *printed(const char *sort, bool reverse, size_t columns, size_t rows)
{
	json_t *before = json_loads(before_text, 0, NULL), *now = json_loads(now_text, 0, NULL);
	size_t n, size;
	char *out = NULL;
	FILE *f = open_memstream(&out, &size);
	struct top_row *r = top_rows(before, now, &n);
	struct top_view view = {sort, reverse, columns, rows};

	CHECK(n == 2);
	top_print(f, r, n, &view);
	CHECK(fclose(f) == 0);
	free(r);
	json_decref(before);
	json_decref(now);
	return out;
}

static void a_row_shows_throttling_and_the_share_of_each_limit(void)
{
	auto_free char *out = printed("cpu", false, 0, 0);
	const char *row = strchr(out, '\n');

	CHECK(strncmp(out, "      CTID   CPU%  LIM%  THR%", 29) == 0);
	CHECK(row != NULL &&
	      strncmp(row + 1, "       101   25.0 100.0 100.0 1.00M  50.0", 41) == 0);
	/* What is not known is no 0, and a name steers no terminal. */
	CHECK(strstr(out, "       102   10.0     -   0.0 2.00M     -") != NULL);
	CHECK(strstr(out, "db\\x1b[2J") != NULL);
}

static uint32_t first_of(const char *sort, bool reverse)
{
	auto_free char *out = printed(sort, reverse, 0, 0);
	const char *row = strchr(out, '\n');

	return row != NULL ? (uint32_t)strtoul(row + 1, NULL, 10) : 0;
}

static void the_greatest_comes_first(void)
{
	CHECK(first_of("cpu", false) == 101 && first_of("cpu", true) == 102);
	CHECK(first_of("memory", false) == 102 && first_of("memory%", false) == 101);
	CHECK(first_of("pressure", false) == 102);
	CHECK(first_of("ctid", false) == 101 && first_of("ctid", true) == 102);
	CHECK(first_of("io", false) == 101); /* equal: by CTID */
	for (const struct top_key *k = top_sort_keys(); k->name != NULL; k++)
		CHECK(first_of(k->name, false) != 0 && top_sort_check(k->name, NULL) == 0);
}

static void an_unknown_order_is_answered_with_those_there_are(void)
{
	struct berth_error err;

	CHECK(top_sort_check("mem", &err) < 0 && err.code == BERTH_ERR_OPTION);
	CHECK(strstr(err.msg, "cpu, throttled, memory") != NULL);
}

static void a_small_terminal_gets_what_fits(void)
{
	auto_free char *out = printed("cpu", false, 20, 2);

	CHECK(strcmp(out, "      CTID   CPU%  L\n       101   25.0 10\n") == 0);
}

int main(void)
{
	RUN(a_row_shows_throttling_and_the_share_of_each_limit);
	RUN(the_greatest_comes_first);
	RUN(an_unknown_order_is_answered_with_those_there_are);
	RUN(a_small_terminal_gets_what_fits);
	return check_failures != 0;
}
