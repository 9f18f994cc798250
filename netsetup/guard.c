/*
 * guard.c - is the packet filter still what it was? The kernel tells of every change of any table; what removes
 * something of ours is a reason to look. Looking may wait (for a lock of the kernel's, for 5000 links); hearing
 * does not.
 */
#include "netsetup/driver.h"
#include "netsetup/link.h"
#include "netsetup/nft.h"
#include "netsetup/nl.h"
#include "netsetup/rtnl.h"
#include "runtime/base/cleanup.h"

#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* Links that have left ct_links. Most were stopped, and are gone. */
enum {
	SUSPECTS_MAX = 64 /* then all are looked at */
};
struct suspects {
	unsigned int n;
	bool all;
	struct {
		uint32_t ctid;
		unsigned int n;
	} v[SUSPECTS_MAX];
};

struct net_guard {
	struct suspects heard; /* since the last take */
	struct suspects look; /* what a check looks at */
	int result; /* of the last check */
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
static int check_link(struct net_guard *g, struct rtnl *r, uint32_t ctid, unsigned int n,
		      struct berth_error *err)
{
	struct rtnl_link link;
	struct net_link_id id;
	enum net_whose whose;
	int has;

	net_link_id(ctid, n, &id);
	has = net_link_find(r, &id, g->own, &link, &whose, err);
	if (has < 0 || whose != NET_OURS)
		return has;
	has = nft_has_link(&g->nl, g->table, &id, err);
	if (has != 0)
		return has < 0 ? has : 0;
	return berth_error_set(err, BERTH_ERR_NET, ENOENT,
			       "CT %u: its link is missing from the nftables set "
			       "ct_links of table %s, which somebody has flushed; "
			       "load it again: systemctl restart berthd",
			       ctid, g->table);
}

static int check_all_links(struct net_guard *guard, struct berth_error *err)
{
	struct guarded g = {.own = guard->own};
	auto_ptr(rtnl_free) struct rtnl *r = NULL;
	int res = rtnl_open("", &r, err);

	if (res == 0)
		res = rtnl_list_veths(r, expect_link, &g, err);
	if (res == 0 && g.failed)
		res = berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for links");
	guarded_sort(&g);
	if (res == 0 && g.n > 0)
		res = nft_list_links(&guard->nl, guard->table, strike_off, &g, err);
	/* The sets change under the list all the time where many CTs start: then one by one. */
	if (res == -EAGAIN)
		res = 0;
	for (size_t i = 0; i < g.n && res == 0; i++)
		if (!g.v[i].found)
			res = check_link(guard, r, g.v[i].ctid, g.v[i].n, err);
	free(g.v);
	return res;
}

static int check_suspects(struct net_guard *g, struct berth_error *err)
{
	auto_ptr(rtnl_free) struct rtnl *r = NULL;
	int res = rtnl_open("", &r, err);

	for (unsigned int i = 0; i < g->look.n && res == 0; i++)
		res = check_link(g, r, g->look.v[i].ctid, g->look.v[i].n, err);
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
	g->look.all = true;
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

	if (r == 0 && !g->look.all) {
		r = check_suspects(g, err);
	} else if (r == 0) {
		r = nft_check_rules(&g->nl, g->table, err);
		if (r == 0)
			r = check_all_links(g, err);
	}
	if (r < 0 && r != -ENOENT)
		nl_close(&g->nl); /* who knows what is still to be read from it */
	g->result = r;
	return r;
}

void net_guard_take(struct net_guard *g)
{
	g->look = g->heard;
	g->look.all = g->heard.all || g->heard.n == 0 || g->result < 0;
	g->heard = (struct suspects){0};
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

static void suspect(const char *ifname, const struct net_addr *a, void *data)
{
	struct suspects *s = data;
	uint32_t ctid;
	unsigned int n;

	(void)a;
	if (net_link_from_ifname(ifname, &ctid, &n) < 0)
		return;
	for (unsigned int i = 0; i < s->n; i++)
		if (s->v[i].ctid == ctid && s->v[i].n == n)
			return;
	if (s->n == SUSPECTS_MAX) {
		s->all = true;
		return;
	}
	s->v[s->n].ctid = ctid;
	s->v[s->n++].n = n;
}

struct news {
	struct net_guard *guard;
	bool bad;
};

static int look_at_news(const struct nlmsghdr *nlh, void *data)
{
	struct news *n = data;
	struct suspects *heard = &n->guard->heard;

	switch (nft_news(nlh, n->guard->table, suspect, heard)) {
	case NFT_NEWS_ALL:
		heard->all = true;
		n->bad = true;
		break;
	case NFT_NEWS_LINKS:
		n->bad = true;
		break;
	case NFT_NEWS_NONE:
		break;
	}
	return 0;
}

bool net_guard_hear(struct net_guard *g)
{
	struct news n = {.guard = g};

	if (nl_hear(&g->news, look_at_news, &n) >= 0)
		return n.bad;
	/* What was lost may have been what matters. */
	g->heard.all = true;
	return true;
}
