/*
 * attach.h - berthd's hold on a running CT: the pidfd of its init and the connection to its monitor.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Takes hold of the CT's run of this boot. At start-up, after a start, after a new monitor. */
int attach_take(struct daemon *d, struct ct *ct, struct berth_error *err);

/* Lets go: no event of this run comes any more. Harmless when nothing was held. */
void attach_drop(struct ct *ct);

/* Also when no init is held. */
bool attach_init_is_dead(const struct ct *ct);

/* The guest has said that it has booted. */
void attach_booted(struct daemon *d, struct ct *ct);
