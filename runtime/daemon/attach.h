/*
 * attach.h - berthd's hold on a running CT: the pidfd of its init and the connection to its monitor. What they say
 * is reported to ct_event.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/*
 * Takes hold of the CT's run of this boot. Success: init is held; the monitor may be out of reach
 * (ct->monitor is NULL and *err says why). -ESRCH (BERTH_ERR_NOT_RUNNING) is proof that no such init is
 * there; any other failure says nothing about the CT, and whatever was held before still is.
 */
int attach_take(struct daemon *d, struct ct *ct, struct berth_error *err);

/* Lets go: no event of this run comes any more. Harmless when nothing was held. */
void attach_drop(struct ct *ct);

/* The init that is held has exited. False, too, when none is held: nobody knows. */
bool attach_init_has_ended(const struct ct *ct);
