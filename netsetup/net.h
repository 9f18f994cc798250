/*
 * net.h - the network of a CT: its links, addresses, anti-spoofing, NAT.
 *
 * A CT has up to NET_LINK_MAX links. Each has a number, from which its names follow (host end ct<CTID>.<N>), and a
 * driver (netsetup/driver.h), which is `venet` now.
 *
 * venet: a veth pair, guest end venet<N>, no bridge and no shared layer 2. The
 * host end has 169.254.0.1/32 and fe80::1/64, the guest routes everything to them; the host has a
 * /32 or /128 route to each address of the CT, and one to each network that is the CT's as a whole. One static nftables table (netsetup/berth.nft, loaded
 * by nft(8)) with sets keyed by host interface and address; a CT only adds elements.
 */
#pragma once

#include "runtime/base/error.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	NET_ADDR_MAX = 256,
	NET_FLOWS = 4096,
	NET_ADDR_TEXT = INET6_ADDRSTRLEN + 4,
	NET_LINK_MAX = 16 /* of a CT; two digits are all that a name has room for */
};

/*
 * An address of a CT, or a network that is routed to it as a whole: that has nothing but zeros behind its prefix, and more
 * than two addresses.
 */
struct net_addr {
	int family; /* AF_INET or AF_INET6 */
	uint8_t prefix; /* as typed; a host address (32/128) when it was not typed */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

/* One berth of this machine. Links of others are not touched, whatever their names. */
struct net_owner {
	const char *nft_table; /* "berth", or another name for a --root host on one machine */
	const char *root; /* its --root; NULL or "": none */
	uint32_t flows; /* what a CT may have of the host's connection table; 0: NET_FLOWS */
};

struct net_link {
	const struct net_driver *driver;
	unsigned int n; /* its number, below NET_LINK_MAX; each link of a CT has another */
	const struct net_addr *addrs;
	unsigned int n_addrs;
	bool nat; /* masquerade private (RFC 1918, 6598, ULA) addresses towards the outside */
	uint32_t mtu; /* 0: the kernel's default */
};

struct net_ct {
	uint32_t ctid;
	struct net_owner owner;
	bool held; /* a new link carries nothing yet: see net_ct_hold */
	bool probe; /* ask the segments of public addresses whether somebody has them: 0.6 s */
	struct net_link links[NET_LINK_MAX];
	unsigned int n_links;
};

extern const struct net_driver net_venet;

/* A link that a CT may have, and an address of it; family 0: none. */
struct net_known {
	unsigned int link;
	struct net_addr addr;
};

struct net_counters {
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets; /* as the CT sees it */
};

/* ---- pure (unit tests and fuzz) ---- */

/*
 * "10.0.0.1", "10.0.0.1/24", "fd00::1/64", or a network: "10.9.8.0/29". -EINVAL: no address; -EADDRNOTAVAIL: one that no CT can
 * have (the broadcast address of its network, multicast, broadcast, reserved, loopback, unspecified, IPv4 in IPv6, link-local: the
 * gateways 169.254.0.1 and fe80::1 are there), or a network with such addresses, one that is only partly private, or larger than
 * an IPv4 /8 or an IPv6 /16.
 */
int net_addr_parse(const char *text, struct net_addr *ret);
/* "10.0.0.1" when the prefix is a host's, else with /prefix. buf has NET_ADDR_TEXT bytes. */
char *net_addr_format(const struct net_addr *a, char *buf);
bool net_addr_is_net(const struct net_addr *a);
/* Of two addresses without the prefix. A network equals itself alone. */
bool net_addr_equal(const struct net_addr *a, const struct net_addr *b);
/* Equal, or one is a network that the other is in. */
bool net_addr_overlaps(const struct net_addr *a, const struct net_addr *b);
/* What the CT's own link gets of a network, 10.9.8.1 or 2001:db8:7::1; of an address itself. ret may be a. */
void net_addr_first(const struct net_addr *a, struct net_addr *ret);
/* The last address of a network, without a prefix; of an address itself. ret is not a. */
void net_addr_last(const struct net_addr *a, struct net_addr *ret);
bool net_addr_is_in(const struct net_addr *a, const struct net_addr *list, unsigned int n);
bool net_addr_is_private(const struct net_addr *a);
/* CTID and number of a link by its host interface name, "ct101.0"; -EINVAL when it is not ours. */
int net_link_from_ifname(const char *ifname, uint32_t *ret_ctid, unsigned int *ret_n);

/* Of all links of a CT, as the CT sees it: what it received and sent since its start. */
struct net_counts {
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;
};
/* text: that of /proc/net/dev of the host's network namespace. A CT without a link has moved nothing. */
void net_counts_parse(const char *text, uint32_t ctid, struct net_counts *ret);

/* ---- host ---- */

/*
 * Forwarding sysctls and the static table from the file at ruleset (the word @TABLE@ in it stands
 * for the table's name). Idempotent; elements of running CTs stay, and those that somebody flushed
 * come back in the same transaction (from the links and routes, which say what is true).
 */
int net_host_setup(const char *ruleset, const struct net_owner *owner, struct berth_error *err);
/*
 * Looks after the table of that name, in the caller's network namespace. new: NULL without memory.
 * check: 0 when rules and links are guarded, -ENOENT when somebody flushed the table, a chain or ct_links. It asks
 * the kernel, which may take a while: one thread may check while another hears. What it asks for is settled by take, which
 * the hearing thread calls while nobody checks: the links of which was heard since the last take that they left
 * ct_links, as each that is stopped does; or all of it, when anything else was heard, or nothing, or when the last
 * check failed.
 */
struct net_guard *net_guard_new(const struct net_owner *owner);
void net_guard_take(struct net_guard *g);
int net_guard_check(struct net_guard *g, struct berth_error *err);
/* A descriptor, the guard's own, that is readable when somebody has changed any table. */
int net_guard_listen(struct net_guard *g, struct berth_error *err);
/* Then: did it take away something of ours, so that a check is due? Never waits. */
bool net_guard_hear(struct net_guard *g);
void net_guard_free(struct net_guard *g);
/*
 * BERTH_ERR_ADDRESS_IN_USE when this host itself has the address, or one of the network, or a route of it to elsewhere, to
 * another CT for instance.
 */
int net_addr_check_free(const struct net_addr *a, uint32_t ctid, const struct net_owner *owner,
			struct berth_error *err);

/* level: "ok", "warning" or "error"; fix: the command that mends it, or "". Texts live for the call. */
typedef void net_doctor_fn(const char *name, const char *level, const char *text, const char *fix,
			   void *data);
/* Looks at the host and changes nothing (kernel modules may be loaded). */
void net_doctor(const struct net_owner *owner, net_doctor_fn *fn, void *data);

/* ---- one CT ---- */

/*
 * All links. The order for each: own leftover link of the same name removed (another's: refused), anti-spoof elements,
 * veth pair with its guest end born in netns_fd, guest addresses and routes set from here, then up. On failure nothing
 * is left.
 *
 * net_ct_up and net_ct_change visit netns_fd with setns(2), which moves the calling thread only. They
 * return -ENOTRECOVERABLE when there was no way back: the process must end at once.
 */
int net_ct_up(const struct net_ct *ct, int netns_fd, struct berth_error *err);
/*
 * Live change: what is in now and not in next goes, what is new comes, links too. NET_GUEST_REFUSES, with err set,
 * when an address was taken away and only the CT's own side could not be told (its root has moved
 * the link, say): a tenant must not be able to keep an address by that. The same when the CT has no link
 * any more, because its root removed it: all that is on the host is changed then.
 */
enum {
	NET_GUEST_REFUSES = 1
};
int net_ct_change(const struct net_ct *now, const struct net_ct *next, int netns_fd,
		  struct berth_error *err);
/*
 * Removes links, routes, proxy entries and every element of the CT. Nothing there is success, and so is a link
 * of that name that is another's, which stays. It may leave the caller a child that has removed the link and
 * waits for the kernel.
 */
int net_ct_down(uint32_t ctid, const struct net_owner *owner, struct berth_error *err);
/*
 * The same where all is known that the CT may have had since it was last down; what it has not, or another CT has, may be
 * among it. Then no set is read from end to end, which takes the longer the more CTs a host has. NULL: nothing is known.
 */
int net_ct_down_known(uint32_t ctid, const struct net_owner *owner, const struct net_known *known,
		      unsigned int n_known, struct berth_error *err);
/*
 * Held, no packet passes either way, and none is answered for it: a peer waits, as if one had been lost. The links stay
 * up, or the kernel would tell the CT's sockets.
 */
int net_ct_hold(const struct net_ct *ct, bool held, struct berth_error *err);
int net_link_counters(uint32_t ctid, unsigned int n, struct net_counters *ret,
		      struct berth_error *err);
/* CTIDs that have a host link of this owner now, ascending; returns the count. *ret is malloc'ed, or NULL. */
int net_ct_list(const struct net_owner *owner, uint32_t **ret, struct berth_error *err);
