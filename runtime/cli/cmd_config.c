/* cmd_config.c - create and set. */
#include "runtime/base/cleanup.h"
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/login.h"
#include "runtime/cli/settings.h"
#include "runtime/cli/text.h"
#include "runtime/cli/vzctl.h"
#include "runtime/ct/store.h"

#include <string.h>

/* vzctl 4, whose version we answer with, counts MiB in an --iolimit without a suffix; berth counts bytes. */
static int take_setting(const struct cli *cli, const struct arg *arg, json_t *array,
			struct settings_flags *flags, struct berth_error *err)
{
	struct arg with_unit = *arg;
	char mib[24];

	if (strcmp(cli->program, "vzctl") == 0 && arg->name != NULL && arg->value != NULL &&
	    strcmp(arg->name, "iolimit") == 0 && strlen(arg->value) < 20 && *arg->value != '\0' &&
	    arg->value[strspn(arg->value, "0123456789")] == '\0') {
		(void)snprintf(mib, sizeof(mib), "%sM", arg->value);
		with_unit.value = mib;
	}
	return settings_take(&with_unit, array, flags, err);
}

/* The words and settings of the command line into *ret_ct (NULL: none given) and array. */
static int take_settings(struct cli *cli, struct args *a, const struct opt *opts,
			 const char **ret_ct, json_t *array, struct settings_flags *flags,
			 struct berth_error *err)
{
	struct arg arg;
	int r;

	a->opts = opts;
	a->params = true;
	*ret_ct = NULL;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_WORD && *ret_ct != NULL)
			return cli_usage_error(cli, err, "give one CT");
		if (r == ARG_WORD)
			*ret_ct = arg.value;
		else if (take_setting(cli, &arg, array, flags, err) < 0)
			return -EINVAL;
	}
	return r;
}

/* ---- create ---- */

/* Digits are a CTID; another word is the name, and berthd chooses the CTID. */
static int create_parameters(const char *ct, json_t *settings, json_t **ret,
			     struct berth_error *err)
{
	json_t *p = json_pack("{s:O}", "settings", settings);
	uint32_t ctid;
	int r;

	*ret = p;
	if (ct == NULL)
		return 0;
	if (ct[strspn(ct, "0123456789")] != '\0') {
		if (settings_append(settings, "name", ct) == 0)
			return 0;
		json_decref(p);
		return berth_error_set(
			err, BERTH_ERR_VALUE, EINVAL,
			"invalid name of a CT; use lower-case letters, digits and '-'");
	}
	r = parse_ctid(ct, &ctid);
	if (r < 0) {
		json_decref(p);
		return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
				       "invalid CTID %.20s; use %d to %u, without a leading 0 "
				       "(1 to 100 are reserved)",
				       ct, CTID_MIN, CTID_MAX);
	}
	(void)json_object_set_new(p, "ctid", json_integer(ctid));
	return 0;
}

static void print_created(const struct cli *cli, const json_t *reply, const char *ct)
{
	json_int_t ctid = json_integer_value(json_object_get(reply, "ctid"));
	const json_t *note;
	size_t i;

	json_array_foreach(json_object_get(reply, "notes"), i, note)
		cli_trouble(cli, (uint32_t)ctid, json_string_value(note));

	if (cli->json) {
		(void)json_dumpf(reply, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	} else if (ct == NULL || ct[strspn(ct, "0123456789")] != '\0') {
		(void)printf("%lld\n", (long long)ctid); /* nobody knows it yet */
	} else {
		cli_say(cli, "CT %lld has been created; start it: berth start %lld",
			(long long)ctid, (long long)ctid);
	}
}

/* simfs and ploop of OpenVZ's scripts: taken, with a word on it. */
static void drop_openvz_layout(const struct cli *cli, json_t *settings)
{
	char note[240];

	for (size_t i = json_array_size(settings); i-- > 0;) {
		const json_t *s = json_array_get(settings, i);
		const char *option = json_string_value(json_object_get(s, "option"));
		const char *value = json_string_value(json_object_get(s, "value"));

		if (option == NULL || value == NULL || strcmp(option, "layout") != 0 ||
		    !vzctl_layout(value, note, sizeof(note)))
			continue;
		(void)json_array_remove(settings, i);
		if (!cli->quiet && !cli->json)
			(void)fprintf(stderr, "%s: %s\n", cli->program, note);
	}
}

static int create_call(struct cli *cli, const char *ct, json_t *settings, struct login *login,
		       json_t **reply, struct berth_error *err)
{
	json_t *parameters;
	int r = create_parameters(ct, settings, &parameters, err);

	if (r < 0)
		return r;
	if (login->n > 0)
		(void)json_object_set(parameters, "login", login->words);
	return call_berthd_fds(cli, "io.berth.Container.Create", parameters, login->fds, login->n,
			       reply, err);
}

int cmd_create(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct settings_flags flags = {0};
	json_t *settings = json_array(), *reply = NULL;
	struct login login = {0};
	const char *ct;
	int r = take_settings(cli, a, settings_create_opts, &ct, settings, &flags, err);

	if (r == 0)
		drop_openvz_layout(cli, settings);
	if (r == 0 && !cli->help)
		r = login_prepare(&flags, a, &login, err);
	if (r == 0 && !cli->help)
		r = create_call(cli, ct, settings, &login, &reply, err);
	if (r == 0 && reply != NULL)
		print_created(cli, reply, ct);
	login_drop(&login);
	json_decref(settings);
	json_decref(reply);
	return r;
}

/* ---- clone ---- */

/* CT [CTID|NAME] and settings. */
static int take_clone(struct cli *cli, struct args *a, const char *words[2], json_t *settings,
		      struct berth_error *err)
{
	static const struct opt none[] = {{0}};
	struct settings_flags flags = {0};
	struct arg arg;
	int n = 0, r;

	a->opts = none;
	a->params = true;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_WORD && n == 2)
			return cli_usage_error(cli, err, "give one CT and the new one");
		if (r == ARG_WORD)
			words[n++] = arg.value;
		else if (settings_take(&arg, settings, &flags, err) < 0)
			return -EINVAL;
	}
	if (r == 0 && n == 0 && !cli->help)
		return cli_usage_error(cli, err, "name a CT");
	return r;
}

int cmd_clone(struct cli *cli, struct args *a, struct berth_error *err)
{
	json_t *settings = json_array(), *parameters, *reply = NULL;
	const char *words[2] = {NULL, NULL};
	int r = take_clone(cli, a, words, settings, err);

	if (r == 0 && !cli->help) {
		r = create_parameters(words[1], settings, &parameters, err);
		if (r == 0)
			(void)json_object_set_new(parameters, "ct", json_string(words[0]));
		if (r == 0)
			r = call_berthd(cli, "io.berth.Container.Clone", parameters, &reply, err);
	}
	if (r == 0 && reply != NULL)
		print_created(cli, reply, words[1]);
	json_decref(settings);
	json_decref(reply);
	return r;
}

/* ---- set ---- */

/* The beancounters that are enforced. */
static bool is_beancounter(const struct param *p)
{
	static const char *const options[] = {"physpages", "swappages", "privvmpages", "numproc"};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(p->option, options[i]) == 0)
			return true;
	return false;
}

static void conf_cleanup(struct conf_file **f)
{
	conf_free(*f);
}

/* --reset_ub: the saved limits, as if typed. */
static int append_saved_limits(const struct cli *cli, const char *ct, json_t *settings,
			       struct berth_error *err)
{
	auto_ptr(conf_cleanup) struct conf_file *f = NULL;
	uint32_t ctid;
	int r = cli_lookup(cli, ct, &ctid, err);

	if (r == 0)
		r = store_conf_load(&cli->paths, ctid, &f, err);
	if (r < 0)
		return r;
	for (const struct param *p = param_table(); p->option != NULL; p++) {
		const char *value = is_beancounter(p) ? conf_get(f, p->key) : NULL;

		if (value != NULL)
			(void)settings_append(settings, p->option, value);
	}
	return 0;
}

static bool needs_restart(const json_t *settings)
{
	const json_t *s;
	size_t i;

	json_array_foreach(settings, i, s)
	{
		const char *option = json_string_value(json_object_get(s, "option"));
		const struct param *p = param_find_option(option);

		if (p != NULL && p->apply == PARAM_RESTART)
			return true;
	}
	return false;
}

/* --setmode restart: a CT that does not run needs no restart. */
static int restart_if_running(struct cli *cli, const char *ct, struct berth_error *err)
{
	json_t *reply = NULL;
	const char *status;
	int r = call_berthd(cli, "io.berth.Container.Get", json_pack("{s:s}", "ct", ct), &reply,
			    err);

	if (r < 0)
		return r;
	status = json_string_value(json_object_get(json_object_get(reply, "container"), "status"));
	if (status != NULL && strcmp(status, "running") == 0)
		r = call_berthd(cli, "io.berth.Container.Restart", json_pack("{s:s}", "ct", ct),
				NULL, err);
	json_decref(reply);
	return r;
}

static int check_set(const struct cli *cli, const char *ct, const json_t *settings,
		     const struct settings_flags *flags, struct berth_error *err)
{
	if (ct == NULL)
		return cli_usage_error(cli, err, "name a CT");
	if (flags->reset_ub && json_array_size(settings) > 0)
		return cli_usage_error(cli, err, "--reset_ub takes no other options");
	if (!flags->reset_ub && json_array_size(settings) == 0 && flags->userpasswd == NULL &&
	    flags->sshkey == NULL)
		return cli_usage_error(cli, err, "give at least one option");
	if (flags->restart && !flags->save && flags->seconds == 0)
		return cli_usage_error(cli, err, "--setmode restart needs --save");
	if (flags->seconds > 0 && (flags->save || flags->reset_ub))
		return cli_usage_error(cli, err,
				       "--for is for a time and --save for good: give one of them");
	if (flags->dry_run && (flags->userpasswd != NULL || flags->sshkey != NULL))
		return cli_usage_error(cli, err, "--dry-run takes no --userpasswd and no --sshkey");
	return 0;
}

static bool disables(const json_t *settings)
{
	bool yes = false;
	const json_t *s;
	size_t i;

	json_array_foreach(settings, i, s)
	{
		const char *option = json_string_value(json_object_get(s, "option"));
		const char *value = json_string_value(json_object_get(s, "value"));

		if (option != NULL && value != NULL && strcmp(option, "disabled") == 0)
			yes = strcmp(value, "yes") == 0;
	}
	return yes;
}

/* A customer who must not run does not run: its init is asked to power off, as by stop. */
static int stop_disabled(struct cli *cli, const char *ct, struct berth_error *err)
{
	json_t *reply = NULL;
	struct berth_error why;
	int r = call_berthd(cli, "io.berth.Container.Stop", json_pack("{s:s}", "ct", ct), &reply,
			    &why);

	if (r == 0 && !cli->quiet && !cli->json)
		(void)fprintf(stderr, "%s: CT %s has been stopped, as it is disabled now\n",
			      cli->program, ct);
	json_decref(reply);
	if (r == 0 || why.code == BERTH_ERR_NOT_RUNNING)
		return 0;
	return berth_error_set(err, why.code, why.sys, "%.300s (it is disabled, but not stopped)",
			       why.msg);
}

static int settings_call(struct cli *cli, const char *ct, json_t *settings,
			 const struct settings_flags *flags, struct berth_error *err)
{
	json_t *reply = NULL, *p;
	int r;

	p = json_pack("{s:s, s:O, s:b}", "ct", ct, "settings", settings, "save",
		      flags->save || flags->reset_ub);
	if (flags->dry_run)
		(void)json_object_set_new(p, "dry_run", json_true());
	if (flags->seconds > 0)
		(void)json_object_set_new(p, "for", json_integer((json_int_t)flags->seconds));
	r = call_berthd(cli, "io.berth.Container.Set", p, &reply, err);
	if (r == 0 && !flags->ignore)
		cli_print_set(cli, reply);
	if (r == 0 && flags->restart && !flags->dry_run && needs_restart(settings))
		r = restart_if_running(cli, ct, err);
	if (r == 0 && flags->save && !flags->dry_run && flags->seconds == 0 && disables(settings))
		r = stop_disabled(cli, ct, err);
	json_decref(reply);
	return r;
}

/* The login first: it is what a tenant can stand in the way of, and then nothing at all has changed. */
static int set_call(struct cli *cli, const char *ct, json_t *settings,
		    const struct settings_flags *flags, struct login *login,
		    struct berth_error *err)
{
	struct berth_error why;
	int r = flags->reset_ub ? append_saved_limits(cli, ct, settings, err) : 0;

	if (r == 0 && login->n > 0)
		r = call_berthd_fds(cli, "io.berth.Container.SetLogin",
				    json_pack("{s:s, s:O}", "ct", ct, "login", login->words),
				    login->fds, login->n, NULL, err);
	if (r < 0 || json_array_size(settings) == 0)
		return r;
	r = settings_call(cli, ct, settings, flags, &why);
	if (r < 0 && login->n > 0)
		return berth_error_set(err, why.code, why.sys,
				       "%.300s (the password and keys given are set)", why.msg);
	if (r < 0)
		*err = why;
	return r;
}

int cmd_set(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct settings_flags flags = {0};
	json_t *settings = json_array();
	struct login login = {0};
	const char *ct;
	int r = take_settings(cli, a, settings_set_opts, &ct, settings, &flags, err);

	if (r == 0 && !cli->help)
		r = login_prepare(&flags, a, &login, err);
	if (r == 0 && !cli->help)
		r = check_set(cli, ct, settings, &flags, err);
	if (r == 0 && !cli->help)
		r = set_call(cli, ct, settings, &flags, &login, err);
	login_drop(&login);
	json_decref(settings);
	return r;
}
