/* asked.h - who ordered what, as one line of the log: "set ram=1G save=yes by uid=0 pid=4211". */
#pragma once

#include "runtime/rpc/rpc.h"

#include <stddef.h>
#include <stdint.h>

struct daemon;

/* The CT that an order means; 0 when nobody knows yet. */
uint32_t asked_ct(struct daemon *d, const json_t *parameters);

/* The line without "ct=". Values of what is no parameter, and secrets, are left out. Pure. */
void asked_text(const struct rpc_peer *peer, const char *method, const json_t *parameters,
		char *buf, size_t size);
