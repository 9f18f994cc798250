/* cmd_why_not.c - why-not: what keeps a CT from being suspended, or moved while it runs. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/obstacles.h"
#include "runtime/cli/style.h"
#include "runtime/cli/text.h"

#include <string.h>

static const char *word_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static void print_one(FILE *out, const json_t *o)
{
	bool bad = strcmp(word_of(o, "level"), "error") == 0;
	auto_free char *name = text_escape(word_of(o, "name")),
		       *text = text_escape(word_of(o, "text")),
		       *fix = text_escape(word_of(o, "fix"));

	if (name == NULL || text == NULL || fix == NULL)
		return;
	(void)fprintf(out, "%s%-8s%s %-12s %s\n", style_begin(out, bad ? STYLE_BAD : STYLE_WARN),
		      bad ? "error" : "warning", style_end(out), name, text);
	if (fix[0] != '\0')
		(void)fprintf(out, "%22sfix: %s\n", "", fix);
}

unsigned int obstacles_print(FILE *out, const json_t *findings)
{
	unsigned int errors = 0;
	const json_t *one;
	size_t i;

	json_array_foreach(findings, i, one)
	{
		errors += strcmp(word_of(one, "level"), "error") == 0;
		if (out != NULL)
			print_one(out, one);
	}
	return errors;
}

static int look_at(struct cli *cli, const char *word, unsigned int *errors, json_t *all,
		   struct berth_error *err)
{
	char label[CT_LABEL_MAX];
	json_t *reply = NULL, *findings;
	unsigned int n;
	int r = call_berthd(cli, "io.berth.Container.WhyNot", json_pack("{s:s}", "ct", word),
			    &reply, err);

	if (r < 0)
		return r;
	(void)cli_label(cli, word, label);
	findings = json_object_get(reply, "findings");
	n = obstacles_print(cli->json ? NULL : stdout, findings);
	*errors += n;
	if (cli->json)
		(void)json_array_append_new(
			all, json_pack("{s:s, s:O}", "ct", word, "findings", findings));
	else if (n == 0 && !cli->quiet)
		(void)printf("nothing keeps CT %s from being suspended, or moved while it runs\n",
			     label);
	json_decref(reply);
	return 0;
}

int cmd_why_not(struct cli *cli, struct args *a, struct berth_error *err)
{
	json_t *all = json_array(), *words = NULL;
	unsigned int errors = 0;
	const json_t *word;
	struct arg arg;
	size_t i;
	int r;

	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		r = r == ARG_OPTION ? cli_usage_error(cli, err, "")
				    : cli_add_ct(&words, arg.value, err);
		if (r < 0)
			break;
	}
	if (r == 0 && !cli->help && json_array_size(words) == 0)
		r = cli_usage_error(cli, err, "name a CT");
	json_array_foreach(words, i, word)
	{
		if (r == 0 && !cli->help)
			r = look_at(cli, json_string_value(word), &errors, all, err);
	}
	if (r == 0 && !cli->help && cli->json) {
		(void)json_dumpf(all, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	}
	json_decref(words);
	json_decref(all);
	return r < 0 ? r : errors > 0 ? berth_error_exit_status(BERTH_ERR_UNSUPPORTED) : 0;
}
