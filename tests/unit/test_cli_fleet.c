/* test_cli_fleet.c - which CTs are meant. covers: runtime/cli/fleet.c */
#include "runtime/cli/fleet.h"

#include "check.h"

#include <string.h>

static struct berth_error err;

static bool is(const char *word, enum fleet_kind kind)
{
	struct fleet_word w;

	fleet_word_parse(word, &w);
	return w.kind == kind;
}

static void words_ranges_and_patterns_are_told_apart(void)
{
	struct fleet_word w;

	CHECK(is("101", FLEET_ONE) && is("web-1", FLEET_ONE) && is("1-web", FLEET_ONE));
	CHECK(is("605-", FLEET_ONE) && is("7-9", FLEET_ONE) && is("605-99999999999", FLEET_ONE));
	CHECK(is("99999999999999999999-605", FLEET_ONE) && is("605-610-615", FLEET_ONE));
	CHECK(is("web-*", FLEET_GLOB) && is("610-605", FLEET_RANGE));
	fleet_word_parse("605-610", &w);
	CHECK(w.kind == FLEET_RANGE && w.from == 605 && w.to == 610);
}

static bool takes(const char *word, uint32_t ctid, const char *name)
{
	struct fleet_word w;

	fleet_word_parse(word, &w);
	return fleet_word_takes(&w, ctid, name);
}

static void a_word_takes_what_it_says(void)
{
	CHECK(takes("605-610", 605, "") && takes("605-610", 610, "x") &&
	      !takes("605-610", 611, "") && !takes("610-605", 607, ""));
	CHECK(takes("web-*", 101, "web-1") && !takes("web-*", 101, "db-1") &&
	      !takes("web-*", 101, ""));
	CHECK(takes("60?", 605, "") && !takes("60?", 6050, ""));
	CHECK(takes("web", 101, "web") && takes("101", 101, "web") && !takes("we", 101, "web"));
}

static void only_what_a_command_can_work_on_is_taken(void)
{
	CHECK(fleet_fits("stop", "running") && !fleet_fits("stop", "stopped"));
	CHECK(fleet_fits("start", "stopped") && !fleet_fits("start", "running"));
	CHECK(fleet_fits("resume", "suspended") && !fleet_fits("resume", "suspend"));
	CHECK(fleet_fits("set", "broken") && !fleet_fits("list", "running"));
	CHECK(!fleet_fits("start", "") && !fleet_fits("start", "stopped mounted"));
	CHECK(!fleet_fits("stop", "given") && !fleet_fits("restart", "stopped"));
}

/* What it keeps of the words stays until the next call. */
static int take(const char *command, struct fleet *f, const char *const *words)
{
	static char copy[12][40], *argv[13];
	const struct command c = {.name = command, .args = ""};
	const struct cli cli = {.program = "berth", .command = &c};
	struct args a = {.argv = argv, .at = 2};

	for (; words[a.argc] != NULL && a.argc < 12; a.argc++) {
		(void)snprintf(copy[a.argc], sizeof(copy[0]), "%s", words[a.argc]);
		argv[a.argc] = copy[a.argc];
	}
	return fleet_take(&cli, &a, f, &err);
}

#define TAKE(command, f, ...) \
	take(command, f, (const char *const[]){"berth", command, __VA_ARGS__, NULL})

static void one_ct_is_the_commands_own_business(void)
{
	struct fleet f;

	CHECK(TAKE("stop", &f, "101", "--fast") == 0);
	CHECK(TAKE("set", &f, "101", "--description", "--all") == 0);
	CHECK(TAKE("stop", &f, "--all", "--help") == 0);
	CHECK(TAKE("exec", &f, "101", "ls", "*") == 0);
}

static void options_stay_and_the_place_of_the_ct_is_known(void)
{
	struct fleet f;

	CHECK(TAKE("stop", &f, "101", "105-110", "--fast", "--parallel", "3") == 1);
	CHECK(f.n == 2 && f.parallel == 3 && f.argc == 4 && f.at == 2);
	CHECK(strcmp(f.argv[3], "--fast") == 0 && f.words[1].kind == FLEET_RANGE);
	fleet_free(&f);
	CHECK(TAKE("set", &f, "--all", "--ram", "1G", "--description", "--all") == 1);
	CHECK(f.n == 1 && f.argc == 7 && strcmp(f.argv[6], "--all") == 0);
	fleet_free(&f);
	CHECK(TAKE("stop", &f, "--fast", "--all", "--parallel=9", "--json") == 1);
	CHECK(f.parallel == 9 && f.json && !f.quiet);
	fleet_free(&f);
}

static void what_makes_no_sense_is_refused(void)
{
	struct fleet f;

	CHECK(TAKE("stop", &f, "--all", "--parallel", "0") < 0);
	CHECK(TAKE("stop", &f, "--all", "--parallel") < 0);
	CHECK(TAKE("stop", &f, "--parallel", "4") < 0 && err.code == BERTH_ERR_OPTION);
	CHECK(TAKE("destroy", &f, "--all") < 0 && err.code == BERTH_ERR_OPTION);
	CHECK(TAKE("destroy", &f, "*") < 0 && strstr(err.msg, "* is not for destroy") != NULL);
	CHECK(TAKE("destroy", &f, "??*") < 0);
	CHECK(TAKE("destroy", &f, "web-*") == 1);
	fleet_free(&f);
	CHECK(TAKE("set", &f, "101", "102", "--userpasswd", "root:x") < 0 &&
	      strstr(err.msg, "one CT") != NULL);
	CHECK(TAKE("set", &f, "101-105", "--userpasswd=-") < 0);
	CHECK(TAKE("set", &f, "101", "--userpasswd", "root:x") == 0);
	CHECK(TAKE("set", &f, "101", "102", "--sshkey", "-") < 0);
	CHECK(TAKE("set", &f, "101", "102", "--sshkey", "keys") == 1);
	fleet_free(&f);
}

int main(void)
{
	RUN(words_ranges_and_patterns_are_told_apart);
	RUN(a_word_takes_what_it_says);
	RUN(only_what_a_command_can_work_on_is_taken);
	RUN(one_ct_is_the_commands_own_business);
	RUN(options_stay_and_the_place_of_the_ct_is_known);
	RUN(what_makes_no_sense_is_refused);
	return check_failures != 0;
}
