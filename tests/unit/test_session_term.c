/* test_session_term.c - the console's escape and the cleaning of a log. */
#include "runtime/cli/session_term.h"

#include "tests/unit/check.h"

#include <string.h>
#include <unistd.h>

/* Feeds piece after piece; what came out is compared with want. */
static bool feed(const char *const *pieces, const char *want)
{
	struct term_escape e = {false, false};
	char all[256] = "", buf[128];
	bool detach = false;

	for (; *pieces != NULL && !detach; pieces++) {
		size_t n = strlen(*pieces);

		memcpy(buf, *pieces, n);
		n = term_escape_feed(&e, buf, n, &detach);
		buf[n] = '\0';
		(void)strncat(all, buf, sizeof(all) - strlen(all) - 1);
	}
	CHECK(strcmp(all, want) == 0);
	return detach;
}

#define FEED(want, ...) feed((const char *const[]){__VA_ARGS__, NULL}, want)

static void escape_and_dot_detach_at_the_start_of_a_line(void)
{
	CHECK(FEED("", "\033."));
	CHECK(FEED("", "\033", "."));
	CHECK(FEED("ls\r", "ls\r", "\033", ".more"));
	CHECK(FEED("a\nb\n", "a\nb\n\033.", "x"));
}

static void in_the_middle_of_a_line_they_are_typed(void)
{
	CHECK(!FEED("ls\033.", "ls\033."));
	CHECK(!FEED("x\033.", "x", "\033", "."));
}

static void an_arrow_key_at_the_start_of_a_line_survives(void)
{
	CHECK(!FEED("\033[A", "\033[A"));
	CHECK(!FEED("\033[A", "\033", "[A"));
	CHECK(!FEED("\033\033.", "\033", "\033", "."));
	CHECK(!FEED("\033\r", "\033", "\r"));
	CHECK(FEED("\033\r", "\033", "\r", "\033."));
}

static void a_cleaned_text_cannot_steer_the_terminal(void)
{
	static const char in[] = "a\033[2Jb\tc\r\n\x9b"
				 "d\x7f\xc3\xa9";
	char out[4 * sizeof(in)];
	size_t n = term_clean(in, sizeof(in) - 1, out);

	out[n] = '\0';
	CHECK(strcmp(out, "a\\x1b[2Jb\tc\n\\x9bd\\x7f\xc3\xa9") == 0);
}

static void what_is_no_terminal_is_left_alone(void)
{
	struct term_saved t;
	int fds[2];

	CHECK(pipe(fds) == 0);
	term_raw(fds[0], &t);
	CHECK(t.fd == -1);
	term_restore(&t);
}

int main(void)
{
	RUN(escape_and_dot_detach_at_the_start_of_a_line);
	RUN(in_the_middle_of_a_line_they_are_typed);
	RUN(an_arrow_key_at_the_start_of_a_line_survives);
	RUN(a_cleaned_text_cannot_steer_the_terminal);
	RUN(what_is_no_terminal_is_left_alone);
	return check_failures != 0;
}
