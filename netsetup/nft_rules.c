/* nft_rules.c - are the rules of our table there, and does another one drop what is forwarded? */
#include "netsetup/nft.h"

#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* Chains that must have rules, or the table is not ours any more. */
static const struct {
	uint16_t nf_family;
	const char *chain;
} chains[] = {
	{NFPROTO_INET, "guard"},       {NFPROTO_INET, "from_ct4"}, {NFPROTO_INET, "from_ct6"},
	{NFPROTO_INET, "forward"},     {NFPROTO_INET, "to_ct"},	   {NFPROTO_INET, "input"},
	{NFPROTO_INET, "outside"},     {NFPROTO_ARP, "input"},	   {NFPROTO_ARP, "from_ct"},
	{NFPROTO_INET, "limit_flows"}, {NFPROTO_INET, "flooding"}, {NFPROTO_INET, "hold"},
};

static int count_message(const struct nlmsghdr *nlh, void *data)
{
	unsigned int *n = data;

	(void)nlh;
	(*n)++;
	return 0;
}

static int count_rules(struct nl *nl, const char *table, uint16_t nf_family, const char *chain,
		       unsigned int *ret, struct berth_error *err)
{
	_Alignas(struct nlmsghdr) char buf[NFT_REQUEST_SIZE];
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *nlh;
	unsigned int n = 0;
	int r;

	if (rule == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for nftables");
	(void)nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table);
	(void)nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, nf_family, NLM_F_DUMP, ++nl->seq);
	nftnl_rule_nlmsg_build_payload(nlh, rule);
	nftnl_rule_free(rule);
	r = nl_request(nl, nlh, "read the nftables rules", count_message, &n, err);
	if (nft_is_absent(r) || r == -EAGAIN) /* changing just now: then they are there */
		r = 0;
	*ret = n;
	return r;
}

int nft_check_rules(struct nl *nl, const char *table, struct berth_error *err)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]) && r == 0; i++) {
		unsigned int n = 0;

		r = count_rules(nl, table, chains[i].nf_family, chains[i].chain, &n, err);
		if (r == 0 && n == 0)
			r = berth_error_set(
				err, BERTH_ERR_NET, ENOENT,
				"the nftables table %s has no rules in chain %s: somebody has "
				"flushed it; load it again: systemctl restart berthd",
				table, chains[i].chain);
	}
	return r;
}

struct forward_drop {
	const char *own;
	char *table;
	size_t size;
};

static int look_at_chain(const struct nlmsghdr *nlh, void *data)
{
	struct forward_drop *d = data;
	struct nftnl_chain *c = nftnl_chain_alloc();
	const char *table;

	if (c == NULL)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(nlh, c) == 0 && nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM) &&
	    nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) == NF_INET_FORWARD &&
	    nftnl_chain_is_set(c, NFTNL_CHAIN_POLICY) &&
	    nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) == NF_DROP) {
		table = nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE);
		if (table != NULL && strcmp(table, d->own) != 0)
			(void)snprintf(d->table, d->size, "%s", table);
	}
	nftnl_chain_free(c);
	return 0;
}

int nft_find_forward_drop(const char *table, char *ret_table, size_t size, struct berth_error *err)
{
	static const uint16_t families[] = {NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6};
	struct forward_drop d = {.own = table, .table = ret_table, .size = size};
	struct nl nl = {.fd = -EBADF};
	int r = nl_open(NETLINK_NETFILTER, "", &nl, err);

	ret_table[0] = '\0';
	for (int i = 0; i < 3 && r == 0; i++) {
		_Alignas(struct nlmsghdr) char buf[NFT_REQUEST_SIZE];
		struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETCHAIN, families[i],
							     NLM_F_DUMP, ++nl.seq);

		r = nl_request(&nl, nlh, "read the nftables chains", look_at_chain, &d, err);
		if (nft_is_absent(r) || r == -EAGAIN)
			r = 0;
	}
	nl_close(&nl);
	return r;
}
