/*
 * uplink.c - proxy entries and announcements on the links towards the outside.
 *
 * The link of an address is the one that the host itself would use to reach it: the segment that
 * the address belongs to, or the way to everything. A host without such a link has none of this.
 */
#include "netsetup/uplink.h"

#include "netsetup/link.h"
#include "netsetup/netns.h"
#include "runtime/base/cleanup.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* 0 and *ret_index 0 when nothing of the host leads there. */
static int find_one(struct rtnl *r, uint32_t ctid, bool nat, const struct net_addr *a,
		    int *ret_index, struct berth_error *err)
{
	struct berth_error none = {0};
	struct rtnl_entry e = {0};
	char text[NET_ADDR_TEXT];

	*ret_index = 0;
	/* The routers of the outside know of a network. */
	if (net_addr_is_net(a))
		return 0;
	if (rtnl_route_lookup(r, a, &e, &none) < 0)
		return 0;
	if (e.type == RTN_LOCAL)
		return berth_error_set(err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
				       "CT %u: %s is an address of this host; choose another with "
				       "'berth set %u --ipdel %s --ipadd ADDRESS --save'",
				       ctid, net_addr_format(a, text), ctid, text);
	if (e.type != RTN_UNICAST || net_addr_is_nat(a, nat))
		return 0;
	if (e.via && net_addr_is_private(a))
		return 0;
	*ret_index = e.index;
	return 0;
}

/* Only Ethernet has ARP and NDP; a CT's link is no way to the outside. */
static bool is_uplink(struct rtnl *r, int index, struct rtnl_link *ret)
{
	struct berth_error none = {0};
	uint32_t ctid;
	unsigned int n;

	return rtnl_link_by_index(r, index, ret, &none) == 0 && ret->ether &&
	       net_link_from_ifname(ret->name, &ctid, &n) < 0;
}

int uplink_find(struct rtnl *r, uint32_t ctid, bool nat, const struct net_addr *addrs,
		unsigned int n, struct uplink_plan *ret, struct berth_error *err)
{
	struct rtnl_link link = {0};
	bool usable = false;
	int res = 0;

	for (unsigned int i = 0; i < n && res == 0; i++) {
		int index = 0;

		res = find_one(r, ctid, nat, &addrs[i], &index, err);
		if (index != 0 && index != link.index) {
			usable = is_uplink(r, index, &link);
			link.index = index;
		}
		ret->index[i] = index != 0 && usable ? index : 0;
	}
	return res;
}

/* Frames are sent once and may be lost: the proxy entries answer whoever asks. */
static void send_announcement(int sock, const struct net_addr *a, const struct rtnl_link *link)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = link->index,
				 .sll_halen = 6,
				 .sll_protocol = a->family == AF_INET ? htons(ETH_P_ARP)
								      : htons(ETH_P_IPV6)};
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	size_t len = announce_frame(a, link->mac, frame);

	memcpy(to.sll_addr, frame, 6);
	(void)sendto(sock, frame, len, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
}

static void send_announcements(struct rtnl *r, const struct net_addr *addrs, unsigned int n,
			       const struct uplink_plan *plan)
{
	auto_close int sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct rtnl_link link = {0};

	for (unsigned int i = 0; i < n && sock >= 0; i++) {
		if (plan->index[i] == 0)
			continue;
		if (plan->index[i] != link.index && !is_uplink(r, plan->index[i], &link))
			continue;
		send_announcement(sock, &addrs[i], &link);
	}
}

static int set_number(const char *name, const char *link, int wanted, struct berth_error *err)
{
	char text[16];
	int value = 0;

	if (net_sysctl_get(name, link, &value) == 0 && value == wanted)
		return 0;
	(void)snprintf(text, sizeof(text), "%d", wanted);
	return net_sysctl_set(name, link, text, err);
}

/*
 * NDP is answered for proxy entries only where the link's sysctl says so; ARP always is. Both at
 * once: the kernel's delay of up to 0.8 s lets an owner answer before its proxy, but the owner is here,
 * and another host that asks whether an address is free does not wait for ever.
 */
static int allow_answers(struct rtnl *r, int index, int family, struct berth_error *err)
{
	struct rtnl_link link;

	if (!is_uplink(r, index, &link))
		return 0;
	/* Late answers are answers: no reason to fail. */
	(void)set_number(family == AF_INET ? "ipv4/neigh/%s/proxy_delay"
					   : "ipv6/neigh/%s/proxy_delay",
			 link.name, 0, NULL);
	if (family == AF_INET)
		return 0;
	return set_number("ipv6/conf/%s/proxy_ndp", link.name, 1, err);
}

int uplink_announce(struct rtnl *r, const struct net_addr *addrs, unsigned int n,
		    const struct uplink_plan *plan, struct berth_error *err)
{
	int last[2] = {0}, count = 0, res = 0; /* of IPv4 and of IPv6 */

	for (unsigned int i = 0; i < n && res == 0; i++) {
		int *done = &last[addrs[i].family == AF_INET6];

		if (plan->index[i] == 0)
			continue;
		count++;
		rtnl_proxy(r, RTNL_REPLACE, plan->index[i], &addrs[i], NET_PROTO_ROUTED);
		if (plan->index[i] == *done)
			continue;
		*done = plan->index[i];
		res = allow_answers(r, *done, addrs[i].family, err);
	}
	if (count == 0)
		return 0;
	res = res < 0 ? res : rtnl_commit(r, err);
	if (res == 0)
		send_announcements(r, addrs, n, plan);
	return res;
}

struct withdrawal {
	const struct net_addr *addrs;
	unsigned int n;
	struct rtnl *out;
};

/* A CT has the address now: of another berth, as all that was ours is gone when this is asked. */
static bool is_held(struct rtnl *r, const struct net_addr *a)
{
	struct berth_error none = {0};
	struct rtnl_entry e = {0};
	struct rtnl_link link;
	uint32_t ctid;
	unsigned int n;

	return rtnl_route_lookup(r, a, &e, &none) == 0 && e.addr.prefix == net_addr_bits(a) &&
	       rtnl_link_by_index(r, e.index, &link, &none) == 0 &&
	       net_link_from_ifname(link.name, &ctid, &n) == 0;
}

static void withdraw_one(const struct rtnl_entry *e, void *data)
{
	const struct withdrawal *w = data;

	if (e->protocol == NET_PROTO_ROUTED && net_addr_is_in(&e->addr, w->addrs, w->n) &&
	    !is_held(w->out, &e->addr))
		rtnl_proxy(w->out, RTNL_DEL, e->index, &e->addr, e->protocol);
}

int uplink_withdraw(struct rtnl *r, const struct net_addr *addrs, unsigned int n,
		    struct berth_error *err)
{
	struct withdrawal w = {.addrs = addrs, .n = n};
	int res;

	if (n == 0)
		return 0;
	/* A queue of its own: it may flush while the list is still being read. */
	res = rtnl_open("", &w.out, err);
	if (res < 0)
		return res;
	res = rtnl_list_proxies(r, withdraw_one, &w, err);
	if (res == 0)
		res = rtnl_commit(w.out, err);
	rtnl_free(&w.out);
	return res;
}
