/* probe_frame.c - the questions of an address probe, and what in a frame answers one. Pure. */
#include "netsetup/frame.h"
#include "netsetup/link.h"
#include "netsetup/probe.h"

#include <arpa/inet.h>
#include <string.h>

/* ff02::1:ff00:0/104, RFC 4291, 2.7.1; the last three bytes are the address's. */
static const uint8_t solicited_node[13] = {0xff, 2, [11] = 1, [12] = 0xff};

size_t probe_frame_arp(const struct net_addr *a, const uint8_t mac[6], struct in_addr sender,
		       uint8_t frame[PROBE_FRAME_MAX])
{
	struct arp_frame f;

	_Static_assert(sizeof(f) <= PROBE_FRAME_MAX, "");
	arp_request(&f, mac, sender, a->v4);
	memcpy(frame, &f, sizeof(f));
	return sizeof(f);
}

void probe_group_mac(const struct net_addr *a, uint8_t mac[6])
{
	static const uint8_t group[3] = {0x33, 0x33, 0xff};

	memcpy(mac, group, 3);
	memcpy(mac + 3, a->v6.s6_addr + 13, 3);
}

/* Without a source there is no option of the sender's MAC (RFC 4861, 4.3). */
size_t probe_frame_nd(const struct net_addr *a, const uint8_t mac[6],
		      uint8_t frame[PROBE_FRAME_MAX])
{
	const size_t len = sizeof(struct nd_frame) - ND_MESSAGE;
	struct nd_frame f = {.eth.h_proto = htons(ETH_P_IPV6)};
	struct ip6_hdr ip = nd_header(len);

	_Static_assert(sizeof(f) <= PROBE_FRAME_MAX, "");
	probe_group_mac(a, f.eth.h_dest);
	memcpy(f.eth.h_source, mac, 6);
	memcpy(&ip.ip6_dst, solicited_node, sizeof(solicited_node));
	memcpy(ip.ip6_dst.s6_addr + 13, a->v6.s6_addr + 13, 3);
	f.ip = ip;
	f.icmp.icmp6_type = ND_NEIGHBOR_SOLICIT;
	f.target = a->v6;
	f.icmp.icmp6_cksum = nd_checksum(&ip, (const uint8_t *)&f + ND_MESSAGE, len);
	memcpy(frame, &f, sizeof(f));
	return sizeof(f);
}

/* ---- what came ---- */

static void claim_v4(struct probe_claim *c, const uint8_t addr[4])
{
	c->addr = (struct net_addr){.family = AF_INET, .prefix = 32};
	memcpy(&c->addr.v4, addr, 4);
}

/* RFC 5227, 2.1.1: whoever names itself as the sender, and another probe for the same address. */
static bool read_arp(const uint8_t *frame, size_t len, struct probe_claim *c)
{
	static const uint8_t nobody[4] = {0};
	struct arp_frame f;
	bool request;

	if (len < sizeof(f))
		return false;
	memcpy(&f, frame, sizeof(f));
	request = f.head.ar_op == htons(ARPOP_REQUEST);
	if (f.head.ar_hrd != htons(ARPHRD_ETHER) || f.head.ar_pro != htons(ETH_P_IP) ||
	    f.head.ar_hln != 6 || f.head.ar_pln != 4 ||
	    (!request && f.head.ar_op != htons(ARPOP_REPLY)))
		return false;
	memcpy(c->mac, f.sha, 6);
	if (memcmp(f.spa, nobody, 4) != 0)
		claim_v4(c, f.spa);
	else if (request && memcmp(f.tpa, nobody, 4) != 0)
		claim_v4(c, f.tpa);
	else
		return false;
	return true;
}

/* The options are well-formed; the target's MAC goes into mac if one of them tells it. */
static bool read_options(const uint8_t *p, size_t len, bool advert, uint8_t mac[6])
{
	while (len > 0) {
		size_t size = len >= 2 ? p[1] * (size_t)8 : 0;

		if (size == 0 || size > len)
			return false;
		if (advert && p[0] == ND_OPT_MAC_TARGET && size == 8)
			memcpy(mac, p + 2, 6);
		p += size;
		len -= size;
	}
	return true;
}

/* RFC 4861, 7.1, as far as one frame tells. *ret_len: of the message. */
static bool nd_is_valid(const struct nd_frame *f, const uint8_t *frame, size_t len, size_t *ret_len)
{
	struct ip6_hdr ip = f->ip;
	size_t message = ntohs(ip.ip6_plen);

	if (ntohl(ip.ip6_flow) >> 28 != 6 || ip.ip6_nxt != IPPROTO_ICMPV6 ||
	    ip.ip6_hlim != ND_HOP_LIMIT || f->icmp.icmp6_code != 0)
		return false;
	if (message < sizeof(*f) - ND_MESSAGE || message > len - ND_MESSAGE)
		return false;
	*ret_len = message;
	return nd_checksum(&ip, frame + ND_MESSAGE, message) == 0;
}

/* An advertisement claims its target. A solicitation claims its source, or, without one, asks as we do. */
static bool nd_claims(const struct nd_frame *f, struct net_addr *ret)
{
	static const uint8_t unspecified[16] = {0};
	struct ip6_hdr ip = f->ip;

	*ret = (struct net_addr){.family = AF_INET6, .prefix = 128, .v6 = f->target};
	if (f->icmp.icmp6_type == ND_NEIGHBOR_ADVERT)
		return ip.ip6_dst.s6_addr[0] != 0xff ||
		       (f->icmp.icmp6_data32[0] & ND_NA_FLAG_SOLICITED) == 0;
	if (f->icmp.icmp6_type != ND_NEIGHBOR_SOLICIT)
		return false;
	if (memcmp(&ip.ip6_src, unspecified, 16) == 0)
		return memcmp(&ip.ip6_dst, solicited_node, sizeof(solicited_node)) == 0;
	ret->v6 = ip.ip6_src;
	return true;
}

static bool read_nd(const uint8_t *frame, size_t len, struct probe_claim *c)
{
	struct nd_frame f;
	size_t message;

	if (len < sizeof(f))
		return false;
	memcpy(&f, frame, sizeof(f));
	return nd_is_valid(&f, frame, len, &message) && nd_claims(&f, &c->addr) &&
	       read_options(frame + sizeof(f), message - (sizeof(f) - ND_MESSAGE),
			    f.icmp.icmp6_type == ND_NEIGHBOR_ADVERT, c->mac);
}

bool probe_frame_read(const uint8_t *frame, size_t len, struct probe_claim *ret)
{
	struct probe_claim c = {0};
	struct ethhdr eth;
	bool claims = false;

	if (len < sizeof(eth))
		return false;
	memcpy(&eth, frame, sizeof(eth));
	memcpy(c.from, eth.h_source, 6);
	memcpy(c.mac, eth.h_source, 6);
	if (eth.h_proto == htons(ETH_P_ARP))
		claims = read_arp(frame, len, &c);
	else if (eth.h_proto == htons(ETH_P_IPV6))
		claims = read_nd(frame, len, &c);
	if (claims)
		*ret = c;
	return claims;
}
