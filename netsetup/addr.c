/* addr.c - addresses, in text and out of it. Pure. */
#include "netsetup/net.h"

#include "netsetup/link.h"
#include "runtime/base/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A part of the address space: the first bits of it, and how many of them count. */
struct block {
	uint8_t bits[16];
	uint8_t len;
};

/* What no CT may have: the stack or the link itself gives these addresses their meaning. */
static const struct block refused4[] = {
	{{0}, 8}, /* "this network" */
	{{127}, 8}, /* loopback */
	{{169, 254}, 16}, /* link-local: the gateway and cloud metadata services live here */
	{{224}, 4}, /* multicast */
	{{240}, 4}, /* reserved and broadcast */
};

static const struct block refused6[] = {
	{{0}, 80}, /* unspecified, loopback, IPv4 in IPv6 */
	{{0xfe, 0x80}, 10}, /* link-local */
	{{0xff}, 8}, /* multicast */
};

static const struct block private4[] = {
	{{10}, 8}, {{172, 16}, 12}, {{192, 168}, 16}, {{100, 64}, 10}, /* RFC 1918, RFC 6598 */
};

static const struct block private6[] = {
	{{0xfc}, 7}, /* ULA */
};

/* The largest networks that are routed to a CT. */
enum {
	NET_SHORTEST4 = 8,
	NET_SHORTEST6 = 16
};

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned int n)
{
	unsigned int bytes = n / 8u, rest = n % 8u;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8u - rest)) == 0;
}

/* How many bits say what it stands for: of a network its prefix. */
static uint8_t fixed_bits(const struct net_addr *a)
{
	return net_addr_is_net(a) ? a->prefix : net_addr_bits(a);
}

/* Has it an address of one of the blocks? only_larger: of those alone that are more than the block. */
static bool any_block_meets(const struct block *blocks, size_t n, const struct net_addr *a,
			    bool only_larger)
{
	const uint8_t bits = fixed_bits(a);

	for (size_t i = 0; i < n; i++) {
		const uint8_t len = blocks[i].len;

		if (same_bits(blocks[i].bits, net_addr_bytes(a), len < bits ? len : bits) &&
		    (!only_larger || bits < len))
			return true;
	}
	return false;
}

#define MEETS(blocks, a) any_block_meets(blocks, sizeof(blocks) / sizeof((blocks)[0]), a, false)
#define CONTAINS_ONE(blocks, a) \
	any_block_meets(blocks, sizeof(blocks) / sizeof((blocks)[0]), a, true)

static int parse_prefix(const char *text, uint8_t max, uint8_t *ret)
{
	uint32_t v;
	int r = parse_u32(text, &v);

	if (r < 0)
		return r;
	if (text[0] == '0' || v > max)
		return -EINVAL;
	*ret = (uint8_t)v;
	return 0;
}

/* Are all bits behind the prefix 0, or all 1? Of a network of two (RFC 3021, RFC 6164) or one each is an address. */
static bool rest_is(const struct net_addr *a, bool ones)
{
	const uint8_t *p = net_addr_bytes(a);
	unsigned int bits = net_addr_bits(a);

	if (a->prefix + 1u >= bits)
		return false;
	for (unsigned int i = a->prefix; i < bits; i++)
		if (((p[i / 8] >> (7 - i % 8)) & 1) != ones)
			return false;
	return true;
}

bool net_addr_is_net(const struct net_addr *a)
{
	return rest_is(a, false);
}

static bool addr_is_allowed(const struct net_addr *a)
{
	const bool v4 = a->family == AF_INET;

	if (net_addr_is_net(a) && a->prefix < (v4 ? NET_SHORTEST4 : NET_SHORTEST6))
		return false;
	/* The broadcast address of its network; or a network that is partly private: is it masqueraded? */
	if (v4 ? rest_is(a, true) || CONTAINS_ONE(private4, a) : CONTAINS_ONE(private6, a))
		return false;
	return v4 ? !MEETS(refused4, a) : !MEETS(refused6, a);
}

int net_addr_parse(const char *text, struct net_addr *ret)
{
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct net_addr a = {0};
	char host[INET6_ADDRSTRLEN];
	int r = 0;

	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	a.family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
	a.prefix = net_addr_bits(&a);
	if (inet_pton(a.family, host, net_addr_bytes_of(&a)) != 1)
		return -EINVAL;
	if (slash != NULL)
		r = parse_prefix(slash + 1, a.prefix, &a.prefix);
	if (r < 0)
		return -EINVAL;
	if (!addr_is_allowed(&a))
		return -EADDRNOTAVAIL;
	*ret = a;
	return 0;
}

char *net_addr_format(const struct net_addr *a, char *buf)
{
	size_t len;

	(void)inet_ntop(a->family, net_addr_bytes(a), buf, INET6_ADDRSTRLEN);
	len = strlen(buf);
	if (a->prefix != net_addr_bits(a))
		(void)snprintf(buf + len, NET_ADDR_TEXT - len, "/%u", a->prefix);
	return buf;
}

const void *net_addr_bytes(const struct net_addr *a)
{
	return a->family == AF_INET ? (const void *)&a->v4 : (const void *)&a->v6;
}

void *net_addr_bytes_of(struct net_addr *a)
{
	return a->family == AF_INET ? (void *)&a->v4 : (void *)&a->v6;
}

size_t net_addr_size(const struct net_addr *a)
{
	return a->family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

uint8_t net_addr_bits(const struct net_addr *a)
{
	return (uint8_t)(net_addr_size(a) * 8);
}

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return a->family == b->family && fixed_bits(a) == fixed_bits(b) &&
	       memcmp(net_addr_bytes(a), net_addr_bytes(b), net_addr_size(a)) == 0;
}

bool net_addr_overlaps(const struct net_addr *a, const struct net_addr *b)
{
	const uint8_t m = fixed_bits(a), n = fixed_bits(b);

	return a->family == b->family &&
	       same_bits(net_addr_bytes(a), net_addr_bytes(b), m < n ? m : n);
}

void net_addr_first(const struct net_addr *a, struct net_addr *ret)
{
	*ret = *a;
	if (!net_addr_is_net(a))
		return;
	ret->prefix = net_addr_bits(a);
	((uint8_t *)net_addr_bytes_of(ret))[net_addr_size(a) - 1] |= 1;
}

void net_addr_last(const struct net_addr *a, struct net_addr *ret)
{
	uint8_t *p = net_addr_bytes_of(ret);

	*ret = *a;
	for (unsigned int i = fixed_bits(a); i < net_addr_bits(a); i++)
		p[i / 8] |= (uint8_t)(0x80 >> i % 8);
	ret->prefix = net_addr_bits(a);
}

bool net_addr_is_private(const struct net_addr *a)
{
	return a->family == AF_INET ? MEETS(private4, a) : MEETS(private6, a);
}

bool net_addr_is_in(const struct net_addr *a, const struct net_addr *list, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (net_addr_equal(a, &list[i]))
			return true;
	return false;
}

bool net_has_family(const struct net_addr *list, unsigned int n, int family)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i].family == family)
			return true;
	return false;
}

bool net_table_is_valid(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > NET_TABLE_MAX || s[0] == '_' || (s[0] >= '0' && s[0] <= '9'))
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == len;
}
