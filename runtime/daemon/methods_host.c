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

/*
 * One at a time: whoever asks meanwhile gets the same answer. It may be asked by the group too, for whom the host
 * is not to be kept busy.
 */
static void doctor_done(const struct worker_result *result, void *data)
{
	struct daemon *d = data;
	json_t *findings = result->ok ? findings_json(result->values) : NULL;
	struct rpc_call *call;

	while ((call = call_list_take(&d->doctor)) != NULL)
		if (result->ok)
			rpc_reply(call, json_pack("{s:O}", "findings", findings));
		else
			rpc_reply_error(call, &result->error);
	json_decref(findings);
	d->doctor_runs = false;
}

void method_doctor(struct rpc_call *call, json_t *parameters, void *data)
{
	static const char *const argv[] = {"doctor", NULL};
	struct daemon *d = data;
	struct berth_error err;

	(void)parameters;
	if (!d->doctor_runs && worker_start(d, argv, NULL, 0, NULL, doctor_done, d, &err) < 0) {
		rpc_reply_error(call, &err);
		return;
	}
	d->doctor_runs = true;
	call_list_add(&d->doctor, call);
}
