/*
 * main.c - berth, the command line client. As vzctl it is the same; as vzlist it is `berth list`,
 * as vzmigrate `berth migrate`, as vzpid `berth pid`.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/fleet.h"
#include "runtime/cli/help.h"
#include "runtime/cli/style.h"
#include "runtime/cli/text.h"
#include "runtime/cli/vzctl.h"

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

/* "template bild": the second word of a command of two. */
static int unknown_template_command(const struct cli *cli, const char *word,
				    struct berth_error *err)
{
	struct word_guess g = {.word = word != NULL ? word : ""};

	for (const struct command *c = command_table(); c->name != NULL; c++)
		if (strncmp(c->name, "template ", 9) == 0)
			word_guess_try(&g, c->name + 9);
	if (word == NULL)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "usage: %s template build|import|list|rm ...", cli->program);
	return berth_error_set(
		err, BERTH_ERR_OPTION, EINVAL, "unknown command 'template %.40s'; %s%s%s", word,
		g.best != NULL ? "did you mean 'template " : "use build, import, list",
		g.best != NULL ? g.best : " or rm", g.best != NULL ? "'?" : "");
}

static int unknown_command(const struct cli *cli, const char *word, const struct args *a,
			   struct berth_error *err)
{
	static const struct word_pair others[] = {
		{"ls", "list"},	       {"ps", "list"},	      {"rm", "destroy"},
		{"remove", "destroy"}, {"reboot", "restart"}, {"shell", "enter"},
		{"attach", "enter"},   {"run", "exec"},	      {"info", "status"},
		{"show", "status"},    {"config", "set"},     {NULL, NULL}};
	/* Of vzctl's, and what one would look for here. */
	static const char *const later[] = {
		"snapshot", "migrate", "convert",	  "compact",	   "reinstall",
		"quotaon",  "backup",  "snapshot-create", "snapshot-list", NULL};
	struct word_guess g = {.word = word};

	for (const char *const *p = later; *p != NULL; p++)
		if (strcmp(*p, word) == 0)
			return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
					       "this version of berth has no command '%s' yet; see "
					       "CAVEATS in berth(8)",
					       word);
	if (strcmp(word, "template") == 0)
		return unknown_template_command(cli, a->at < a->argc ? a->argv[a->at] : NULL, err);
	word_guess_other(&g, others);
	for (const struct command *c = command_table(); c->name != NULL; c++)
		if (strchr(c->name, ' ') == NULL)
			word_guess_try(&g, c->name);
	word_guess_try(&g, "template");
	if (g.best != NULL)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "unknown command '%.40s'; did you mean '%s'? %s --help "
				       "lists all commands",
				       word, g.best, cli->program);
	return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
			       "unknown command '%.40s'; %s --help lists all commands", word,
			       cli->program);
}

static const struct command *command_of(int (*run)(struct cli *, struct args *,
						   struct berth_error *))
{
	const struct command *c = command_table();

	while (c->run != run)
		c++;
	return c;
}

static const struct command complete = {"__complete", NULL, "WORDS...", "", "", cmd_complete};

/* Finds the command: cli->command stays NULL when --help came first. */
static int take_command(struct cli *cli, struct args *a, struct berth_error *err)
{
	static const struct opt first_opts[] = {{"version", 0, false}, {0}};
	struct arg arg;
	int r;

	if (strcmp(cli->program, "vzlist") == 0)
		cli->command = command_of(cmd_list);
	else if (strcmp(cli->program, "vzmigrate") == 0)
		cli->command = command_of(cmd_migrate);
	else if (strcmp(cli->program, "vzpid") == 0)
		cli->command = command_of(cmd_pid);
	if (cli->command != NULL)
		return 0;
	a->opts = first_opts;
	r = cli_next(cli, a, &arg, err);
	a->opts = NULL;
	if (r < 0 || cli->help)
		return r;
	if (r == ARG_OPTION) {
		cli->command = command_of(cmd_version);
		return 0;
	}
	/* "berth help start" is "berth start --help". */
	if (r == ARG_WORD && strcmp(arg.value, "help") == 0) {
		cli->help = true;
		r = cli_next(cli, a, &arg, err);
		if (r <= ARG_END)
			return r;
	}
	if (r == ARG_END)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
				       "give a command; %s --help lists all commands",
				       cli->program);
	if (strcmp(arg.value, complete.name) == 0)
		cli->command = &complete;
	else
		cli->command = find_command(arg.value, a);
	return cli->command != NULL ? 0 : unknown_command(cli, arg.value, a, err);
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

/* What is behind the CT of exec and its like is another program's. */
static bool is_foreign(const struct command *c)
{
	return c != NULL && (c->run == cmd_exec || c->run == cmd_exec2 || c->run == cmd_enter ||
			     c->run == cmd_runscript);
}

/* Elsewhere -j is no option. */
static bool takes_j(const struct command *c)
{
	return c != NULL && (c->run == cmd_list || c->run == cmd_ubc || c->run == cmd_capacity ||
			     c->run == cmd_top || c->run == cmd_stat || c->run == cmd_pid);
}

/* An error of the command line is met before all of it is read: --json may stand behind it. */
static bool wants_json(const struct cli *cli, const struct args *a)
{
	bool foreign = is_foreign(cli->command);
	int words = 0;

	for (int i = foreign ? 1 : a->at; i < a->argc && !cli->json; i++) {
		const char *word = a->argv[i];

		if (strcmp(word, "--json") == 0 ||
		    (strcmp(word, "-j") == 0 && takes_j(cli->command)))
			return true;
		if (strcmp(word, "--root") == 0)
			i++;
		else if (foreign && word[0] != '-' && ++words == 2) /* the command and the CT */
			break;
	}
	return cli->json;
}

static int report(const struct cli *cli, const struct args *a, const struct berth_error *err)
{
	auto_free char *text = text_escape(err->msg);

	if (wants_json(cli, a))
		report_json(err);
	else
		(void)fprintf(stderr, "%sberth:%s %s\n", style_begin(stderr, STYLE_BAD),
			      style_end(stderr), text != NULL ? text : "out of memory");
	return berth_error_exit_status(err->code);
}

/* With the words that scripts of OpenVZ look for, when it was called by that name. */
static int run_one(struct cli *cli, struct args *a, struct berth_error *err)
{
	const char *word = a->at < a->argc && a->argv[a->at][0] != '-' ? a->argv[a->at] : NULL;
	const char *said;
	bool saved = strcmp(cli->command->name, "create") == 0, silent = false, dry = false;
	int r;

	for (int i = a->at; i < a->argc; i++) {
		saved = saved || strcmp(a->argv[i], "--save") == 0;
		dry = dry || strcmp(a->argv[i], "--dry-run") == 0;
		silent = silent || strcmp(a->argv[i], "--help") == 0 ||
			 strcmp(a->argv[i], "--quiet") == 0 || strcmp(a->argv[i], "--json") == 0;
	}
	if (!silent)
		vzctl_say(cli, word, false, false);
	r = cli->command->run(cli, a, err);
	if (r >= 0 && !silent)
		vzctl_say(cli, word, true, saved && !dry);
	if (r >= 0)
		return r;
	said = vzctl_is(cli) ? vzctl_forgives(cli->command->name, err->code) : NULL;
	if (said == NULL)
		return r;
	if (!cli->quiet)
		(void)fprintf(stderr, "%s\n", said);
	return 0;
}

static int run_command(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct fleet f;
	int r = is_foreign(cli->command) ? 0 : fleet_take(cli, a, &f, err);

	if (is_foreign(cli->command))
		return cli->command->run(cli, a, err);
	if (r <= 0)
		return r < 0 ? r : run_one(cli, a, err);
	r = fleet_run(cli, &f, report, err);
	fleet_free(&f);
	return r;
}

static int run(struct cli *cli, struct args *a, struct berth_error *err)
{
	int r = take_command(cli, a, err);

	if (r == 0 && cli->command != NULL && !cli->help)
		r = run_command(cli, a, err);
	if (r < 0 || !cli->help)
		return r;
	if (cli->command == NULL)
		help_all(cli->program);
	else
		help_command(cli);
	return 0;
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
		r = report(&cli, &a, &err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		int failed;

		(void)berth_error_sys(&err, errno, "write output");
		failed = report(&cli, &a, &err);
		return r != 0 ? r : failed;
	}
	return r;
}
