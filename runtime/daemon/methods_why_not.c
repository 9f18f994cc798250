/* methods_why_not.c - WhyNot: what keeps a CT from being suspended or moved. Beside whatever is done to the CT. */
#include "runtime/daemon/findings.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/worker_client.h"

static void looked(const struct worker_result *result, void *data)
{
	struct rpc_call *call = data;
	json_t *findings;

	if (!result->ok) {
		rpc_reply_error(call, &result->error);
		return;
	}
	findings = json_array();
	findings_of_ct(result->values, findings);
	rpc_reply(call, json_pack("{s:o}", "findings", findings));
}

void method_why_not(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct(call, parameters, data);
	struct berth_error err;
	char ctid[16];
	const char *const argv[] = {"why-not", ctid, NULL};

	if (ct == NULL)
		return;
	(void)snprintf(ctid, sizeof(ctid), "%u", ct->ctid);
	if (worker_start(data, argv, NULL, 0, NULL, looked, call, &err) < 0)
		rpc_reply_error(call, &err);
}
