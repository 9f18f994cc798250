/*
 * main.c - berth, the command line client. As vzctl it is the same; as vzlist it is `berth list`.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/help.h"
#include "runtime/cli/text.h"

#include <fcntl.h>
#include <locale.h>
#include <string.h>

/* A program started without one of these would hand out 0, 1 or 2 as some file or socket. */
static int open_stdio(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
			return -EBADF;
	return 0;
}

static bool name_matches(const char *name, const char *first, const char *second, bool *ret_two)
{
	const char *space = name != NULL ? strchr(name, ' ') : NULL;

	if (name == NULL)
		return false;
	*ret_two = space != NULL;
	if (space == NULL)
		return strcmp(name, first) == 0;
	return second != NULL && strlen(first) == (size_t)(space - name) &&
	       strncmp(name, first, strlen(first)) == 0 && strcmp(space + 1, second) == 0;
}

/* The command that the word, and for "template" the next one, names. */
static const struct command *find_command(const char *word, struct args *a)
{
	const char *next = a->at < a->argc ? a->argv[a->at] : NULL;

	for (const struct command *c = command_table(); c->name != NULL; c++) {
		bool two;

		if (name_matches(c->name, word, next, &two) ||
		    name_matches(c->alias, word, next, &two)) {
			a->at += two;
			return c;
		}
	}
	return NULL;
}

/* The command that a mistyped one is nearest to, or NULL when none is near. */
static const char *guess_command(const char *word)
{
	const char *best = NULL;
	size_t best_distance = 3;

	for (const struct command *c = command_table(); c->name != NULL && strlen(word) > 2; c++) {
		size_t d = strchr(c->name, ' ') == NULL ? word_distance(word, c->name) : 99;

		if (d < best_distance) {
			best = c->name;
			best_distance = d;
		}
	}
	return best;
}

static int unknown_command(const struct cli *cli, const char *word, struct berth_error *err)
{
	const char *guess = guess_command(word);

	if (strcmp(word, "template") == 0)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "usage: %s template build|import|list|rm ...", cli->program);
	if (guess != NULL)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "there is no command '%.40s'; did you mean '%s'? %s --help "
				       "lists them all",
				       word, guess, cli->program);
	return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
			       "there is no command '%.40s'; %s --help lists them all", word,
			       cli->program);
}

static const struct command *list_command(void)
{
	const struct command *c = command_table();

	while (c->run != cmd_list)
		c++;
	return c;
}

/* Finds the command: cli->command stays NULL when --help came first. */
static int take_command(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct arg arg;
	int r;

	if (strcmp(cli->program, "vzlist") == 0) {
		cli->command = list_command();
		return 0;
	}
	r = cli_next(cli, a, &arg, err);
	if (r < 0 || cli->help)
		return r;
	if (r == ARG_END)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "a command is missing; %s --help lists them", cli->program);
	cli->command = find_command(arg.value, a);
	return cli->command != NULL ? 0 : unknown_command(cli, arg.value, err);
}

static int run(struct cli *cli, struct args *a, struct berth_error *err)
{
	int r = take_command(cli, a, err);

	if (r == 0 && cli->command != NULL)
		r = cli->command->run(cli, a, err);
	if (r < 0 || !cli->help)
		return r;
	if (cli->command == NULL)
		help_all(cli->program);
	else
		help_command(cli);
	return 0;
}

/* For programs: {"error": "io.berth.Locked", "message": "...", "status": 9} on stderr. */
static void report_json(const struct berth_error *err)
{
	json_t *o =
		json_pack("{s:s, s:s%, s:i}", "error", berth_error_name(err->code), "message",
			  err->msg, strlen(err->msg), "status", berth_error_exit_status(err->code));

	/* A message with bytes that are no UTF-8 cannot be a JSON string. */
	if (o == NULL)
		o = json_pack("{s:s, s:i}", "error", berth_error_name(err->code), "status",
			      berth_error_exit_status(err->code));
	if (o != NULL)
		(void)json_dumpf(o, stderr, JSON_COMPACT);
	(void)fputc('\n', stderr);
	json_decref(o);
}

static int report(const struct cli *cli, const struct berth_error *err)
{
	auto_free char *text = text_escape(err->msg);

	if (cli->json)
		report_json(err);
	else
		(void)fprintf(stderr, "berth: %s\n", text != NULL ? text : "out of memory");
	return berth_error_exit_status(err->code);
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	struct cli cli = {.program = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "berth"};
	struct args a = {.argc = argc, .argv = argv, .at = 1};
	struct berth_error err = {0};
	int r;

	if (open_stdio() < 0)
		return 3;
	(void)setlocale(LC_TIME, "");
	r = run(&cli, &a, &err);
	if (r < 0)
		r = report(&cli, &err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		(void)fprintf(stderr, "berth: write output: %s\n", strerror(errno));
		return r != 0 ? r : berth_error_exit_status(BERTH_ERR_SYSTEM);
	}
	return r;
}
