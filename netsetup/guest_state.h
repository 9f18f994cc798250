/*
 * guest_state.h - what a CT's root has made of its network beside what berth gave it: addresses, routes, policy rules,
 * fixed neighbours and settings of links, as rtnetlink's own messages, one behind the other, each aligned to 4 bytes. All in the
 * network namespace of the caller, who needs CAP_NET_ADMIN in it and nothing of the host's.
 */
#pragma once

#include "netsetup/net.h"

#include <stddef.h>
#include <stdio.h>

enum {
	NET_GUEST_STATE_MAX = 8 << 20 /* bytes; more is refused (-E2BIG) when it is saved */
};

/* Is there what cannot be carried? BERTH_ERR_UNSUPPORTED, which names it and what to do. */
int net_guest_check(const struct net_ct *ct, struct berth_error *err);
/* Neighbours that were learnt, and what the kernel makes by itself, are left out. -E2BIG: NET_GUEST_STATE_MAX. */
int net_guest_save(const struct net_ct *ct, FILE *out, struct berth_error *err);
/* Is told of each that the kernel did not take, with the reason. */
typedef void net_lost_fn(const char *what, void *data);
/*
 * Addresses, routes and rules that are there and are not in the state are removed; what is there already stays. What
 * the kernel does not take is left out.
 */
int net_guest_load(uint32_t ctid, const void *state, size_t len, net_lost_fn *lost, void *data,
		   struct berth_error *err);

/* Pure: -EBADMSG for what net_guest_save has not written. */
int net_guest_state_check(const void *state, size_t len);
/* Pure: does a /proc/net/netlink tell of a socket of this protocol (NETLINK_*)? */
bool net_guest_has_protocol(const char *netlink, unsigned int protocol);
/*
 * Pure: is a link of this name and kind (IFLA_INFO_KIND, "" for none) one that the kernel makes in each network
 * namespace when it has loaded a tunnel's module? Nobody can remove it.
 */
bool net_guest_is_fallback(const char *name, const char *kind);
