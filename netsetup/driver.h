/*
 * driver.h - inside netsetup only: what a link driver implements. net_ct_up and its like (ct.c) call it for each link of
 * a CT, in the order of the array.
 */
#pragma once

#include "netsetup/link.h"
#include "netsetup/nft.h"
#include "netsetup/rtnl.h"

/* One element of a set of netsetup/berth.nft. */
struct net_element {
	uint16_t nf_family; /* NFPROTO_INET or NFPROTO_ARP */
	const char *set;
	bool by_link; /* the host interface name is in the key */
	const struct net_addr *addr; /* in the key, or NULL */
};

typedef void net_element_fn(const struct net_element *e, void *data);

/* What there is of a link. */
struct net_link_found {
	struct rtnl_link link; /* unless whose is NET_NOBODY */
	enum net_whose whose;
	struct net_addr_list *addrs; /* that the sets know; the driver may add more */
	bool lost; /* it may have others that the sets have lost */
};

struct net_driver {
	const char *name;
	/* On failure nothing of the link is left. -ENOTRECOVERABLE: see net_ct_up. */
	int (*up)(const struct net_ct *ct, const struct net_link *link, int netns_fd,
		  struct berth_error *err);
	/* Of the same number, in both CTs, which are one. Returns as net_ct_change. */
	int (*change)(const struct net_ct *now_ct, const struct net_link *now,
		      const struct net_ct *next_ct, const struct net_link *next, int netns_fd,
		      struct berth_error *err);
	/* Everything that was found, which may be nothing; another's link stays. The elements go last. */
	int (*down)(struct rtnl *r, const struct net_owner *owner, const struct net_link_id *id,
		    struct net_link_found *f, struct berth_error *err);
	/* Pure: calls fn for each element that a change puts into the sets. */
	void (*elements)(const struct nft_change *c, net_element_fn *fn, void *data);
};

/* The driver of a link that is there. Every link of ours is a venet's; another driver will say so in the alias. */
static inline const struct net_driver *net_driver_of(const struct rtnl_link *link)
{
	(void)link;
	return &net_venet;
}

/* ---- for the links of drivers that use veth pairs (link.c) ---- */

/* The link of that name, if there is one, and whose it is. own: of net_alias. */
int net_link_find(struct rtnl *r, const struct net_link_id *id, const char *own,
		  struct rtnl_link *ret, enum net_whose *ret_whose, struct berth_error *err);
/* Ours of that name, if there is one; another's is refused. */
int net_link_remove(struct rtnl *r, const struct net_link_id *id, const char *own,
		    struct berth_error *err);
/*
 * The kernel would remove the link by itself, with the CT's namespace, but in its own time: many are to be
 * removed one after the other. Returns when it is gone; a child that removed it may still be busy.
 */
int net_link_take(struct rtnl *r, const struct net_link_id *id, const char *own,
		  struct berth_error *err);
/* net_ct_down of this one link. */
int net_link_down(uint32_t ctid, unsigned int n, const struct net_owner *owner,
		  struct berth_error *err);

/* ---- for all drivers ---- */

/*
 * BERTH_ERR_ADDRESS_IN_USE when the way to a single address leads to another CT: it has the address, or a network that
 * the address is in. One question to the kernel (list.c).
 */
int net_addr_check_cts(struct rtnl *r, const struct net_addr *a, uint32_t ctid,
		       const struct net_owner *owner, struct berth_error *err);
