/*
 * uplink.h - inside netsetup only: making the host's neighbours send a CT's traffic to the host.
 */
#pragma once

#include "netsetup/nft.h"
#include "netsetup/rtnl.h"

enum {
	ANNOUNCE_FRAME_MAX = 128
};

/* Where each address of a CT is announced: the number of the link, 0 for nowhere. */
struct uplink_plan {
	int index[NET_ADDR_MAX];
};

/*
 * Asks the routing table which link would lead to each address, before the CT has it. Masqueraded
 * addresses and private ones that are not on a link are announced nowhere; nor are networks.
 * BERTH_ERR_ADDRESS_IN_USE when an address is the host's own.
 */
int uplink_find(struct rtnl *r, uint32_t ctid, bool nat, const struct net_addr *addrs,
		unsigned int n, struct uplink_plan *ret, struct berth_error *err);

/* Proxy ARP/NDP entries, then one gratuitous ARP or unsolicited NA for each address. */
int uplink_announce(struct rtnl *r, const struct net_addr *addrs, unsigned int n,
		    const struct uplink_plan *plan, struct berth_error *err);

/* Removes our proxy entries for these addresses, on whatever link; not those of what a CT has a route to. */
int uplink_withdraw(struct rtnl *r, const struct net_addr *addrs, unsigned int n,
		    struct berth_error *err);

/* Pure: an Ethernet frame that announces the address at the MAC; returns its length. */
size_t announce_frame(const struct net_addr *a, const uint8_t mac[6],
		      uint8_t frame[ANNOUNCE_FRAME_MAX]);
