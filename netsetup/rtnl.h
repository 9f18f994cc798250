/*
 * rtnl.h - inside netsetup only: links, addresses, routes and neighbours by rtnetlink.
 *
 * Changes are queued and go to the kernel together in rtnl_commit (or earlier, when the queue is
 * full: then rtnl_commit tells the first failure). Questions are asked at once.
 */
#pragma once

#include "netsetup/net.h"

#include <linux/ip.h>

struct rtnl;

enum rtnl_op {
	RTNL_ADD,
	RTNL_REPLACE,
	RTNL_DEL
};

struct rtnl_veth {
	const char *name, *peer_name;
	int index, peer_index;
	const uint8_t *mac, *peer_mac;
	int peer_netns;
	uint32_t mtu; /* 0: the default */
};

struct rtnl_inet_conf {
	uint16_t id; /* IPV4_DEVCONF_* */
	uint32_t value;
};

struct rtnl_link_change {
	int index;
	const char *alias; /* NULL: as it is */
	const struct rtnl_inet_conf *inet; /* per-link IPv4 sysctls */
	unsigned int n_inet;
	bool no_link_local; /* no automatic fe80:: address */
	bool up;
	uint32_t mtu; /* 0: as it is */
};

struct rtnl_route {
	int family;
	const struct net_addr
		*dst; /* an address, whatever its prefix, or a network; NULL: the default route */
	const struct net_addr *via; /* NULL: on the link */
	const struct net_addr *src; /* preferred source, or NULL */
	int index;
	uint8_t protocol;
};

struct rtnl_link {
	int index;
	char name[IFNAMSIZ];
	char alias[256]; /* IFALIASZ */
	bool veth, ether, up;
	bool carrier; /* up, and something is at the other end */
	uint8_t mac[6];
	struct net_counters counters; /* as the host sees them */
};

/* An address, route or proxy entry out of a dump, or the answer to a route lookup. */
struct rtnl_entry {
	struct net_addr addr; /* the destination of a route, with its prefix */
	int index;
	uint8_t protocol;
	uint8_t type; /* RTN_* of a route */
	bool via; /* through a gateway */
};

typedef void rtnl_link_fn(const struct rtnl_link *link, void *data);
typedef void rtnl_entry_fn(const struct rtnl_entry *entry, void *data);

/* In the network namespace of the caller. label begins every error message: "CT 101", or "". */
int rtnl_open(const char *label, struct rtnl **ret, struct berth_error *err);
void rtnl_free(struct rtnl **r);

void rtnl_veth_add(struct rtnl *r, const struct rtnl_veth *v);
void rtnl_link_del(struct rtnl *r, const char *name);
void rtnl_link_change(struct rtnl *r, const struct rtnl_link_change *c);
/* No duplicate address detection, no route of the prefix: the caller adds the routes. */
void rtnl_addr(struct rtnl *r, enum rtnl_op op, int index, const struct net_addr *a);
void rtnl_route(struct rtnl *r, enum rtnl_op op, const struct rtnl_route *route);
/* A permanent neighbour. */
void rtnl_neigh(struct rtnl *r, enum rtnl_op op, int index, const struct net_addr *a,
		const uint8_t mac[6]);
/* The host answers ARP or NDP for the address on that link. */
void rtnl_proxy(struct rtnl *r, enum rtnl_op op, int index, const struct net_addr *a,
		uint8_t protocol);
int rtnl_commit(struct rtnl *r, struct berth_error *err);

/* -ENODEV when there is none. */
int rtnl_link_by_name(struct rtnl *r, const char *name, struct rtnl_link *ret,
		      struct berth_error *err);
int rtnl_link_by_index(struct rtnl *r, int index, struct rtnl_link *ret, struct berth_error *err);
/*
 * The route that this host would take to the address; entry.addr is the destination of the matched
 * route. -ENETUNREACH, -EHOSTUNREACH, -EACCES or -EINVAL when none leads there.
 */
int rtnl_route_lookup(struct rtnl *r, const struct net_addr *a, struct rtnl_entry *ret,
		      struct berth_error *err);

/* Each gives everything to fn; when the tables change meanwhile it may give an entry twice. */
int rtnl_list_links(struct rtnl *r, rtnl_link_fn *fn, void *data, struct berth_error *err);
int rtnl_list_veths(struct rtnl *r, rtnl_link_fn *fn, void *data, struct berth_error *err);
int rtnl_list_addrs(struct rtnl *r, rtnl_entry_fn *fn, void *data, struct berth_error *err);
/* Of the main table, both families; index 0 and protocol 0 mean any. */
int rtnl_list_routes(struct rtnl *r, int index, uint8_t protocol, rtnl_entry_fn *fn, void *data,
		     struct berth_error *err);
int rtnl_list_proxies(struct rtnl *r, rtnl_entry_fn *fn, void *data, struct berth_error *err);

/* True when the kernel knows links of kind veth (loads the module); makes none. */
bool rtnl_has_veth(struct rtnl *r);
