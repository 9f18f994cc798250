/* call.c - calls of berthd, and the progress line meanwhile. */
#include "runtime/base/cleanup.h"
#include "runtime/base/parse.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/text.h"
#include "runtime/ct/store.h"
#include "runtime/rpc/rpc.h"

#include <string.h>

struct progress {
	bool line; /* one line that is written over; else a line each */
	bool shown;
};

static int show_progress(json_t *parameters, void *data)
{
	const json_t *p = json_object_get(parameters, "progress");
	const json_t *percent = json_object_get(p, "percent");
	const char *stage = json_string_value(json_object_get(p, "stage"));
	struct progress *state = data;
	auto_free char *text = NULL;

	if (stage == NULL)
		return 0;
	text = text_escape(stage);
	if (text == NULL)
		return 0;
	(void)fprintf(stderr, "%s%.60s", state->line ? "\r\033[K" : "", text);
	if (json_is_integer(percent))
		(void)fprintf(stderr, " %d%%", (int)json_integer_value(percent));
	if (!state->line)
		(void)fputc('\n', stderr);
	(void)fflush(stderr);
	state->shown = true;
	return 0;
}

int call_berthd(struct cli *cli, const char *method, json_t *parameters, json_t **ret,
		struct berth_error *err)
{
	return call_berthd_fds(cli, method, parameters, NULL, 0, ret, err);
}

int call_berthd_fds(struct cli *cli, const char *method, json_t *parameters, const int *fds,
		    unsigned int n_fds, json_t **ret, struct berth_error *err)
{
	struct progress state = {.line = isatty(STDERR_FILENO) == 1};
	bool show = (state.line || cli->verbose) && !cli->quiet && !cli->json;
	char path[BERTH_PATH_MAX];
	struct rpc_client *client;
	int r;

	if (parameters == NULL)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "an argument of the command is not UTF-8");
	r = rpc_client_open_within(path_daemon_socket(&cli->paths, path), cli->limit_s, &client,
				   err);
	if (r < 0) {
		json_decref(parameters);
		return r;
	}
	r = rpc_client_call_fds(client, method, parameters, fds, n_fds, show ? show_progress : NULL,
				&state, ret, err);
	rpc_client_free(client);
	if (state.shown && state.line)
		(void)fputs("\r\033[K", stderr);
	return r;
}

static void print_notes(const struct cli *cli, const json_t *reply)
{
	const json_t *note;
	size_t i;

	json_array_foreach(json_object_get(reply, "notes"), i, note)
	{
		auto_free char *text = cli->quiet || !json_is_string(note)
					       ? NULL
					       : text_escape(json_string_value(note));

		if (text != NULL)
			(void)fprintf(stderr, "%s: %s\n", cli->program, text);
	}
}

int call_and_print(struct cli *cli, const char *method, json_t *parameters, struct berth_error *err)
{
	json_t *reply = NULL;
	int r = call_berthd(cli, method, parameters, &reply, err);

	if (r == 0 && cli->json) {
		(void)json_dumpf(reply, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	} else if (r == 0) {
		print_notes(cli, reply);
	}
	json_decref(reply);
	return r;
}

const char *cli_label(struct cli *cli, const char *word, char buf[CT_LABEL_MAX])
{
	json_t *reply = NULL, *ctid = NULL;
	uint32_t number;

	(void)snprintf(buf, CT_LABEL_MAX, "%s", word);
	/* Nobody is told: no need to ask. */
	if (parse_ctid(word, &number) == 0 || cli->quiet || cli->json || !isatty(STDOUT_FILENO))
		return buf;
	if (call_berthd(cli, "io.berth.Container.Get", json_pack("{s:s}", "ct", word), &reply,
			NULL) == 0)
		ctid = json_object_get(json_object_get(reply, "container"), "ctid");
	if (json_is_integer(ctid))
		(void)snprintf(buf, CT_LABEL_MAX, "%lld (%s)", (long long)json_integer_value(ctid),
			       word);
	json_decref(reply);
	return buf;
}

int cli_lookup(const struct cli *cli, const char *word, uint32_t *ret, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	uint32_t ctid;
	int r = store_lookup(&cli->paths, word, &ctid, err);

	if (r < 0)
		return r;
	if (access(path_ct_config(&cli->paths, ctid, path), F_OK) < 0 && errno == ENOENT)
		return berth_error_set(err, BERTH_ERR_NO_CONFIG, ENOENT,
				       "CT %u does not exist; `berth list -a` shows those that do",
				       ctid);
	*ret = ctid;
	return 0;
}
