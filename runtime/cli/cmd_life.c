/* cmd_life.c - start, stop, restart, mount, umount, destroy, suspend, resume. */
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"

#include <errno.h>
#include <string.h>

enum {
	STOP_TIMEOUT_MAX = 3600
};

struct life_options {
	const char *ct;
	bool wait, fast;
	int timeout; /* -1: the CT's own */
};

static const struct opt start_opts[] = {
	{"wait", 0, false}, {"force", 0, false}, {"skip-fsck", 0, false}, {0}};
static const struct opt stop_opts[] = {
	{"fast", 0, false}, {"timeout", 0, true}, {"skip-umount", 0, false}, {0}};
static const struct opt restart_opts[] = {
	{"wait", 0, false}, {"fast", 0, false}, {"force", 0, false}, {0}};

static int take_timeout(const char *value, int *ret, struct berth_error *err)
{
	uint32_t v;

	if (parse_u32(value, &v) < 0 || v > STOP_TIMEOUT_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "invalid --timeout '%.40s'; use 0 to %d seconds", value,
				       STOP_TIMEOUT_MAX);
	*ret = (int)v;
	return 0;
}

/* --force, --skip-fsck and --skip-umount of vzctl's scripts change nothing here. */
static int take_options(struct cli *cli, struct args *a, const struct opt *opts,
			struct life_options *ret, struct berth_error *err)
{
	struct arg arg;
	int r;

	*ret = (struct life_options){.timeout = -1};
	a->opts = opts;
	while ((r = cli_next(cli, a, &arg, err)) > ARG_END) {
		if (r == ARG_WORD && ret->ct != NULL)
			return cli_usage_error(cli, err, "give one CT");
		if (r == ARG_WORD)
			ret->ct = arg.value;
		else if (strcmp(arg.name, "wait") == 0)
			ret->wait = true;
		else if (strcmp(arg.name, "fast") == 0)
			ret->fast = true;
		else if (strcmp(arg.name, "timeout") == 0 &&
			 take_timeout(arg.value, &ret->timeout, err) < 0)
			return -EINVAL;
	}
	if (r == 0 && ret->ct == NULL && !cli->help)
		return cli_usage_error(cli, err, "name a CT");
	return r;
}

int cmd_start(struct cli *cli, struct args *a, struct berth_error *err)
{
	char label[CT_LABEL_MAX];
	struct life_options o;
	int r = take_options(cli, a, start_opts, &o, err);

	if (r < 0 || cli->help)
		return r;
	(void)cli_label(cli, o.ct, label);
	r = call_and_print(cli, "io.berth.Container.Start",
			   json_pack("{s:s, s:b}", "ct", o.ct, "wait", o.wait), err);
	if (r == 0)
		cli_say(cli, "CT %s has %s", label, o.wait ? "booted" : "started");
	return r;
}

int cmd_stop(struct cli *cli, struct args *a, struct berth_error *err)
{
	char label[CT_LABEL_MAX];
	struct life_options o;
	json_t *p;
	int r = take_options(cli, a, stop_opts, &o, err);

	if (r < 0 || cli->help)
		return r;
	(void)cli_label(cli, o.ct, label);
	p = json_pack("{s:s, s:b}", "ct", o.ct, "fast", o.fast);
	if (o.timeout >= 0)
		(void)json_object_set_new(p, "timeout", json_integer(o.timeout));
	r = call_and_print(cli, "io.berth.Container.Stop", p, err);
	if (r == 0)
		cli_say(cli, "CT %s has stopped", label);
	return r;
}

int cmd_restart(struct cli *cli, struct args *a, struct berth_error *err)
{
	char label[CT_LABEL_MAX];
	struct life_options o;
	int r = take_options(cli, a, restart_opts, &o, err);

	if (r < 0 || cli->help)
		return r;
	(void)cli_label(cli, o.ct, label);
	r = call_and_print(cli, "io.berth.Container.Restart",
			   json_pack("{s:s, s:b, s:b}", "ct", o.ct, "wait", o.wait, "fast", o.fast),
			   err);
	if (r == 0)
		cli_say(cli, "CT %s has %s", label, o.wait ? "booted" : "started");
	return r;
}

int cmd_mount(struct cli *cli, struct args *a, struct berth_error *err)
{
	json_t *reply = NULL;
	const char *ct, *path;
	int r = cli_one_word(cli, a, "a CT", &ct, err);

	if (r < 0 || cli->help)
		return r;
	r = call_berthd(cli, "io.berth.Container.Mount", json_pack("{s:s}", "ct", ct), &reply, err);
	path = json_string_value(json_object_get(reply, "path"));
	if (r == 0 && cli->json)
		(void)json_dumpf(reply, stdout, JSON_INDENT(2));
	if (r == 0 && (cli->json || (path != NULL && !cli->quiet)))
		(void)printf("%s\n", cli->json ? "" : path);
	json_decref(reply);
	return r;
}

/* A command with nothing but the CT. */
static int one_ct(struct cli *cli, struct args *a, const char *method, const char *done,
		  struct berth_error *err)
{
	char label[CT_LABEL_MAX];
	const char *ct;
	int r = cli_one_word(cli, a, "a CT", &ct, err);

	if (r < 0 || cli->help)
		return r;
	(void)cli_label(cli, ct, label);
	r = call_and_print(cli, method, json_pack("{s:s}", "ct", ct), err);
	if (r == 0)
		cli_say(cli, "CT %s %s", label, done);
	return r;
}

int cmd_umount(struct cli *cli, struct args *a, struct berth_error *err)
{
	return one_ct(cli, a, "io.berth.Container.Umount", "has been unmounted", err);
}

int cmd_destroy(struct cli *cli, struct args *a, struct berth_error *err)
{
	return one_ct(cli, a, "io.berth.Container.Destroy", "has been destroyed", err);
}

int cmd_suspend(struct cli *cli, struct args *a, struct berth_error *err)
{
	return one_ct(cli, a, "io.berth.Container.Suspend", "has been suspended", err);
}

int cmd_resume(struct cli *cli, struct args *a, struct berth_error *err)
{
	return one_ct(cli, a, "io.berth.Container.Resume", "goes on", err);
}
