/* test_announce.c - the frames of netsetup/announce.c, byte by byte. */
#include "netsetup/uplink.h"
#include "tests/unit/check.h"

#include <string.h>

static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

static void an_arp_announcement_names_the_address_twice(void)
{
	static const uint8_t golden[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x08, 0x06,
		0x00, 0x01, 0x08, 0x00, 6,    4,    0x00, 0x01, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56,
		203,  0,    113,  9,	0,    0,    0,	  0,	0,    0,    203,  0,	113,  9};
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	struct net_addr a;

	CHECK(net_addr_parse("203.0.113.9/24", &a) == 0);
	CHECK(announce_frame(&a, mac, frame) == sizeof(golden));
	CHECK(memcmp(frame, golden, sizeof(golden)) == 0);
}

/* The sum over pseudo header and message, its checksum included, is all ones. */
static uint16_t sum_of_icmp(const uint8_t *f)
{
	uint32_t sum = 32 + 58;

	for (unsigned int i = 22; i < 86; i += 2)
		sum += (uint32_t)f[i] << 8 | f[i + 1];
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static void a_neighbour_advertisement_overrides(void)
{
	static const uint8_t head[] = {0x33, 0x33, 0,	 0,    0,    1,	   0x52, 0x54, 0x00,
				       0x12, 0x34, 0x56, 0x86, 0xdd, 0x60, 0,	 0,    0,
				       0,    32,   58,	 255,  0x20, 0x01, 0x0d, 0xb8};
	static const uint8_t tail[] = {2, 1, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	struct net_addr a;

	CHECK(net_addr_parse("2001:db8::9", &a) == 0);
	CHECK(announce_frame(&a, mac, frame) == 86);
	CHECK(memcmp(frame, head, sizeof(head)) == 0);
	CHECK(frame[38] == 0xff && frame[39] == 0x02 && frame[53] == 1); /* to ff02::1 */
	CHECK(frame[54] == 136 && frame[58] == 0x20); /* advertisement, override */
	CHECK(memcmp(frame + 62, frame + 22, 16) == 0); /* target: the source */
	CHECK(memcmp(frame + 78, tail, sizeof(tail)) == 0);
	CHECK(sum_of_icmp(frame) == 0xffff);
}

int main(void)
{
	RUN(an_arp_announcement_names_the_address_twice);
	RUN(a_neighbour_advertisement_overrides);
	return check_failures != 0;
}
