/*
 * monitor_conn.h - berthd's connection to a CT's monitor: state changes come in, its end tells that
 * the monitor, and usually init, is gone.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* A connection that nothing was said on yet, which does not block. A descriptor or a negative value. */
int monitor_open(struct daemon *d, const struct ct *ct, struct berth_error *err);

int monitor_connect(struct daemon *d, struct ct *ct, struct berth_error *err);
void monitor_disconnect(struct ct *ct);

/* Closes what was kept for a new monitor: the CT has ended. */
void monitor_forget_kept(struct ct *ct);
