/* rtnl_link.c - links by rtnetlink: made, changed, removed, found. */
#include "netsetup/rtnl_msg.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <string.h>

static void put_end(struct nlmsghdr *nlh, const char *name, const uint8_t *mac, uint32_t mtu)
{
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	/* One queue: the default of a queue a CPU costs memory and time and brings nothing here. */
	mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(nlh, IFLA_NUM_RX_QUEUES, 1);
	if (mtu != 0)
		mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
}

void rtnl_veth_add(struct rtnl *r, const struct rtnl_veth *v)
{
	struct ifinfomsg *head, *peer_head;
	struct nlattr *info, *data, *peer;
	struct nlmsghdr *nlh;
	void *p;

	nlh = rtnl_msg_begin(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*head), &p);
	head = p;
	head->ifi_index = v->index;
	put_end(nlh, v->name, v->mac, v->mtu);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	peer_head = mnl_nlmsg_put_extra_header(nlh, sizeof(*peer_head));
	peer_head->ifi_index = v->peer_index;
	put_end(nlh, v->peer_name, v->peer_mac, v->mtu);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (uint32_t)v->peer_netns);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	rtnl_msg_end(r, nlh, 0, "make the veth pair %s and %s", v->name, v->peer_name);
}

void rtnl_link_del(struct rtnl *r, const char *name)
{
	struct nlmsghdr *nlh;
	void *head;

	nlh = rtnl_msg_begin(r, RTM_DELLINK, 0, sizeof(struct ifinfomsg), &head);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	rtnl_msg_end(r, nlh, ENODEV, "remove the link %s", name);
}

static void put_af_spec(struct nlmsghdr *nlh, const struct rtnl_link_change *c)
{
	struct nlattr *spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC), *family, *conf;

	if (c->n_inet > 0) {
		family = mnl_attr_nest_start(nlh, AF_INET);
		conf = mnl_attr_nest_start(nlh, IFLA_INET_CONF);
		for (unsigned int i = 0; i < c->n_inet; i++)
			mnl_attr_put_u32(nlh, c->inet[i].id, c->inet[i].value);
		mnl_attr_nest_end(nlh, conf);
		mnl_attr_nest_end(nlh, family);
	}
	if (c->no_link_local) {
		family = mnl_attr_nest_start(nlh, AF_INET6);
		mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
		mnl_attr_nest_end(nlh, family);
	}
	mnl_attr_nest_end(nlh, spec);
}

void rtnl_link_change(struct rtnl *r, const struct rtnl_link_change *c)
{
	struct ifinfomsg *head;
	struct nlmsghdr *nlh;
	void *p;

	nlh = rtnl_msg_begin(r, RTM_SETLINK, 0, sizeof(*head), &p);
	head = p;
	head->ifi_index = c->index;
	if (c->up) {
		head->ifi_flags = IFF_UP;
		head->ifi_change = IFF_UP;
	}
	if (c->alias != NULL)
		mnl_attr_put_strz(nlh, IFLA_IFALIAS, c->alias);
	if (c->mtu != 0)
		mnl_attr_put_u32(nlh, IFLA_MTU, c->mtu);
	if (c->n_inet > 0 || c->no_link_local)
		put_af_spec(nlh, c);
	rtnl_msg_end(r, nlh, 0, "set up the link with number %d", c->index);
}

/* ---- questions ---- */

static void read_link_info(const struct nlattr *info, struct rtnl_link *link)
{
	const struct nlattr *a;
	char kind[16];

	FOR_EACH_ATTR(a, mnl_attr_get_payload(info), mnl_attr_next(info))
	{
		if (mnl_attr_get_type(a) != IFLA_INFO_KIND)
			continue;
		rtnl_attr_text(a, kind, sizeof(kind));
		link->veth = strcmp(kind, "veth") == 0;
	}
}

static void read_link_attr(const struct nlattr *a, struct rtnl_link *link)
{
	struct rtnl_link_stats64 s;

	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		rtnl_attr_text(a, link->name, sizeof(link->name));
		break;
	case IFLA_IFALIAS:
		rtnl_attr_text(a, link->alias, sizeof(link->alias));
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(link->mac))
			memcpy(link->mac, mnl_attr_get_payload(a), sizeof(link->mac));
		break;
	case IFLA_LINKINFO:
		read_link_info(a, link);
		break;
	case IFLA_STATS64:
		if (!rtnl_attr_has(a, offsetof(struct rtnl_link_stats64, rx_errors)))
			break;
		memcpy(&s, mnl_attr_get_payload(a), offsetof(struct rtnl_link_stats64, rx_errors));
		link->counters = (struct net_counters){.rx_bytes = s.rx_bytes,
						       .rx_packets = s.rx_packets,
						       .tx_bytes = s.tx_bytes,
						       .tx_packets = s.tx_packets};
		break;
	default:
		break;
	}
}

static int read_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(nlh);
	struct rtnl_link *link = data;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*head))
		return -EPROTO;
	*link = (struct rtnl_link){.index = head->ifi_index,
				   .ether = head->ifi_type == ARPHRD_ETHER,
				   .up = (head->ifi_flags & IFF_UP) != 0,
				   .carrier = (head->ifi_flags & IFF_RUNNING) != 0};
	FOR_EACH_ATTR_OF(a, nlh, sizeof(*head)) read_link_attr(a, link);
	return 0;
}

int rtnl_link_by_name(struct rtnl *r, const char *name, struct rtnl_link *ret,
		      struct berth_error *err)
{
	struct rtnl_request q;
	char what[NL_WHAT_MAX];

	rtnl_request_begin(r, &q, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(q.nlh, IFLA_IFNAME, name);
	(void)snprintf(what, sizeof(what), "look for the link %s", name);
	return nl_request(&r->nl, q.nlh, what, read_link, ret, err);
}

int rtnl_link_by_index(struct rtnl *r, int index, struct rtnl_link *ret, struct berth_error *err)
{
	struct rtnl_request q;
	struct ifinfomsg *head;

	rtnl_request_begin(r, &q, RTM_GETLINK, 0, sizeof(*head));
	head = q.head;
	head->ifi_index = index;
	return nl_request(&r->nl, q.nlh, "look for a link by its number", read_link, ret, err);
}

struct link_list {
	rtnl_link_fn *fn;
	void *data;
	bool veths; /* only these */
};

static int list_link(const struct nlmsghdr *nlh, void *data)
{
	struct link_list *list = data;
	struct rtnl_link link;
	int r = read_link(nlh, &link);

	if (r == 0 && (link.veth || !list->veths))
		list->fn(&link, list->data);
	return r;
}

static int list_links(struct rtnl *r, struct link_list *list, struct berth_error *err)
{
	struct nlattr *info;
	struct rtnl_request q;

	rtnl_request_begin(r, &q, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(q.nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (list->veths) {
		info = mnl_attr_nest_start(q.nlh, IFLA_LINKINFO);
		mnl_attr_put_strz(q.nlh, IFLA_INFO_KIND, "veth");
		mnl_attr_nest_end(q.nlh, info);
	}
	return rtnl_request_dump(r, &q, "list the links", list_link, list, err);
}

int rtnl_list_links(struct rtnl *r, rtnl_link_fn *fn, void *data, struct berth_error *err)
{
	return list_links(r, &(struct link_list){.fn = fn, .data = data}, err);
}

int rtnl_list_veths(struct rtnl *r, rtnl_link_fn *fn, void *data, struct berth_error *err)
{
	return list_links(r, &(struct link_list){.fn = fn, .data = data, .veths = true}, err);
}

bool rtnl_has_veth(struct rtnl *r)
{
	static const uint8_t multicast[6] = {0x01};
	struct berth_error err = {0};
	struct nlattr *info;
	struct nlmsghdr *nlh;
	void *head;

	/* A link with a multicast MAC: known kinds refuse the MAC, unknown ones the kind. */
	nlh = rtnl_msg_begin(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg),
			     &head);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(multicast), multicast);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	mnl_attr_nest_end(nlh, info);
	rtnl_msg_end(r, nlh, 0, "look for the link kind veth");
	return rtnl_commit(r, &err) == -EADDRNOTAVAIL;
}
