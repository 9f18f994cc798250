/* announce.c - the frames that tell a segment where an address lives now. Pure. */
#include "netsetup/link.h"
#include "netsetup/uplink.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <string.h>

struct arp_frame {
	struct ethhdr eth;
	struct arphdr head;
	uint8_t sha[6], spa[4], tha[6], tpa[4];
} __attribute__((packed));

struct na_frame {
	struct ethhdr eth;
	struct ip6_hdr ip;
	struct nd_neighbor_advert na;
	uint8_t opt_type, opt_len, opt_mac[6];
} __attribute__((packed));

/* An ARP announcement (RFC 5227): a request that names the address as sender and as target. */
static size_t arp_frame(const struct net_addr *a, const uint8_t mac[6], struct arp_frame *f)
{
	*f = (struct arp_frame){.eth.h_proto = htons(ETH_P_ARP),
				.head = {.ar_hrd = htons(ARPHRD_ETHER),
					 .ar_pro = htons(ETH_P_IP),
					 .ar_hln = 6,
					 .ar_pln = 4,
					 .ar_op = htons(ARPOP_REQUEST)}};
	memset(f->eth.h_dest, 0xff, 6);
	memcpy(f->eth.h_source, mac, 6);
	memcpy(f->sha, mac, 6);
	memcpy(f->spa, &a->v4, 4);
	memcpy(f->tpa, &a->v4, 4);
	return sizeof(*f);
}

static uint32_t sum16(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* An unsolicited neighbour advertisement (RFC 4861, 7.2.6) that overrides what the hearer has. */
static size_t na_frame(const struct net_addr *a, const uint8_t mac[6], struct na_frame *f)
{
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1},
			     group[6] = {0x33, 0x33, 0, 0, 0, 1};
	const size_t len = sizeof(*f) - offsetof(struct na_frame, na);
	uint32_t sum;

	*f = (struct na_frame){.eth.h_proto = htons(ETH_P_IPV6), .opt_type = 2, .opt_len = 1};
	memcpy(f->eth.h_dest, group, 6);
	memcpy(f->eth.h_source, mac, 6);
	f->ip.ip6_flow = htonl(6u << 28);
	f->ip.ip6_plen = htons((uint16_t)len);
	f->ip.ip6_nxt = IPPROTO_ICMPV6;
	f->ip.ip6_hlim = 255;
	f->ip.ip6_src = a->v6;
	memcpy(&f->ip.ip6_dst, all_nodes, 16);
	f->na.nd_na_type = ND_NEIGHBOR_ADVERT;
	f->na.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
	f->na.nd_na_target = a->v6;
	memcpy(f->opt_mac, mac, 6);
	sum = sum16(&f->ip.ip6_src, 32, (uint32_t)len + IPPROTO_ICMPV6);
	f->na.nd_na_cksum =
		htons(fold(sum16((const uint8_t *)f + offsetof(struct na_frame, na), len, sum)));
	return sizeof(*f);
}

size_t announce_frame(const struct net_addr *a, const uint8_t mac[6],
		      uint8_t frame[ANNOUNCE_FRAME_MAX])
{
	struct arp_frame arp;
	struct na_frame na;
	size_t len;

	_Static_assert(sizeof(arp) <= ANNOUNCE_FRAME_MAX && sizeof(na) <= ANNOUNCE_FRAME_MAX, "");
	if (a->family == AF_INET) {
		len = arp_frame(a, mac, &arp);
		memcpy(frame, &arp, len);
	} else {
		len = na_frame(a, mac, &na);
		memcpy(frame, &na, len);
	}
	return len;
}
