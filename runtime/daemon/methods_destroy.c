/* methods_destroy.c - Destroy. */
#include "runtime/base/log.h"
#include "runtime/daemon/destroy.h"
#include "runtime/daemon/ended.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"

#include <errno.h>

void method_destroy(struct rpc_call *call, json_t *parameters, void *data)
{
	struct daemon *d = data;
	struct ct *ct = method_ct(call, parameters, d);
	struct berth_error err;
	struct job *j = NULL;

	if (ct == NULL || method_wait(call, parameters, ct, method_destroy))
		return;
	if (ct->job == NULL && ct->status != CT_STOPPED && ct->status != CT_BROKEN)
		(void)berth_error_set(
			&err, ct->status == CT_MOUNTED ? BERTH_ERR_MOUNTED : BERTH_ERR_RUNNING,
			EBUSY, "CT %u is %s; first: berth %s %u", ct->ctid,
			ct_status_name(ct->status), ct->status == CT_MOUNTED ? "umount" : "stop",
			ct->ctid);
	else
		j = job_begin(d, ct, "destroy", call, &err);
	if (j == NULL) {
		rpc_reply_error(call, &err);
		return;
	}
	(void)ended_cancel_reboot(ct);
	if (store_intent_write(&d->paths, ct->ctid, INTENT_DESTROY, ct->facts.id_base, &err) < 0)
		log_line(LOG_LV_WARNING, ct->ctid, "destroy without an intent: %s", err.msg);
	destroy_run(j);
}
