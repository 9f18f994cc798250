/*
 * link.h - inside netsetup only: what is fixed about the link of a CT, and small helpers.
 *
 * Names, interface numbers and MACs follow from the CTID alone, so a crash needs no bookkeeping:
 * whoever knows the CTID finds and removes everything.
 */
#pragma once

#include "netsetup/net.h"

#define NET_GUEST_IFNAME "venet0"

enum {
	NET_GUEST_IFINDEX = 64, /* above the fallback tunnels that a new namespace may have */
	NET_TABLE_MAX = 32,
	/* rtm_protocol and NDA_PROTOCOL of what is ours; numbers that rt_protos leaves free. */
	NET_PROTO_ROUTED = 190,
	NET_PROTO_NAT = 191, /* the address is masqueraded */
};

enum net_side {
	NET_SIDE_HOST,
	NET_SIDE_GUEST
};

/* Of one family's raw form: 4 or 16 bytes. */
const void *net_addr_bytes(const struct net_addr *a);
void *net_addr_bytes_of(struct net_addr *a);
size_t net_addr_size(const struct net_addr *a);
uint8_t net_addr_bits(const struct net_addr *a);
bool net_addr_is_in(const struct net_addr *a, const struct net_addr *list, unsigned int n);
bool net_has_family(const struct net_addr *list, unsigned int n, int family);

/* Stable numbers: SNMP graphs and flow exports of a CT survive its restarts. */
int net_host_ifindex(uint32_t ctid);
void net_link_mac(uint32_t ctid, enum net_side side, uint8_t mac[6]);
void net_guest_link_local(uint32_t ctid, struct net_addr *ret);

/* The name goes into an nft script: [A-Za-z][A-Za-z0-9_]*, at most NET_TABLE_MAX. */
bool net_table_is_valid(const char *s);

/* True when the address is to be masqueraded. */
static inline bool net_addr_is_nat(const struct net_addr *a, bool nat)
{
	return nat && net_addr_is_private(a);
}
