/* cli.c - global flags, usage, words for the operator. */
#include "runtime/cli/cli.h"

#include "runtime/base/cleanup.h"
#include "runtime/cli/style.h"
#include "runtime/cli/text.h"

#include <stdarg.h>
#include <string.h>

static const struct opt global_opts[] = {
	{"quiet", 'q', false},
	{"verbose", 'v', false},
	{"json", 0, false},
	{"root", 0, true},
	{"help", 'h', false},
	{"skiplock", 0, false},
	{0},
};

/* True when the option is a global one, which is taken. */
static bool take_global(struct cli *cli, const struct args *a, const struct arg *arg)
{
	/* A command's own option of the same letter has another name. */
	for (const struct opt *o = a->opts; o != NULL && (o->name != NULL || o->letter != 0); o++)
		if (o->name == arg->name ||
		    (arg->name != NULL && o->name != NULL && strcmp(o->name, arg->name) == 0))
			return false;
	if (strcmp(arg->name, "quiet") == 0)
		cli->quiet = true;
	else if (strcmp(arg->name, "verbose") == 0)
		cli->verbose = true;
	else if (strcmp(arg->name, "json") == 0)
		cli->json = true;
	else if (strcmp(arg->name, "root") == 0)
		cli->root = arg->value;
	else if (strcmp(arg->name, "help") == 0)
		cli->help = true;
	else
		return strcmp(arg->name, "skiplock") == 0; /* vzctl's scripts say it: no effect */
	return true;
}

int cli_next(struct cli *cli, struct args *a, struct arg *ret, struct berth_error *err)
{
	for (;;) {
		int r = args_next(a, global_opts, ret, err);

		if (r == ARG_OPTION && ret->name != NULL && take_global(cli, a, ret)) {
			if (!cli->help)
				continue;
			return ARG_END;
		}
		return r == ARG_END ? berth_paths_init(&cli->paths, cli->root, err) : r;
	}
}

bool cli_is_one_command(const struct cli *cli)
{
	static const char *const programs[] = {"vzlist", "vzmigrate", "vzpid"};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(cli->program, programs[i]) == 0)
			return true;
	return false;
}

int cli_usage_error(const struct cli *cli, struct berth_error *err, const char *why)
{
	bool is_one = cli_is_one_command(cli);

	return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "%s%susage: %s%s%s %s", why,
			       *why != '\0' ? "; " : "", cli->program, is_one ? "" : " ",
			       is_one ? "" : cli->command->name, cli->command->args);
}

int cli_add_ct(json_t **words, const char *name, struct berth_error *err)
{
	if (*words == NULL)
		*words = json_array();
	if (json_array_append_new(*words, json_string(name)) < 0)
		return berth_error_set(
			err, BERTH_ERR_VALUE, EINVAL,
			"invalid name of a CT; use lower-case letters, digits and '-'");
	return 0;
}

int cli_one_word(struct cli *cli, struct args *a, const char *what, const char **ret,
		 struct berth_error *err)
{
	const char *word = NULL;
	struct arg arg;
	int r;

	while ((r = cli_next(cli, a, &arg, err)) != ARG_END) {
		if (r < 0)
			return r;
		if (r != ARG_WORD || word != NULL)
			return cli_usage_error(cli, err, "");
		word = arg.value;
	}
	if (word == NULL && !cli->help) {
		char why[80];

		(void)snprintf(why, sizeof(why), "name %s", what);
		return cli_usage_error(cli, err, why);
	}
	*ret = word;
	return 0;
}

void cli_trouble(const struct cli *cli, uint32_t ctid, const char *text)
{
	auto_free char *clean = text != NULL && text[0] != '\0' ? text_escape(text) : NULL;

	if (clean == NULL || cli->quiet || cli->json)
		return;
	(void)fflush(stdout); /* it stands behind what it is about */
	(void)fprintf(stderr, "%s%s:%s CT %u: %s\n", style_begin(stderr, STYLE_WARN), cli->program,
		      style_end(stderr), ctid, clean);
}

void cli_say(const struct cli *cli, const char *fmt, ...)
{
	auto_free char *raw = NULL, *text = NULL;
	va_list ap;
	int n;

	if (cli->quiet || cli->json || cli->many || strcmp(cli->program, "vzctl") == 0 ||
	    !isatty(STDOUT_FILENO))
		return;
	va_start(ap, fmt);
	n = vasprintf(&raw, fmt, ap);
	va_end(ap);
	if (n < 0) {
		raw = NULL;
		return;
	}
	text = text_escape(raw);
	if (text != NULL)
		(void)puts(text);
}
