/* host.c - what a host needs once: forwarding, and the packet filter that all CTs share. */
#include "netsetup/link.h"
#include "netsetup/netns.h"
#include "netsetup/nft.h"
#include "netsetup/rtnl.h"
#include "netsetup/ruleset.h"
#include "runtime/base/cleanup.h"

#include <dirent.h>
#include <string.h>

/* Written only when it differs: the kernel resets other settings on each write. */
static int set_if_other(const char *name, int value, struct berth_error *err)
{
	char text[16];
	int now = 0, r = net_sysctl_get(name, NULL, &now);

	if (r == -ENOENT)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, ENOENT,
				       "this kernel has no sysctl net/%s", name);
	if (r == 0 && now == value)
		return 0;
	(void)snprintf(text, sizeof(text), "%d", value);
	return net_sysctl_set(name, NULL, text, err);
}

/*
 * A router does not listen to router advertisements: with forwarding, a host that has its own
 * default route from them would lose it, unless the link says 2.
 */
static int keep_router_adverts(struct berth_error *err)
{
	auto_closedir DIR *d = opendir("/proc/sys/net/ipv6/conf");
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		int accept = 0, r;

		if (e->d_name[0] == '.' || strcmp(e->d_name, "all") == 0 ||
		    strcmp(e->d_name, "default") == 0 || strcmp(e->d_name, "lo") == 0)
			continue;
		if (net_sysctl_get("ipv6/conf/%s/accept_ra", e->d_name, &accept) < 0 || accept != 1)
			continue;
		r = net_sysctl_set("ipv6/conf/%s/accept_ra", e->d_name, "2", err);
		if (r < 0 && r != -ENOENT) /* the link has gone meanwhile */
			return r;
	}
	return 0;
}

static int forward_ipv6(struct berth_error *err)
{
	int now = 0;

	if (!net_has_ipv6())
		return 0;
	if (net_sysctl_get("ipv6/conf/all/forwarding", NULL, &now) == 0 && now == 1)
		return 0;
	if (keep_router_adverts(err) < 0)
		return -EIO;
	return net_sysctl_set("ipv6/conf/all/forwarding", NULL, "1", err);
}

int net_host_setup(const char *ruleset, const struct net_owner *owner, struct berth_error *err)
{
	auto_free char *text = NULL;
	int r;

	/* The filter first: nothing is forwarded before there are rules for it. */
	r = ruleset_make(ruleset, owner, &text, err);
	if (r == 0)
		r = ruleset_load(text, false, err);
	if (r == 0)
		r = set_if_other("ipv4/ip_forward", 1, err);
	if (r == 0)
		r = forward_ipv6(err);
	return r;
}

/* ---- is it still so? ---- */

/* Links that ought to be in ct_links: each is struck off when the set has it. */
struct guarded {
	const char *own;
	uint32_t *ctids;
	size_t n, max;
	bool failed;
};

static void expect_link(const struct rtnl_link *link, void *data)
{
	struct guarded *g = data;
	uint32_t ctid;

	if (net_ctid_from_ifname(link->name, &ctid) < 0 ||
	    net_alias_whose(link->alias, g->own) != NET_OURS)
		return;
	if (g->n == g->max) {
		size_t max = g->max == 0 ? 64 : g->max * 2;
		uint32_t *v = reallocarray(g->ctids, max, sizeof(*v));

		if (v == NULL) {
			g->failed = true;
			return;
		}
		g->ctids = v;
		g->max = max;
	}
	g->ctids[g->n++] = ctid;
}

static void strike_off(const char *ifname, void *data)
{
	struct guarded *g = data;
	uint32_t ctid;

	if (net_ctid_from_ifname(ifname, &ctid) < 0)
		return;
	for (size_t i = 0; i < g->n;)
		if (g->ctids[i] == ctid)
			g->ctids[i] = g->ctids[--g->n];
		else
			i++;
}

static int check_links(struct nl *nl, const char *own, const char *table, struct berth_error *err)
{
	struct guarded g = {.own = own};
	auto_ptr(rtnl_free) struct rtnl *r = NULL;
	int res = rtnl_open("", &r, err);

	if (res == 0)
		res = rtnl_list_veths(r, expect_link, &g, err);
	if (res == 0 && g.failed)
		res = berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for links");
	if (res == 0 && g.n > 0)
		res = nft_list_links(nl, table, strike_off, &g, err);
	if (res == 0 && g.n > 0)
		res = berth_error_set(err, BERTH_ERR_NET, ENOENT,
				      "CT %u: its link is not in the nftables set ct_links of %s: "
				      "somebody flushed it; 'systemctl restart berthd' mends it",
				      g.ctids[0], table);
	free(g.ctids);
	return res;
}

struct net_guard {
	/* Open as long as it works: see batch_free in nft.c for what a close may cost. */
	struct nl nl;
	char own[NET_ALIAS_MAX];
	char table[];
};

struct net_guard *net_guard_new(const struct net_owner *owner)
{
	size_t size = strlen(owner->nft_table) + 1;
	struct net_guard *g = calloc(1, sizeof(*g) + size);

	if (g == NULL)
		return NULL;
	memcpy(g->table, owner->nft_table, size);
	(void)net_alias(owner, g->own);
	g->nl.fd = -EBADF;
	return g;
}

void net_guard_free(struct net_guard *g)
{
	if (g != NULL)
		nl_close(&g->nl);
	free(g);
}

int net_guard_check(struct net_guard *g, struct berth_error *err)
{
	int r = g->nl.fd >= 0 ? 0 : nl_open(NETLINK_NETFILTER, "", &g->nl, err);

	if (r == 0)
		r = nft_check_rules(&g->nl, g->table, err);
	if (r == 0)
		r = check_links(&g->nl, g->own, g->table, err);
	if (r < 0 && r != -ENOENT)
		nl_close(&g->nl); /* who knows what is still to be read from it */
	return r;
}
