/*
 * method_wait.h - an admin's order meets a CT that berthd itself is busy with: a new monitor is put in
 * place, or what has ended is cleaned up. That lasts moments; the order waits instead of being refused.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/*
 * True: fn will be called with this call again, when berthd has done with the CT or after 5 s; then it
 * has to take the CT as it is. False: nothing to wait for (any more).
 */
bool method_wait(struct rpc_call *call, json_t *parameters, const struct ct *ct, rpc_method_fn *fn);
