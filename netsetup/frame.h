/*
 * frame.h - inside netsetup only: ARP and neighbour discovery on the wire, as the announcements and
 * the probes of addresses need them. Pure.
 */
#pragma once

#include "netsetup/net.h"

#include <linux/if_ether.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <stddef.h>

struct arp_frame {
	struct ethhdr eth;
	struct arphdr head;
	uint8_t sha[6], spa[4], tha[6], tpa[4];
} __attribute__((packed));

/* The begin of a neighbour solicitation or advertisement; options follow. */
struct nd_frame {
	struct ethhdr eth;
	struct ip6_hdr ip;
	struct icmp6_hdr icmp;
	struct in6_addr target;
} __attribute__((packed));

enum {
	ND_MESSAGE = offsetof(struct nd_frame, icmp), /* where the message begins */
	ND_OPT_MAC_TARGET = 2, /* RFC 4861, 4.6.1 */
	ND_HOP_LIMIT = 255 /* RFC 4861, 7.1: a router on the way would have lowered it */
};

/* A request to everybody, from the MAC. */
void arp_request(struct arp_frame *f, const uint8_t mac[6], struct in_addr sender,
		 struct in_addr target);

/* Without addresses, for a message of len bytes. */
struct ip6_hdr nd_header(size_t len);

/*
 * Over the pseudo header and the len bytes of the message, which include its checksum field. 0 for a
 * message that came whole; with 0 in the field, what belongs there.
 */
uint16_t nd_checksum(const struct ip6_hdr *ip, const void *message, size_t len);
