/*
 * obstacle.h - what of a CTID is on this host already, although no CT has it.
 *
 * A create makes nothing where something is: what it did not make it must not use, and what it fails at
 * it removes.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* BERTH_ERR_EXISTS says what is there and the way out. err may be NULL. */
int obstacle_check(const struct daemon *d, uint32_t ctid, struct berth_error *err);
