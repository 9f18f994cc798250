/*
 * probe.h - inside netsetup only: asking a segment whether somebody has an address already.
 *
 * IPv4 is asked in two voices. The ARP probe of RFC 5227 (sender 0.0.0.0) is answered by who has the
 * address as its own, and by no Linux that only is its proxy, which is what a host of routed CTs
 * does. So a plain request in this host's own name goes out as well; it finds the proxies. Neither
 * changes what anybody believes about the address.
 * IPv6 is asked by the neighbour solicitation of RFC 4862, 5.4.2; proxies answer that one.
 */
#pragma once

#include "netsetup/uplink.h"

enum {
	/*
	 * How often and how long; the sum is what a start waits, 600 ms. PROBE_NUM of RFC 5227 with
	 * a shorter wait: its seconds are for hosts behind bridges that just begin to forward, and a
	 * neighbour on a wire that carries traffic answers within a millisecond or two.
	 */
	PROBE_ROUNDS = 3,
	PROBE_ROUND_MS = 200,
	PROBE_FRAME_MAX = 128 /* bytes */
};

/* Who says what: the address that a frame claims, or is about to, and for which MAC. */
struct probe_claim {
	struct net_addr addr;
	uint8_t mac[6]; /* that the address is said to be at */
	uint8_t from[6]; /* that sent the frame */
};

/*
 * Asks for all addresses that the plan announces somewhere, on all their links at once, and returns
 * when somebody answers or after PROBE_ROUNDS * PROBE_ROUND_MS. Returns at once when there is no
 * such address, or ct->probe is not set. A link without a carrier has nobody to ask.
 * BERTH_ERR_ADDRESS_IN_USE; what this host itself says, on any of its links, is no answer.
 * running: the CT does not have the addresses yet (for the message).
 */
int uplink_probe(struct rtnl *r, const struct net_ct *ct, const struct net_addr *addrs,
		 unsigned int n, const struct uplink_plan *plan, bool running,
		 struct berth_error *err);

/* ---- pure ---- */

/* The ARP request for a.v4 from an address of this host, or the probe if sender is 0.0.0.0. */
size_t probe_frame_arp(const struct net_addr *a, const uint8_t mac[6], struct in_addr sender,
		       uint8_t frame[PROBE_FRAME_MAX]);
/* The solicitation for a.v6 from the unspecified address. */
size_t probe_frame_nd(const struct net_addr *a, const uint8_t mac[6],
		      uint8_t frame[PROBE_FRAME_MAX]);
/* The MAC of the group that the solicitations for a.v6 are sent to. */
void probe_group_mac(const struct net_addr *a, uint8_t mac[6]);
/* False: a frame that claims nothing, or a damaged one. Reads Ethernet frames of any content. */
bool probe_frame_read(const uint8_t *frame, size_t len, struct probe_claim *ret);
