/* test_temporary.c - changes of a config that come back by themselves. */
#include "runtime/config/temporary.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct conf_file *parse(const char *text)
{
	struct conf_file *f = NULL;

	CHECK(conf_parse(text, strlen(text), &f, NULL) == 0);
	return f;
}

static void check_text(const struct conf_file *f, const char *want)
{
	char *text = NULL;

	CHECK(conf_format(f, &text) == 0);
	if (strcmp(text, want) != 0)
		(void)fprintf(stderr, "got:\n%swanted:\n%s", text, want);
	CHECK(strcmp(text, want) == 0);
	free(text);
}

static void a_line_is_a_date_and_what_comes_then(void)
{
	static const char *const bad[] = {
		"",
		"soon",
		"2026-11-30",
		"2026-11-30T06:12:00",
		"2026-11-30T06:12:00Zx",
		"2026-02-31T06:12:00Z",
		"2026-13-01T06:12:00Z",
		"2026-11-30T24:12:00Z",
		"2026-11-30 06:12:00Z",
		"1969-12-31T23:59:59Z",
		"+026-11-30T06:12:00Z",
	};
	const char *old = "untouched";
	int64_t until = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(temporary_parse(bad[i], &until, &old) == -EINVAL);
	CHECK(until == 7 && strcmp(old, "untouched") == 0);
	CHECK(temporary_parse("2026-11-30T06:12:00Z 0:131072", &until, &old) == 0);
	CHECK(until == 1796019120 && strcmp(old, "0:131072") == 0);
	CHECK(temporary_parse("2026-11-30T06:12:00Z", &until, &old) == 0 && old == NULL);
	CHECK(temporary_parse("2026-11-30T06:12:00Z ", &until, &old) == 0 && *old == '\0');
}

static void what_is_changed_added_or_gone_comes_back(void)
{
	struct conf_file *before = parse("A=\"1\"\n# c\nB=\"2\"\nC=\"3\"\n");
	struct conf_file *f = parse("A=\"1\"\n# c\nB=\"9\"\nD=\"4\"\n");

	CHECK(temporary_mark(f, before, 1796019120) == 0);
	check_text(f, "A=\"1\"\n# c\nB=\"9\"\nD=\"4\"\nUNTIL_B=\"2026-11-30T06:12:00Z 2\"\n"
		      "UNTIL_D=\"2026-11-30T06:12:00Z\"\nUNTIL_C=\"2026-11-30T06:12:00Z 3\"\n");
	CHECK(temporary_next(f) == 1796019120 && temporary_next(before) == 0);
	CHECK(temporary_take_back(f, f, NULL, 1796019119) == 0);
	CHECK(temporary_take_back(f, f, NULL, 1796019120) == 3);
	check_text(f, "A=\"1\"\n# c\nB=\"2\"\nC=\"3\"\n");
	conf_free(before);
	conf_free(f);
}

static void it_is_prolonged_or_for_good_without_a_change(void)
{
	struct conf_file *f = parse("B=\"9\"\nUNTIL_B=\"2026-11-30T06:12:00Z 2\"\n"
				    "C=\"1\"\nUNTIL_C=\"2026-11-30T06:12:00Z\"\nD=\"4\"\n");

	CHECK(temporary_prolong(f, "B", 1796019120 + 3600) == 0);
	CHECK(temporary_prolong(f, "D", 1796019120 + 3600) == 0); /* it does not come back */
	check_text(f, "B=\"9\"\nUNTIL_B=\"2026-11-30T07:12:00Z 2\"\n"
		      "C=\"1\"\nUNTIL_C=\"2026-11-30T06:12:00Z\"\nD=\"4\"\n");
	CHECK(temporary_keep_all(f) == 0);
	check_text(f, "B=\"9\"\nC=\"1\"\nD=\"4\"\n");
	conf_free(f);
}

static void a_second_time_it_comes_back_to_what_it_was_at_first(void)
{
	struct conf_file *before = parse("B=\"9\"\nUNTIL_B=\"2026-11-30T06:12:00Z 2\"\n");
	struct conf_file *f = parse("B=\"10\"\nUNTIL_B=\"2026-11-30T06:12:00Z 2\"\n");

	CHECK(temporary_mark(f, before, 1796019180) == 0);
	check_text(f, "B=\"10\"\nUNTIL_B=\"2026-11-30T06:13:00Z 2\"\n");
	temporary_keep_changed(f, before);
	check_text(f, "B=\"10\"\n");
	conf_free(before);
	conf_free(f);
}

static void each_has_its_own_time(void)
{
	struct conf_file *f = parse("A=\"1\"\nB=\"2\"\nUNTIL_A=\"2026-11-30T06:12:00Z 5\"\n"
				    "UNTIL_B=\"2026-11-30T06:11:00Z 6\"\n");

	CHECK(temporary_next(f) == 1796019060);
	CHECK(temporary_take_back(f, f, NULL, 1796019060) == 1);
	check_text(f, "A=\"1\"\nB=\"6\"\nUNTIL_A=\"2026-11-30T06:12:00Z 5\"\n");
	temporary_keep(f, "A");
	temporary_keep(f, "B");
	check_text(f, "A=\"1\"\nB=\"6\"\n");
	conf_free(f);
}

static void add_key(const char *key, void *data)
{
	(void)strncat(data, key, 15 - strlen(data));
}

static void one_key_comes_back_alone(void)
{
	struct conf_file *f = parse("A=\"1\"\nB=\"2\"\nUNTIL_A=\"2026-11-30T06:12:00Z 5\"\n"
				    "UNTIL_B=\"2026-11-30T06:12:00Z\"\nUNTIL_C=\"?\"\n"
				    "UNTIL_D=\"2026-11-30T06:12:01Z\"\n");
	char keys[16] = "";

	temporary_each_due(f, 1796019120, add_key, keys);
	CHECK(strcmp(keys, "ABC") == 0 && strcmp(temporary_old(f, "A"), "5") == 0);
	CHECK(temporary_old(f, "B") == NULL && temporary_old(f, "C") == NULL &&
	      temporary_old(f, "E") == NULL);
	CHECK(temporary_take_back(f, f, "A", 1796019120) == 1);
	CHECK(temporary_take_back(f, f, "D", 1796019120) == 0);
	check_text(f, "A=\"5\"\nB=\"2\"\nUNTIL_B=\"2026-11-30T06:12:00Z\"\nUNTIL_C=\"?\"\n"
		      "UNTIL_D=\"2026-11-30T06:12:01Z\"\n");
	conf_free(f);
}

static void a_damaged_line_goes_and_the_value_stays(void)
{
	struct conf_file *f = parse("A=\"1\"\nUNTIL_A=\"tomorrow 5\"\nUNTIL_=\"x\"\n");

	CHECK(temporary_next(f) == 1 && temporary_take_back(f, f, NULL, 1796019060) == 1);
	check_text(f, "A=\"1\"\nUNTIL_=\"x\"\n");
	conf_free(f);
}

int main(void)
{
	RUN(a_line_is_a_date_and_what_comes_then);
	RUN(what_is_changed_added_or_gone_comes_back);
	RUN(it_is_prolonged_or_for_good_without_a_change);
	RUN(a_second_time_it_comes_back_to_what_it_was_at_first);
	RUN(each_has_its_own_time);
	RUN(one_key_comes_back_alone);
	RUN(a_damaged_line_goes_and_the_value_stays);
	return check_failures != 0;
}
