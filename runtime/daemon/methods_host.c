/* methods_host.c - io.berth.Host: Ping and Doctor. */
#include "runtime/base/cleanup.h"
#include "runtime/daemon/findings.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/worker_client.h"

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
