/*
 * ended.h - the end of a CT that nobody asked for: it powered off or rebooted itself, or it ended
 * while no berthd was there.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* The pidfd of its init says so. */
void ended_init(struct ct *ct);

/* Init has ended and its exit record is written, or will not be. */
void ended_now(struct daemon *d, struct ct *ct);

/* At start-up: what is left of a run is cleaned away; a CT that was rebooting is started. */
void ended_clean(struct daemon *d, struct ct *ct);

/* A reboot that waits for its backoff is forgotten; true when there was one. */
bool ended_cancel_reboot(struct ct *ct);
