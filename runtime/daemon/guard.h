/*
 * guard.h - is the packet filter of the CTs still there? `nft flush ruleset`, or a restart of
 * nftables.service, takes it away: the kernel tells of that, it is looked for and put back (security.md B38).
 * Strict rp_filter holds meanwhile.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Pure: how long until the next look after so many failures in a row to put it back. */
uint64_t guard_wait(unsigned int failures);

/* Pure: how long a look has to wait, so many ms after the last: where CTs stop all the time, there is always news. */
uint64_t guard_pause(uint64_t since_look_ms);

/* Looks now, and whenever something was taken away. */
void guard_begin(struct daemon *d);
