/*
 * found.h - CTs whose files an admin has put back while berthd runs: from a backup, by a restore.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Has the directory of configs not changed since found_rescan? Never waits for a disk: false when that would have to. */
bool found_is_current(const struct daemon *d);
/*
 * Takes every config that no CT has into the registry. Costs a look into a directory: for who lists all,
 * names a CT that is not there, or asks what is taken.
 */
void found_rescan(struct daemon *d);

/* As registry_lookup, also for one that has been put back since. */
struct ct *found_lookup(struct daemon *d, const char *word, struct berth_error *err);

/* Reads a CT again of which nothing runs: its files are another's now, or whole again. */
void found_reread(struct ct *ct);
