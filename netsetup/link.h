/*
 * link.h - inside netsetup only: what is fixed about the links of a CT, and small helpers.
 *
 * Names, interface numbers and MACs follow from the CTID and the link's number alone, so a crash needs no bookkeeping:
 * whoever knows the CTID finds and removes everything. Another berth (--root) in this network namespace
 * makes the same names: the alias tells whose a link is, and is looked at before anything is changed.
 */
#pragma once

#include "netsetup/net.h"

enum {
	NET_TABLE_MAX = 32,
	/* rtm_protocol and NDA_PROTOCOL of what is ours; numbers that rt_protos leaves free. */
	NET_PROTO_ROUTED = 190,
	NET_PROTO_NAT = 191, /* the address is masqueraded */
};

enum net_side {
	NET_SIDE_HOST,
	NET_SIDE_GUEST
};

enum {
	NET_ALIAS_MAX = 256, /* IFALIASZ */
	NET_ALIAS_TEXT = NET_ALIAS_MAX + 32
};

/* Whose a link with the name of a CT's is. */
enum net_whose {
	NET_NOBODY, /* there is none */
	NET_OURS,
	NET_FOREIGN, /* another berth's, or no berth's at all: never touched */
	NET_FOREIGN_SAME_TABLE, /* of a berth that shares our nftables table: so are the elements of that name */
};

/* Of one family's raw form: 4 or 16 bytes. */
const void *net_addr_bytes(const struct net_addr *a);
void *net_addr_bytes_of(struct net_addr *a);
size_t net_addr_size(const struct net_addr *a);
uint8_t net_addr_bits(const struct net_addr *a);
bool net_has_family(const struct net_addr *list, unsigned int n, int family);

/* All that follows from the two numbers. Link 0 has what the one link of older berths had. */
struct net_link_id {
	uint32_t ctid;
	unsigned int n;
	char host[IFNAMSIZ]; /* "ct101.0": 15 bytes hold a CTID of 31 bits and two digits */
	char guest[IFNAMSIZ]; /* "venet0", unless its driver has another name */
	int guest_index; /* above the fallback tunnels that a new namespace may have */
	/* By enum net_side. Two CTs may have one MAC (46 bits of a hash): no two of them are ever on one segment. */
	uint8_t mac[2][6];
	struct net_addr
		guest_ll; /* the link-local address that the guest's kernel makes of its MAC */
};

void net_link_id(uint32_t ctid, unsigned int n, struct net_link_id *ret);
/*
 * Stable numbers: SNMP graphs and flow exports of a CT survive its restarts. Below 2^30 each CTID has one of
 * its own for link 0, attempt 0. Where somebody has it, and for all others, which must share what is left of 31 bits,
 * there are more attempts. (With 0, the kernel's choice, veth ignores the number that the peer is to get.)
 */
int net_link_host_index(const struct net_link_id *id, unsigned int attempt);

/* What a link of that owner has as its alias. */
char *net_alias(const struct net_owner *o, char buf[NET_ALIAS_MAX]);
/* own: of net_alias. NET_NOBODY is never the answer. */
enum net_whose net_alias_whose(const char *alias, const char *own);
/* For messages: "the berth with --root /srv/b", or "another program". */
const char *net_alias_text(const char *alias, char buf[NET_ALIAS_TEXT]);

/* The name goes into an nft script: [A-Za-z][A-Za-z0-9_]*, at most NET_TABLE_MAX. */
bool net_table_is_valid(const char *s);

/* True when the address is to be masqueraded. */
static inline bool net_addr_is_nat(const struct net_addr *a, bool nat)
{
	return nat && net_addr_is_private(a);
}
