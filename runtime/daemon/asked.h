/* asked.h - who ordered what, as one line of the log: "set ram=1G save=yes by uid=0 pid=4211". */
#pragma once

#include "runtime/rpc/rpc.h"

#include <stddef.h>

/* Told by the server (rpc_server_on_order); data is the daemon. */
rpc_order_fn asked;

/* The line without "ct=". Values of what is no parameter, and secrets, are left out. Pure. */
void asked_text(const struct rpc_peer *peer, const char *method, const json_t *parameters,
		char *buf, size_t size);
