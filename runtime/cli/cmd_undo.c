/* cmd_undo.c - unset and undo; and what berthd answers to them and to set. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/text.h"
#include "runtime/config/param.h"

#include <string.h>

static void print_text(FILE *out, const char *before, const char *text, const char *after)
{
	auto_free char *escaped = text_escape(text);

	if (escaped != NULL)
		(void)fprintf(out, "%s%s%s", before, escaped, after);
}

static const char *half(const json_t *change, const char *name)
{
	const char *text = json_string_value(json_object_get(change, name));

	return text == NULL ? "(none)" : *text == '\0' ? "(empty)" : text;
}

/* A line each: "WHERE: OLD -> NEW". */
static void print_changes(const json_t *changes)
{
	const json_t *c;
	size_t i;

	json_array_foreach(changes, i, c)
	{
		print_text(stdout, "", half(c, "where"), ": ");
		print_text(stdout, "", half(c, "old"), " -> ");
		print_text(stdout, "", half(c, "new"), "\n");
	}
	if (json_array_size(changes) == 0)
		(void)puts("nothing would change");
}

void cli_print_set(const struct cli *cli, const json_t *reply)
{
	const json_t *changes = json_object_get(reply, "changes"), *note;
	size_t i;

	if (cli->json) {
		(void)json_dumpf(reply, stdout, JSON_INDENT(2));
		(void)putchar('\n');
		return;
	}
	json_array_foreach(json_object_get(reply, "notes"), i, note)
	{
		if (!cli->quiet && json_is_string(note))
			print_text(stderr, "berth: ", json_string_value(note), "\n");
	}
	if (changes != NULL)
		print_changes(changes);
}

static int call_and_tell(struct cli *cli, const char *method, json_t *parameters,
			 struct berth_error *err)
{
	json_t *reply = NULL;
	int r = call_berthd(cli, method, parameters, &reply, err);

	if (r == 0)
		cli_print_set(cli, reply);
	json_decref(reply);
	return r;
}

static const struct opt unset_opts[] = {{"save", 0, false}, {"dry-run", 0, false}, {0}};

/* "ram", "--ram" and "PHYSPAGES" are the same. */
static int add_name(json_t *names, const char *word, struct berth_error *err)
{
	const char *bare = strncmp(word, "--", 2) == 0 ? word + 2 : word;
	const struct param *p = param_find_key(bare);
	struct word_guess g = {.word = bare};

	if (p == NULL)
		p = param_find_option(bare);
	if (p != NULL)
		return json_array_append_new(names, json_string(p->option));
	param_guess_option(&g);
	if (g.best == NULL)
		return berth_error_set(err, BERTH_ERR_OPTION, EINVAL, "unknown parameter %.60s",
				       word);
	return berth_error_set(err, BERTH_ERR_OPTION, EINVAL,
			       "unknown parameter %.60s; did you mean %s?", word, g.best);
}

int cmd_unset(struct cli *cli, struct args *a, struct berth_error *err)
{
	bool save = false, dry = false;
	json_t *names = json_array();
	const char *ct = NULL;
	struct arg arg;
	int r;

	a->opts = unset_opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_OPTION && strcmp(arg.name, "save") == 0)
			save = true;
		else if (r == ARG_OPTION)
			dry = true;
		else if (ct == NULL)
			ct = arg.value;
		else if (add_name(names, arg.value, err) < 0)
			r = -EINVAL;
		if (r < 0)
			break;
	}
	if (r == 0 && !cli->help && json_array_size(names) == 0)
		r = cli_usage_error(cli, err, ct == NULL ? "name a CT" : "name a parameter");
	if (r == 0 && !cli->help)
		r = call_and_tell(cli, "io.berth.Container.Set",
				  json_pack("{s:s, s:[], s:O, s:b, s:b}", "ct", ct, "settings",
					    "unset", names, "save", save, "dry_run", dry),
				  err);
	json_decref(names);
	return r;
}

static const struct opt undo_opts[] = {{"dry-run", 0, false}, {0}};

int cmd_undo(struct cli *cli, struct args *a, struct berth_error *err)
{
	const char *ct = NULL;
	bool dry = false;
	struct arg arg;
	int r;

	a->opts = undo_opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_OPTION)
			dry = true;
		else if (ct == NULL)
			ct = arg.value;
		else
			return cli_usage_error(cli, err, "give one CT");
	}
	if (r < 0 || cli->help)
		return r;
	if (ct == NULL)
		return cli_usage_error(cli, err, "name a CT");
	return call_and_tell(cli, "io.berth.Container.Undo",
			     json_pack("{s:s, s:b}", "ct", ct, "dry_run", dry), err);
}
