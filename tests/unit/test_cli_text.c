/* test_cli_text.c - text of a CT cannot steer the operator's terminal. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/text.h"
#include "tests/unit/check.h"

#include <string.h>

static void check_escape(const char *in, const char *want)
{
	auto_free char *got = text_escape(in);

	if (got == NULL || strcmp(got, want) != 0)
		(void)fprintf(stderr, "got %s want %s\n", got != NULL ? got : "nothing", want);
	CHECK(got != NULL && strcmp(got, want) == 0);
}

static void plain_and_foreign_letters_pass(void)
{
	check_escape("web1.example.com", "web1.example.com");
	check_escape("M\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x98\x80", "M\xc3\xbcnchen \xe2\x82\xac "
								     "\xf0\x9f\x98\x80");
	check_escape("", "");
}

static void control_bytes_are_shown_as_numbers(void)
{
	const char override[] = {(char)0xe2, (char)0x80, (char)0xae, 't', 'x', 't', '\0'};

	check_escape("\x1b]0;x\x07\x1b[2J\n fake", "\\x1b]0;x\\x07\\x1b[2J\\x0a fake");
	check_escape("a\x7f\t", "a\\x7f\\x09");
	check_escape("\xc2\x9b"
		     "31m",
		     "\\xc2\\x9b31m");
	check_escape(override, "\\xe2\\x80\\xaetxt");
}

static void broken_utf8_is_shown_as_numbers(void)
{
	check_escape("\xff", "\\xff");
	check_escape("\xc3", "\\xc3");
	check_escape("\xc0\xaf", "\\xc0\\xaf");
	check_escape("\xed\xa0\x80", "\\xed\\xa0\\x80");
	check_escape("\xe2\x82", "\\xe2\\x82");
}

static void columns_are_characters(void)
{
	CHECK(text_width("M\xc3\xbc"
			 "n") == 3);
	CHECK(text_cut("M\xc3\xbc"
		       "n",
		       2) == 3);
	CHECK(text_cut("abc", 9) == 3);
	CHECK(text_cut("abc", 0) == 0);
}

int main(void)
{
	RUN(plain_and_foreign_letters_pass);
	RUN(control_bytes_are_shown_as_numbers);
	RUN(broken_utf8_is_shown_as_numbers);
	RUN(columns_are_characters);
	return check_failures != 0;
}
