/*
 * lost.h - a CT that runs although its state file does not say so. It is a customer's: nothing of it is
 * cleaned up before a worker has looked for its init.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Processes in its cgroup, and no state file that can be believed. */
bool lost_may_run(struct daemon *d, const struct ct *ct);

typedef void lost_judged_fn(struct daemon *d, struct ct *ct);

/*
 * Has it found again. Then calls judged: the state file says what runs, or nothing of it is alive. While
 * nobody can tell, the CT counts as running and is looked at again.
 */
void lost_find(struct daemon *d, struct ct *ct, lost_judged_fn *judged);
