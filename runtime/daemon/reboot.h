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
/* Is it suspended, with the mark? The mark goes when it is given, stopped or running; of no other status. So does
 * boot_mark. */
bool resume_is_due(const struct ct *ct);

/*
 * A CT that a boot of the host resumes, whoever dies, until it runs or its memory is given up: private/CTID has the
 * mark, over that boot.
 */
int boot_mark(const struct ct *ct);
void boot_unmark(const struct ct *ct);
/* One that cannot be seen is none: nothing is done then. */
bool boot_is_marked(const struct ct *ct);
/* RUN has this when all that this boot is to start have been started, by this berthd or an earlier one. */
#define BOOT_OVER_MARK "autostarted"
bool boot_is_over(const struct daemon *d);
/* Is it suspended, with that mark, on a host that is up? Of one that is coming up autostart.c sees to it, in order. */
bool boot_resume_is_due(const struct ct *ct);

/*
 * A CT that was stopped to be moved has the mark too, until it is given away: it starts again when its move has failed,
 * or after so many ms in which nobody sends it: who stopped it has died.
 */
enum {
	REBOOT_MOVES_MS = 60000
};
