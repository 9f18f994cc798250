/*
 * reboot.h - will a CT that has ended be started again, and when.
 *
 * The wish outlives berthd: a mark in the CT's run directory says that the CT is between its end
 * and its new start.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Pure. How long to wait before a CT that lived so long is started; *quick counts quick reboots. */
uint64_t reboot_backoff(uint64_t lived_ms, unsigned int *quick);

void reboot_mark(struct daemon *d, const struct ct *ct);
void reboot_unmark(struct daemon *d, const struct ct *ct);
/* A mark of an earlier boot of the host does not count. */
bool reboot_is_marked(struct daemon *d, const struct ct *ct);

/*
 * A CT that is suspended to be moved goes on by itself, here as long as it was not given away, there when it has come,
 * whoever died or lost power: private/CTID has the mark (MOVING_MARK), and keeps it over a boot of the host. -errno: it
 * is not there for sure.
 */
int resume_mark(const struct ct *ct);
void resume_unmark(const struct ct *ct);
bool resume_is_marked(const struct ct *ct);
/* Is it suspended, with the mark? The mark goes when it is given, stopped or running; of no other status. */
bool resume_is_due(const struct ct *ct);

/*
 * A CT that was stopped to be moved has the mark too, until it is given away: it starts again when its move has failed,
 * or after so many ms in which nobody sends it: who stopped it has died.
 */
enum {
	REBOOT_MOVES_MS = 60000
};
