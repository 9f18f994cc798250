/* test_cli_settings.c - command lines of create and set as the settings that berthd is sent. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/settings.h"
#include "tests/unit/check.h"

#include <string.h>

static int take(const struct opt *opts, const char *const *words, json_t *array,
		struct settings_flags *flags, struct berth_error *err)
{
	static const struct opt none[] = {{0}};
	char copy[16][64], *argv[17] = {NULL};
	struct args a = {.argv = argv, .opts = opts, .params = true};
	struct arg arg;
	int r;

	for (; words[a.argc] != NULL; a.argc++) {
		(void)snprintf(copy[a.argc], sizeof(copy[0]), "%s", words[a.argc]);
		argv[a.argc] = copy[a.argc];
	}
	while ((r = args_next(&a, none, &arg, err)) > ARG_END)
		if (r == ARG_OPTION && settings_take(&arg, array, flags, err) < 0)
			return -EINVAL;
	return r;
}

static void check_settings(const struct opt *opts, const char *const *words, const char *want,
			   struct settings_flags want_flags)
{
	struct settings_flags flags = {0};
	struct berth_error err = {0};
	json_t *array = json_array();
	auto_free char *text = NULL;

	CHECK(take(opts, words, array, &flags, &err) == 0);
	text = json_dumps(array, JSON_COMPACT);
	if (text == NULL || strcmp(text, want) != 0)
		(void)fprintf(stderr, "got %s\n", text != NULL ? text : "nothing");
	CHECK(text != NULL && strcmp(text, want) == 0);
	CHECK(flags.save == want_flags.save && flags.reset_ub == want_flags.reset_ub);
	CHECK(flags.restart == want_flags.restart && flags.ignore == want_flags.ignore);
	json_decref(array);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void settings_keep_the_order_they_were_typed_in(void)
{
	check_settings(settings_set_opts,
		       WORDS("101", "--ipdel", "all", "--ipadd", "10.0.0.1", "--ram=1G", "--save"),
		       "[{\"option\":\"ipdel\",\"value\":\"all\"},"
		       "{\"option\":\"ipadd\",\"value\":\"10.0.0.1\"},"
		       "{\"option\":\"ram\",\"value\":\"1G\"}]",
		       (struct settings_flags){.save = true});
}

static void a_panels_whole_command_line_is_taken(void)
{
	check_settings(
		settings_set_opts,
		WORDS("101", "--save", "--setmode", "restart", "-p", "90:100", "-k14M", "--force"),
		"[{\"option\":\"numproc\",\"value\":\"90:100\"},"
		"{\"option\":\"kmemsize\",\"value\":\"14M\"}]",
		(struct settings_flags){.save = true, .restart = true});
	check_settings(settings_set_opts, WORDS("101", "--reset_ub", "--setmode=ignore"), "[]",
		       (struct settings_flags){.reset_ub = true, .ignore = true});
}

static void create_sends_template_layout_and_sample_as_settings(void)
{
	check_settings(
		settings_create_opts,
		WORDS("101", "--ostemplate", "tiny", "--config", "basic", "--layout", "private"),
		"[{\"option\":\"ostemplate\",\"value\":\"tiny\"},"
		"{\"option\":\"config\",\"value\":\"basic\"},"
		"{\"option\":\"layout\",\"value\":\"private\"}]",
		(struct settings_flags){0});
}

static void what_berthd_could_not_read_is_refused(void)
{
	struct settings_flags flags = {0};
	struct berth_error err = {0};
	json_t *array = json_array();

	CHECK(take(settings_set_opts, WORDS("--setmode", "now"), array, &flags, &err) < 0);
	CHECK(err.code == BERTH_ERR_VALUE);
	CHECK(take(settings_set_opts, WORDS("--description", "\xff\xfe"), array, &flags, &err) < 0);
	CHECK(err.code == BERTH_ERR_VALUE && strstr(err.msg, "description") != NULL);
	json_decref(array);
}

int main(void)
{
	RUN(settings_keep_the_order_they_were_typed_in);
	RUN(a_panels_whole_command_line_is_taken);
	RUN(create_sends_template_layout_and_sample_as_settings);
	RUN(what_berthd_could_not_read_is_refused);
	return check_failures != 0;
}
