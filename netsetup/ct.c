/* ct.c - the links of a CT all together: up, changed while it runs, down. What one link is, its driver knows. */
#include "netsetup/driver.h"
#include "runtime/base/cleanup.h"

#include <errno.h>
#include <stdio.h>

enum {
	LABEL_MAX = 24,
	EVERY_LINK = -1
};

static const struct net_link *link_of(const struct net_ct *ct, unsigned int n)
{
	for (unsigned int i = 0; i < ct->n_links; i++)
		if (ct->links[i].n == n)
			return &ct->links[i];
	return NULL;
}

static int check_links(const struct net_ct *ct, struct berth_error *err)
{
	for (unsigned int i = 0; i < ct->n_links; i++)
		if (ct->links[i].n >= NET_LINK_MAX || link_of(ct, ct->links[i].n) != &ct->links[i])
			return berth_error_set(
				err, BERTH_ERR_VALUE, EINVAL,
				"CT %u: link %u is there twice, or is none of the %d "
				"that a CT can have",
				ct->ctid, ct->links[i].n, NET_LINK_MAX);
	return 0;
}

int net_ct_up(const struct net_ct *ct, int netns_fd, struct berth_error *err)
{
	int r = check_links(ct, err);
	unsigned int i;

	for (i = 0; i < ct->n_links && r == 0; i++)
		r = ct->links[i].driver->up(ct, &ct->links[i], netns_fd, err);
	/* The one that failed has cleaned up behind itself. */
	for (i = i > 0 ? i - 1 : 0; i > 0 && r < 0 && r != -ENOTRECOVERABLE; i--)
		(void)net_link_down(ct->ctid, ct->links[i - 1].n, &ct->owner, NULL);
	return r;
}

int net_ct_hold(const struct net_ct *ct, bool held, struct berth_error *err)
{
	int r = 0;

	for (unsigned int i = 0; i < ct->n_links && r == 0; i++) {
		struct net_link_id id;

		net_link_id(ct->ctid, ct->links[i].n, &id);
		r = nft_hold(ct->owner.nft_table, &id, held, err);
	}
	return r;
}

/* ---- down ---- */

/* What is to go down, and what is known of it. */
struct down {
	uint32_t ctid;
	const struct net_owner *owner;
	const struct net_known *known; /* all that it may have, or NULL */
	unsigned int n_known;
	int only; /* this link, or EVERY_LINK */
	struct rtnl *rtnl;
	struct nft_found found[NET_LINK_MAX]; /* of the sets */
	bool lost[NET_LINK_MAX]; /* they had less than is known */
};

/* Every CT has the first. */
static bool may_have(const struct down *d, unsigned int n)
{
	for (unsigned int i = 0; i < d->n_known; i++)
		if (d->known[i].link == n)
			return true;
	return d->known == NULL || n == 0;
}

/* Of one link: its elements are asked for by their keys. */
static int ask_known(struct down *d, const struct net_link_id *id, struct berth_error *err)
{
	struct nft_found *f = &d->found[id->n];
	struct net_addr_list all = {0};
	int r = 0;

	for (unsigned int i = 0; i < d->n_known && r == 0; i++)
		if (d->known[i].link == id->n && d->known[i].addr.family != 0)
			r = net_addr_list_add(&all, &d->known[i].addr);
	if (r < 0)
		(void)berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for addresses");
	else if (all.n > 0)
		r = nft_find_of(d->owner->nft_table, id, &all, &f->addrs, err);
	f->any = true;
	d->lost[id->n] = f->addrs.n < all.n;
	net_addr_list_free(&all);
	return r;
}

static int down_one(struct down *d, unsigned int n, struct berth_error *err)
{
	struct net_link_found f = {.addrs = &d->found[n].addrs};
	struct net_link_id id;
	char own[NET_ALIAS_MAX];
	int res;

	net_link_id(d->ctid, n, &id);
	res = net_link_find(d->rtnl, &id, net_alias(d->owner, own), &f.link, &f.whose, err);
	/* Elements of that name are the other's. */
	if (res < 0 || f.whose == NET_FOREIGN_SAME_TABLE)
		return res;
	if (d->known != NULL && (res = ask_known(d, &id, err)) < 0)
		return res;
	/* What is left of the first is removed by its keys, seen or not. */
	if (n > 0 && f.whose != NET_OURS && !d->found[n].any)
		return 0;
	f.lost = d->known == NULL || d->lost[n];
	return net_driver_of(&f.link)->down(d->rtnl, d->owner, &id, &f, err);
}

/* All of them, whatever comes: the first error is the one that is told. */
static int down(struct down *d, struct berth_error *err)
{
	struct berth_error e;
	char label[LABEL_MAX];
	int first, res;

	(void)snprintf(label, sizeof(label), "CT %u", d->ctid);
	first = rtnl_open(label, &d->rtnl, err);
	if (first == 0 && d->known == NULL)
		first = nft_find(d->owner->nft_table, d->ctid, d->found, err);
	for (unsigned int n = 0, end = first == 0 ? NET_LINK_MAX : 0; n < end; n++) {
		if ((d->only != EVERY_LINK && n != (unsigned int)d->only) || !may_have(d, n))
			continue;
		res = down_one(d, n, &e);
		if (res < 0 && first == 0) {
			first = res;
			if (err != NULL)
				*err = e;
		}
	}
	for (unsigned int n = 0; n < NET_LINK_MAX; n++)
		net_addr_list_free(&d->found[n].addrs);
	rtnl_free(&d->rtnl);
	return first;
}

int net_ct_down(uint32_t ctid, const struct net_owner *owner, struct berth_error *err)
{
	return net_ct_down_known(ctid, owner, NULL, 0, err);
}

int net_ct_down_known(uint32_t ctid, const struct net_owner *owner, const struct net_known *known,
		      unsigned int n_known, struct berth_error *err)
{
	struct down d = {.ctid = ctid,
			 .owner = owner,
			 .known = known,
			 .n_known = n_known,
			 .only = EVERY_LINK};

	return down(&d, err);
}

int net_link_down(uint32_t ctid, unsigned int n, const struct net_owner *owner,
		  struct berth_error *err)
{
	struct down d = {.ctid = ctid, .owner = owner, .only = (int)n};

	return down(&d, err);
}

/* ---- change ---- */

/* One link, that may come or go; another driver is another link. Returns as net_ct_change. */
static int change_one(const struct net_ct *now_ct, const struct net_ct *next_ct, unsigned int n,
		      int netns_fd, struct berth_error *err)
{
	const struct net_link *now = link_of(now_ct, n), *next = link_of(next_ct, n);
	int r = 0;

	if (now != NULL && next != NULL && now->driver == next->driver)
		return now->driver->change(now_ct, now, next_ct, next, netns_fd, err);
	if (now != NULL)
		r = net_link_down(now_ct->ctid, n, &now_ct->owner, err);
	if (r == 0 && next != NULL) {
		r = next->driver->up(next_ct, next, netns_fd, err);
		if (r < 0 && r != -ENOTRECOVERABLE && now != NULL)
			(void)now->driver->up(now_ct, now, netns_fd, NULL);
	}
	return r;
}

int net_ct_change(const struct net_ct *now, const struct net_ct *next, int netns_fd,
		  struct berth_error *err)
{
	struct net_ct unasked = *now;
	int r = check_links(next, err), refused = 0;
	unsigned int n;

	for (n = 0; n < NET_LINK_MAX && r >= 0; n++) {
		r = change_one(now, next, n, netns_fd, err);
		refused = r == NET_GUEST_REFUSES ? r : refused;
	}
	if (r >= 0)
		return refused;
	/* What the CT had is given back without a question to the wire. */
	unasked.probe = false;
	for (n = n > 0 ? n - 1 : 0; n > 0 && r != -ENOTRECOVERABLE; n--)
		if (change_one(next, &unasked, n - 1, netns_fd, NULL) == -ENOTRECOVERABLE)
			return -ENOTRECOVERABLE;
	return r;
}
