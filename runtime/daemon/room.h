/*
 * room.h - a CT that this host has no room for is not started: refused with the bound that it would exceed
 * (runtime/ct/bounds.h), before anything is made. CTs that run go on, and may restart.
 */
#pragma once

#include "runtime/ct/bounds.h"
#include "runtime/daemon/daemon.h"

/* Is there room for one more beside those that run? -ENOSPC, BERTH_ERR_RESOURCES. */
int room_check(const struct ct *ct, struct berth_error *err);

/* Pure: the same for n CTs, the one to be started among them. */
int room_judge(const struct bounds_host *h, uint32_t ctid, uint64_t n, struct berth_error *err);
