/* methods_destroy.c - Destroy. */
#include "runtime/daemon/destroy.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"

static void destroy_go(struct job *j, void *data)
{
	(void)data;
	destroy_order(j);
}

void method_destroy(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct_read(call, parameters, data, method_destroy);
	struct berth_error err;

	if (ct != NULL && !method_wait(call, parameters, ct, method_destroy) &&
	    ct_event(ct, LIFE_DESTROY, &(struct life_info){.call = call, .go = destroy_go}, &err) <
		    0)
		rpc_reply_error(call, &err);
}
