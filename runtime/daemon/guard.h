/*
 * guard.h - is the packet filter of the CTs still there? `nft flush ruleset`, or a restart of
 * nftables.service, takes it away: it is looked for and put back (security.md B38). Strict rp_filter
 * holds meanwhile.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Pure: how long until the next look after so many failures in a row to put it back. */
uint64_t guard_wait(unsigned int failures);

/* Looks from now on. */
void guard_begin(struct daemon *d);
