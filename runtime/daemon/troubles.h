/*
 * troubles.h - all that an admin should know of a CT, as one line: its volume (space.c), its limits
 * (ledger_watch.c), a temporary change that cannot be taken back (come_back.c).
 */
#pragma once

#include "runtime/ct/trouble.h"
#include "runtime/daemon/daemon.h"

/* Into buf (CT_TROUBLE_MAX); "": nothing. Returns buf. */
const char *troubles_text(const struct ct *ct, char *buf);
/* For who asks without berthd: RUN/ct/CTID/trouble. */
void troubles_write(const struct ct *ct);
