/*
 * guard.c - is the packet filter still what it was? The kernel tells of every change of any table; what removes
 * something of ours is a reason to look. Looking may wait (for a lock of the kernel's, for 5000 links); hearing
 * does not.
 */
#include "netsetup/link.h"
#include "netsetup/nft.h"
#include "netsetup/nl.h"
#include "netsetup/rtnl.h"
#include "runtime/base/cleanup.h"

#include <linux/netfilter/nfnetlink.h>
#include <string.h>

struct net_guard {
	/*
	 * One for questions, which net_guard_check uses, and one that hears. Open as long as they work: see
	 * batch_free in nft.c for what a close may cost.
	 */
	struct nl nl, news;
	char own[NET_ALIAS_MAX];
	char table[];
};

/* Links that ought to be in ct_links: each is struck off when the set has it. Ascending. */
struct guarded {
	const char *own;
	struct guarded_link {
		uint32_t ctid;
		unsigned int n;
		bool found;
	} * v;
	size_t n, max;
	bool failed;
};

static void expect_link(const struct rtnl_link *link, void *data)
{
	struct guarded *g = data;
	uint32_t ctid;
	unsigned int n;

	if (net_link_from_ifname(link->name, &ctid, &n) < 0 ||
	    net_alias_whose(link->alias, g->own) != NET_OURS)
		return;
	if (g->n == g->max) {
		size_t max = g->max == 0 ? 64 : g->max * 2;
		struct guarded_link *v = reallocarray(g->v, max, sizeof(*v));

		if (v == NULL) {
			g->failed = true;
			return;
		}
		g->v = v;
		g->max = max;
	}
	g->v[g->n++] = (struct guarded_link){.ctid = ctid, .n = n};
}

static int compare(const void *a, const void *b)
{
	const struct guarded_link *x = a, *y = b;

	if (x->ctid != y->ctid)
		return x->ctid > y->ctid ? 1 : -1;
	return (x->n > y->n) - (x->n < y->n);
}

/* The kernel tells a link twice when links come and go meanwhile. */
static void guarded_sort(struct guarded *g)
{
	size_t kept = 0;

	if (g->n > 0)
		qsort(g->v, g->n, sizeof(*g->v), compare);
	for (size_t i = 0; i < g->n; i++)
		if (kept == 0 || compare(&g->v[kept - 1], &g->v[i]) != 0)
			g->v[kept++] = g->v[i];
	g->n = kept;
}

static void strike_off(const char *ifname, const struct net_addr *a, void *data)
{
	struct guarded *g = data;
	struct guarded_link key = {0}, *found;

	(void)a;
	if (g->n == 0 || net_link_from_ifname(ifname, &key.ctid, &key.n) < 0)
		return;
	found = bsearch(&key, g->v, g->n, sizeof(*g->v), compare);
	if (found != NULL)
		found->found = true;
}

/* A link that was listed and not found may have come or gone meanwhile: asked for by itself. */
static bool is_missing(struct nl *nl, struct rtnl *r, const struct guarded *g, const char *table,
		       const struct guarded_link *l, struct berth_error *err)
{
	struct berth_error none;
	struct rtnl_link link;
	struct net_link_id id;

	net_link_id(l->ctid, l->n, &id);
	return rtnl_link_by_name(r, id.host, &link, &none) == 0 &&
	       net_alias_whose(link.alias, g->own) == NET_OURS &&
	       nft_has_link(nl, table, &id, err) == 0;
}

static int check_missing(struct nl *nl, struct rtnl *r, const struct guarded *g, const char *table,
			 struct berth_error *err)
{
	for (size_t i = 0; i < g->n; i++)
		if (!g->v[i].found && is_missing(nl, r, g, table, &g->v[i], err))
			return berth_error_set(err, BERTH_ERR_NET, ENOENT,
					       "CT %u: its link is missing from the nftables set "
					       "ct_links of table %s, which somebody has flushed; "
					       "load it again: systemctl restart berthd",
					       g->v[i].ctid, table);
	return 0;
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
	guarded_sort(&g);
	if (res == 0 && g.n > 0)
		res = nft_list_links(nl, table, strike_off, &g, err);
	/* The sets change under the list all the time where many CTs start: then one by one. */
	if (res == -EAGAIN)
		res = 0;
	if (res == 0)
		res = check_missing(nl, r, &g, table, err);
	free(g.v);
	return res;
}

struct net_guard *net_guard_new(const struct net_owner *owner)
{
	size_t size = strlen(owner->nft_table) + 1;
	struct net_guard *g = calloc(1, sizeof(*g) + size);

	if (g == NULL)
		return NULL;
	memcpy(g->table, owner->nft_table, size);
	(void)net_alias(owner, g->own);
	g->nl.fd = -EBADF;
	g->news.fd = -EBADF;
	return g;
}

void net_guard_free(struct net_guard *g)
{
	if (g == NULL)
		return;
	nl_close(&g->nl);
	nl_close(&g->news);
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

/* ---- hearing ---- */

int net_guard_listen(struct net_guard *g, struct berth_error *err)
{
	int r = nl_open(NETLINK_NETFILTER, "", &g->news, err);

	if (r == 0)
		r = nl_join(&g->news, NFNLGRP_NFTABLES, err);
	if (r < 0) {
		nl_close(&g->news);
		return r;
	}
	return g->news.fd;
}

struct news {
	const char *table;
	bool bad;
};

static int look_at_news(const struct nlmsghdr *nlh, void *data)
{
	struct news *n = data;

	n->bad = n->bad || nft_removes(nlh, n->table);
	return 0;
}

bool net_guard_hear(struct net_guard *g)
{
	struct news n = {.table = g->table};

	/* What was lost may have been what matters. */
	return nl_hear(&g->news, look_at_news, &n) < 0 || n.bad;
}
