/*
 * ledger_watch.h - keeps the ledgers of CTs (runtime/ct/ledger.h): a look at some of the running ones every ten
 * seconds, at each a last time when its run ends. Files are written by one thread, in order.
 *
 * Here too: a CT that has as many cgroups as it may. The kernel counts no refusals there, so this is all that tells.
 */
#pragma once

#include "runtime/daemon/daemon.h"

enum ledger_news {
	LEDGER_SAME,
	LEDGER_FULL, /* it has come to its limit */
	LEDGER_ROOM, /* it is below again */
};
/* Pure. full: what was told last, and is to be told now. max: CG_UNLIMITED is none. */
enum ledger_news ledger_watch_judge(uint64_t cgroups, uint64_t max, bool *full);

void ledger_watch_begin(struct daemon *d);
/* The next running CTs in turn; all of them when they are few. */
void ledger_watch_look(struct daemon *d);
/* Its run has ended or is saved; what the kernel has counted of it is in st, and its cgroup goes next. */
void ledger_watch_ended(struct ct *ct, const struct cg_stat *st);
/* berthd ends: what waits to be written is, unless the disk hangs. */
void ledger_watch_end(void);
