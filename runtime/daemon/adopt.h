/*
 * adopt.h - a new monitor for a CT whose monitor has died while its init lives.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* The connection to the monitor has ended, or could not be made. */
void adopt_monitor_gone(struct daemon *d, struct ct *ct);
