/*
 * config_check.h - could a CT start with its config? Asked before anything is stopped. And the config of its last run,
 * for a CT that reboots while its own is broken.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* All that can be judged without a worker: syntax, values, addresses, what this host can enforce. */
int config_check(struct daemon *d, uint32_t ctid, struct berth_error *err);

/* The limits alone: what this host cannot enforce a start refuses, so it is refused where it is asked for. */
int config_check_limits(struct daemon *d, const struct ct_config *c, struct berth_error *err);

/* A run has ended: what was in effect then is the config of the last run. */
void config_keep_old(struct daemon *d, uint32_t ctid);
/* There is one. */
bool config_has_old(struct daemon *d, uint32_t ctid);
/* A CT that is down, for a restart: one whose config is broken can with the old one. */
bool config_can_restart(const struct ct *ct);
