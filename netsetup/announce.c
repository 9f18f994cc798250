/* announce.c - the frames that tell a segment where an address lives now. Pure. */
#include "netsetup/frame.h"
#include "netsetup/uplink.h"

#include <arpa/inet.h>
#include <string.h>

struct na_frame {
	struct nd_frame nd;
	uint8_t opt_type, opt_len, opt_mac[6];
} __attribute__((packed));

/* An unsolicited neighbour advertisement (RFC 4861, 7.2.6) that overrides what the hearer has. */
static void neighbour_advert(struct na_frame *f, const struct net_addr *a, const uint8_t mac[6])
{
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1},
			     group[6] = {0x33, 0x33, 0, 0, 0, 1};
	const size_t len = sizeof(*f) - ND_MESSAGE;
	struct nd_frame nd = {.eth.h_proto = htons(ETH_P_IPV6)};
	struct ip6_hdr ip = nd_header(len);

	memcpy(nd.eth.h_dest, group, 6);
	memcpy(nd.eth.h_source, mac, 6);
	ip.ip6_src = a->v6;
	memcpy(&ip.ip6_dst, all_nodes, 16);
	nd.ip = ip;
	nd.icmp.icmp6_type = ND_NEIGHBOR_ADVERT;
	nd.icmp.icmp6_data32[0] = ND_NA_FLAG_OVERRIDE;
	nd.target = a->v6;
	*f = (struct na_frame){.nd = nd, .opt_type = ND_OPT_MAC_TARGET, .opt_len = 1};
	memcpy(f->opt_mac, mac, 6);
	f->nd.icmp.icmp6_cksum = nd_checksum(&ip, (const uint8_t *)f + ND_MESSAGE, len);
}

size_t announce_frame(const struct net_addr *a, const uint8_t mac[6],
		      uint8_t frame[ANNOUNCE_FRAME_MAX])
{
	struct arp_frame arp;
	struct na_frame na;

	_Static_assert(sizeof(arp) <= ANNOUNCE_FRAME_MAX && sizeof(na) <= ANNOUNCE_FRAME_MAX, "");
	/* An ARP announcement (RFC 5227): the address as sender and as target. */
	if (a->family == AF_INET) {
		arp_request(&arp, mac, a->v4, a->v4);
		memcpy(frame, &arp, sizeof(arp));
		return sizeof(arp);
	}
	neighbour_advert(&na, a, mac);
	memcpy(frame, &na, sizeof(na));
	return sizeof(na);
}
