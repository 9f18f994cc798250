/*
 * venet.c - link driver `venet`: routed, up, changed while its CT runs, down.
 *
 * Both ends know each other by permanent neighbour entries, so a CT's traffic needs neither ARP nor
 * NDP and does not depend on the neighbour table, which all namespaces share and a tenant can fill.
 * Guests that configure themselves may still ask: the host end answers for its gateway addresses.
 */
#include "netsetup/driver.h"
#include "netsetup/netns.h"
#include "netsetup/probe.h"
#include "netsetup/uplink.h"

#include <errno.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

static const struct net_addr gateway4 = {
	.family = AF_INET, .prefix = 32, .v4.s_addr = __builtin_bswap32(0xa9fe0001)};
static const struct net_addr gateway6 = {
	.family = AF_INET6, .prefix = 64, .v6.s6_addr = {0xfe, 0x80, [15] = 1}};

/*
 * Of a route to a network: the neighbour entry of each address of it. It has the MAC of the guest's end, and no other meaning;
 * the guest neither has the address nor hears of it.
 */
static const struct net_addr next_hop4 = {
	.family = AF_INET, .prefix = 32, .v4.s_addr = __builtin_bswap32(0xa9fe0002)};

/* proxy_arp: guests with OpenVZ's "default dev venet0" and no gateway ask for every address. */
static const struct rtnl_inet_conf host_conf[] = {
	{IPV4_DEVCONF_FORWARDING, 1},	  {IPV4_DEVCONF_RP_FILTER, 1},
	{IPV4_DEVCONF_PROXY_ARP, 1},	  {IPV4_DEVCONF_ACCEPT_REDIRECTS, 0},
	{IPV4_DEVCONF_SEND_REDIRECTS, 0}, {IPV4_DEVCONF_ACCEPT_SOURCE_ROUTE, 0},
	{IPV4_DEVCONF_ROUTE_LOCALNET, 0},
};

/* Without it the kernel drops the other addresses of a network together with the first. */
static const struct rtnl_inet_conf guest_conf[] = {
	{IPV4_DEVCONF_PROMOTE_SECONDARIES, 1},
};

enum {
	LOOPBACK_INDEX = 1,
	DEFAULT_MTU = 1500,
	LABEL_MAX = 24,
	INDEX_TRIES = 32
};

struct venet {
	const struct net_ct *ct;
	const struct net_link *link;
	struct net_link_id id;
	char label[LABEL_MAX], own[NET_ALIAS_MAX];
	int index; /* of the host's end; 0: there is none */
	bool v6;
	struct rtnl *host, *guest;
};

static void venet_close(struct venet *v)
{
	rtnl_free(&v->guest);
	rtnl_free(&v->host);
}

static int venet_open(struct venet *v, const struct net_ct *ct, const struct net_link *link,
		      struct berth_error *err)
{
	*v = (struct venet){.ct = ct, .link = link, .v6 = net_has_ipv6()};
	net_link_id(ct->ctid, link->n, &v->id);
	(void)net_alias(&ct->owner, v->own);
	(void)snprintf(v->label, sizeof(v->label), "CT %u", ct->ctid);
	return rtnl_open(v->label, &v->host, err);
}

/*
 * What a CT begins with, whatever this host has: a new namespace copies the IPv4 settings of the
 * host, which forwards. Failures are no harm: a kernel without the setting does not do the thing.
 */
static void guest_defaults(const struct venet *v)
{
	int forward = 0;

	if (net_sysctl_get("ipv4/ip_forward", NULL, &forward) == 0 && forward != 0)
		(void)net_sysctl_set("ipv4/ip_forward", NULL, "0", NULL);
	if (v->v6)
		(void)net_sysctl_set("ipv6/conf/%s/accept_ra", v->id.guest, "0", NULL);
}

/* Opens the guest's side; fresh: the CT has just been made, its sysctls are set on this visit. */
static int venet_open_guest(struct venet *v, int netns_fd, bool fresh, struct berth_error *err)
{
	int back = -EBADF, r, left;

	r = netns_enter(netns_fd, &back, err);
	if (r < 0)
		return r;
	r = rtnl_open(v->label, &v->guest, err);
	if (r == 0 && fresh)
		guest_defaults(v);
	left = netns_leave(&back, err);
	return left < 0 ? left : r;
}

static int check_wanted(const struct net_ct *ct, const struct net_link *link, bool v6,
			struct berth_error *err)
{
	if (!net_table_is_valid(ct->owner.nft_table))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "CT %u: '%s' is not a valid name of an nftables table",
				       ct->ctid, ct->owner.nft_table);
	if (link->n_addrs > NET_ADDR_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, E2BIG,
				       "CT %u: %u addresses; a CT can have %d", ct->ctid,
				       link->n_addrs, NET_ADDR_MAX);
	if (!v6 && net_has_family(link->addrs, link->n_addrs, AF_INET6))
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, EAFNOSUPPORT,
				       "CT %u has an IPv6 address, but IPv6 is off on this host; "
				       "switch it on: sysctl net.ipv6.conf.all.disable_ipv6=0 "
				       "net.ipv6.conf.default.disable_ipv6=0",
				       ct->ctid);
	return 0;
}

/* ---- the host's side ---- */

/*
 * Nobody else has an address of a network, and no other CT's network has a single one; that nobody has the same one
 * the kernel tells, as it takes no second route to it.
 */
static int check_addrs(const struct venet *v, const struct net_addr *addrs, unsigned int n,
		       struct berth_error *err)
{
	const struct net_ct *ct = v->ct;
	int r = 0;

	for (unsigned int i = 0; i < n && r == 0; i++)
		r = net_addr_is_net(&addrs[i])
			    ? net_addr_check_free(&addrs[i], ct->ctid, &ct->owner, err)
			    : net_addr_check_cts(v->host, &addrs[i], ct->ctid, &ct->owner, err);
	return r;
}

/* A route that is there already leads to somebody else. */
static int host_commit(struct venet *v, struct berth_error *err)
{
	struct berth_error e = {0};
	int r = rtnl_commit(v->host, &e);

	if (r == -EEXIST)
		e.code = BERTH_ERR_ADDRESS_IN_USE;
	if (r < 0 && err != NULL)
		*err = e;
	return r;
}

/* An address is its own. */
static const struct net_addr *next_hop(const struct venet *v, const struct net_addr *a)
{
	if (!net_addr_is_net(a))
		return NULL;
	return a->family == AF_INET ? &next_hop4 : &v->id.guest_ll;
}

static void host_add_addrs(struct venet *v, enum rtnl_op op, const struct net_addr *addrs,
			   unsigned int n, bool nat)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct net_addr *a = &addrs[i], *via = next_hop(v, a);

		if (op != RTNL_DEL)
			rtnl_neigh(v->host, RTNL_REPLACE, v->index, via != NULL ? via : a,
				   v->id.mac[NET_SIDE_GUEST]);
		rtnl_route(v->host, op,
			   &(struct rtnl_route){.family = a->family,
						.dst = a,
						.via = via,
						.index = v->index,
						.protocol = net_addr_is_nat(a, nat)
								    ? NET_PROTO_NAT
								    : NET_PROTO_ROUTED});
	}
}

static void host_del_addrs(struct venet *v, const struct net_addr *addrs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		rtnl_route(v->host, RTNL_DEL,
			   &(struct rtnl_route){
				   .family = addrs[i].family, .dst = &addrs[i], .index = v->index});
		/* The next hop is of all networks, and goes with the link. */
		if (!net_addr_is_net(&addrs[i]))
			rtnl_neigh(v->host, RTNL_DEL, v->index, &addrs[i], NULL);
	}
}

/* With a number that nobody has. -EEXIST tells of the number, or of the name: that was free a moment ago. */
static int host_add_pair(struct venet *v, int netns_fd, struct berth_error *err)
{
	int r = -EEXIST;

	for (unsigned int i = 0; r == -EEXIST && i < INDEX_TRIES; i++) {
		v->index = net_link_host_index(&v->id, i);
		rtnl_veth_add(v->host, &(struct rtnl_veth){.name = v->id.host,
							   .peer_name = v->id.guest,
							   .index = v->index,
							   .peer_index = v->id.guest_index,
							   .mac = v->id.mac[NET_SIDE_HOST],
							   .peer_mac = v->id.mac[NET_SIDE_GUEST],
							   .peer_netns = netns_fd,
							   .mtu = v->link->mtu});
		r = rtnl_commit(v->host, err);
	}
	return r;
}

/* The pair is born down, on both sides, with its settings made before it can carry anything. */
static int host_make_link(struct venet *v, int netns_fd, struct berth_error *err)
{
	int r;

	r = host_add_pair(v, netns_fd, err);
	if (r < 0)
		return r;
	rtnl_link_change(v->host, &(struct rtnl_link_change){.index = v->index,
							     .alias = v->own,
							     .inet = host_conf,
							     .n_inet = sizeof(host_conf) /
								       sizeof(host_conf[0]),
							     .no_link_local = v->v6});
	r = rtnl_commit(v->host, err);
	if (r < 0) { /* without its alias nobody would know it for ours */
		rtnl_link_del(v->host, v->id.host);
		(void)rtnl_commit(v->host, NULL);
	}
	if (r == 0 && v->v6)
		r = net_sysctl_set("ipv6/conf/%s/accept_ra", v->id.host, "0", err);
	if (r == 0 && v->v6)
		r = net_sysctl_set("ipv6/conf/%s/forwarding", v->id.host, "1", err);
	return r;
}

static int host_link_up(struct venet *v, struct berth_error *err)
{
	rtnl_link_change(v->host, &(struct rtnl_link_change){.index = v->index, .up = true});
	rtnl_addr(v->host, RTNL_ADD, v->index, &gateway4);
	if (v->v6)
		rtnl_addr(v->host, RTNL_ADD, v->index, &gateway6);
	host_add_addrs(v, RTNL_ADD, v->link->addrs, v->link->n_addrs, v->link->nat);
	return host_commit(v, err);
}

/* ---- the guest's side ---- */

static const struct net_addr *first_of(const struct net_link *l, int family)
{
	for (unsigned int i = 0; i < l->n_addrs; i++)
		if (l->addrs[i].family == family)
			return &l->addrs[i];
	return NULL;
}

/* The default route of one family has the family's first address as its source. */
static void guest_set_default(struct venet *v, const struct net_link *l, const struct net_addr *via)
{
	const struct net_addr *first = first_of(l, via->family);
	struct net_addr src;

	if (first != NULL)
		net_addr_first(first, &src);
	rtnl_route(v->guest, first != NULL ? RTNL_REPLACE : RTNL_DEL,
		   &(struct rtnl_route){.family = via->family,
					.via = via,
					.src = first != NULL ? &src : NULL,
					.index = v->id.guest_index,
					.protocol = RTPROT_STATIC});
}

static void guest_set_addrs(struct venet *v, const struct net_addr *addrs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct net_addr a;

		net_addr_first(&addrs[i], &a);
		rtnl_addr(v->guest, RTNL_REPLACE, v->id.guest_index, &a);
	}
}

/* An address of its link, or the first of a network. */
static bool guest_has_addr(const struct net_link *l, const struct net_addr *a)
{
	for (unsigned int i = 0; i < l->n_addrs; i++) {
		struct net_addr own;

		net_addr_first(&l->addrs[i], &own);
		if (net_addr_equal(&own, a))
			return true;
	}
	return false;
}

static int guest_up(struct venet *v, struct berth_error *err)
{
	rtnl_link_change(v->guest, &(struct rtnl_link_change){.index = LOOPBACK_INDEX, .up = true});
	rtnl_link_change(v->guest, &(struct rtnl_link_change){.index = v->id.guest_index,
							      .inet = guest_conf,
							      .n_inet = sizeof(guest_conf) /
									sizeof(guest_conf[0]),
							      .up = true});
	rtnl_neigh(v->guest, RTNL_REPLACE, v->id.guest_index, &gateway4, v->id.mac[NET_SIDE_HOST]);
	if (v->v6)
		rtnl_neigh(v->guest, RTNL_REPLACE, v->id.guest_index, &gateway6,
			   v->id.mac[NET_SIDE_HOST]);
	guest_set_addrs(v, v->link->addrs, v->link->n_addrs);
	if (first_of(v->link, AF_INET) != NULL)
		guest_set_default(v, v->link, &gateway4);
	if (first_of(v->link, AF_INET6) != NULL)
		guest_set_default(v, v->link, &gateway6);
	return rtnl_commit(v->guest, err);
}

/* ---- up ---- */

/* By whether it is a network, and by family. */
static const struct venet_sets {
	const char *own, *routed, *nat;
} venet_sets[2][2] = {
	{{"ct4", "routed4", "nat4"}, {"ct6", "routed6", "nat6"}},
	{{"net4", "routed_net4", "nat_net4"}, {"net6", "routed_net6", "nat_net6"}},
};

static void venet_elements(const struct nft_change *c, net_element_fn *fn, void *data)
{
	if (c->link) {
		fn(&(struct net_element){NFPROTO_INET, "ct_links", true, NULL}, data);
		fn(&(struct net_element){NFPROTO_ARP, "ct_links", true, NULL}, data);
		fn(&(struct net_element){NFPROTO_INET, "ct6", true, &c->id->guest_ll}, data);
		if (c->held)
			fn(&(struct net_element){NFPROTO_INET, "held", true, NULL}, data);
	}
	for (unsigned int i = 0; i < c->n_addrs; i++) {
		const struct net_addr *a = &c->addrs[i];
		const bool v4 = a->family == AF_INET;

		const struct venet_sets *s = &venet_sets[net_addr_is_net(a)][v4 ? 0 : 1];

		fn(&(struct net_element){NFPROTO_INET, s->own, true, a}, data);
		if (v4)
			fn(&(struct net_element){NFPROTO_ARP, s->own, true, a}, data);
		if (!net_addr_is_private(a))
			fn(&(struct net_element){NFPROTO_INET, s->routed, false, a}, data);
		else if (c->nat)
			fn(&(struct net_element){NFPROTO_INET, s->nat, false, a}, data);
	}
}

/* Before the link. What is in the sets under this link's name is from before a crash. */
static int add_elements(const struct venet *v, struct berth_error *err)
{
	const struct net_ct *ct = v->ct;
	const struct nft_change c = {.driver = &net_venet,
				     .id = &v->id,
				     .addrs = v->link->addrs,
				     .n_addrs = v->link->n_addrs,
				     .nat = v->link->nat,
				     .link = true,
				     .held = ct->held};
	struct berth_error e = {0};
	int r = nft_add(ct->owner.nft_table, &c, &e);

	if (r == -EEXIST) {
		r = net_link_down(ct->ctid, v->link->n, &ct->owner, &e);
		if (r == 0)
			r = nft_add(ct->owner.nft_table, &c, &e);
	}
	if (r == -EEXIST)
		return berth_error_set(
			err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
			"CT %u: one of its addresses belongs to another CT (see 'nft "
			"list table inet %s')",
			ct->ctid, ct->owner.nft_table);
	if (r == -ENOENT)
		return berth_error_set(
			err, BERTH_ERR_NET, ENOENT,
			"CT %u: the nftables table inet %s is not loaded, so its addresses cannot "
			"be guarded; load it: systemctl restart berthd",
			ct->ctid, ct->owner.nft_table);
	if (r < 0 && err != NULL)
		*err = e;
	return r;
}

static int make_up(struct venet *v, int netns_fd, struct berth_error *err)
{
	const struct net_ct *ct = v->ct;
	const struct net_link *l = v->link;
	struct uplink_plan plan;
	int r = check_addrs(v, l->addrs, l->n_addrs, err);

	if (r == 0)
		r = uplink_find(v->host, ct->ctid, l->nat, l->addrs, l->n_addrs, &plan, err);
	/* Before there is a link: whoever has an address keeps it, undisturbed. */
	if (r == 0)
		r = uplink_probe(v->host, ct, l->addrs, l->n_addrs, &plan, false, err);
	if (r == 0)
		r = host_make_link(v, netns_fd, err);
	if (r == 0)
		r = venet_open_guest(v, netns_fd, true, err);
	if (r == 0)
		r = guest_up(v, err);
	if (r == 0)
		r = host_link_up(v, err);
	if (r == 0)
		r = uplink_announce(v->host, l->addrs, l->n_addrs, &plan, err);
	return r;
}

static int venet_up(const struct net_ct *ct, const struct net_link *link, int netns_fd,
		    struct berth_error *err)
{
	struct venet v;
	int r = venet_open(&v, ct, link, err);

	if (r < 0)
		return r;
	r = check_wanted(ct, link, v.v6, err);
	if (r == 0)
		r = net_link_remove(v.host, &v.id, v.own, err);
	if (r == 0)
		r = add_elements(&v, err);
	if (r == 0) {
		r = make_up(&v, netns_fd, err);
		if (r < 0 && r != -ENOTRECOVERABLE)
			(void)net_link_down(ct->ctid, link->n, &ct->owner, NULL);
	}
	venet_close(&v);
	return r;
}

/* ---- down ---- */

struct routes {
	struct net_addr_list *addrs;
	int failed;
};

static void take_route(const struct rtnl_entry *e, void *data)
{
	struct routes *t = data;

	if (t->failed == 0 && (e->protocol == NET_PROTO_ROUTED || e->protocol == NET_PROTO_NAT))
		t->failed = net_addr_list_add(t->addrs, &e->addr);
}

/* The sets know the addresses; the routes do as well, should somebody have flushed the sets. */
static int add_routes(struct rtnl *r, int index, struct net_addr_list *addrs,
		      struct berth_error *err)
{
	struct routes t = {.addrs = addrs};
	struct berth_error e = {0};
	int res = rtnl_list_routes(r, index, 0, take_route, &t, &e);

	/* The kernel removes the link by itself when the CT's namespace ends: it may go any time. */
	if (res < 0 && res != -ENODEV) {
		if (err != NULL)
			*err = e;
		return res;
	}
	if (t.failed < 0)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for addresses");
	return 0;
}

static int venet_down(struct rtnl *r, const struct net_owner *owner, const struct net_link_id *id,
		      struct net_link_found *f, struct berth_error *err)
{
	char own[NET_ALIAS_MAX];
	int res = 0;

	if (f->whose == NET_OURS) {
		if (f->lost)
			res = add_routes(r, f->link.index, f->addrs, err);
		if (res == 0)
			res = net_link_take(r, id, net_alias(owner, own), err);
	}
	if (res == 0)
		res = uplink_withdraw(r, f->addrs->v, f->addrs->n, err);
	/* The guards go last: nothing of the CT can send any more. */
	if (res == 0)
		res = nft_remove_link(owner->nft_table, id, f->addrs, err);
	return res;
}

/* ---- change ---- */

struct change {
	struct net_addr come[NET_ADDR_MAX], go[NET_ADDR_MAX];
	unsigned int n_come, n_go;
};

static bool stays(const struct net_addr *a, const struct net_link *from, const struct net_link *to)
{
	return net_addr_is_in(a, to->addrs, to->n_addrs) &&
	       net_addr_is_nat(a, from->nat) == net_addr_is_nat(a, to->nat);
}

/* An address that is masqueraded from now on, or not any more, goes and comes on the host's side. */
static void change_make(struct change *c, const struct net_link *now, const struct net_link *next)
{
	c->n_come = 0;
	c->n_go = 0;
	for (unsigned int i = 0; i < now->n_addrs; i++)
		if (!stays(&now->addrs[i], now, next))
			c->go[c->n_go++] = now->addrs[i];
	for (unsigned int i = 0; i < next->n_addrs; i++)
		if (!stays(&next->addrs[i], next, now))
			c->come[c->n_come++] = next->addrs[i];
}

/* Only what the sets call this CT's is withdrawn: an address that was refused is somebody else's. */
static int host_remove(struct venet *v, const struct change *c, struct berth_error *err)
{
	struct net_addr_list own = {0};
	int r;

	if (c->n_go == 0)
		return 0;
	/* The elements first: with them goes the right to send, whatever became of the link meanwhile. */
	r = nft_remove(v->ct->owner.nft_table, &v->id, c->go, c->n_go, &own, err);
	if (r == 0 && v->index != 0) {
		host_del_addrs(v, c->go, c->n_go);
		r = rtnl_commit(v->host, err);
	}
	if (r == 0)
		r = uplink_withdraw(v->host, own.v, own.n, err);
	net_addr_list_free(&own);
	return r;
}

/* While the CT still has all that it had. */
static int change_probe(struct venet *v, const struct net_ct *ct, const struct net_link *next,
			const struct change *c, struct berth_error *err)
{
	struct uplink_plan plan;
	int r;

	if (c->n_come == 0 || !ct->probe)
		return 0;
	r = uplink_find(v->host, v->ct->ctid, next->nat, c->come, c->n_come, &plan, err);
	return r < 0 ? r : uplink_probe(v->host, ct, c->come, c->n_come, &plan, true, err);
}

static int host_add_once(struct venet *v, const struct net_link *next, const struct change *c,
			 struct berth_error *err)
{
	const struct nft_change add = {.driver = &net_venet,
				       .id = &v->id,
				       .addrs = c->come,
				       .n_addrs = c->n_come,
				       .nat = next->nat};
	struct uplink_plan plan;
	int r;

	if (c->n_come == 0)
		return 0;
	r = check_addrs(v, c->come, c->n_come, err);
	if (r == 0)
		r = uplink_find(v->host, v->ct->ctid, next->nat, c->come, c->n_come, &plan, err);
	if (r == 0)
		r = nft_add(v->ct->owner.nft_table, &add, err);
	if (r == -EEXIST)
		return berth_error_set(err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
				       "CT %u: a new address belongs to a CT already", v->ct->ctid);
	if (r < 0 || v->index == 0)
		return r;
	host_add_addrs(v, RTNL_ADD, c->come, c->n_come, next->nat);
	r = host_commit(v, err);
	if (r == 0)
		r = uplink_announce(v->host, c->come, c->n_come, &plan, err);
	return r;
}

/* This link's alone, whatever is there of them. */
static void own_remove(struct venet *v, const struct net_addr *addrs, unsigned int n)
{
	(void)nft_remove(v->ct->owner.nft_table, &v->id, addrs, n, NULL, NULL);
	if (v->index == 0)
		return;
	host_del_addrs(v, addrs, n);
	(void)rtnl_commit(v->host, NULL);
}

/* A change that was cut short may have left what comes: that goes first. Another CT's stays, and is refused. */
static int host_add(struct venet *v, const struct net_link *next, const struct change *c,
		    struct berth_error *err)
{
	int r = host_add_once(v, next, c, err);

	if (r != -EEXIST && r != -EADDRINUSE)
		return r;
	own_remove(v, c->come, c->n_come);
	return host_add_once(v, next, c, err);
}

/* New addresses first, then the default routes that use them, then the old addresses go. */
static int guest_change(struct venet *v, const struct net_link *now, const struct net_link *next,
			struct berth_error *err)
{
	guest_set_addrs(v, next->addrs, next->n_addrs);
	if (first_of(next, AF_INET) != NULL || first_of(now, AF_INET) != NULL)
		guest_set_default(v, next, &gateway4);
	if (first_of(next, AF_INET6) != NULL || first_of(now, AF_INET6) != NULL)
		guest_set_default(v, next, &gateway6);
	for (unsigned int i = 0; i < now->n_addrs; i++) {
		struct net_addr a;

		net_addr_first(&now->addrs[i], &a);
		if (!guest_has_addr(next, &a))
			rtnl_addr(v->guest, RTNL_DEL, v->id.guest_index, &a);
	}
	return rtnl_commit(v->guest, err);
}

static int change_mtu(struct venet *v, const struct net_link *now, const struct net_link *next,
		      struct berth_error *err)
{
	uint32_t mtu = next->mtu != 0 ? next->mtu : DEFAULT_MTU;
	int r;

	if (now->mtu == next->mtu)
		return 0;
	rtnl_link_change(v->host, &(struct rtnl_link_change){.index = v->index, .mtu = mtu});
	r = rtnl_commit(v->host, err);
	if (r < 0)
		return r;
	rtnl_link_change(v->guest,
			 &(struct rtnl_link_change){.index = v->id.guest_index, .mtu = mtu});
	return rtnl_commit(v->guest, err);
}

/* As far as it gets: each part is put back to what it was, whatever had been done of the change. */
static void change_undo(struct venet *v, const struct net_link *now, const struct net_link *next)
{
	struct change back;

	change_make(&back, next, now);
	(void)host_remove(v, &back, NULL);
	own_remove(v, back.come, back.n_come);
	(void)host_add(v, now, &back, NULL);
	(void)guest_change(v, next, now, NULL);
	(void)change_mtu(v, next, now, NULL);
}

/* From here on a failure is undone. */
static int change_make_true(struct venet *v, const struct net_link *now,
			    const struct net_link *next, const struct change *c,
			    struct berth_error *err)
{
	bool host_done;
	int r = host_remove(v, c, err);

	if (r == 0)
		r = host_add(v, next, c, err);
	host_done = r == 0;
	if (r == 0)
		r = guest_change(v, now, next, err);
	if (r == -ENODEV && host_done)
		(void)berth_error_set(err, BERTH_ERR_NET, ENODEV,
				      "CT %u: %s is not in its network namespace: root in the CT "
				      "has moved or removed it; make it again: berth restart %u",
				      v->ct->ctid, v->id.guest, v->ct->ctid);
	if (r < 0 && host_done && c->n_go > 0)
		r = NET_GUEST_REFUSES;
	if (r == 0)
		r = change_mtu(v, now, next, err);
	if (r < 0)
		change_undo(v, now, next);
	return r;
}

/*
 * A CT whose root has removed venet0 has no link here either, nor routes: elements and proxy entries are all
 * that is left of its addresses. whose: NET_NOBODY, or another's link has the name.
 */
static int change_without_link(struct venet *v, enum net_whose whose, const struct net_link *now,
			       const struct net_link *next, const struct change *c,
			       struct berth_error *err)
{
	struct change back;
	int r = 0;

	v->index = 0;
	if (whose != NET_FOREIGN_SAME_TABLE) {
		r = host_remove(v, c, err);
		if (r == 0)
			r = host_add(v, next, c, err);
	}
	if (r < 0) {
		change_make(&back, next, now);
		(void)host_remove(v, &back, NULL);
		(void)host_add(v, now, &back, NULL);
		return r;
	}
	(void)berth_error_set(err, BERTH_ERR_NET, ENODEV,
			      "CT %u has no link %s: somebody has removed it or its other end, %s "
			      "in the CT; the changes take effect after: berth restart %u",
			      v->ct->ctid, v->id.host, v->id.guest, v->ct->ctid);
	return NET_GUEST_REFUSES;
}

/* Nothing to do, and so nothing that could fail: the order counts, the first address is the source. */
static bool is_same(const struct net_link *now, const struct net_link *next)
{
	if (now->n_addrs != next->n_addrs || now->nat != next->nat || now->mtu != next->mtu)
		return false;
	for (unsigned int i = 0; i < now->n_addrs; i++)
		if (!net_addr_equal(&now->addrs[i], &next->addrs[i]) ||
		    now->addrs[i].prefix != next->addrs[i].prefix)
			return false;
	return true;
}

static int venet_change(const struct net_ct *now_ct, const struct net_link *now,
			const struct net_ct *next_ct, const struct net_link *next, int netns_fd,
			struct berth_error *err)
{
	enum net_whose whose = NET_NOBODY;
	struct rtnl_link link = {0};
	struct change c;
	struct venet v;
	int r;

	if (is_same(now, next))
		return 0;
	r = venet_open(&v, now_ct, now, err);
	if (r < 0)
		return r;
	change_make(&c, now, next);
	r = check_wanted(next_ct, next, v.v6, err);
	if (r == 0)
		r = net_link_find(v.host, &v.id, v.own, &link, &whose, err);
	if (r == 0)
		r = change_probe(&v, next_ct, next, &c, err);
	if (r == 0 && whose != NET_OURS) {
		r = change_without_link(&v, whose, now, next, &c, err);
	} else if (r == 0) {
		v.index = link.index;
		r = venet_open_guest(&v, netns_fd, false, err);
		if (r == 0)
			r = change_make_true(&v, now, next, &c, err);
	}
	venet_close(&v);
	return r;
}

const struct net_driver net_venet = {
	.name = "venet",
	.up = venet_up,
	.change = venet_change,
	.down = venet_down,
	.elements = venet_elements,
};
