/*
 * rtnl.c - rtnetlink messages, made and read with libmnl.
 *
 * What is on the wire stays in this file; venet.c and its neighbours say what they want.
 */
#include "netsetup/rtnl.h"

#include "netsetup/link.h"
#include "netsetup/nl.h"
#include "runtime/base/cleanup.h"

#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdarg.h>
#include <string.h>

/* Room for one message; a queue of 64 stays far below the socket's limits, acks included. */
enum {
	MSG_ROOM = 768,
	QUEUE_MAX = 64,
	QUEUE_SIZE = 16384,
	DUMP_TRIES = 5
};

struct rtnl {
	struct nl nl;
	unsigned int n;
	size_t used;
	int failed; /* of a flush that a full queue forced */
	struct berth_error error;
	struct nl_expect expect[QUEUE_MAX];
	_Alignas(struct nlmsghdr) char queue[QUEUE_SIZE];
};

int rtnl_open(const char *label, struct rtnl **ret, struct berth_error *err)
{
	struct rtnl *r = malloc(sizeof(*r));
	int res;

	if (r == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for netlink");
	r->n = 0;
	r->used = 0;
	r->failed = 0;
	res = nl_open(NETLINK_ROUTE, label, &r->nl, err);
	if (res < 0) {
		free(r);
		return res;
	}
	*ret = r;
	return 0;
}

void rtnl_free(struct rtnl **r)
{
	if (*r == NULL)
		return;
	nl_close(&(*r)->nl);
	free(*r);
	*r = NULL;
}

/* ---- the queue ---- */

static void queue_flush(struct rtnl *r)
{
	if (r->n > 0 && r->failed == 0)
		r->failed = nl_transact(&r->nl, r->queue, r->used, r->expect, r->n, &r->error);
	r->n = 0;
	r->used = 0;
}

int rtnl_commit(struct rtnl *r, struct berth_error *err)
{
	int failed;

	queue_flush(r);
	failed = r->failed;
	r->failed = 0;
	if (failed < 0 && err != NULL)
		*err = r->error;
	return failed;
}

/* Begins a message at the end of the queue. head_size: struct ifinfomsg, rtmsg, ... */
static struct nlmsghdr *msg_begin(struct rtnl *r, int type, unsigned int flags, size_t head_size,
				  void **ret_head)
{
	struct nlmsghdr *nlh;

	if (r->n == QUEUE_MAX || r->used + MSG_ROOM > sizeof(r->queue))
		queue_flush(r);
	nlh = mnl_nlmsg_put_header(r->queue + r->used);
	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	nlh->nlmsg_seq = ++r->nl.seq;
	*ret_head = mnl_nlmsg_put_extra_header(nlh, head_size);
	return nlh;
}

__attribute__((format(printf, 4, 5))) static void
msg_end(struct rtnl *r, const struct nlmsghdr *nlh, int ignore, const char *fmt, ...)
{
	struct nl_expect *x = &r->expect[r->n++];
	va_list ap;

	x->seq = nlh->nlmsg_seq;
	x->ignore[0] = ignore;
	/* What was on a link went with it: a tenant may remove its end at any time. */
	x->ignore[1] = ignore == ENOENT || ignore == ESRCH ? ENODEV : 0;
	va_start(ap, fmt);
	(void)vsnprintf(x->what, sizeof(x->what), fmt, ap);
	va_end(ap);
	r->used += NLMSG_ALIGN(nlh->nlmsg_len);
}

/* What an operation is to the kernel: message type, flags, and the errno that does no harm. */
struct op_row {
	int delta; /* RTM_DELx is RTM_NEWx + 1 */
	unsigned int flags;
	const char *verb;
};

static const struct op_row ops[] = {
	[RTNL_ADD] = {0, NLM_F_CREATE | NLM_F_EXCL, "add"},
	[RTNL_REPLACE] = {0, NLM_F_CREATE | NLM_F_REPLACE, "set"},
	[RTNL_DEL] = {1, 0, "remove"},
};

static void put_addr(struct nlmsghdr *nlh, int type, const struct net_addr *a)
{
	mnl_attr_put(nlh, (uint16_t)type, net_addr_size(a), net_addr_bytes(a));
}

static const char *addr_text(const struct net_addr *a, char *buf)
{
	struct net_addr host = *a;

	host.prefix = net_addr_bits(a);
	return net_addr_format(&host, buf);
}

/* ---- links ---- */

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

	nlh = msg_begin(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*head), &p);
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
	msg_end(r, nlh, 0, "make the veth pair %s and %s", v->name, v->peer_name);
}

void rtnl_link_del(struct rtnl *r, const char *name)
{
	struct nlmsghdr *nlh;
	void *head;

	nlh = msg_begin(r, RTM_DELLINK, 0, sizeof(struct ifinfomsg), &head);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	msg_end(r, nlh, ENODEV, "remove the link %s", name);
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

	nlh = msg_begin(r, RTM_SETLINK, 0, sizeof(*head), &p);
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
	msg_end(r, nlh, 0, "set up the link with number %d", c->index);
}

/* ---- addresses, routes, neighbours ---- */

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

	nlh = msg_begin(r, RTM_NEWADDR + ops[op].delta, ops[op].flags, sizeof(*head), &p);
	head = p;
	head->ifa_family = (uint8_t)a->family;
	head->ifa_prefixlen = a->prefix;
	head->ifa_index = (uint32_t)index;
	if (is_gateway4(a))
		head->ifa_scope = RT_SCOPE_HOST;
	if (op != RTNL_DEL)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	put_addr(nlh, IFA_LOCAL, a);
	put_addr(nlh, IFA_ADDRESS, a);
	/* The guest's root may have removed it before us, perhaps with the link's whole stack. */
	msg_end(r, nlh, op == RTNL_DEL ? EADDRNOTAVAIL : 0, "%s the address %s", ops[op].verb,
		net_addr_format(a, text));
}

void rtnl_route(struct rtnl *r, enum rtnl_op op, const struct rtnl_route *route)
{
	struct rtmsg *head;
	struct nlmsghdr *nlh;
	char text[NET_ADDR_TEXT];
	void *p;

	nlh = msg_begin(r, RTM_NEWROUTE + ops[op].delta, ops[op].flags, sizeof(*head), &p);
	head = p;
	head->rtm_family = (uint8_t)route->family;
	head->rtm_table = RT_TABLE_MAIN;
	head->rtm_protocol = route->protocol;
	head->rtm_type = RTN_UNICAST;
	head->rtm_scope = route->via != NULL || op == RTNL_DEL ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	if (op == RTNL_DEL)
		head->rtm_scope = RT_SCOPE_NOWHERE; /* whatever scope it has */
	if (route->dst != NULL) {
		head->rtm_dst_len = net_addr_bits(route->dst);
		put_addr(nlh, RTA_DST, route->dst);
	}
	if (route->via != NULL) {
		head->rtm_flags = RTNH_F_ONLINK;
		put_addr(nlh, RTA_GATEWAY, route->via);
	}
	if (route->src != NULL)
		put_addr(nlh, RTA_PREFSRC, route->src);
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)route->index);
	msg_end(r, nlh, op == RTNL_DEL ? ESRCH : 0, "%s the route to %s", ops[op].verb,
		route->dst != NULL ? addr_text(route->dst, text) : "everything else");
}

static struct nlmsghdr *neigh_begin(struct rtnl *r, enum rtnl_op op, int index,
				    const struct net_addr *a, struct ndmsg **ret_head)
{
	unsigned int flags = op == RTNL_DEL ? 0 : NLM_F_CREATE | NLM_F_REPLACE;
	struct nlmsghdr *nlh;
	void *p;

	nlh = msg_begin(r, RTM_NEWNEIGH + ops[op].delta, flags, sizeof(**ret_head), &p);
	*ret_head = p;
	(*ret_head)->ndm_family = (uint8_t)a->family;
	(*ret_head)->ndm_ifindex = index;
	put_addr(nlh, NDA_DST, a);
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
	msg_end(r, nlh, op == RTNL_DEL ? ENOENT : 0, "%s the neighbour %s", ops[op].verb,
		addr_text(a, text));
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
	msg_end(r, nlh, op == RTNL_DEL ? ENOENT : 0, "%s the proxy entry for %s", ops[op].verb,
		addr_text(a, text));
}

/* ---- questions ---- */

/* A request of its own, not in the queue. */
struct request {
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *nlh;
	void *head;
};

static void request_begin(struct rtnl *r, struct request *q, int type, unsigned int flags,
			  size_t head_size)
{
	q->nlh = mnl_nlmsg_put_header(q->buf);
	q->nlh->nlmsg_type = (uint16_t)type;
	q->nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	q->nlh->nlmsg_seq = ++r->nl.seq;
	q->head = mnl_nlmsg_put_extra_header(q->nlh, head_size);
}

/* Asks again, with a new sequence number, while the tables change under the dump. */
static int request_dump(struct rtnl *r, struct request *q, const char *what, nl_msg_fn *fn,
			void *data, struct berth_error *err)
{
	int res = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && res == -EAGAIN; i++) {
		q->nlh->nlmsg_seq = ++r->nl.seq;
		res = nl_request(&r->nl, q->nlh, what, fn, data, err);
	}
	return res;
}

/* The attribute that begins at p, or NULL when there is no whole one before end. */
static const struct nlattr *attr_at(const void *p, const void *end)
{
	ptrdiff_t left = (const char *)end - (const char *)p;

	return left > 0 && mnl_attr_ok(p, (int)left) ? p : NULL;
}

#define FOR_EACH_ATTR(a, start, end) \
	for ((a) = attr_at(start, end); (a) != NULL; (a) = attr_at(mnl_attr_next(a), end))

/* Over the attributes of a message whose own header has head_size bytes. */
#define FOR_EACH_ATTR_OF(a, nlh, head_size)                            \
	FOR_EACH_ATTR(a, mnl_nlmsg_get_payload_offset(nlh, head_size), \
		      mnl_nlmsg_get_payload_tail(nlh))

static bool attr_has(const struct nlattr *a, size_t size)
{
	return mnl_attr_get_payload_len(a) >= size;
}

static void attr_text(const struct nlattr *a, char *buf, size_t size)
{
	size_t len = mnl_attr_get_payload_len(a);

	len = len < size ? len : size - 1;
	memcpy(buf, mnl_attr_get_payload(a), len);
	buf[len] = '\0';
}

static bool attr_addr(const struct nlattr *a, int family, struct net_addr *ret)
{
	ret->family = family;
	if (!attr_has(a, net_addr_size(ret)))
		return false;
	memcpy(net_addr_bytes_of(ret), mnl_attr_get_payload(a), net_addr_size(ret));
	return true;
}

static void read_link_info(const struct nlattr *info, struct rtnl_link *link)
{
	const struct nlattr *a;
	char kind[16];

	FOR_EACH_ATTR(a, mnl_attr_get_payload(info), mnl_attr_next(info))
	{
		if (mnl_attr_get_type(a) != IFLA_INFO_KIND)
			continue;
		attr_text(a, kind, sizeof(kind));
		link->veth = strcmp(kind, "veth") == 0;
	}
}

static void read_link_attr(const struct nlattr *a, struct rtnl_link *link)
{
	struct rtnl_link_stats64 s;

	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		attr_text(a, link->name, sizeof(link->name));
		break;
	case IFLA_IFALIAS:
		attr_text(a, link->alias, sizeof(link->alias));
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(link->mac))
			memcpy(link->mac, mnl_attr_get_payload(a), sizeof(link->mac));
		break;
	case IFLA_LINKINFO:
		read_link_info(a, link);
		break;
	case IFLA_STATS64:
		if (!attr_has(a, offsetof(struct rtnl_link_stats64, rx_errors)))
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
	struct request q;
	char what[NL_WHAT_MAX];

	request_begin(r, &q, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(q.nlh, IFLA_IFNAME, name);
	(void)snprintf(what, sizeof(what), "look for the link %s", name);
	return nl_request(&r->nl, q.nlh, what, read_link, ret, err);
}

int rtnl_link_by_index(struct rtnl *r, int index, struct rtnl_link *ret, struct berth_error *err)
{
	struct request q;
	struct ifinfomsg *head;

	request_begin(r, &q, RTM_GETLINK, 0, sizeof(*head));
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
	struct request q;

	request_begin(r, &q, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(q.nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (list->veths) {
		info = mnl_attr_nest_start(q.nlh, IFLA_LINKINFO);
		mnl_attr_put_strz(q.nlh, IFLA_INFO_KIND, "veth");
		mnl_attr_nest_end(q.nlh, info);
	}
	return request_dump(r, &q, "list the links", list_link, list, err);
}

int rtnl_list_links(struct rtnl *r, rtnl_link_fn *fn, void *data, struct berth_error *err)
{
	return list_links(r, &(struct link_list){.fn = fn, .data = data}, err);
}

int rtnl_list_veths(struct rtnl *r, rtnl_link_fn *fn, void *data, struct berth_error *err)
{
	return list_links(r, &(struct link_list){.fn = fn, .data = data, .veths = true}, err);
}

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
			local = found = attr_addr(a, head->ifa_family, &e.addr);
		else if (mnl_attr_get_type(a) == IFA_ADDRESS && !local)
			found = attr_addr(a, head->ifa_family, &e.addr);
	}
	e.addr.prefix = head->ifa_prefixlen;
	if (found)
		list->fn(&e, list->data);
	return 0;
}

int rtnl_list_addrs(struct rtnl *r, rtnl_entry_fn *fn, void *data, struct berth_error *err)
{
	struct entry_list list = {.fn = fn, .data = data};
	struct request q;

	request_begin(r, &q, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	return request_dump(r, &q, "list the addresses", list_addr, &list, err);
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
			(void)attr_addr(a, head->rtm_family, &e->addr);
		else if (mnl_attr_get_type(a) == RTA_OIF && attr_has(a, sizeof(uint32_t)))
			e->index = (int)mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == RTA_GATEWAY || mnl_attr_get_type(a) == RTA_VIA)
			e->via = true;
	}
	return 0;
}

int rtnl_route_lookup(struct rtnl *r, const struct net_addr *a, struct rtnl_entry *ret,
		      struct berth_error *err)
{
	struct request q;
	struct rtmsg *head;
	char what[NL_WHAT_MAX], text[NET_ADDR_TEXT];

	request_begin(r, &q, RTM_GETROUTE, 0, sizeof(*head));
	head = q.head;
	head->rtm_family = (uint8_t)a->family;
	head->rtm_dst_len = net_addr_bits(a);
	head->rtm_flags = RTM_F_FIB_MATCH;
	put_addr(q.nlh, RTA_DST, a);
	(void)snprintf(what, sizeof(what), "look up the route to %s", addr_text(a, text));
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
		struct request q;
		struct rtmsg *head;

		request_begin(r, &q, RTM_GETROUTE, NLM_F_DUMP, sizeof(*head));
		head = q.head;
		head->rtm_family = (uint8_t)families[i];
		head->rtm_table = RT_TABLE_MAIN;
		head->rtm_protocol = protocol;
		if (index != 0)
			mnl_attr_put_u32(q.nlh, RTA_OIF, (uint32_t)index);
		res = request_dump(r, &q, "list the routes", list_route, &list, err);
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
			found = attr_addr(a, head->ndm_family, &e.addr);
		else if (mnl_attr_get_type(a) == NDA_PROTOCOL && attr_has(a, 1))
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
		struct request q;
		struct ndmsg *head;

		request_begin(r, &q, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*head));
		head = q.head;
		head->ndm_family = (uint8_t)families[i];
		head->ndm_flags = NTF_PROXY;
		res = request_dump(r, &q, "list the proxy entries", list_proxy, &list, err);
	}
	return res;
}

bool rtnl_has_veth(struct rtnl *r)
{
	static const uint8_t multicast[6] = {0x01};
	struct berth_error err = {0};
	struct nlattr *info;
	struct nlmsghdr *nlh;
	void *head;

	/* A link with a multicast MAC: known kinds refuse the MAC, unknown ones the kind. */
	nlh = msg_begin(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg), &head);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(multicast), multicast);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	mnl_attr_nest_end(nlh, info);
	msg_end(r, nlh, 0, "look for the link kind veth");
	return rtnl_commit(r, &err) == -EADDRNOTAVAIL;
}
