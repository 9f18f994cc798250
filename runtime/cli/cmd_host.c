/* cmd_host.c - ping, version, monitor. */
#include "runtime/base/cleanup.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/text.h"
#include "runtime/cli/vzctl.h"
#include "runtime/rpc/rpc.h"

#include <string.h>

static int no_words(struct cli *cli, struct args *a, struct berth_error *err)
{
	struct arg arg;
	int r = cli_next(cli, a, &arg, err);

	return r > ARG_END ? cli_usage_error(cli, err, "") : r;
}

static void print_json(const json_t *o)
{
	(void)json_dumpf(o, stdout, JSON_INDENT(2));
	(void)putchar('\n');
}

/* A line of text, safe on a terminal. */
static void print_text(const char *text)
{
	auto_free char *safe = text_escape(text);

	if (safe != NULL)
		(void)puts(safe);
}

int cmd_ping(struct cli *cli, struct args *a, struct berth_error *err)
{
	json_t *reply = NULL;
	const char *version;
	int r = no_words(cli, a, err);

	if (r < 0 || cli->help)
		return r;
	r = call_berthd(cli, "io.berth.Host.Ping", json_object(), &reply, err);
	if (r < 0)
		return r;
	version = json_string_value(json_object_get(reply, "version"));
	if (cli->json)
		print_json(reply);
	else if (!cli->quiet)
		(void)printf("berthd %s pid %lld\n", version != NULL ? version : "?",
			     (long long)json_integer_value(json_object_get(reply, "pid")));
	json_decref(reply);
	return 0;
}

/* A berthd that does not answer is no failure here. */
int cmd_version(struct cli *cli, struct args *a, struct berth_error *err)
{
	json_t *reply = NULL, *o;
	const char *version = NULL;
	struct berth_error ignored;
	int r = no_words(cli, a, err);

	if (r < 0 || cli->help)
		return r;
	if (vzctl_is(cli) && !cli->json) {
		(void)printf("vzctl version " VZCTL_VERSION " (berth %s)\n", BERTH_VERSION);
		return 0;
	}
	if (call_berthd(cli, "io.berth.Host.Ping", json_object(), &reply, &ignored) == 0)
		version = json_string_value(json_object_get(reply, "version"));
	if (cli->json) {
		o = json_pack("{s:s, s:s?}", "berth", BERTH_VERSION, "berthd", version);
		print_json(o);
		json_decref(o);
	} else {
		(void)printf("berth %s\n", BERTH_VERSION);
		if (version != NULL)
			(void)printf("berthd %s\n", version);
		else
			(void)puts("berthd does not answer");
	}
	json_decref(reply);
	return 0;
}

/* ---- monitor ---- */

static int print_event(json_t *parameters, void *data)
{
	const struct cli *cli = data;
	const char *event = json_string_value(json_object_get(parameters, "event"));
	const char *detail = json_string_value(json_object_get(parameters, "detail"));
	json_int_t ctid = json_integer_value(json_object_get(parameters, "ctid"));
	char line[400];

	if (cli->json) {
		(void)json_dumpf(parameters, stdout, JSON_COMPACT);
		(void)putchar('\n');
	} else {
		(void)snprintf(line, sizeof(line), "%lld %s%s%s", (long long)ctid,
			       event != NULL ? event : "?", detail != NULL ? " " : "",
			       detail != NULL ? detail : "");
		print_text(line);
	}
	return fflush(stdout);
}

int cmd_monitor(struct cli *cli, struct args *a, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	struct rpc_client *client;
	int r = no_words(cli, a, err);

	if (r < 0 || cli->help)
		return r;
	r = rpc_client_open(path_daemon_socket(&cli->paths, path), &client, err);
	if (r < 0)
		return r;
	r = rpc_client_call(client, "io.berth.Container.Monitor", json_object(), print_event, cli,
			    NULL, err);
	rpc_client_free(client);
	return r;
}
