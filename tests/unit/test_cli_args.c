/* test_cli_args.c - the grammar of options and words. */
#include "runtime/cli/args.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static const struct opt global[] = {{"quiet", 'q', false}, {"root", 0, true}, {0}};
static const struct opt own[] = {
	{"all", 'a', false}, {"output", 'o', true}, {"sort", 's', true}, {NULL, 'x', false}, {0}};

/* Feeds the words (NULL-terminated) and writes "name=value" and words, blanks between, into buf. */
static int walk(const char *const *words, bool params, char *buf, size_t size,
		struct berth_error *err)
{
	char copy[16][40], *argv[17] = {NULL};
	struct args a = {.argv = argv, .opts = own, .params = params};
	struct arg arg;
	int r;

	for (; words[a.argc] != NULL; a.argc++) {
		(void)snprintf(copy[a.argc], sizeof(copy[0]), "%s", words[a.argc]);
		argv[a.argc] = copy[a.argc];
	}
	buf[0] = '\0';
	while ((r = args_next(&a, global, &arg, err)) > ARG_END) {
		size_t n = strlen(buf);
		char letter[2] = {arg.letter, '\0'};

		(void)snprintf(buf + n, size - n, "%s%s%s%s", n > 0 ? " " : "",
			       r == ARG_WORD	  ? ""
			       : arg.name != NULL ? arg.name
						  : letter,
			       r == ARG_OPTION && arg.value != NULL ? "=" : "",
			       arg.value != NULL ? arg.value : "");
	}
	return r;
}

static void check_walk(const char *const *words, bool params, const char *want)
{
	struct berth_error err = {0};
	char buf[256];
	int r = walk(words, params, buf, sizeof(buf), &err);

	if (r != 0 || strcmp(buf, want) != 0)
		(void)fprintf(stderr, "got %d '%s' want '%s' %s\n", r, buf, want, err.msg);
	CHECK(r == 0 && strcmp(buf, want) == 0);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void options_stand_anywhere_among_words(void)
{
	check_walk(WORDS("101", "--all", "-q", "x"), false, "101 all quiet x");
}

static void a_value_is_attached_or_follows(void)
{
	check_walk(WORDS("--output", "a,b", "--output=c", "-o", "d", "-oe"), false,
		   "output=a,b output=c output=d output=e");
	check_walk(WORDS("--root", "--all", "--root="), false, "root=--all root=");
}

static void letters_cluster_up_to_one_that_takes_a_value(void)
{
	check_walk(WORDS("-axqoctid", "-s", "-ctid"), false, "all x quiet output=ctid sort=-ctid");
}

static void two_dashes_end_the_options(void)
{
	check_walk(WORDS("-a", "--", "--all", "-x"), false, "all --all -x");
	check_walk(WORDS("-"), false, "-");
}

static void parameters_are_options_of_create_and_set(void)
{
	check_walk(WORDS("101", "--ram", "512M", "--stop_timeout=5", "--ipdel", "all"), true,
		   "101 ram=512M stop-timeout=5 ipdel=all");
}

static void check_refused(const char *const *words, bool params, const char *hint)
{
	struct berth_error err = {0};
	char buf[256];

	CHECK(walk(words, params, buf, sizeof(buf), &err) == -EINVAL);
	CHECK(err.code == BERTH_ERR_OPTION);
	CHECK(strstr(err.msg, hint) != NULL);
}

static void what_is_no_option_is_refused_with_a_hint(void)
{
	check_refused(WORDS("--nope"), false, "--help");
	check_refused(WORDS("-az"), false, "-z");
	check_refused(WORDS("--ramm", "1"), true, "--ram?");
	check_refused(WORDS("--ram"), true, "needs a value");
	check_refused(WORDS("-o"), false, "needs a value");
	check_refused(WORDS("--all=yes"), false, "takes no value");
	check_refused(WORDS("--ram", "1"), false, "--help");
}

int main(void)
{
	RUN(options_stand_anywhere_among_words);
	RUN(a_value_is_attached_or_follows);
	RUN(letters_cluster_up_to_one_that_takes_a_value);
	RUN(two_dashes_end_the_options);
	RUN(parameters_are_options_of_create_and_set);
	RUN(what_is_no_option_is_refused_with_a_hint);
	return check_failures != 0;
}
