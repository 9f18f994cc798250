/*
 * venet.c - the routed link of a CT: up, changed while it runs, down.
 *
 * Both ends know each other by permanent neighbour entries, so a CT's traffic needs neither ARP nor
 * NDP and does not depend on the neighbour table, which all namespaces share and a tenant can fill.
 * Guests that configure themselves may still ask: the host end answers for its gateway addresses.
 */
#include "netsetup/link.h"
#include "netsetup/netns.h"
#include "netsetup/nft.h"
#include "netsetup/probe.h"
#include "netsetup/rtnl.h"
#include "netsetup/uplink.h"
#include "runtime/base/cleanup.h"

#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct net_addr gateway4 = {
	.family = AF_INET, .prefix = 32, .v4.s_addr = __builtin_bswap32(0xa9fe0001)};
static const struct net_addr gateway6 = {
	.family = AF_INET6, .prefix = 64, .v6.s6_addr = {0xfe, 0x80, [15] = 1}};

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
	LINK_PAUSE_US = 200,
	INDEX_TRIES = 32
};

struct venet {
	const struct net_ct *ct;
	char ifname[IFNAMSIZ], label[LABEL_MAX], own[NET_ALIAS_MAX];
	int index;
	bool v6;
	uint8_t mac[2][6]; /* by enum net_side */
	struct rtnl *host, *guest;
};

static void venet_close(struct venet *v)
{
	rtnl_free(&v->guest);
	rtnl_free(&v->host);
}

static int venet_open(struct venet *v, const struct net_ct *ct, struct berth_error *err)
{
	*v = (struct venet){.ct = ct, .v6 = net_has_ipv6()};
	(void)net_host_ifname(ct->ctid, v->ifname);
	(void)net_alias(&ct->owner, v->own);
	(void)snprintf(v->label, sizeof(v->label), "CT %u", ct->ctid);
	net_link_mac(ct->ctid, NET_SIDE_HOST, v->mac[NET_SIDE_HOST]);
	net_link_mac(ct->ctid, NET_SIDE_GUEST, v->mac[NET_SIDE_GUEST]);
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
		(void)net_sysctl_set("ipv6/conf/%s/accept_ra", NET_GUEST_IFNAME, "0", NULL);
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

static int check_wanted(const struct net_ct *ct, bool v6, struct berth_error *err)
{
	if (!net_table_is_valid(ct->owner.nft_table))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "CT %u: '%s' is no name for an nftables table", ct->ctid,
				       ct->owner.nft_table);
	if (ct->n_addrs > NET_ADDR_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, E2BIG,
				       "CT %u: %u addresses; a CT can have %d", ct->ctid,
				       ct->n_addrs, NET_ADDR_MAX);
	if (!v6 && net_has_family(ct->addrs, ct->n_addrs, AF_INET6))
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, EAFNOSUPPORT,
				       "CT %u has an IPv6 address, but IPv6 is off on this host: "
				       "'sysctl net.ipv6.conf.all.disable_ipv6=0 "
				       "net.ipv6.conf.default.disable_ipv6=0' switches it on",
				       ct->ctid);
	return 0;
}

/* ---- the host's side ---- */

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

static void host_add_addrs(struct venet *v, enum rtnl_op op, const struct net_addr *addrs,
			   unsigned int n, bool nat)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct net_addr *a = &addrs[i];

		rtnl_route(v->host, op,
			   &(struct rtnl_route){.family = a->family,
						.dst = a,
						.index = v->index,
						.protocol = net_addr_is_nat(a, nat)
								    ? NET_PROTO_NAT
								    : NET_PROTO_ROUTED});
		if (op != RTNL_DEL)
			rtnl_neigh(v->host, RTNL_REPLACE, v->index, a, v->mac[NET_SIDE_GUEST]);
	}
}

static void host_del_addrs(struct venet *v, const struct net_addr *addrs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		rtnl_route(v->host, RTNL_DEL,
			   &(struct rtnl_route){
				   .family = addrs[i].family, .dst = &addrs[i], .index = v->index});
		rtnl_neigh(v->host, RTNL_DEL, v->index, &addrs[i], NULL);
	}
}

/* With a number that nobody has. -EEXIST tells of the number, or of the name: that was free a moment ago. */
static int host_add_pair(struct venet *v, int netns_fd, struct berth_error *err)
{
	int r = -EEXIST;

	for (unsigned int i = 0; r == -EEXIST && i < INDEX_TRIES; i++) {
		v->index = net_host_ifindex(v->ct->ctid, i);
		rtnl_veth_add(v->host, &(struct rtnl_veth){.name = v->ifname,
							   .peer_name = NET_GUEST_IFNAME,
							   .index = v->index,
							   .peer_index = NET_GUEST_IFINDEX,
							   .mac = v->mac[NET_SIDE_HOST],
							   .peer_mac = v->mac[NET_SIDE_GUEST],
							   .peer_netns = netns_fd,
							   .mtu = v->ct->mtu});
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
		rtnl_link_del(v->host, v->ifname);
		(void)rtnl_commit(v->host, NULL);
	}
	if (r == 0 && v->v6)
		r = net_sysctl_set("ipv6/conf/%s/accept_ra", v->ifname, "0", err);
	if (r == 0 && v->v6)
		r = net_sysctl_set("ipv6/conf/%s/forwarding", v->ifname, "1", err);
	return r;
}

static int host_link_up(struct venet *v, struct berth_error *err)
{
	rtnl_link_change(v->host, &(struct rtnl_link_change){.index = v->index, .up = true});
	rtnl_addr(v->host, RTNL_ADD, v->index, &gateway4);
	if (v->v6)
		rtnl_addr(v->host, RTNL_ADD, v->index, &gateway6);
	host_add_addrs(v, RTNL_ADD, v->ct->addrs, v->ct->n_addrs, v->ct->nat);
	return host_commit(v, err);
}

/* ---- the guest's side ---- */

static const struct net_addr *first_of(const struct net_ct *ct, int family)
{
	for (unsigned int i = 0; i < ct->n_addrs; i++)
		if (ct->addrs[i].family == family)
			return &ct->addrs[i];
	return NULL;
}

/* The default route of one family has the family's first address as its source. */
static void guest_set_default(struct venet *v, const struct net_ct *ct, const struct net_addr *via)
{
	const struct net_addr *src = first_of(ct, via->family);

	rtnl_route(v->guest, src != NULL ? RTNL_REPLACE : RTNL_DEL,
		   &(struct rtnl_route){.family = via->family,
					.via = via,
					.src = src,
					.index = NET_GUEST_IFINDEX,
					.protocol = RTPROT_STATIC});
}

static void guest_set_addrs(struct venet *v, const struct net_addr *addrs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		rtnl_addr(v->guest, RTNL_REPLACE, NET_GUEST_IFINDEX, &addrs[i]);
}

static int guest_up(struct venet *v, struct berth_error *err)
{
	rtnl_link_change(v->guest, &(struct rtnl_link_change){.index = LOOPBACK_INDEX, .up = true});
	rtnl_link_change(v->guest, &(struct rtnl_link_change){.index = NET_GUEST_IFINDEX,
							      .inet = guest_conf,
							      .n_inet = sizeof(guest_conf) /
									sizeof(guest_conf[0]),
							      .up = true});
	rtnl_neigh(v->guest, RTNL_REPLACE, NET_GUEST_IFINDEX, &gateway4, v->mac[NET_SIDE_HOST]);
	if (v->v6)
		rtnl_neigh(v->guest, RTNL_REPLACE, NET_GUEST_IFINDEX, &gateway6,
			   v->mac[NET_SIDE_HOST]);
	guest_set_addrs(v, v->ct->addrs, v->ct->n_addrs);
	if (first_of(v->ct, AF_INET) != NULL)
		guest_set_default(v, v->ct, &gateway4);
	if (first_of(v->ct, AF_INET6) != NULL)
		guest_set_default(v, v->ct, &gateway6);
	return rtnl_commit(v->guest, err);
}

/* ---- up ---- */

/* The CT's link, if there is one, and whose it is. */
static int find_link(struct rtnl *r, uint32_t ctid, const char *own, struct rtnl_link *ret,
		     enum net_whose *ret_whose, struct berth_error *err)
{
	char ifname[IFNAMSIZ];
	struct berth_error e = {0};
	int res = rtnl_link_by_name(r, net_host_ifname(ctid, ifname), ret, &e);

	*ret_whose = NET_NOBODY;
	if (res == -ENODEV)
		return 0;
	if (res == 0)
		*ret_whose = ret->veth ? net_alias_whose(ret->alias, own) : NET_FOREIGN;
	else if (err != NULL)
		*err = e;
	return res;
}

static int refuse_foreign(uint32_t ctid, const struct rtnl_link *link, struct berth_error *err)
{
	char text[NET_ALIAS_TEXT];

	return berth_error_set(
		err, BERTH_ERR_NET, EEXIST,
		"CT %u: the link %s exists and is not ours, it is of %s; give the CT "
		"another CTID, or free the name: ip link set %s name NEW",
		ctid, link->name, net_alias_text(link->alias, text), link->name);
}

/* Our link of that name, if there is one; another's is not touched. */
static int remove_link(struct rtnl *r, uint32_t ctid, const char *own, struct berth_error *err)
{
	struct rtnl_link link;
	enum net_whose whose;
	int res = find_link(r, ctid, own, &link, &whose, err);

	if (res < 0 || whose == NET_NOBODY)
		return res;
	if (whose != NET_OURS)
		return refuse_foreign(ctid, &link, err);
	rtnl_link_del(r, link.name);
	return rtnl_commit(r, err);
}

/* Elements before the link. What is in the sets under this link's name is from before a crash. */
static int add_elements(const struct net_ct *ct, struct berth_error *err)
{
	const struct nft_change c = {.ctid = ct->ctid,
				     .addrs = ct->addrs,
				     .n_addrs = ct->n_addrs,
				     .nat = ct->nat,
				     .link = true};
	struct berth_error e = {0};
	int r = nft_add(ct->owner.nft_table, &c, &e);

	if (r == -EEXIST) {
		r = net_ct_down(ct->ctid, &ct->owner, &e);
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
			"CT %u: the nftables table inet %s is not loaded, so its "
			"addresses cannot be guarded; 'systemctl restart berthd' loads "
			"it",
			ct->ctid, ct->owner.nft_table);
	if (r < 0 && err != NULL)
		*err = e;
	return r;
}

static int venet_up(struct venet *v, int netns_fd, struct berth_error *err)
{
	const struct net_ct *ct = v->ct;
	struct uplink_plan plan;
	int r = uplink_find(v->host, ct, ct->addrs, ct->n_addrs, &plan, err);

	/* Before there is a link: whoever has an address keeps it, undisturbed. */
	if (r == 0)
		r = uplink_probe(v->host, ct, ct->addrs, ct->n_addrs, &plan, false, err);
	if (r == 0)
		r = host_make_link(v, netns_fd, err);
	if (r == 0)
		r = venet_open_guest(v, netns_fd, true, err);
	if (r == 0)
		r = guest_up(v, err);
	if (r == 0)
		r = host_link_up(v, err);
	if (r == 0)
		r = uplink_announce(v->host, ct->addrs, ct->n_addrs, &plan, err);
	return r;
}

int net_ct_up(const struct net_ct *ct, int netns_fd, struct berth_error *err)
{
	struct venet v;
	int r = venet_open(&v, ct, err);

	if (r < 0)
		return r;
	r = check_wanted(ct, v.v6, err);
	if (r == 0)
		r = remove_link(v.host, ct->ctid, v.own, err);
	if (r == 0)
		r = add_elements(ct, err);
	if (r == 0) {
		r = venet_up(&v, netns_fd, err);
		if (r < 0 && r != -ENOTRECOVERABLE)
			(void)net_ct_down(ct->ctid, &ct->owner, NULL);
	}
	venet_close(&v);
	return r;
}

/* ---- down ---- */

struct down {
	struct net_addr_list addrs;
	int failed;
};

static void down_take_route(const struct rtnl_entry *e, void *data)
{
	struct down *d = data;

	if (d->failed == 0 && (e->protocol == NET_PROTO_ROUTED || e->protocol == NET_PROTO_NAT))
		d->failed = net_addr_list_add(&d->addrs, &e->addr);
}

/* The sets know the addresses; the routes do as well, should somebody have flushed the sets. index 0: no link. */
static int find_addrs(struct rtnl *r, uint32_t ctid, const char *table, int index, struct down *d,
		      struct berth_error *err)
{
	struct berth_error e = {0};
	int res = nft_find(table, ctid, &d->addrs, err);

	if (res < 0 || index == 0)
		return res;
	res = rtnl_list_routes(r, index, 0, down_take_route, d, &e);
	/* The kernel removes the link by itself when the CT's namespace ends: it may go any time. */
	if (res < 0 && res != -ENODEV) {
		if (err != NULL)
			*err = e;
		return res;
	}
	if (d->failed < 0)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for addresses");
	return 0;
}

/* Whoever has removed a link waits for RCU in the kernel, 10 to 40 ms after it is gone: this process does. */
static _Noreturn void remover(uint32_t ctid, const char *own, pid_t parent)
{
	struct rtnl *r = NULL;

	/* Not without its parent: the next start may have made a link of that name. And with none of its files. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    close_range(0, ~0U, 0) < 0 || rtnl_open("", &r, NULL) < 0)
		_exit(1);
	_exit(remove_link(r, ctid, own, NULL) < 0);
}

/* Is there nothing to be waited for any more? The link is gone, or its remover. */
static bool is_removed(struct rtnl *r, uint32_t ctid, const char *own, pid_t pid)
{
	struct rtnl_link link;
	enum net_whose whose;

	return find_link(r, ctid, own, &link, &whose, NULL) < 0 || whose != NET_OURS ||
	       waitpid(pid, NULL, WNOHANG) != 0;
}

/*
 * The kernel would remove the link by itself, with the CT's namespace, but in its own time: many are to be
 * removed one after the other. Returns when it is gone; the process that removed it may still be busy.
 */
static int take_link(struct rtnl *r, uint32_t ctid, const char *own, struct berth_error *err)
{
	const struct timespec pause = {.tv_nsec = LINK_PAUSE_US * 1000};
	struct rtnl_link link;
	enum net_whose whose;
	pid_t self = getpid(), pid = fork();
	int res;

	if (pid == 0)
		remover(ctid, own, self);
	while (pid > 0 && !is_removed(r, ctid, own, pid))
		(void)nanosleep(&pause, NULL);
	/* One that came too late must not find the link of the next start. */
	if (pid > 0 && waitpid(pid, NULL, WNOHANG) == 0)
		(void)kill(pid, SIGKILL);
	res = find_link(r, ctid, own, &link, &whose, err);
	if (res < 0 || whose != NET_OURS) /* the usual case: there is none */
		return res;
	rtnl_link_del(r, link.name);
	return rtnl_commit(r, err);
}

int net_ct_down(uint32_t ctid, const struct net_owner *owner, struct berth_error *err)
{
	struct down d = {0};
	struct rtnl_link link = {0};
	struct rtnl *r = NULL;
	enum net_whose whose;
	char label[LABEL_MAX], own[NET_ALIAS_MAX];
	int res;

	(void)net_alias(owner, own);
	(void)snprintf(label, sizeof(label), "CT %u", ctid);
	res = rtnl_open(label, &r, err);
	if (res == 0)
		res = find_link(r, ctid, own, &link, &whose, err);
	if (res < 0 ||
	    whose == NET_FOREIGN_SAME_TABLE) { /* elements of that name are the other's */
		rtnl_free(&r);
		return res;
	}
	res = find_addrs(r, ctid, owner->nft_table, whose == NET_OURS ? link.index : 0, &d, err);
	if (res == 0 && whose == NET_OURS)
		res = take_link(r, ctid, own, err);
	if (res == 0)
		res = uplink_withdraw(r, d.addrs.v, d.addrs.n, err);
	/* The guards go last: nothing of the CT can send any more. */
	if (res == 0)
		res = nft_remove_link(owner->nft_table, ctid, &d.addrs, err);
	net_addr_list_free(&d.addrs);
	rtnl_free(&r);
	return res;
}

/* ---- change ---- */

struct change {
	struct net_addr come[NET_ADDR_MAX], go[NET_ADDR_MAX];
	unsigned int n_come, n_go;
};

static bool stays(const struct net_addr *a, const struct net_ct *from, const struct net_ct *to)
{
	return net_addr_is_in(a, to->addrs, to->n_addrs) &&
	       net_addr_is_nat(a, from->nat) == net_addr_is_nat(a, to->nat);
}

/* An address that is masqueraded from now on, or not any more, goes and comes on the host's side. */
static void change_make(struct change *c, const struct net_ct *now, const struct net_ct *next)
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
	r = nft_remove(v->ct->owner.nft_table, v->ct->ctid, c->go, c->n_go, &own, err);
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
static int change_probe(struct venet *v, const struct net_ct *next, const struct change *c,
			struct berth_error *err)
{
	struct uplink_plan plan;
	int r;

	if (c->n_come == 0 || !next->probe)
		return 0;
	r = uplink_find(v->host, next, c->come, c->n_come, &plan, err);
	return r < 0 ? r : uplink_probe(v->host, next, c->come, c->n_come, &plan, true, err);
}

static int host_add(struct venet *v, const struct net_ct *next, const struct change *c,
		    struct berth_error *err)
{
	const struct nft_change add = {
		.ctid = next->ctid, .addrs = c->come, .n_addrs = c->n_come, .nat = next->nat};
	struct uplink_plan plan;
	int r;

	if (c->n_come == 0)
		return 0;
	r = uplink_find(v->host, next, c->come, c->n_come, &plan, err);
	if (r == 0)
		r = nft_add(next->owner.nft_table, &add, err);
	if (r == -EEXIST)
		return berth_error_set(err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
				       "CT %u: a new address belongs to a CT already", next->ctid);
	if (r < 0 || v->index == 0)
		return r;
	host_add_addrs(v, RTNL_ADD, c->come, c->n_come, next->nat);
	r = host_commit(v, err);
	if (r == 0)
		r = uplink_announce(v->host, c->come, c->n_come, &plan, err);
	return r;
}

/* New addresses first, then the default routes that use them, then the old addresses go. */
static int guest_change(struct venet *v, const struct net_ct *now, const struct net_ct *next,
			struct berth_error *err)
{
	guest_set_addrs(v, next->addrs, next->n_addrs);
	if (first_of(next, AF_INET) != NULL || first_of(now, AF_INET) != NULL)
		guest_set_default(v, next, &gateway4);
	if (first_of(next, AF_INET6) != NULL || first_of(now, AF_INET6) != NULL)
		guest_set_default(v, next, &gateway6);
	for (unsigned int i = 0; i < now->n_addrs; i++)
		if (!net_addr_is_in(&now->addrs[i], next->addrs, next->n_addrs))
			rtnl_addr(v->guest, RTNL_DEL, NET_GUEST_IFINDEX, &now->addrs[i]);
	return rtnl_commit(v->guest, err);
}

static int change_mtu(struct venet *v, const struct net_ct *now, const struct net_ct *next,
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
			 &(struct rtnl_link_change){.index = NET_GUEST_IFINDEX, .mtu = mtu});
	return rtnl_commit(v->guest, err);
}

/* As far as it gets: each part is put back to what it was, whatever had been done of the change. */
static void change_undo(struct venet *v, const struct net_ct *now, const struct net_ct *next)
{
	struct change back;

	change_make(&back, next, now);
	(void)host_remove(v, &back, NULL);
	(void)nft_remove(now->owner.nft_table, now->ctid, back.come, back.n_come, NULL, NULL);
	host_del_addrs(v, back.come, back.n_come);
	(void)rtnl_commit(v->host, NULL);
	(void)host_add(v, now, &back, NULL);
	(void)guest_change(v, next, now, NULL);
	(void)change_mtu(v, next, now, NULL);
}

/* From here on a failure is undone. */
static int change_make_true(struct venet *v, const struct net_ct *now, const struct net_ct *next,
			    const struct change *c, struct berth_error *err)
{
	bool host_done;
	int r = host_remove(v, c, err);

	if (r == 0)
		r = host_add(v, next, c, err);
	host_done = r == 0;
	if (r == 0)
		r = guest_change(v, now, next, err);
	if (r == -ENODEV && host_done)
		(void)berth_error_set(
			err, BERTH_ERR_NET, ENODEV,
			"CT %u: %s is not in its network namespace: its root has moved or "
			"removed it; 'berth restart %u' mends it",
			now->ctid, NET_GUEST_IFNAME, now->ctid);
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
static int change_without_link(struct venet *v, enum net_whose whose, const struct net_ct *now,
			       const struct net_ct *next, const struct change *c,
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
	(void)berth_error_set(
		err, BERTH_ERR_NET, ENODEV,
		"CT %u has no link %s: somebody removed it, or its other end %s in the CT; "
		"what was changed of its network is in force when it has a new one: "
		"berth restart %u",
		now->ctid, v->ifname, NET_GUEST_IFNAME, now->ctid);
	return NET_GUEST_REFUSES;
}

/* Nothing to do, and so nothing that could fail: the order counts, the first address is the source. */
static bool is_same(const struct net_ct *now, const struct net_ct *next)
{
	if (now->n_addrs != next->n_addrs || now->nat != next->nat || now->mtu != next->mtu)
		return false;
	for (unsigned int i = 0; i < now->n_addrs; i++)
		if (!net_addr_equal(&now->addrs[i], &next->addrs[i]) ||
		    now->addrs[i].prefix != next->addrs[i].prefix)
			return false;
	return true;
}

int net_ct_change(const struct net_ct *now, const struct net_ct *next, int netns_fd,
		  struct berth_error *err)
{
	enum net_whose whose = NET_NOBODY;
	struct rtnl_link link = {0};
	struct change c;
	struct venet v;
	int r;

	if (is_same(now, next))
		return 0;
	r = venet_open(&v, now, err);
	if (r < 0)
		return r;
	change_make(&c, now, next);
	r = check_wanted(next, v.v6, err);
	if (r == 0)
		r = find_link(v.host, now->ctid, v.own, &link, &whose, err);
	if (r == 0)
		r = change_probe(&v, next, &c, err);
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
