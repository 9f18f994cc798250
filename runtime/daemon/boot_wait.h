/*
 * boot_wait.h - calls of start --wait: they are answered when the CT says that it has booted.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* call is answered later: by boot_wait_done, boot_wait_fail or after BOOT_WAIT_MS. */
void boot_wait_add(struct daemon *d, struct ct *ct, struct rpc_call *call);

/* The CT has booted. */
void boot_wait_done(struct ct *ct);

/* The CT has ended before that. */
void boot_wait_fail(struct ct *ct);
