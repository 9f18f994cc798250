/* list.c - what is there: the links of CTs, their counters, and who has an address already. */
#include "netsetup/driver.h"
#include "netsetup/link.h"
#include "netsetup/rtnl.h"
#include "runtime/base/cleanup.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

int net_link_counters(uint32_t ctid, unsigned int n, struct net_counters *ret,
		      struct berth_error *err)
{
	struct rtnl_link link;
	struct net_link_id id;
	char label[24];
	auto_ptr(rtnl_free) struct rtnl *r = NULL;
	int res;

	net_link_id(ctid, n, &id);
	(void)snprintf(label, sizeof(label), "CT %u", ctid);
	res = rtnl_open(label, &r, err);
	if (res == 0)
		res = rtnl_link_by_name(r, id.host, &link, err);
	if (res < 0)
		return res;
	/* What the host's end receives is what the CT has sent. */
	*ret = (struct net_counters){.rx_bytes = link.counters.tx_bytes,
				     .rx_packets = link.counters.tx_packets,
				     .tx_bytes = link.counters.rx_bytes,
				     .tx_packets = link.counters.rx_packets};
	return 0;
}

struct ct_list {
	const char *own;
	uint32_t *v;
	size_t n, max;
	bool failed;
};

static void list_take(const struct rtnl_link *link, void *data)
{
	struct ct_list *list = data;
	uint32_t ctid;
	unsigned int n;

	if (net_link_from_ifname(link->name, &ctid, &n) < 0 ||
	    net_alias_whose(link->alias, list->own) != NET_OURS)
		return;
	if (list->n == list->max) {
		size_t max = list->max == 0 ? 64 : list->max * 2;
		uint32_t *v = reallocarray(list->v, max, sizeof(*v));

		if (v == NULL) {
			list->failed = true;
			return;
		}
		list->v = v;
		list->max = max;
	}
	list->v[list->n++] = ctid;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A CT has several, and the kernel tells a link twice when links come and go meanwhile. */
static size_t unique(uint32_t *v, size_t n)
{
	size_t kept = 0;

	if (n > 0)
		qsort(v, n, sizeof(*v), compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || v[kept - 1] != v[i])
			v[kept++] = v[i];
	return kept;
}

int net_ct_list(const struct net_owner *owner, uint32_t **ret, struct berth_error *err)
{
	char own[NET_ALIAS_MAX];
	struct ct_list list = {.own = net_alias(owner, own)};
	auto_ptr(rtnl_free) struct rtnl *r = NULL;
	int res = rtnl_open("", &r, err);

	if (res == 0)
		res = rtnl_list_veths(r, list_take, &list, err);
	if (res == 0 && list.failed)
		res = berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for links");
	if (res < 0) {
		free(list.v);
		return res;
	}
	*ret = list.v;
	return (int)unique(list.v, list.n);
}

/* ---- is an address free? ---- */

struct holder {
	const struct net_addr *addr;
	struct net_addr has; /* of it, or it of this */
	int index; /* of the link that has it; 0: none */
};

static void look_at_addr(const struct rtnl_entry *e, void *data)
{
	struct holder *h = data;
	struct net_addr own = e->addr;

	own.prefix = net_addr_bits(&own);
	if (!net_addr_overlaps(&own, h->addr))
		return;
	h->has = own;
	h->index = e->index;
}

static bool is_of_a_ct(const struct rtnl_entry *e)
{
	return e->protocol == NET_PROTO_ROUTED || e->protocol == NET_PROTO_NAT;
}

static const char *link_name(struct rtnl *r, int index, struct rtnl_link *buf)
{
	struct berth_error none = {0};

	return rtnl_link_by_index(r, index, buf, &none) == 0 ? buf->name : "?";
}

/* A route of the address, or of a part of the network, that does not end at this very CT. */
static int check_holder(struct rtnl *r, const struct net_addr *a, const struct rtnl_entry *e,
			uint32_t ctid, const struct net_owner *owner, struct berth_error *err)
{
	struct rtnl_link link = {0};
	char text[NET_ADDR_TEXT], part[NET_ADDR_TEXT], who[NET_ALIAS_TEXT], own[NET_ALIAS_MAX];
	unsigned int n;
	uint32_t other;
	bool ours, whole = net_addr_equal(a, &e->addr);

	(void)net_addr_format(a, text);
	(void)net_addr_format(&e->addr, part);
	(void)link_name(r, e->index, &link);
	if (net_link_from_ifname(link.name, &other, &n) < 0)
		return berth_error_set(
			err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
			"CT %u: this host routes %s%s%s to %s; if that is not needed: ip route del "
			"%s",
			ctid, part, whole ? "" : ", a part of ", whole ? "" : text, link.name,
			part);
	ours = net_alias_whose(link.alias, net_alias(owner, own)) == NET_OURS;
	if (ours && other == ctid)
		return 0;
	return berth_error_set(
		err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE, "CT %u: %s%s%s%s belongs to CT %u%s%s",
		ctid, text, whole ? "" : " overlaps ", whole ? "" : part, whole ? "" : ", which",
		other, ours ? "" : " of ", ours ? "" : net_alias_text(link.alias, who));
}

static int check_route(struct rtnl *r, const struct net_addr *a, uint32_t ctid,
		       const struct net_owner *owner, struct berth_error *err)
{
	struct berth_error none = {0};
	struct rtnl_entry e = {0};
	char text[NET_ADDR_TEXT];

	if (rtnl_route_lookup(r, a, &e, &none) < 0)
		return 0;
	(void)net_addr_format(a, text);
	if (e.type == RTN_LOCAL)
		return berth_error_set(err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
				       "CT %u: %s is an address of this host", ctid, text);
	if (e.type == RTN_BROADCAST || e.type == RTN_ANYCAST || e.type == RTN_MULTICAST)
		return berth_error_set(err, BERTH_ERR_BAD_ADDRESS, EADDRNOTAVAIL,
				       "CT %u: %s is a broadcast address here", ctid, text);
	if ((e.addr.prefix != net_addr_bits(a) && !is_of_a_ct(&e)) || e.index == 0)
		return 0;
	return check_holder(r, a, &e, ctid, owner, err);
}

/* What a lookup answers where no route leads on: none, or an unreachable, prohibit or blackhole route. */
static bool is_no_route(int r)
{
	return r == -ENETUNREACH || r == -EHOSTUNREACH || r == -EACCES || r == -EINVAL;
}

int net_addr_check_cts(struct rtnl *r, const struct net_addr *a, uint32_t ctid,
		       const struct net_owner *owner, struct berth_error *err)
{
	struct berth_error e = {0};
	struct rtnl_entry route = {0};
	int res = rtnl_route_lookup(r, a, &route, &e);

	if (is_no_route(res))
		return 0;
	if (res < 0 && err != NULL)
		*err = e;
	if (res < 0 || !is_of_a_ct(&route) || route.index == 0)
		return res;
	return check_holder(r, a, &route, ctid, owner, err);
}

/* Of a network: any route within it, and any of a CT's that it is within. */
struct route_search {
	struct rtnl *ask; /* another socket: the list is still being read */
	const struct net_addr *net;
	uint32_t ctid;
	const struct net_owner *owner;
	struct berth_error *err;
	int result;
};

static void look_at_route(const struct rtnl_entry *e, void *data)
{
	struct route_search *s = data;

	if (s->result < 0 || e->addr.prefix == 0 || e->index == 0 ||
	    !net_addr_overlaps(&e->addr, s->net) ||
	    (e->addr.prefix < s->net->prefix && !is_of_a_ct(e)))
		return;
	s->result = check_holder(s->ask, s->net, e, s->ctid, s->owner, s->err);
}

static int check_routes(struct rtnl *r, const struct net_addr *net, uint32_t ctid,
			const struct net_owner *owner, struct berth_error *err)
{
	struct route_search s = {.net = net, .ctid = ctid, .owner = owner, .err = err};
	int res = rtnl_open("", &s.ask, err);

	if (res == 0)
		res = rtnl_list_routes(r, 0, 0, look_at_route, &s, err);
	rtnl_free(&s.ask);
	return res < 0 ? res : s.result;
}

static int check_own(struct rtnl *r, const struct net_addr *a, uint32_t ctid,
		     struct berth_error *err)
{
	struct holder h = {.addr = a};
	struct rtnl_link link = {0};
	char text[NET_ADDR_TEXT], has[NET_ADDR_TEXT];
	int res = rtnl_list_addrs(r, look_at_addr, &h, err);

	if (res < 0 || h.index == 0)
		return res;
	if (net_addr_is_net(a))
		return berth_error_set(err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
				       "CT %u: %s is in %s, and the address of %s of this host",
				       ctid, net_addr_format(&h.has, has), net_addr_format(a, text),
				       link_name(r, h.index, &link));
	return berth_error_set(err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
			       "CT %u: %s is the address of %s of this host", ctid,
			       net_addr_format(a, text), link_name(r, h.index, &link));
}

int net_addr_check_free(const struct net_addr *a, uint32_t ctid, const struct net_owner *owner,
			struct berth_error *err)
{
	auto_ptr(rtnl_free) struct rtnl *r = NULL;
	int res = rtnl_open("", &r, err);

	if (res == 0 && !net_addr_is_net(a))
		res = check_route(r, a, ctid, owner, err);
	/* A link that is down has its addresses, but no routes of them. */
	if (res == 0)
		res = check_own(r, a, ctid, err);
	if (res == 0 && net_addr_is_net(a))
		res = check_routes(r, a, ctid, owner, err);
	return res;
}
