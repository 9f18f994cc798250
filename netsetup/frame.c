/* frame.c - what the frames of announce.c and probe_frame.c have in common. Pure. */
#include "netsetup/frame.h"

#include <arpa/inet.h>
#include <string.h>

void arp_request(struct arp_frame *f, const uint8_t mac[6], struct in_addr sender,
		 struct in_addr target)
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
	memcpy(f->spa, &sender, 4);
	memcpy(f->tpa, &target, 4);
}

struct ip6_hdr nd_header(size_t len)
{
	struct ip6_hdr ip = {0};

	ip.ip6_flow = htonl(6u << 28);
	ip.ip6_plen = htons((uint16_t)len);
	ip.ip6_nxt = IPPROTO_ICMPV6;
	ip.ip6_hlim = ND_HOP_LIMIT;
	return ip;
}

static uint32_t sum16(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return len % 2 != 0 ? sum + ((uint32_t)p[len - 1] << 8) : sum;
}

uint16_t nd_checksum(const struct ip6_hdr *ip, const void *message, size_t len)
{
	uint32_t sum = (uint32_t)len + IPPROTO_ICMPV6;

	sum = sum16(&ip->ip6_src, sizeof(ip->ip6_src), sum);
	sum = sum16(&ip->ip6_dst, sizeof(ip->ip6_dst), sum);
	sum = sum16(message, len, sum);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}
