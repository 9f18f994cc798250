/*
 * complete.c - `berth __complete WORDS...`: what may stand in the place of the last word, for the shells' completion
 * files, which know nothing of berth themselves.
 *
 * A line each, "WORD" or "WORD<TAB>MEANING". ":files", ":dirs": the shell's own paths; ":list": more may follow
 * behind a comma. Nothing is said of errors: nobody has pressed Enter.
 */
#include "runtime/base/cleanup.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/field.h"
#include "runtime/cli/list_fetch.h"
#include "runtime/cli/top_table.h"
#include "runtime/config/param.h"

#include <dirent.h>
#include <string.h>

struct line {
	struct cli *cli;
	const char *command, *second, *previous, *typed;
	int n_words; /* behind the command, before the last word */
};

static void offer(const struct line *l, const char *word, const char *meaning)
{
	if (strncmp(word, l->typed, strlen(l->typed)) == 0)
		(void)printf("%s%s%s\n", word, meaning != NULL ? "\t" : "",
			     meaning != NULL ? meaning : "");
}

static void offer_each(const struct line *l, const char *const *words)
{
	for (; *words != NULL; words++)
		offer(l, *words, NULL);
}

/* ---- what there is on this host ---- */

enum which {
	CTS_ALL,
	CTS_STOPPED,
	CTS_UP
};

static void offer_cts(const struct line *l, enum which which)
{
	json_t *needs = json_pack("{s:b, s:b}", "status", 1, "name", 1), *list = NULL, *info;
	struct berth_error err;
	size_t i;
	int r = list_fetch(l->cli, NULL, which != CTS_UP, needs, &list, &err);

	json_decref(needs);
	if (r < 0)
		return;
	json_array_foreach(list, i, info)
	{
		const char *status = json_string_value(json_object_get(info, "status"));
		const char *name = json_string_value(json_object_get(info, "name"));
		char ctid[16];

		if (which == CTS_STOPPED && (status == NULL || strcmp(status, "stopped") != 0))
			continue;
		(void)snprintf(ctid, sizeof(ctid), "%lld",
			       (long long)json_integer_value(json_object_get(info, "ctid")));
		offer(l, ctid, name != NULL && *name != '\0' ? name : NULL);
		if (name != NULL && *name != '\0')
			offer(l, name, ctid);
	}
	json_decref(list);
}

static void offer_addresses(const struct line *l, const char *ct)
{
	json_t *words = json_pack("[s]", ct), *needs = json_pack("{s:b}", "addresses", 1);
	json_t *list = NULL, *address;
	struct berth_error err;
	size_t i;

	if (words != NULL && list_fetch(l->cli, words, true, needs, &list, &err) == 0)
		json_array_foreach(json_object_get(json_array_get(list, 0), "addresses"), i,
				   address) if (json_is_string(address))
			offer(l, json_string_value(address), NULL);
	offer(l, "all", NULL);
	json_decref(words);
	json_decref(needs);
	json_decref(list);
}

/* member: "templates", which are objects with a name, or "recipes", which are words. */
static void offer_templates(const struct line *l, const char *member)
{
	json_t *reply = NULL, *item;
	struct berth_error err;
	size_t i;

	if (call_berthd(l->cli, "io.berth.Template.List", json_object(), &reply, &err) < 0)
		return;
	json_array_foreach(json_object_get(reply, member), i, item)
	{
		const char *name = json_string_value(
			json_is_object(item) ? json_object_get(item, "name") : item);

		if (name != NULL)
			offer(l, name, NULL);
	}
	json_decref(reply);
}

static void offer_samples(const struct line *l)
{
	char path[BERTH_PATH_MAX + 16];
	const struct dirent *e;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/samples", l->cli->paths.etc);
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		size_t n = strlen(e->d_name);
		char name[256];

		if (n <= 5 || strcmp(e->d_name + n - 5, ".conf") != 0)
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)(n - 5), e->d_name);
		offer(l, name, NULL);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* "ctid,sta": what is before the last comma stays; a field that has numbers of its own gets them behind a dot. */
static void offer_fields(const struct line *l, const char *sign)
{
	const char *comma = strrchr(l->typed, ',');
	int kept = comma != NULL ? (int)(comma + 1 - l->typed) : 0;
	bool suffix = strchr(l->typed + kept, '.') != NULL;

	for (const struct field *f = field_table(); f->name != NULL; f++) {
		const char *letters = f->source == FIELD_DISK	    ? "sh"
				      : f->source == FIELD_RESOURCE ? "mblf"
								    : "";
		char word[256];

		if (f->source == FIELD_UNKNOWN)
			continue;
		(void)snprintf(word, sizeof(word), "%.*s%s%s", kept, l->typed, sign, f->name);
		if (!suffix)
			offer(l, word, f->title);
		for (; suffix && *letters != '\0'; letters++) {
			(void)snprintf(word, sizeof(word), "%.*s%s%s.%c", kept, l->typed, sign,
				       f->name, *letters);
			offer(l, word, f->title);
		}
	}
}

/* ---- values of options ---- */

static void offer_choice(const struct line *l, const char *arg)
{
	while (*arg != '\0') {
		size_t n = strcspn(arg, "|");
		char word[32];

		(void)snprintf(word, sizeof(word), "%.*s", (int)n, arg);
		offer(l, word, NULL);
		arg += n;
		arg += *arg == '|';
	}
}

static void offer_param(const struct line *l, const struct param *p)
{
	static const char *const sizes[] = {"256M", "512M", "1G", "2G", "4G", "10G", NULL};
	static const char *const features[] = {"nesting:on", "tun:on",	    "fuse:on",
					       "capture:on", "nesting:off", "tun:off",
					       "fuse:off",   "capture:off", NULL};

	if (p->type == PARAM_YESNO || p->type == PARAM_CHOICE)
		offer_choice(l, p->arg);
	else if (strcmp(p->key, "OSTEMPLATE") == 0)
		offer_templates(l, "templates");
	else if (p->type == PARAM_TEMPLATE)
		offer_samples(l);
	else if (p->type == PARAM_FEATURES)
		offer_each(l, features);
	else if (strcmp(p->option, "ipdel") == 0)
		offer_addresses(l, l->second);
	else if (p->type == PARAM_BYTES || p->type == PARAM_KIB)
		offer_each(l, sizes);
	else if (strchr(p->arg, '|') !=
		 NULL) /* "ADDRESS|inherit", "LIST|all": the word that is one */
		offer(l, strchr(p->arg, '|') + 1, NULL);
}

static bool takes_settings(const char *command)
{
	return strcmp(command, "set") == 0 || strcmp(command, "create") == 0 ||
	       strcmp(command, "clone") == 0;
}

/* The value of the option before it: true when there is such an option, and it takes one. */
static bool offer_value(const struct line *l)
{
	static const char *const modes[] = {"restart", "ignore", NULL};
	bool sets = takes_settings(l->command);
	const char *o = l->previous;
	const struct param *p;

	if (strcmp(l->command, "list") == 0 &&
	    (strcmp(o, "-o") == 0 || strcmp(o, "--output") == 0)) {
		(void)puts(":list");
		offer_fields(l, "");
		return true;
	}
	if (strcmp(l->command, "list") == 0 && (strcmp(o, "-s") == 0 || strcmp(o, "--sort") == 0)) {
		offer_fields(l, *l->typed == '-' ? "-" : "");
		return true;
	}
	if (strcmp(l->command, "top") == 0 && (strcmp(o, "-s") == 0 || strcmp(o, "--sort") == 0)) {
		for (const struct top_key *k = top_sort_keys(); k->name != NULL; k++)
			offer(l, k->name, NULL);
		return true;
	}
	if (strcmp(l->command, "set") == 0 && strcmp(o, "--setmode") == 0) {
		offer_each(l, modes);
		return true;
	}
	if (sets && strcmp(o, "--sshkey") == 0) {
		(void)puts(":files");
		return true;
	}
	if (sets && strcmp(o, "--userpasswd") == 0) {
		offer(l, "root:", NULL);
		return true;
	}
	p = sets && strncmp(o, "--", 2) == 0 ? param_find_option(o + 2) : NULL;
	if (p != NULL)
		offer_param(l, p);
	return p != NULL || strcmp(o, "--timeout") == 0 || strcmp(o, "--parallel") == 0;
}

/* ---- commands and their options ---- */

static const struct {
	const char *command;
	enum which cts;
	const char *options[12];
} commands[] = {
	{"clone", CTS_ALL, {NULL}},
	{"create", CTS_ALL, {"--userpasswd", "--crypted", "--sshkey"}},
	{"set",
	 CTS_ALL,
	 {"--save", "--reset_ub", "--setmode", "--userpasswd", "--crypted", "--sshkey", "--for",
	  "--dry-run"}},
	{"unset", CTS_ALL, {"--save", "--dry-run"}},
	{"undo", CTS_ALL, {"--dry-run"}},
	{"start", CTS_STOPPED, {"--wait", "--all", "--parallel"}},
	{"stop", CTS_UP, {"--fast", "--timeout", "--all", "--parallel"}},
	{"restart", CTS_ALL, {"--wait", "--fast", "--all", "--parallel"}},
	{"exec", CTS_UP, {NULL}},
	{"exec2", CTS_UP, {NULL}},
	{"enter", CTS_UP, {"--exec"}},
	{"runscript", CTS_ALL, {NULL}},
	{"console", CTS_ALL, {"--log"}},
	{"log", CTS_ALL, {"--no-console", "--audit"}},
	{"doctor", CTS_ALL, {"--apply"}},
	{"mount", CTS_STOPPED, {NULL}},
	{"destroy", CTS_STOPPED, {NULL}},
	{"delete", CTS_STOPPED, {NULL}},
	{"explain", CTS_ALL, {NULL}},
	{"why-not", CTS_ALL, {NULL}},
	{"ubc", CTS_ALL, {"--all", "--failed", "--proc"}},
	{"top", CTS_UP, {"--batch", "--iterations", "--delay", "--sort"}},
	{"stat", CTS_UP, {NULL}},
	{"pid", CTS_UP, {"--inside"}},
	{"metrics", CTS_UP, {"--openmetrics"}},
	{"list",
	 CTS_ALL,
	 {"--all", "--stopped", "--name", "--no-header", "--one", "--no-trim", "--list", "--output",
	  "--sort", "--hostname", "--name_filter", "--description"}},
};

static size_t row_of(const char *command)
{
	size_t i = 0;

	while (i < sizeof(commands) / sizeof(commands[0]) &&
	       strcmp(commands[i].command, command) != 0)
		i++;
	return i;
}

static void offer_options(const struct line *l)
{
	bool sets = takes_settings(l->command);
	size_t row = row_of(l->command);

	for (size_t i = 0; row < sizeof(commands) / sizeof(commands[0]) && i < 12; i++)
		if (commands[row].options[i] != NULL)
			offer(l, commands[row].options[i], NULL);
	for (const struct param *p = param_table(); sets && p->option != NULL; p++) {
		char word[48];

		(void)snprintf(word, sizeof(word), "--%s", p->option);
		offer(l, word, p->help);
	}
	offer(l, "--json", "print JSON");
	offer(l, "--help", "show usage and examples");
}

static void offer_commands(const struct line *l)
{
	static const char *const globals[] = {"--quiet", "--verbose", "--json",
					      "--root",	 "--help",    NULL};

	for (const struct command *c = command_table(); c->name != NULL; c++) {
		if (strchr(c->name, ' ') == NULL)
			offer(l, c->name, c->summary);
		if (c->alias != NULL && strchr(c->alias, ' ') == NULL)
			offer(l, c->alias, c->summary);
	}
	offer(l, "template", "build, import, list and remove templates");
	if (*l->typed == '-')
		offer_each(l, globals);
}

static void offer_template_words(const struct line *l)
{
	if (l->n_words == 0) {
		for (const struct command *c = command_table(); c->name != NULL; c++)
			if (strncmp(c->name, "template ", 9) == 0)
				offer(l, c->name + 9, c->summary);
	} else if (strcmp(l->second, "rm") == 0 || strcmp(l->second, "remove") == 0) {
		offer_templates(l, "templates");
	} else if (strcmp(l->second, "build") == 0) {
		offer_templates(l, "recipes");
	} else if (strcmp(l->second, "import") == 0) {
		(void)puts(":files");
	}
}

static void offer_words(const struct line *l)
{
	bool is_list = strcmp(l->command, "list") == 0;
	size_t row = row_of(l->command);

	if (strcmp(l->previous, "--root") == 0)
		(void)puts(":dirs");
	else if (*l->command == '\0')
		offer_commands(l);
	else if (strcmp(l->command, "template") == 0)
		offer_template_words(l);
	else if (*l->previous == '-' && offer_value(l))
		return;
	else if (strcmp(l->command, "runscript") == 0 && l->n_words == 1 && *l->typed != '-')
		(void)puts(":files");
	else if (*l->typed == '-' || (l->n_words > 0 && !is_list) ||
		 strcmp(l->command, "doctor") == 0 || strcmp(l->command, "pid") == 0 ||
		 strcmp(l->command, "metrics") == 0)
		offer_options(l);
	else if (strcmp(l->command, "create") != 0)
		offer_cts(l, row < sizeof(commands) / sizeof(commands[0]) ? commands[row].cts
									  : CTS_ALL);
}

int cmd_complete(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct line l = {.cli = cli, .command = "", .second = "", .previous = "", .typed = ""};
	const char *name;

	cli->quiet = true;
	if (a->at >= a->argc)
		return 0;
	name = strrchr(a->argv[a->at], '/') != NULL ? strrchr(a->argv[a->at], '/') + 1
						    : a->argv[a->at];
	if (strcmp(name, "vzlist") == 0)
		l.command = "list";
	else if (strcmp(name, "vzmigrate") == 0)
		l.command = "migrate";
	else if (strcmp(name, "vzpid") == 0)
		l.command = "pid";
	for (int i = a->at + 1; i + 1 < a->argc; i++) {
		const char *word = a->argv[i];

		l.previous = word;
		if (strcmp(word, "--root") == 0 && i + 2 < a->argc)
			l.previous = cli->root = a->argv[++i];
		else if (*word == '-')
			continue;
		else if (*l.command == '\0')
			l.command = word;
		else if (l.n_words++ == 0)
			l.second = word;
	}
	if (a->argc - a->at > 1)
		l.typed = a->argv[a->argc - 1];
	if (berth_paths_init(&cli->paths, cli->root, err) == 0)
		offer_words(&l);
	return 0;
}
