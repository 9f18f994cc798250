/*
 * lifecycle.h - start, stop, restart and what happens when a CT's init ends by itself.
 */
#pragma once

#include "runtime/daemon/job.h"

/* j holds the CT. The job ends when init runs (or the start has failed and is cleaned up). */
void lifecycle_start(struct job *j);
/* Ends when nothing of the CT runs any more, or goes on with lifecycle_start if j->restart. */
void lifecycle_stop(struct job *j);

/* Takes over a running CT: pidfd, monitor connection. At start-up and after a start. */
int lifecycle_attach(struct daemon *d, struct ct *ct, struct berth_error *err);

/* Called by monitor_conn: */
void lifecycle_booted(struct daemon *d, struct ct *ct);
void lifecycle_monitor_gone(struct daemon *d, struct ct *ct);

/* A call of start --wait is answered when the CT says it has booted. */
void lifecycle_wait_boot(struct daemon *d, struct ct *ct, struct rpc_call *call);

/* A reboot that waits for its backoff is forgotten; true when there was one. */
bool lifecycle_cancel_reboot(struct ct *ct);

/* Cleans up after a CT that does not run but has left something, with no call. */
void lifecycle_clean(struct daemon *d, struct ct *ct);
