/*
 * pool_watch.h - the pools that the host and all CTs share: an alarm in the log before one ends. What can be
 * refused is refused elsewhere (SECURITY.md); this is for the rest.
 */
#pragma once

#include "runtime/ct/pools.h"
#include "runtime/daemon/daemon.h"

enum pool_news {
	POOL_SAME,
	POOL_ENDS,
	POOL_RELAXED
};
/* Pure: what is new about a pool. *alarm is what was said last, and is what is to be said now. */
enum pool_news pool_watch_judge(const struct pool_use *u, bool *alarm);

/* Looks from now on, each time also at the next CTs (ledger_watch.h): berthd's one sampler of what is used. */
void pool_watch_begin(struct daemon *d);
