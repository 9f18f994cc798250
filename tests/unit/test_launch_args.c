/* test_launch_args.c - the arguments of an exec session as they arrive from a client. */
#include "runtime/launch/child.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static char *argv[ARGS_MAX + 1], *envp[ARGS_MAX + 1];

static int parse(uint32_t argc, uint32_t envc, const char *strings, size_t len)
{
	static char buf[8192];

	memcpy(buf, &argc, 4);
	memcpy(buf + 4, &envc, 4);
	memcpy(buf + 8, strings, len);
	return args_parse(buf, len + 8, argv, envp);
}

static void arguments_and_environment_are_split_in_order(void)
{
	CHECK(parse(2, 1, "ls\0-l\0A=b", 10) == 0);
	CHECK(strcmp(argv[0], "ls") == 0 && strcmp(argv[1], "-l") == 0 && argv[2] == NULL);
	CHECK(strcmp(envp[0], "A=b") == 0 && envp[1] == NULL);
	CHECK(parse(2, 0, "ls\0", 4) == 0);
	CHECK(strcmp(argv[1], "") == 0);
}

static void counts_that_do_not_fit_the_strings_are_refused(void)
{
	CHECK(parse(3, 0, "ls\0-l", 6) == -EBADMSG);
	CHECK(parse(1, 0, "ls\0-l", 6) == -EBADMSG);
	CHECK(parse(1, 1, "ls", 3) == -EBADMSG);
	CHECK(parse(0, 1, "A=b", 4) == -EBADMSG);
	CHECK(parse(0xffffffff, 1, "ls", 3) == -E2BIG);
	CHECK(parse(1, ARGS_MAX + 1, "ls", 3) == -E2BIG);
}

static void a_text_without_its_last_nul_or_without_a_name_is_refused(void)
{
	CHECK(parse(1, 0, "ls", 2) == -EBADMSG);
	CHECK(parse(1, 0, "", 1) == -EBADMSG);
	CHECK(parse(1, 0, "", 0) == -EBADMSG);
}

static void a_variable_is_found_by_its_whole_name(void)
{
	char a[] = "PATHS=1", b[] = "PATH=2", c[] = "PATH=3";
	char *env[] = {a, b, c, NULL};

	CHECK(strcmp(args_env(env, "PATH"), "2") == 0);
	CHECK(args_env(env, "PAT") == NULL);
	CHECK(args_env(env + 3, "PATH") == NULL);
}

int main(void)
{
	RUN(arguments_and_environment_are_split_in_order);
	RUN(counts_that_do_not_fit_the_strings_are_refused);
	RUN(a_text_without_its_last_nul_or_without_a_name_is_refused);
	RUN(a_variable_is_found_by_its_whole_name);
	return check_failures != 0;
}
