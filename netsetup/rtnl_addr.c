/* rtnl_addr.c - addresses, routes and neighbours by rtnetlink. */
#include "netsetup/rtnl_msg.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <string.h>

/*
 * The gateway's address is every CT's: were it of wider scope, the host would take it for its own when it
 * talks to a CT, and the CT's answer would be one to the gateway.
 */
static bool is_gateway4(const struct net_addr *a)
{
	return a->family == AF_INET && ntohl(a->v4.s_addr) >> 16 == 0xa9fe;
}

void rtnl_addr(struct rtnl *r, enum rtnl_op op, int index, const struct net_addr *a)
{
	struct ifaddrmsg *head;
	struct nlmsghdr *nlh;
	char text[NET_ADDR_TEXT];
	void *p;

	nlh = rtnl_msg_begin(r, RTM_NEWADDR + rtnl_ops[op].delta, rtnl_ops[op].flags, sizeof(*head),
			     &p);
	head = p;
	head->ifa_family = (uint8_t)a->family;
	head->ifa_prefixlen = a->prefix;
	head->ifa_index = (uint32_t)index;
	if (is_gateway4(a))
		head->ifa_scope = RT_SCOPE_HOST;
	if (op != RTNL_DEL)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	rtnl_put_addr(nlh, IFA_LOCAL, a);
	rtnl_put_addr(nlh, IFA_ADDRESS, a);
	/* The guest's root may have removed it before us, perhaps with the link's whole stack. */
	rtnl_msg_end(r, nlh, op == RTNL_DEL ? EADDRNOTAVAIL : 0, "%s the address %s",
		     rtnl_ops[op].verb, net_addr_format(a, text));
}

void rtnl_route(struct rtnl *r, enum rtnl_op op, const struct rtnl_route *route)
{
	struct rtmsg *head;
	struct nlmsghdr *nlh;
	char text[NET_ADDR_TEXT];
	void *p;

	nlh = rtnl_msg_begin(r, RTM_NEWROUTE + rtnl_ops[op].delta, rtnl_ops[op].flags,
			     sizeof(*head), &p);
	head = p;
	head->rtm_family = (uint8_t)route->family;
	head->rtm_table = RT_TABLE_MAIN;
	head->rtm_protocol = route->protocol;
	head->rtm_type = RTN_UNICAST;
	head->rtm_scope = route->via != NULL || op == RTNL_DEL ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	if (op == RTNL_DEL)
		head->rtm_scope = RT_SCOPE_NOWHERE; /* whatever scope it has */
	if (route->dst != NULL) {
		head->rtm_dst_len = net_addr_is_net(route->dst) ? route->dst->prefix
								: net_addr_bits(route->dst);
		rtnl_put_addr(nlh, RTA_DST, route->dst);
	}
	if (route->via != NULL) {
		head->rtm_flags = RTNH_F_ONLINK;
		rtnl_put_addr(nlh, RTA_GATEWAY, route->via);
	}
	if (route->src != NULL)
		rtnl_put_addr(nlh, RTA_PREFSRC, route->src);
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)route->index);
	rtnl_msg_end(r, nlh, op == RTNL_DEL ? ESRCH : 0, "%s the route to %s", rtnl_ops[op].verb,
		     route->dst != NULL ? rtnl_addr_text(route->dst, text) : "everything else");
}

static struct nlmsghdr *neigh_begin(struct rtnl *r, enum rtnl_op op, int index,
				    const struct net_addr *a, struct ndmsg **ret_head)
{
	unsigned int flags = op == RTNL_DEL ? 0 : NLM_F_CREATE | NLM_F_REPLACE;
	struct nlmsghdr *nlh;
	void *p;

	nlh = rtnl_msg_begin(r, RTM_NEWNEIGH + rtnl_ops[op].delta, flags, sizeof(**ret_head), &p);
	*ret_head = p;
	(*ret_head)->ndm_family = (uint8_t)a->family;
	(*ret_head)->ndm_ifindex = index;
	rtnl_put_addr(nlh, NDA_DST, a);
	return nlh;
}

void rtnl_neigh(struct rtnl *r, enum rtnl_op op, int index, const struct net_addr *a,
		const uint8_t mac[6])
{
	struct nlmsghdr *nlh;
	struct ndmsg *head;
	char text[NET_ADDR_TEXT];

	nlh = neigh_begin(r, op, index, a, &head);
	head->ndm_state = NUD_PERMANENT;
	if (op != RTNL_DEL)
		mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	rtnl_msg_end(r, nlh, op == RTNL_DEL ? ENOENT : 0, "%s the neighbour %s", rtnl_ops[op].verb,
		     rtnl_addr_text(a, text));
}

void rtnl_proxy(struct rtnl *r, enum rtnl_op op, int index, const struct net_addr *a,
		uint8_t protocol)
{
	struct nlmsghdr *nlh;
	struct ndmsg *head;
	char text[NET_ADDR_TEXT];

	nlh = neigh_begin(r, op, index, a, &head);
	head->ndm_flags = NTF_PROXY;
	if (op != RTNL_DEL)
		mnl_attr_put_u8(nlh, NDA_PROTOCOL, protocol);
	rtnl_msg_end(r, nlh, op == RTNL_DEL ? ENOENT : 0, "%s the proxy entry for %s",
		     rtnl_ops[op].verb, rtnl_addr_text(a, text));
}

/* ---- questions ---- */
struct entry_list {
	rtnl_entry_fn *fn;
	void *data;
	int index;
	uint8_t protocol;
};

static int list_addr(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(nlh);
	struct entry_list *list = data;
	struct rtnl_entry e = {0};
	const struct nlattr *a;
	bool local = false, found = false;

	if (nlh->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*head))
		return -EPROTO;
	if (head->ifa_family != AF_INET && head->ifa_family != AF_INET6)
		return 0;
	e.index = (int)head->ifa_index;
	/* IFA_LOCAL is our own end of a point-to-point link; IPv6 has it only there. */
	FOR_EACH_ATTR_OF(a, nlh, sizeof(*head))
	{
		if (mnl_attr_get_type(a) == IFA_LOCAL)
			local = found = rtnl_attr_addr(a, head->ifa_family, &e.addr);
		else if (mnl_attr_get_type(a) == IFA_ADDRESS && !local)
			found = rtnl_attr_addr(a, head->ifa_family, &e.addr);
	}
	e.addr.prefix = head->ifa_prefixlen;
	if (found)
		list->fn(&e, list->data);
	return 0;
}

int rtnl_list_addrs(struct rtnl *r, rtnl_entry_fn *fn, void *data, struct berth_error *err)
{
	struct entry_list list = {.fn = fn, .data = data};
	struct rtnl_request q;

	rtnl_request_begin(r, &q, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	return rtnl_request_dump(r, &q, "list the addresses", list_addr, &list, err);
}

static int read_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(nlh);
	struct rtnl_entry *e = data;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*head))
		return -EPROTO;
	*e = (struct rtnl_entry){.protocol = head->rtm_protocol, .type = head->rtm_type};
	e->addr.family = head->rtm_family;
	e->addr.prefix = head->rtm_dst_len;
	FOR_EACH_ATTR_OF(a, nlh, sizeof(*head))
	{
		if (mnl_attr_get_type(a) == RTA_DST)
			(void)rtnl_attr_addr(a, head->rtm_family, &e->addr);
		else if (mnl_attr_get_type(a) == RTA_OIF && rtnl_attr_has(a, sizeof(uint32_t)))
			e->index = (int)mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == RTA_GATEWAY || mnl_attr_get_type(a) == RTA_VIA)
			e->via = true;
	}
	return 0;
}

int rtnl_route_lookup(struct rtnl *r, const struct net_addr *a, struct rtnl_entry *ret,
		      struct berth_error *err)
{
	struct rtnl_request q;
	struct rtmsg *head;
	char what[NL_WHAT_MAX], text[NET_ADDR_TEXT];

	rtnl_request_begin(r, &q, RTM_GETROUTE, 0, sizeof(*head));
	head = q.head;
	head->rtm_family = (uint8_t)a->family;
	head->rtm_dst_len = net_addr_bits(a);
	head->rtm_flags = RTM_F_FIB_MATCH;
	rtnl_put_addr(q.nlh, RTA_DST, a);
	(void)snprintf(what, sizeof(what), "look up the route to %s", rtnl_addr_text(a, text));
	return nl_request(&r->nl, q.nlh, what, read_route, ret, err);
}

static int list_route(const struct nlmsghdr *nlh, void *data)
{
	struct entry_list *list = data;
	const struct rtmsg *head = mnl_nlmsg_get_payload(nlh);
	struct rtnl_entry e;
	int r = read_route(nlh, &e);

	if (r < 0 || head->rtm_table != RT_TABLE_MAIN || (head->rtm_flags & RTM_F_CLONED) != 0)
		return r;
	if ((list->index == 0 || list->index == e.index) &&
	    (list->protocol == 0 || list->protocol == e.protocol))
		list->fn(&e, list->data);
	return 0;
}

int rtnl_list_routes(struct rtnl *r, int index, uint8_t protocol, rtnl_entry_fn *fn, void *data,
		     struct berth_error *err)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct entry_list list = {.fn = fn, .data = data, .index = index, .protocol = protocol};
	int res = 0;

	for (int i = 0; i < 2 && res == 0; i++) {
		struct rtnl_request q;
		struct rtmsg *head;

		rtnl_request_begin(r, &q, RTM_GETROUTE, NLM_F_DUMP, sizeof(*head));
		head = q.head;
		head->rtm_family = (uint8_t)families[i];
		head->rtm_table = RT_TABLE_MAIN;
		head->rtm_protocol = protocol;
		if (index != 0)
			mnl_attr_put_u32(q.nlh, RTA_OIF, (uint32_t)index);
		res = rtnl_request_dump(r, &q, "list the routes", list_route, &list, err);
	}
	return res;
}

static int list_proxy(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *head = mnl_nlmsg_get_payload(nlh);
	struct entry_list *list = data;
	struct rtnl_entry e = {0};
	const struct nlattr *a;
	bool found = false;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(nlh) < sizeof(*head))
		return -EPROTO;
	if ((head->ndm_flags & NTF_PROXY) == 0)
		return 0;
	e.index = head->ndm_ifindex;
	FOR_EACH_ATTR_OF(a, nlh, sizeof(*head))
	{
		if (mnl_attr_get_type(a) == NDA_DST)
			found = rtnl_attr_addr(a, head->ndm_family, &e.addr);
		else if (mnl_attr_get_type(a) == NDA_PROTOCOL && rtnl_attr_has(a, 1))
			e.protocol = mnl_attr_get_u8(a);
	}
	e.addr.prefix = net_addr_bits(&e.addr);
	if (found)
		list->fn(&e, list->data);
	return 0;
}

int rtnl_list_proxies(struct rtnl *r, rtnl_entry_fn *fn, void *data, struct berth_error *err)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct entry_list list = {.fn = fn, .data = data};
	int res = 0;

	for (int i = 0; i < 2 && res == 0; i++) {
		struct rtnl_request q;
		struct ndmsg *head;

		rtnl_request_begin(r, &q, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*head));
		head = q.head;
		head->ndm_family = (uint8_t)families[i];
		head->ndm_flags = NTF_PROXY;
		res = rtnl_request_dump(r, &q, "list the proxy entries", list_proxy, &list, err);
	}
	return res;
}
