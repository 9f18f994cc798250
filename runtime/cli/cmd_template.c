/* cmd_template.c - template build, import, list, rm. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/text.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char *string_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static void say_template(const struct cli *cli, const json_t *reply, const char *verb)
{
	const json_t *t = json_object_get(reply, "template");
	json_int_t bytes = json_integer_value(json_object_get(t, "bytes"));

	if (cli->json) {
		(void)json_dumpf(reply, stdout, JSON_INDENT(2));
		(void)putchar('\n');
		return;
	}
	if (*string_of(reply, "note") != '\0')
		(void)fprintf(stderr, "berth: template %s: %s\n", string_of(t, "name"),
			      string_of(reply, "note"));
	cli_say(cli, "template %s has been %s: %s %s, %lld MiB", string_of(t, "name"), verb,
		string_of(t, "distribution"), string_of(t, "release"),
		(long long)((bytes + (1 << 20) - 1) >> 20));
}

int cmd_template_build(struct cli *cli, struct args *a, struct berth_error *err)
{
	json_t *reply = NULL;
	const char *name;
	int r = cli_one_word(cli, a, "the template", &name, err);

	if (r < 0 || cli->help)
		return r;
	r = call_berthd(cli, "io.berth.Template.Build", json_pack("{s:s}", "name", name), &reply,
			err);
	if (r == 0)
		say_template(cli, reply, "built");
	json_decref(reply);
	return r;
}

/* berthd has another working directory. */
static int full_path(const char *path, char **ret, struct berth_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return berth_error_sys(err, errno, "archive %s", path);
	if (!S_ISREG(st.st_mode))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "archive %.200s is not a regular file", path);
	*ret = realpath(path, NULL);
	return *ret != NULL ? 0 : berth_error_sys(err, errno, "archive %s", path);
}

int cmd_template_import(struct cli *cli, struct args *a, struct berth_error *err)
{
	auto_free char *path = NULL;
	const char *words[2] = {NULL, NULL};
	json_t *reply = NULL;
	struct arg arg;
	int n = 0, r;

	while ((r = cli_next(cli, a, &arg, err)) == ARG_WORD && n < 2)
		words[n++] = arg.value;
	if (r < 0 || cli->help)
		return r;
	if (r != ARG_END || n != 2)
		return cli_usage_error(cli, err, "give NAME and ARCHIVE");
	r = full_path(words[1], &path, err);
	if (r == 0)
		r = call_berthd(cli, "io.berth.Template.Import",
				json_pack("{s:s, s:s}", "name", words[0], "path", path), &reply,
				err);
	if (r == 0)
		say_template(cli, reply, "imported");
	json_decref(reply);
	return r;
}

int cmd_template_rm(struct cli *cli, struct args *a, struct berth_error *err)
{
	const char *name;
	int r = cli_one_word(cli, a, "the template", &name, err);

	if (r < 0 || cli->help)
		return r;
	r = call_and_print(cli, "io.berth.Template.Remove", json_pack("{s:s}", "name", name), err);
	if (r == 0)
		cli_say(cli, "template %s has been removed", name);
	return r;
}

static void print_row(const json_t *t)
{
	time_t created = (time_t)json_integer_value(json_object_get(t, "created"));
	json_int_t bytes = json_integer_value(json_object_get(t, "bytes"));
	char system[80], date[32] = "-", row[400];
	auto_free char *text = NULL;
	struct tm tm;

	if (created > 0 && localtime_r(&created, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm);
	(void)snprintf(system, sizeof(system), "%s%s%s", string_of(t, "distribution"),
		       *string_of(t, "release") != '\0' ? " " : "", string_of(t, "release"));
	(void)snprintf(row, sizeof(row), "%-20s %-16s %-8s %8lld %-16s %.12s", string_of(t, "name"),
		       system, string_of(t, "arch"), (long long)((bytes + 1023) / 1024), date,
		       string_of(t, "hash"));
	text = text_escape(row);
	if (text != NULL)
		(void)puts(text);
}

static void print_templates(const struct cli *cli, const json_t *reply, bool header)
{
	const json_t *list = json_object_get(reply, "templates"), *item;
	const json_t *recipes = json_object_get(reply, "recipes");
	size_t i;

	if (header)
		(void)printf("%-20s %-16s %-8s %8s %-16s %s\n", "NAME", "SYSTEM", "ARCH", "KIB",
			     "CREATED", "HASH");
	json_array_foreach(list, i, item) print_row(item);
	if (!header || json_array_size(recipes) == 0 || !isatty(STDOUT_FILENO) || cli->quiet)
		return;
	(void)fputs("\nRecipes for berth template build:", stdout);
	json_array_foreach(recipes, i, item)(void)
		printf(" %s", json_is_string(item) ? json_string_value(item) : "");
	(void)putchar('\n');
}

int cmd_template_list(struct cli *cli, struct args *a, struct berth_error *err)
{
	static const struct opt opts[] = {{"no-header", 'H', false}, {0}};
	json_t *reply = NULL;
	bool header = true;
	struct arg arg;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_WORD)
			return cli_usage_error(cli, err, "");
		header = false;
	}
	if (r < 0 || cli->help)
		return r;
	r = call_berthd(cli, "io.berth.Template.List", json_object(), &reply, err);
	if (r == 0 && cli->json) {
		(void)json_dumpf(reply, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	} else if (r == 0) {
		print_templates(cli, reply, header);
	}
	json_decref(reply);
	return r;
}
