/* param_addr.c - IP addresses of a CT and of its DNS servers. */
#include "runtime/base/parse.h"
#include "runtime/config/ct_config.h"
#include "runtime/config/param_types.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct addr {
	int family;
	uint32_t prefix;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

/* "A" or "A/PREFIX"; the prefix is a host's when it is not there. */
static int addr_parse(const char *text, struct addr *ret)
{
	char host[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, "/");
	struct addr a = {.family = AF_INET, .prefix = 32};

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, &a.v4) != 1) {
		a.family = AF_INET6;
		a.prefix = 128;
		if (inet_pton(AF_INET6, host, &a.v6) != 1)
			return -EINVAL;
	}
	if (text[n] == '/') {
		uint32_t max = a.prefix;

		if (parse_u32(text + n + 1, &a.prefix) < 0 || a.prefix == 0 || a.prefix > max)
			return -EINVAL;
	}
	*ret = a;
	return 0;
}

static bool addr_is_host_prefix(const struct addr *a)
{
	return a->prefix == (a->family == AF_INET ? 32 : 128);
}

static void addr_format(const struct addr *a, char *buf, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(a->family, &a->v4, host, sizeof(host));
	if (addr_is_host_prefix(a))
		(void)snprintf(buf, size, "%s", host);
	else
		(void)snprintf(buf, size, "%s/%u", host, a->prefix);
}

static const uint8_t *addr_bytes(const struct addr *a)
{
	return a->family == AF_INET ? (const uint8_t *)&a->v4 : a->v6.s6_addr;
}

static uint32_t addr_bits(const struct addr *a)
{
	return a->family == AF_INET ? 32 : 128;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	if (memcmp(a, b, n / 8) != 0)
		return false;
	return n % 8 == 0 || ((a[n / 8] ^ b[n / 8]) >> (8 - n % 8)) == 0;
}

/*
 * Are all bits behind the prefix 0, or all 1? Of a network of two (RFC 3021, RFC 6164) or one each is an address. The
 * last one of an IPv6 network is an address as any other.
 */
static bool rest_is(const struct addr *a, bool ones)
{
	const uint8_t *p = addr_bytes(a);

	if (a->prefix + 1 >= addr_bits(a) || (ones && a->family == AF_INET6))
		return false;
	for (uint32_t i = a->prefix; i < addr_bits(a); i++)
		if (((p[i / 8] >> (7 - i % 8)) & 1) != ones)
			return false;
	return true;
}

/* A network, which is the CT's as a whole. */
static bool addr_is_net(const struct addr *a)
{
	return rest_is(a, false);
}

static uint32_t fixed_bits(const struct addr *a)
{
	return addr_is_net(a) ? a->prefix : addr_bits(a);
}

static bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && fixed_bits(a) == fixed_bits(b) &&
	       same_bits(addr_bytes(a), addr_bytes(b), addr_bits(a));
}

/* Parts of the address space. why: no CT can have one of it; NULL: private, so masqueraded or not. */
static const struct {
	int family;
	uint32_t len;
	uint8_t bits[16];
	const char *why;
} blocks[] = {
	{AF_INET, 4, {224}, "a multicast address"},
	{AF_INET, 8, {0}, "an address that no host on a network has"},
	{AF_INET, 8, {127}, "an address that no host on a network has"},
	{AF_INET, 4, {240}, "an address that no host on a network has"},
	{AF_INET, 16, {169, 254}, "a link-local address"},
	{AF_INET, 8, {10}, NULL},
	{AF_INET, 12, {172, 16}, NULL},
	{AF_INET, 16, {192, 168}, NULL},
	{AF_INET, 10, {100, 64}, NULL},
	{AF_INET6, 8, {0xff}, "a multicast address"},
	{AF_INET6, 80, {0}, "an address that no host on a network has"},
	{AF_INET6, 10, {0xfe, 0x80}, "a link-local address"},
	{AF_INET6, 7, {0xfc}, NULL},
};

/* Why a CT cannot have the address or network, or NULL. */
static const char *addr_refused(const struct addr *a)
{
	const uint32_t bits = fixed_bits(a);

	if (addr_is_net(a) && a->prefix < (a->family == AF_INET ? 8 : 16))
		return "larger than the networks that a CT can have, an IPv4 /8 or an IPv6 /16";
	if (rest_is(a, true))
		return "the broadcast address of its network";
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		const uint32_t len = blocks[i].len;

		if (blocks[i].family != a->family ||
		    !same_bits(blocks[i].bits, addr_bytes(a), len < bits ? len : bits))
			continue;
		if (blocks[i].why != NULL)
			return bits < len ? "a network with addresses that no CT can have"
					  : blocks[i].why;
		if (bits < len)
			return "a network of which only a part is private addresses";
	}
	return NULL;
}

int param_bad_address(struct berth_error *err, const struct param *p, const char *value,
		      const char *why)
{
	int r = param_bad_value(err, p, value, why);

	if (err != NULL)
		err->code = BERTH_ERR_BAD_ADDRESS;
	return r;
}

static size_t find_addr(const struct param_words *w, const struct addr *a)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct addr b;

		if (addr_parse(w->word[i], &b) == 0 && addr_equal(a, &b))
			break;
	}
	return i;
}

/* The kernel routes an address to one network alone. */
static bool net_overlaps(const struct param_words *w, const struct addr *a)
{
	for (size_t i = 0; i < w->n; i++) {
		struct addr b;

		if (addr_parse(w->word[i], &b) == 0 && addr_is_net(&b) && addr_is_net(a) &&
		    a->family == b.family && !addr_equal(a, &b) &&
		    same_bits(addr_bytes(a), addr_bytes(&b),
			      a->prefix < b.prefix ? a->prefix : b.prefix))
			return true;
	}
	return false;
}

static int add_one(struct param_words *w, const struct param *p, const char *text,
		   struct berth_error *err)
{
	const char *why;
	struct addr a;
	size_t at;

	if (addr_parse(text, &a) < 0)
		return param_bad_address(err, p, text, "not an IPv4 or IPv6 address");
	why = addr_refused(&a);
	if (why != NULL)
		return param_bad_address(err, p, text, why);
	if (net_overlaps(w, &a))
		return param_bad_address(err, p, text,
					 "the CT has a network that overlaps this one");
	at = find_addr(w, &a);
	if (at == CT_ADDR_MAX)
		return param_bad_address(err, p, text, "a CT has at most 64 addresses");
	if (at == w->n)
		w->n++;
	addr_format(&a, w->word[at], sizeof(w->word[at]));
	return 0;
}

static int del_one(struct param_words *w, const struct param *p, const char *text,
		   struct berth_error *err)
{
	struct addr a;
	size_t at;

	if (strcmp(text, "all") == 0) {
		w->n = 0;
		return 0;
	}
	if (addr_parse(text, &a) < 0)
		return param_bad_address(err, p, text, "not an IPv4 or IPv6 address");
	at = find_addr(w, &a);
	if (at == w->n)
		return param_bad_address(err, p, text, "the CT does not have this address");
	w->n--;
	for (; at < w->n; at++)
		memcpy(w->word[at], w->word[at + 1], sizeof(w->word[at]));
	return 0;
}

int param_apply_addrs(struct conf_file *f, const struct param *p, const char *value, bool append,
		      struct berth_error *err)
{
	bool remove = strcmp(p->option, "ipdel") == 0;
	const char *old = conf_get(f, p->key);
	struct param_words all = {0}, words;

	(void)append;
	if ((old != NULL && param_split(old, &all) < 0) || param_split(value, &words) < 0)
		return param_bad_address(err, p, value, "too long");
	if (words.n == 0 && *value != '\0')
		return param_bad_address(err, p, value, "no address");
	for (size_t i = 0; i < words.n; i++) {
		int r = remove ? del_one(&all, p, words.word[i], err)
			       : add_one(&all, p, words.word[i], err);

		if (r < 0)
			return r;
	}
	return param_store_words(f, p, &all, err);
}

/* A DNS server: an address without prefix; the guest's own loopback is fine. */
static int dns_canonical(char *word, size_t size)
{
	struct addr a;

	if (strcmp(word, "inherit") == 0)
		return 0;
	if (strchr(word, '/') != NULL || addr_parse(word, &a) < 0)
		return -EINVAL;
	addr_format(&a, word, size);
	return 0;
}

int param_apply_dns(struct conf_file *f, const struct param *p, const char *value, bool append,
		    struct berth_error *err)
{
	const char *old = append ? conf_get(f, p->key) : NULL;
	struct param_words all = {0}, add;

	if ((old != NULL && param_split(old, &all) < 0) || param_split(value, &add) < 0)
		return param_bad_address(err, p, value, "too long");
	for (size_t i = 0; i < add.n; i++) {
		if (dns_canonical(add.word[i], sizeof(add.word[i])) < 0)
			return param_bad_address(err, p, value, "not an IPv4 or IPv6 address");
		if (all.n == CT_DNS_MAX)
			return param_bad_address(err, p, value, "more than 8 values");
		memcpy(all.word[all.n++], add.word[i], sizeof(add.word[i]));
	}
	for (size_t i = 0; all.n > 1 && i < all.n; i++)
		if (strcmp(all.word[i], "inherit") == 0)
			return param_bad_address(err, p, value,
						 "inherit cannot be combined with other values");
	return param_store_words(f, p, &all, err);
}
