/* link_id.c - what follows from a CTID and the number of a link: names, interface numbers, MACs. Pure. */
#include "netsetup/link.h"
#include "runtime/base/hash.h"
#include "runtime/base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	GUEST_INDEX = 64
};

_Static_assert(NET_LINK_MAX <= 100, "ct4294967295.99 fills a name");

int net_link_from_ifname(const char *ifname, uint32_t *ret_ctid, unsigned int *ret_n)
{
	const char *dot = strchr(ifname, '.');
	char digits[IFNAMSIZ];
	uint32_t ctid, n;
	size_t len;

	if (strncmp(ifname, "ct", 2) != 0 || dot == NULL)
		return -EINVAL;
	len = (size_t)(dot - ifname) - 2;
	if (len == 0 || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, ifname + 2, len);
	digits[len] = '\0';
	if (parse_ctid(digits, &ctid) < 0 || parse_u32(dot + 1, &n) < 0 || n >= NET_LINK_MAX ||
	    (dot[1] == '0' && dot[2] != '\0'))
		return -EINVAL;
	*ret_ctid = ctid;
	*ret_n = n;
	return 0;
}

/* The same CT has the same addresses on every host and start. */
static void make_mac(const struct net_link_id *id, enum net_side side, uint8_t mac[6])
{
	char in[48];
	int len = id->n == 0
			  ? snprintf(in, sizeof(in), "berth %u %d", id->ctid, (int)side)
			  : snprintf(in, sizeof(in), "berth %u %d %u", id->ctid, (int)side, id->n);
	uint64_t h = hash_fnv1a(HASH_BEGIN, in, (size_t)len);

	for (unsigned int i = 0; i < 6; i++)
		mac[i] = (uint8_t)(h >> (8 * i));
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02); /* locally administered, unicast */
}

/* RFC 4291, modified EUI-64. */
static void make_link_local(const uint8_t mac[6], struct net_addr *ret)
{
	struct net_addr a = {.family = AF_INET6, .prefix = 128};

	a.v6.s6_addr[0] = 0xfe;
	a.v6.s6_addr[1] = 0x80;
	memcpy(&a.v6.s6_addr[8], mac, 3);
	a.v6.s6_addr[8] ^= 0x02;
	a.v6.s6_addr[11] = 0xff;
	a.v6.s6_addr[12] = 0xfe;
	memcpy(&a.v6.s6_addr[13], mac + 3, 3);
	*ret = a;
}

void net_link_id(uint32_t ctid, unsigned int n, struct net_link_id *ret)
{
	*ret = (struct net_link_id){.ctid = ctid, .n = n, .guest_index = GUEST_INDEX + (int)n};
	(void)snprintf(ret->host, sizeof(ret->host), "ct%u.%u", ctid, n % 100);
	(void)snprintf(ret->guest, sizeof(ret->guest), "venet%u", n);
	make_mac(ret, NET_SIDE_HOST, ret->mac[NET_SIDE_HOST]);
	make_mac(ret, NET_SIDE_GUEST, ret->mac[NET_SIDE_GUEST]);
	make_link_local(ret->mac[NET_SIDE_GUEST], &ret->guest_ll);
}

/* The kernel counts from 1 on and gets to neither range. */
int net_link_host_index(const struct net_link_id *id, unsigned int attempt)
{
	uint32_t mixed = id->ctid + id->n * 0x85ebca6bu + attempt * 0x9e3779b1u;

	if (attempt == 0 && id->n == 0 && id->ctid < 0x40000000u)
		return (int)(0x40000000u | id->ctid);
	return (int)(0x20000000u | (mixed & 0x1fffffffu));
}
