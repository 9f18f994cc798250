/* test_cli_command_line.c - what a CT's shell is given to run. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/command_line.h"
#include "tests/unit/check.h"

#include <string.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void check_join(const char *const *words, const char *want)
{
	auto_free char *got = command_line_join(words);

	if (got == NULL || strcmp(got, want) != 0)
		(void)fprintf(stderr, "got %s want %s\n", got != NULL ? got : "nothing", want);
	CHECK(got != NULL && strcmp(got, want) == 0);
}

static void one_word_is_the_line(void)
{
	check_join(WORDS("cd /tmp; ls | wc -l"), "cd /tmp; ls | wc -l");
	check_join(WORDS("/opt/my\\ tool"), "/opt/my\\ tool");
}

static void several_words_are_joined_for_the_shell_to_expand(void)
{
	check_join(WORDS("ls", "-l", "/etc/*.conf"), "ls -l /etc/*.conf");
	check_join(WORDS("echo", "$HOME", "|", "cat"), "echo $HOME | cat");
	check_join(WORDS("test", ""), "test ''");
}

static void a_word_with_blanks_stays_one_word(void)
{
	check_join(WORDS("sh", "-c", "head -c 3G /dev/zero > /big"),
		   "sh -c 'head -c 3G /dev/zero > /big'");
	check_join(WORDS("echo", "it's me"), "echo 'it'\\''s me'");
}

static void the_line_of_a_shell_stays_whole(void)
{
	check_join(WORDS("/bin/bash", "-ec", "exit;id", "x"), "/bin/bash -ec 'exit;id' x");
	check_join(WORDS("wc", "-c", "/etc/*"), "wc -c /etc/*");
}

static void a_login_shell_follows_the_line(void)
{
	auto_free char *none = command_line_login(NULL), *top = command_line_login("top");

	CHECK(strstr(none, "exec sh -l") != NULL);
	CHECK(strstr(top, "\ntop\n") != NULL && strstr(top, "exec bash -l") != NULL);
}

static void check_interpreter(const char *script, const char *program, const char *arg)
{
	const char *argv[3];
	char buf[64];

	command_line_interpreter(script, buf, sizeof(buf), argv);
	CHECK(strcmp(argv[0], program) == 0);
	CHECK(arg == NULL ? argv[1] == NULL : argv[1] != NULL && strcmp(argv[1], arg) == 0);
	CHECK(argv[2] == NULL);
}

static void the_first_line_names_the_interpreter(void)
{
	check_interpreter("echo hello\n", "/bin/sh", NULL);
	check_interpreter("#!/bin/bash\necho\n", "/bin/bash", NULL);
	check_interpreter("#! /usr/bin/env python3 -u \r\n", "/usr/bin/env", "python3 -u");
	check_interpreter("#!bash\n", "/bin/sh", NULL);
	check_interpreter("#!", "/bin/sh", NULL);
	check_interpreter("", "/bin/sh", NULL);
	check_interpreter(
		"#!/0123456789012345678901234567890123456789012345678901234567890123456\n",
		"/bin/sh", NULL);
}

int main(void)
{
	RUN(one_word_is_the_line);
	RUN(several_words_are_joined_for_the_shell_to_expand);
	RUN(a_word_with_blanks_stays_one_word);
	RUN(the_line_of_a_shell_stays_whole);
	RUN(a_login_shell_follows_the_line);
	RUN(the_first_line_names_the_interpreter);
	return check_failures != 0;
}
