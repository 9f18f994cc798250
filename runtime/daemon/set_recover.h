/*
 * set_recover.h - a change of settings that an earlier berthd did not see to its end.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Takes it back, in a CT that has been adopted. Nothing to do is fine. */
void set_recover(struct daemon *d, struct ct *ct);
