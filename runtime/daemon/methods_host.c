/* methods_host.c - io.berth.Host: Ping and Doctor. */
#include "runtime/base/cleanup.h"
#include "runtime/base/value.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/worker_client.h"

#include <string.h>

void method_ping(struct rpc_call *call, json_t *parameters, void *data)
{
	(void)parameters;
	(void)data;
	rpc_reply(call, json_pack("{s:s, s:i}", "version", BERTH_VERSION, "pid", (int)getpid()));
}

struct doctor_job {
	struct rpc_call *call;
};

static void doctor_gone(struct rpc_call *call, void *data)
{
	struct doctor_job *j = data;

	(void)call;
	j->call = NULL;
}

/* NAME.level=..., NAME.text=..., NAME.fix=... come one after another for each finding. */
static json_t *findings_json(const char *values)
{
	json_t *list = json_array();

	for (const char *line = values; *line != '\0';) {
		size_t len = strcspn(line, "\n"), name_len = strcspn(line, ".");
		char name[64], key[80], level[32] = "", text[400] = "", fix[400] = "";

		if (name_len < sizeof(name) && name_len < len &&
		    strncmp(line + name_len, ".level=", 7) == 0) {
			(void)snprintf(name, sizeof(name), "%.*s", (int)name_len, line);
			(void)snprintf(key, sizeof(key), "%s.level", name);
			(void)value_get(values, key, level, sizeof(level));
			(void)snprintf(key, sizeof(key), "%s.text", name);
			(void)value_get(values, key, text, sizeof(text));
			(void)snprintf(key, sizeof(key), "%s.fix", name);
			(void)value_get(values, key, fix, sizeof(fix));
			(void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name",
								    name, "level", level, "text",
								    text, "fix", fix));
		}
		line += len;
		line += *line == '\n';
	}
	return list;
}

static void doctor_done(const struct worker_result *result, void *data)
{
	struct doctor_job *j = data;

	if (j->call != NULL) {
		rpc_call_on_gone(j->call, NULL, NULL);
		if (result->ok)
			rpc_reply(j->call,
				  json_pack("{s:o}", "findings", findings_json(result->values)));
		else
			rpc_reply_error(j->call, &result->error);
	}
	free(j);
}

void method_doctor(struct rpc_call *call, json_t *parameters, void *data)
{
	const char *argv[] = {"doctor", NULL};
	struct doctor_job *j = calloc(1, sizeof(*j));
	struct berth_error err;

	(void)parameters;
	if (j == NULL)
		abort();
	j->call = call;
	rpc_call_on_gone(call, doctor_gone, j);
	if (worker_start(data, argv, NULL, 0, NULL, doctor_done, j, &err) == 0)
		return;
	rpc_call_on_gone(call, NULL, NULL);
	free(j);
	rpc_reply_error(call, &err);
}
