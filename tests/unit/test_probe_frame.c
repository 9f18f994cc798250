/* test_probe_frame.c - the frames of netsetup/probe_frame.c, and which ones say that an address is taken. */
#include "netsetup/frame.h"
#include "netsetup/link.h"
#include "netsetup/probe.h"
#include "tests/unit/check.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
static const uint8_t other[6] = {0x02, 0, 0, 0, 0, 0x99};
static const struct in_addr nobody;

static struct net_addr addr(const char *text)
{
	struct net_addr a = {0};

	CHECK(net_addr_parse(text, &a) == 0);
	return a;
}

static void an_arp_probe_has_no_sender_address(void)
{
	static const uint8_t golden[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x08, 0x06,
		0x00, 0x01, 0x08, 0x00, 6,    4,    0x00, 0x01, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56,
		0,    0,    0,	  0,	0,    0,    0,	  0,	0,    0,    203,  0,	113,  9};
	uint8_t frame[PROBE_FRAME_MAX];
	struct net_addr a = addr("203.0.113.9/24");

	CHECK(probe_frame_arp(&a, mac, nobody, frame) == sizeof(golden));
	CHECK(memcmp(frame, golden, sizeof(golden)) == 0);
	CHECK(probe_frame_arp(&a, mac, addr("203.0.113.1").v4, frame) == sizeof(golden));
	CHECK(frame[28] == 203 && frame[31] == 1 && frame[41] == 9);
}

/* The sum over pseudo header and message, its checksum included, is all ones. */
static uint16_t sum_of_icmp(const uint8_t *f, size_t message)
{
	uint32_t sum = (uint32_t)message + 58;

	for (size_t i = 22; i < 54 + message; i += 2)
		sum += (uint32_t)f[i] << 8 | f[i + 1];
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static void a_solicitation_comes_from_nobody_and_goes_to_the_group(void)
{
	static const uint8_t head[] = {
		0x33, 0x33, 0xff, 0x12, 0x34, 0x56, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x86, 0xdd,
		0x60, 0,    0,	  0,	0,    24,   58,	  255,	0,    0,    0,	  0,	0,    0,
		0,    0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0xff, 0x02, 0,    0,
		0,    0,    0,	  0,	0,    0,    0,	  1,	0xff, 0x12, 0x34, 0x56, 135,  0};
	uint8_t frame[PROBE_FRAME_MAX];
	struct net_addr a = addr("2001:db8::ab12:3456");

	CHECK(probe_frame_nd(&a, mac, frame) == 78);
	CHECK(memcmp(frame, head, sizeof(head)) == 0);
	CHECK(memcmp(frame + 62, &a.v6, 16) == 0);
	CHECK(sum_of_icmp(frame, 24) == 0xffff);
}

/* ---- answers ---- */

static bool claims(const void *frame, size_t len, const char *text)
{
	struct net_addr a = addr(text);
	struct probe_claim c;

	return probe_frame_read(frame, len, &c) && net_addr_equal(&c.addr, &a) &&
	       memcmp(c.from, other, 6) == 0 && memcmp(c.mac, other, 6) == 0;
}

static struct arp_frame arp(uint16_t op, const char *sender, const char *target)
{
	struct arp_frame f;

	arp_request(&f, other, sender != NULL ? addr(sender).v4 : nobody,
		    target != NULL ? addr(target).v4 : nobody);
	f.head.ar_op = htons(op);
	return f;
}

static void who_names_itself_as_the_arp_sender_has_the_address(void)
{
	struct arp_frame f = arp(ARPOP_REPLY, "203.0.113.9", NULL);
	uint8_t padded[60] = {0};

	CHECK(claims(&f, sizeof(f), "203.0.113.9"));
	memcpy(padded, &f, sizeof(f));
	CHECK(claims(padded, sizeof(padded), "203.0.113.9"));
	f = arp(ARPOP_REQUEST, "203.0.113.9", "203.0.113.1");
	CHECK(claims(&f, sizeof(f), "203.0.113.9"));
	/* Who only asks for it does not have it. */
	CHECK(!claims(&f, sizeof(f), "203.0.113.1"));
}

static void anothers_probe_for_the_same_address_counts(void)
{
	struct arp_frame f = arp(ARPOP_REQUEST, NULL, "203.0.113.9");
	uint8_t frame[PROBE_FRAME_MAX];
	struct net_addr a = addr("2001:db8::9");

	CHECK(claims(&f, sizeof(f), "203.0.113.9"));
	CHECK(claims(frame, probe_frame_nd(&a, other, frame), "2001:db8::9"));
}

static void broken_arp_claims_nothing(void)
{
	struct arp_frame good = arp(ARPOP_REPLY, "203.0.113.9", NULL), f;
	struct probe_claim c = {.mac = {1}}, before = c;

	for (size_t len = 0; len < sizeof(good); len++)
		CHECK(!probe_frame_read((const uint8_t *)&good, len, &c));
#define BROKEN(field, value)                                                  \
	do {                                                                  \
		f = good;                                                     \
		f.field = value;                                              \
		CHECK(!probe_frame_read((const uint8_t *)&f, sizeof(f), &c)); \
	} while (0)
	BROKEN(head.ar_hrd, htons(6));
	BROKEN(head.ar_pro, htons(ETH_P_IPV6));
	BROKEN(head.ar_hln, 8);
	BROKEN(head.ar_pln, 16);
	BROKEN(head.ar_op, htons(3));
	BROKEN(eth.h_proto, htons(0x8035));
	f = arp(ARPOP_REPLY, NULL, "203.0.113.9");
	CHECK(!probe_frame_read((const uint8_t *)&f, sizeof(f), &c));
	f = arp(ARPOP_REQUEST, NULL, NULL);
	CHECK(!probe_frame_read((const uint8_t *)&f, sizeof(f), &c));
	CHECK(memcmp(&c, &before, sizeof(c)) == 0); /* written only when there is a claim */
}

struct advert {
	struct nd_frame nd;
	uint8_t option[8];
} __attribute__((packed));

/* An advertisement as a neighbour gives it; the checksum comes last. */
static struct advert advert(uint32_t flags, const char *target)
{
	struct advert f = {.nd.eth.h_proto = htons(ETH_P_IPV6), .option = {ND_OPT_MAC_TARGET, 1}};
	struct ip6_hdr ip = nd_header(sizeof(f) - ND_MESSAGE);

	memcpy(f.nd.eth.h_source, other, 6);
	memcpy(f.option + 2, other, 6);
	ip.ip6_src = addr(target).v6;
	CHECK(inet_pton(AF_INET6, "ff02::1", &ip.ip6_dst) == 1);
	f.nd.ip = ip;
	f.nd.icmp.icmp6_type = ND_NEIGHBOR_ADVERT;
	f.nd.icmp.icmp6_data32[0] = flags;
	f.nd.target = addr(target).v6;
	return f;
}

static bool advert_claims(struct advert f, size_t len)
{
	struct ip6_hdr ip = f.nd.ip;
	size_t message = ntohs(ip.ip6_plen);

	f.nd.icmp.icmp6_cksum = 0;
	f.nd.icmp.icmp6_cksum =
		nd_checksum(&ip, (const uint8_t *)&f + ND_MESSAGE,
			    message <= sizeof(f) - ND_MESSAGE ? message : sizeof(f) - ND_MESSAGE);
	return claims(&f, len, "2001:db8::9");
}

static void an_advertisement_claims_its_target(void)
{
	struct advert f = advert(ND_NA_FLAG_OVERRIDE, "2001:db8::9");
	struct ip6_hdr ip = f.nd.ip;

	CHECK(advert_claims(f, sizeof(f)));
	/* Without the option the sender is the one. */
	ip.ip6_plen = htons(24);
	f.nd.ip = ip;
	CHECK(advert_claims(f, sizeof(f.nd)));
	CHECK(advert_claims(f, sizeof(f)));
}

static void the_mac_is_the_one_that_the_advertisement_names(void)
{
	struct advert f = advert(ND_NA_FLAG_OVERRIDE, "2001:db8::9");
	struct ip6_hdr ip = f.nd.ip;
	struct probe_claim c;

	memcpy(f.option + 2, mac, 6);
	f.nd.icmp.icmp6_cksum =
		nd_checksum(&ip, (const uint8_t *)&f + ND_MESSAGE, sizeof(f) - ND_MESSAGE);
	CHECK(probe_frame_read((const uint8_t *)&f, sizeof(f), &c));
	CHECK(memcmp(c.mac, mac, 6) == 0 && memcmp(c.from, other, 6) == 0);
}

static void a_solicitation_claims_its_source_only(void)
{
	struct advert f = advert(0, "2001:db8::9");

	f.nd.icmp.icmp6_type = ND_NEIGHBOR_SOLICIT;
	f.nd.target = addr("2001:db8::1").v6;
	f.option[0] = 1;
	CHECK(advert_claims(f, sizeof(f)));
	f.nd.icmp.icmp6_type = ND_ROUTER_ADVERT;
	CHECK(!advert_claims(f, sizeof(f)));
}

static void broken_neighbour_discovery_claims_nothing(void)
{
	struct advert good = advert(ND_NA_FLAG_OVERRIDE, "2001:db8::9"), f;
	struct ip6_hdr ip = good.nd.ip;

	for (size_t len = 0; len < sizeof(good); len++)
		CHECK(!advert_claims(good, len));
#define BROKEN_IP(field, value)                      \
	do {                                         \
		struct ip6_hdr bad = ip;             \
		bad.field = value;                   \
		f = good;                            \
		f.nd.ip = bad;                       \
		CHECK(!advert_claims(f, sizeof(f))); \
	} while (0)
	BROKEN_IP(ip6_hlim, 254); /* from behind a router */
	BROKEN_IP(ip6_nxt, 17);
	BROKEN_IP(ip6_plen, htons(23));
	BROKEN_IP(ip6_plen, htons(33));
	BROKEN_IP(ip6_plen, htons(27)); /* half an option */
	BROKEN_IP(ip6_flow, htonl(4u << 28));
	f = good;
	f.nd.icmp.icmp6_code = 1;
	CHECK(!advert_claims(f, sizeof(f)));
	f = good;
	f.option[1] = 0;
	CHECK(!advert_claims(f, sizeof(f)));
	f = good;
	f.option[1] = 2;
	CHECK(!advert_claims(f, sizeof(f)));
	f = advert(ND_NA_FLAG_SOLICITED, "2001:db8::9"); /* solicited, and to everybody */
	CHECK(!advert_claims(f, sizeof(f)));
	f = good;
	CHECK(!claims(&f, sizeof(f), "2001:db8::9")); /* no checksum */
}

int main(void)
{
	RUN(an_arp_probe_has_no_sender_address);
	RUN(a_solicitation_comes_from_nobody_and_goes_to_the_group);
	RUN(who_names_itself_as_the_arp_sender_has_the_address);
	RUN(anothers_probe_for_the_same_address_counts);
	RUN(broken_arp_claims_nothing);
	RUN(an_advertisement_claims_its_target);
	RUN(the_mac_is_the_one_that_the_advertisement_names);
	RUN(a_solicitation_claims_its_source_only);
	RUN(broken_neighbour_discovery_claims_nothing);
	return check_failures != 0;
}
