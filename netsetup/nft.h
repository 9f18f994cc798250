/*
 * nft.h - inside netsetup only: the elements of CTs in the sets of netsetup/berth.nft.
 */
#pragma once

#include "netsetup/link.h"
#include "netsetup/net.h"
#include "netsetup/nl.h"

#include <errno.h>

enum {
	NFT_REQUEST_SIZE = 256
};

/* No such set, chain, table or nf_tables at all: then it is empty. */
static inline bool nft_is_absent(int r)
{
	return r == -ENOENT || r == -EOPNOTSUPP || r == -EAFNOSUPPORT || r == -EPROTONOSUPPORT;
}

/* Addresses that were found in the kernel. malloc'ed by the functions that fill it. */
struct net_addr_list {
	struct net_addr *v;
	unsigned int n, max;
};

void net_addr_list_free(struct net_addr_list *list);
/* Once each; -ENOMEM. */
int net_addr_list_add(struct net_addr_list *list, const struct net_addr *a);

/* What is to be added: addresses, and with them the link itself when the CT starts. */
struct nft_change {
	const struct net_driver *driver; /* knows which elements */
	const struct net_link_id *id;
	const struct net_addr *addrs;
	unsigned int n_addrs;
	bool nat;
	bool link;
	bool held; /* with the link: see net_ct */
};

/*
 * One transaction: all or nothing. -EEXIST when one of the elements is there already, -ENOENT when
 * the table is not.
 */
int nft_add(const char *table, const struct nft_change *c, struct berth_error *err);

/* The link's member of the set held: there from now on, or not. */
int nft_hold(const char *table, const struct net_link_id *id, bool held, struct berth_error *err);

/*
 * Removes what is there of the link, everything (addrs NULL) or what belongs to these addresses.
 * Addresses of the link that were found are added to found, if it is not NULL. Nothing there, or no
 * table, is success.
 */
int nft_remove(const char *table, const struct net_link_id *id, const struct net_addr *addrs,
	       unsigned int n_addrs, struct net_addr_list *found, struct berth_error *err);
/* All of the link and of these addresses, of which nft_find has told. It does not look for others. */
int nft_remove_link(const char *table, const struct net_link_id *id,
		    const struct net_addr_list *addrs, struct berth_error *err);

/* What the sets have of a link. */
struct nft_found {
	bool any;
	struct net_addr_list addrs; /* without the link-local one */
};

/* Added to ret, of each link of the CT, by its number; nothing is removed. The caller frees the lists, after a failure too. */
int nft_find(const char *table, uint32_t ctid, struct nft_found ret[static NET_LINK_MAX],
	     struct berth_error *err);
/* Those of maybe that the sets call the link's are added to ret. No set is read from end to end. */
int nft_find_of(const char *table, const struct net_link_id *id, const struct net_addr_list *maybe,
		struct net_addr_list *ret, struct berth_error *err);

/* By a socket for NETLINK_NETFILTER. 0 when every chain of the ruleset has rules; -ENOENT when something of it is missing. */
int nft_check_rules(struct nl *nl, const char *table, struct berth_error *err);

/* Calls fn for each host interface name in ct_links of the table, where a says nothing. */
typedef void nft_link_fn(const char *ifname, const struct net_addr *a, void *data);
int nft_list_links(struct nl *nl, const char *table, nft_link_fn *fn, void *data,
		   struct berth_error *err);

/* 1 when the link is in every set that every link has to be in, 0 when not. */
int nft_has_link(struct nl *nl, const char *table, const struct net_link_id *id,
		 struct berth_error *err);

/* What a message of the kernel's to its group of nftables listeners tells of the table. */
enum nft_news {
	NFT_NEWS_NONE, /* nothing that matters */
	NFT_NEWS_LINKS, /* it has lost members of ct_links */
	NFT_NEWS_ALL /* it has lost a rule, a chain, a set or itself */
};

/* Pure. Calls fn for each member that is lost. */
enum nft_news nft_news(const struct nlmsghdr *nlh, const char *table, nft_link_fn *fn, void *data);

/* The first table, not the named one, that drops what is forwarded by default; "" if none. */
int nft_find_forward_drop(const char *table, char *ret_table, size_t size, struct berth_error *err);
