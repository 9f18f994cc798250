/* cmd_doctor.c - doctor: what this host can and cannot do. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/doctor.h"
#include "runtime/cli/style.h"
#include "runtime/cli/text.h"

#include <string.h>

const char *doctor_word(const json_t *finding, const char *key)
{
	const char *s = json_string_value(json_object_get(finding, key));

	return s != NULL ? s : "";
}

bool doctor_is_error(const json_t *finding)
{
	return strcmp(doctor_word(finding, "level"), "error") == 0;
}

void doctor_print(const json_t *f)
{
	const char *level = doctor_word(f, "level");
	enum style style = doctor_is_error(f)		   ? STYLE_BAD
			   : strcmp(level, "warning") == 0 ? STYLE_WARN
							   : STYLE_GOOD;
	auto_free char *name = text_escape(doctor_word(f, "name")),
		       *text = text_escape(doctor_word(f, "text")),
		       *fix = text_escape(doctor_word(f, "fix"));

	if (name == NULL || text == NULL || fix == NULL)
		return;
	(void)printf("%s%-8s%s %-18s %s\n", style_begin(stdout, style), level, style_end(stdout),
		     name, text);
	if (*fix != '\0')
		(void)printf("%28sfix: %s\n", "", fix);
}

/* ---- the command ---- */

static unsigned int print_findings(const struct cli *cli, const json_t *findings)
{
	unsigned int errors = 0;
	const json_t *f;
	size_t i;

	json_array_foreach(findings, i, f)
	{
		errors += doctor_is_error(f);
		if (!cli->json)
			doctor_print(f);
	}
	if (cli->json) {
		(void)json_dumpf(findings, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	}
	return errors;
}

int cmd_doctor(struct cli *cli, struct args *a, struct berth_error *err)
{
	static const struct opt opts[] = {{"apply", 0, false}, {0}};
	json_t *reply = NULL, *findings;
	bool applies = false;
	unsigned int errors = 0;
	struct arg arg;
	int r;

	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_WORD)
			return cli_usage_error(cli, err, "");
		applies = true;
	}
	if (r < 0 || cli->help)
		return r;
	if (applies && geteuid() != 0)
		return berth_error_set(err, BERTH_ERR_PERMISSION, EACCES,
				       "only root may apply fixes; try: sudo berth doctor --apply");
	r = call_berthd(cli, "io.berth.Host.Doctor", json_object(), &reply, err);
	if (r < 0)
		return r;
	findings = json_object_get(reply, "findings");
	if (applies)
		r = doctor_apply(cli, findings, &errors, err);
	else
		errors = print_findings(cli, findings);
	json_decref(reply);
	return r < 0 ? r : errors > 0 ? berth_error_exit_status(BERTH_ERR_UNSUPPORTED) : 0;
}
