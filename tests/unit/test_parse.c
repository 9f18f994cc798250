/*
 * test_parse.c - strict parsers of small words.
 *
 * covers: runtime/base/parse.c
 */
#include "runtime/base/parse.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

static void numbers_are_digits_and_nothing_else(void)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1k", "1.0", "1\n"};
	uint64_t v = 7;
	uint32_t w = 7;

	CHECK(parse_u64("0", &v) == 0 && v == 0);
	CHECK(parse_u64("18446744073709551615", &v) == 0 && v == UINT64_MAX);
	CHECK(parse_u32("4294967295", &w) == 0 && w == UINT32_MAX);
	v = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(parse_u64(bad[i], &v) == -EINVAL && v == 7);
}

static void too_large_is_a_range_error(void)
{
	uint64_t v = 7;
	uint32_t w = 7;
	int i = 7;

	CHECK(parse_u64("18446744073709551616", &v) == -ERANGE && v == 7);
	CHECK(parse_u64("99999999999999999999999", &v) == -ERANGE);
	CHECK(parse_u32("4294967296", &w) == -ERANGE && w == 7);
	CHECK(parse_int("2147483648", &i) == -ERANGE && i == 7);
}

static void ints_may_be_negative(void)
{
	int i = 0;

	CHECK(parse_int("-15", &i) == 0 && i == -15);
	CHECK(parse_int("2147483647", &i) == 0 && i == INT_MAX);
	CHECK(parse_int("-", &i) == -EINVAL);
	CHECK(parse_int("--1", &i) == -EINVAL);
}

static void ctids_begin_at_101(void)
{
	uint32_t v = 7;

	CHECK(parse_ctid("101", &v) == 0 && v == 101);
	CHECK(parse_ctid("2147483644", &v) == 0 && v == CTID_MAX);
	v = 7;
	CHECK(parse_ctid("100", &v) == -ERANGE);
	CHECK(parse_ctid("2147483645", &v) == -ERANGE);
	CHECK(parse_ctid("0101", &v) == -EINVAL);
	CHECK(parse_ctid("0", &v) == -EINVAL);
	CHECK(parse_ctid("web1", &v) == -EINVAL);
	CHECK(parse_ctid("../101", &v) == -EINVAL && v == 7);
}

static void names_cannot_be_taken_for_ctids(void)
{
	char longest[65];

	CHECK(name_is_valid("web1") && name_is_valid("1a") && name_is_valid("a-b"));
	CHECK(!name_is_valid("") && !name_is_valid("101") && !name_is_valid("-a"));
	CHECK(!name_is_valid("Web") && !name_is_valid("a_b") && !name_is_valid("a/b"));
	CHECK(!name_is_valid("a b") && !name_is_valid("..") && !name_is_valid("\xc3\xbc"));
	memset(longest, 'a', 64);
	longest[64] = '\0';
	CHECK(!name_is_valid(longest));
	longest[63] = '\0';
	CHECK(name_is_valid(longest));
}

static void template_names_are_file_names(void)
{
	CHECK(template_name_is_valid("debian-12") && template_name_is_valid("a.b_c+d"));
	CHECK(!template_name_is_valid("") && !template_name_is_valid(".hidden"));
	CHECK(!template_name_is_valid("../x") && !template_name_is_valid("a/b"));
	CHECK(!template_name_is_valid("-x") && !template_name_is_valid("a b"));
}

static void host_names_are_labels(void)
{
	char longest[66];

	CHECK(hostname_is_valid("a") && hostname_is_valid("web1.Example.com"));
	CHECK(hostname_is_valid("x-1.y--z"));
	CHECK(!hostname_is_valid("") && !hostname_is_valid(".") && !hostname_is_valid("a."));
	CHECK(!hostname_is_valid(".a") && !hostname_is_valid("a..b") && !hostname_is_valid("-a"));
	CHECK(!hostname_is_valid("a-") && !hostname_is_valid("a-.b") && !hostname_is_valid("a.-b"));
	CHECK(!hostname_is_valid("a_b") && !hostname_is_valid("a b") && !hostname_is_valid("a\n"));
	memset(longest, 'a', 65);
	longest[65] = '\0';
	CHECK(!hostname_is_valid(longest));
	longest[64] = '\0';
	CHECK(hostname_is_valid(longest));
}

static void clean_text_has_no_control_bytes(void)
{
	CHECK(text_is_clean("") && text_is_clean("a b \xc3\xbc ~"));
	CHECK(!text_is_clean("a\n") && !text_is_clean("\x1b[2J") && !text_is_clean("\x7f"));
}

static void words_are_as_far_apart_as_one_types_them_wrong(void)
{
	CHECK(word_distance("start", "start") == 0);
	CHECK(word_distance("strat", "start") == 1 && word_distance("star", "start") == 1);
	CHECK(word_distance("stop", "show") == 2 && word_distance("wbe", "web") == 1);
	CHECK(word_distance("", "abc") == 3 && word_distance("abc", "") == 3);
	CHECK(word_distance("a", "a word that is longer than 31 bytes") > 31);
}

static void a_mistyped_word_has_a_nearest_one(void)
{
	struct word_guess near = {.word = "strat"}, far = {.word = "reboot"},
			  brief = {.word = "ct"}, other = {.word = "show"}, begin = {.word = "st"};
	static const char *const words[] = {"stop", "start", "status"};

	for (size_t i = 0; i < 3; i++) {
		word_guess_try(&near, words[i]);
		word_guess_try(&far, words[i]);
		word_guess_try(&brief, words[i]);
		word_guess_try(&other, words[i]);
		word_guess_try(&begin, words[i]);
	}
	CHECK(near.best != NULL && strcmp(near.best, "start") == 0);
	CHECK(far.best == NULL && brief.best == NULL);
	/* Of four letters two are another word; the beginning of one is near. */
	CHECK(other.best == NULL);
	CHECK(begin.best != NULL && strcmp(begin.best, "stop") == 0);
}

static void a_duration_is_a_number_and_a_unit(void)
{
	static const char *const bad[] = {"",	  "h",	 "-1",	"1y", "1hh",
					  "1.5h", " 1h", "1 h", "1H", "1h30m"};
	uint64_t s = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(parse_duration(bad[i], &s) == -EINVAL);
	CHECK(parse_duration("9999999999999999999", &s) == -ERANGE && s == 7);
	CHECK(parse_duration("90", &s) == 0 && s == 90);
	CHECK(parse_duration("90s", &s) == 0 && s == 90);
	CHECK(parse_duration("30m", &s) == 0 && s == 1800);
	CHECK(parse_duration("2h", &s) == 0 && s == 7200);
	CHECK(parse_duration("1d", &s) == 0 && s == 86400);
	CHECK(parse_duration("2w", &s) == 0 && s == 1209600);
}

int main(void)
{
	RUN(a_duration_is_a_number_and_a_unit);
	RUN(words_are_as_far_apart_as_one_types_them_wrong);
	RUN(numbers_are_digits_and_nothing_else);
	RUN(too_large_is_a_range_error);
	RUN(ints_may_be_negative);
	RUN(ctids_begin_at_101);
	RUN(names_cannot_be_taken_for_ctids);
	RUN(template_names_are_file_names);
	RUN(host_names_are_labels);
	RUN(clean_text_has_no_control_bytes);
	RUN(a_mistyped_word_has_a_nearest_one);
	return check_failures != 0;
}
