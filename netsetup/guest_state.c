/* guest_state.c - what a CT's root has made of its network, saved as rtnetlink's messages and made again from them. */
#include "netsetup/guest_state.h"

#include "netsetup/rtnl_msg.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>

enum {
	PASSES = 8, /* a route may lead through another one that comes later */
	MSG_MAX = 1 << 16,
	SOCKETS_MAX = 1 << 22 /* bytes of /proc/net/netlink */
};

/* What is carried, in the order in which it is made again. */
static const struct kind {
	uint16_t type, ask;
	uint8_t family, neigh_flags; /* of the question */
	size_t head;
	const char *what;
} kinds[] = {
	{RTM_NEWLINK, RTM_GETLINK, AF_UNSPEC, 0, sizeof(struct ifinfomsg),
	 "the settings of a link"},
	{RTM_NEWADDR, RTM_GETADDR, AF_UNSPEC, 0, sizeof(struct ifaddrmsg), "an address"},
	{RTM_NEWNEIGH, RTM_GETNEIGH, AF_UNSPEC, 0, sizeof(struct ndmsg), "a neighbour"},
	{RTM_NEWNEIGH, RTM_GETNEIGH, AF_UNSPEC, NTF_PROXY, sizeof(struct ndmsg), "a proxy entry"},
	{RTM_NEWROUTE, RTM_GETROUTE, AF_INET, 0, sizeof(struct rtmsg), "a route"},
	{RTM_NEWROUTE, RTM_GETROUTE, AF_INET6, 0, sizeof(struct rtmsg), "a route"},
	{RTM_NEWRULE, RTM_GETRULE, AF_INET, 0, sizeof(struct fib_rule_hdr), "a rule"},
	{RTM_NEWRULE, RTM_GETRULE, AF_INET6, 0, sizeof(struct fib_rule_hdr), "a rule"},
};

static const struct kind *kind_of(const struct nlmsghdr *nlh)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == nlh->nlmsg_type)
			return &kinds[i];
	return NULL;
}

/* ---- what cannot be carried ---- */

bool net_guest_is_fallback(const char *name, const char *kind)
{
	static const char *const links[][2] = {
		{"sit0", "sit"},       {"tunl0", "ipip"},     {"gre0", "gre"},
		{"gretap0", "gretap"}, {"erspan0", "erspan"}, {"ip_vti0", "vti"},
		{"ip6_vti0", "vti6"},  {"ip6tnl0", "ip6tnl"}, {"ip6gre0", "ip6gre"}};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (strcmp(links[i][0], name) == 0 && strcmp(links[i][1], kind) == 0)
			return true;
	return false;
}

struct check {
	const struct net_ct *ct;
	struct berth_error *err;
	bool refused;
};

static void refuse(struct check *c, const char *what, const char *name, const char *mend)
{
	if (!c->refused)
		(void)berth_error_set(c->err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				      "CT %u has %s%s, which a suspend cannot carry: %s",
				      c->ct->ctid, what, name, mend);
	c->refused = true;
}

/* Who "ip link del"s a link of berth's under another name takes the CT's network away. */
static bool link_is_ours(struct check *c, int index, const char *name)
{
	const struct net_ct *ct = c->ct;

	for (unsigned int i = 0; i < ct->n_links; i++) {
		struct net_link_id id;
		char mend[80];

		net_link_id(ct->ctid, ct->links[i].n, &id);
		if (index == id.guest_index && strcmp(id.guest, name) == 0)
			return true;
		if (index == id.guest_index) {
			(void)snprintf(mend, sizeof(mend), "name it back (ip link set %s name %s)",
				       name, id.guest);
			refuse(c, "a link of berth's under another name, ", name, mend);
		} else if (strcmp(id.guest, name) == 0) {
			(void)snprintf(mend, sizeof(mend),
				       "berth restart %u makes berth's own again", ct->ctid);
			refuse(c, "a link of its own in the place of berth's, ", name, mend);
		}
	}
	return false;
}

static int check_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(nlh);
	char name[IFNAMSIZ] = "?", kind[32] = "";
	const struct nlattr *a, *in;
	struct check *c = data;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*head))
		return -EPROTO;
	FOR_EACH_ATTR_OF(a, nlh, sizeof(*head))
	{
		if (mnl_attr_get_type(a) == IFLA_IFNAME)
			rtnl_attr_text(a, name, sizeof(name));
		if (mnl_attr_get_type(a) != IFLA_LINKINFO)
			continue;
		FOR_EACH_ATTR(in, mnl_attr_get_payload(a), mnl_attr_next(a))
		{
			if (mnl_attr_get_type(in) == IFLA_INFO_KIND)
				rtnl_attr_text(in, kind, sizeof(kind));
		}
	}
	if (link_is_ours(c, head->ifi_index, name))
		return 0;
	if ((head->ifi_flags & IFF_LOOPBACK) != 0) { /* there is one, which cannot be removed */
		if (strcmp(name, "lo") != 0)
			refuse(c, "its loopback under another name, ", name,
			       "name it back (ip link set ... name lo)");
		return 0;
	}
	if (!net_guest_is_fallback(name, kind))
		refuse(c, "a link of its own, ", name, "remove it first (ip link del)");
	else if ((head->ifi_flags & IFF_UP) != 0)
		refuse(c, "a tunnel, ", name, "take it down first (ip link set ... down)");
	return 0;
}

/* The kernel's default ones have no handle. */
static int check_qdisc(const struct nlmsghdr *nlh, void *data)
{
	const struct tcmsg *head = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(*head) && head->tcm_handle != 0)
		refuse(data, "traffic control of its own", "", "remove it first (tc qdisc del)");
	return 0;
}

static int check_nexthop(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	refuse(data, "nexthop objects", "", "remove them first (ip nexthop flush)");
	return 0;
}

static int check_xfrm(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	refuse(data, "IPsec states or policies", "",
	       "remove them first (ip xfrm state flush; ip xfrm policy flush)");
	return 0;
}

static int dump(struct rtnl *r, int type, size_t head, const char *what, nl_msg_fn *fn, void *data,
		struct berth_error *err)
{
	struct rtnl_request q;

	rtnl_request_begin(r, &q, type, NLM_F_DUMP, head);
	return rtnl_request_dump(r, &q, what, fn, data, err);
}

/* "sk Eth Pid ...": the second column is the protocol. */
bool net_guest_has_protocol(const char *netlink, unsigned int protocol)
{
	const char *line = strchr(netlink, '\n');

	for (; line != NULL; line = strchr(line + 1, '\n')) {
		const char *eth = line + 1 + strcspn(line + 1, " \n");
		uint64_t n;

		if (parse_next(&eth, " ", 10, &n) == 0 && n == protocol)
			return true;
	}
	return false;
}

/* To open such a socket would load the module on a host that has it not: it is there when the kernel's own one is. */
static int has_xfrm(void)
{
	auto_free char *text = NULL;
	int r = file_read_at(AT_FDCWD, "/proc/net/netlink", SOCKETS_MAX, &text, NULL);

	return r < 0 ? r : net_guest_has_protocol(text, NETLINK_XFRM);
}

static int check_ipsec(struct check *c, const char *label, struct berth_error *err)
{
	static const uint16_t types[] = {XFRM_MSG_GETSA, XFRM_MSG_GETPOLICY};
	struct nl nl;
	int r = has_xfrm();

	if (r < 0)
		return berth_error_sys(err, r,
				       "%s: look for IPsec in /proc/net/netlink (up to %d MiB of "
				       "netlink sockets are read)",
				       label, SOCKETS_MAX >> 20);
	if (r == 0)
		return 0;
	r = nl_open(NETLINK_XFRM, label, &nl, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < 2 && r == 0; i++) {
		struct nlmsghdr q = {.nlmsg_len = sizeof(q),
				     .nlmsg_type = types[i],
				     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
				     .nlmsg_seq = ++nl.seq};

		r = nl_request(&nl, &q, "list its IPsec", check_xfrm, c, err);
	}
	nl_close(&nl);
	return r;
}

int net_guest_check(const struct net_ct *ct, struct berth_error *err)
{
	struct check c = {.ct = ct, .err = err};
	struct berth_error why;
	char label[24];
	auto_ptr(rtnl_free) struct rtnl *r = NULL;
	int res;

	(void)snprintf(label, sizeof(label), "CT %u", ct->ctid);
	res = rtnl_open(label, &r, err);
	if (res == 0)
		res = dump(r, RTM_GETLINK, sizeof(struct ifinfomsg), "list its links", check_link,
			   &c, &why);
	if (res == 0 && !c.refused)
		res = dump(r, RTM_GETQDISC, sizeof(struct tcmsg), "list its traffic control",
			   check_qdisc, &c, &why);
	/* Linux has them since 5.3. */
	if (res == 0 && !c.refused)
		res = dump(r, RTM_GETNEXTHOP, sizeof(struct nhmsg), "list its nexthops",
			   check_nexthop, &c, &why);
	if (res == 0 && !c.refused)
		res = check_ipsec(&c, label, &why);
	if (res < 0 && err != NULL)
		*err = why;
	return res < 0 ? res : c.refused ? -EOPNOTSUPP : 0;
}

/* ---- saving ---- */

/* The kernel's own come with the addresses; what is looked up is no route. */
static bool route_is_carried(const struct rtmsg *m)
{
	return m->rtm_protocol != RTPROT_KERNEL && (m->rtm_flags & RTM_F_CLONED) == 0;
}

static bool is_carried(const struct nlmsghdr *nlh, const struct kind *k)
{
	const void *head = mnl_nlmsg_get_payload(nlh);

	if (k->type == RTM_NEWROUTE)
		return route_is_carried(head);
	if (k->type == RTM_NEWNEIGH)
		return (((const struct ndmsg *)head)->ndm_state & NUD_PERMANENT) != 0 ||
		       (((const struct ndmsg *)head)->ndm_flags & NTF_PROXY) != 0;
	return true;
}

struct save {
	const struct net_ct *ct;
	const struct kind *kind;
	FILE *out;
};

/* The MAC that berth gave the link of this number; NULL for a link that is none of berth's. */
static const uint8_t *given_mac(const struct net_ct *ct, int index, struct net_link_id *id)
{
	for (unsigned int i = 0; i < ct->n_links; i++) {
		net_link_id(ct->ctid, ct->links[i].n, id);
		if (id->guest_index == index)
			return id->mac[NET_SIDE_GUEST];
	}
	return NULL;
}

/*
 * Of all that a link is told by, what its root may have set: state, MTU, queue, and a MAC that is not the one that
 * berth gave it (a CT that moves may be given another). Tunnels of the kernel's have other numbers on another host.
 */
static void save_link(const struct save *s, const struct nlmsghdr *nlh)
{
	static const unsigned int flags =
		IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST;
	_Alignas(struct nlmsghdr) char buf[128];
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(nlh);
	struct ifinfomsg *to = mnl_nlmsg_put_extra_header(m, sizeof(*to));
	struct net_link_id id;
	const uint8_t *mac = given_mac(s->ct, head->ifi_index, &id);
	const struct nlattr *a;

	if (mac == NULL && (head->ifi_flags & IFF_LOOPBACK) == 0)
		return;
	m->nlmsg_type = RTM_NEWLINK;
	to->ifi_index = head->ifi_index;
	to->ifi_flags = head->ifi_flags & flags;
	to->ifi_change = flags;
	FOR_EACH_ATTR_OF(a, nlh, sizeof(*head))
	{
		uint16_t type = mnl_attr_get_type(a);

		if ((type == IFLA_MTU || type == IFLA_TXQLEN) && rtnl_attr_has(a, sizeof(uint32_t)))
			mnl_attr_put_u32(m, type, mnl_attr_get_u32(a));
		if (type == IFLA_ADDRESS && mac != NULL && mnl_attr_get_payload_len(a) == 6 &&
		    memcmp(mnl_attr_get_payload(a), mac, 6) != 0)
			mnl_attr_put(m, IFLA_ADDRESS, 6, mnl_attr_get_payload(a));
	}
	(void)fwrite(m, 1, m->nlmsg_len, s->out);
}

/* The kernel does not tell 0, and takes a rule without one for another. */
static bool has_priority(const struct nlmsghdr *nlh)
{
	const struct nlattr *a;

	FOR_EACH_ATTR_OF(a, nlh, sizeof(struct fib_rule_hdr))
	{
		if (mnl_attr_get_type(a) == FRA_PRIORITY)
			return true;
	}
	return false;
}

static int save_message(const struct nlmsghdr *nlh, void *data)
{
	static const char zeros[NLMSG_ALIGNTO];
	static const struct {
		struct nlattr head;
		uint32_t value;
	} first = {{sizeof(first), FRA_PRIORITY}, 0};
	const struct save *s = data;

	if (nlh->nlmsg_type != s->kind->type || mnl_nlmsg_get_payload_len(nlh) < s->kind->head ||
	    nlh->nlmsg_len > MSG_MAX)
		return -EPROTO;
	if (ftell(s->out) > NET_GUEST_STATE_MAX)
		return -E2BIG;
	if (!is_carried(nlh, s->kind))
		return 0;
	if (s->kind->type == RTM_NEWLINK) {
		save_link(s, nlh);
		return 0;
	}
	if (s->kind->type == RTM_NEWRULE && !has_priority(nlh)) {
		struct nlmsghdr head = *nlh;

		head.nlmsg_len = NLMSG_ALIGN(nlh->nlmsg_len) + sizeof(first);
		(void)fwrite(&head, 1, sizeof(head), s->out);
		(void)fwrite(nlh + 1, 1, nlh->nlmsg_len - sizeof(head), s->out);
	} else {
		(void)fwrite(nlh, 1, nlh->nlmsg_len, s->out);
	}
	(void)fwrite(zeros, 1, NLMSG_ALIGN(nlh->nlmsg_len) - nlh->nlmsg_len, s->out);
	if (s->kind->type == RTM_NEWRULE && !has_priority(nlh))
		(void)fwrite(&first, 1, sizeof(first), s->out);
	return 0;
}

int net_guest_save(const struct net_ct *ct, FILE *out, struct berth_error *err)
{
	char label[24];
	auto_ptr(rtnl_free) struct rtnl *r = NULL;
	int res;

	(void)snprintf(label, sizeof(label), "CT %u", ct->ctid);
	res = rtnl_open(label, &r, err);
	for (size_t i = 0; res == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct save s = {ct, &kinds[i], out};
		struct rtnl_request q;

		rtnl_request_begin(r, &q, kinds[i].ask, NLM_F_DUMP, kinds[i].head);
		*(uint8_t *)q.head = kinds[i].family; /* the first byte of each of them */
		if (kinds[i].neigh_flags != 0)
			((struct ndmsg *)q.head)->ndm_flags = kinds[i].neigh_flags;
		res = rtnl_request_dump(r, &q, "save what it has of its own", save_message, &s,
					err);
	}
	if (res == -E2BIG)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, E2BIG,
				       "%s has more than %d MiB of addresses, routes and rules, "
				       "which is more than a suspend carries: remove some",
				       label, NET_GUEST_STATE_MAX >> 20);
	if (res == 0 && ferror(out))
		res = berth_error_sys(err, EIO, "%s: save its network", label);
	return res;
}

/* ---- making it again ---- */

/* NULL at the end, or where no whole message follows. */
static const struct nlmsghdr *message_at(const char *state, size_t len, size_t at)
{
	const struct nlmsghdr *nlh = (const void *)(state + at);

	if (len - at < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > len - at ||
	    nlh->nlmsg_len > MSG_MAX)
		return NULL;
	return nlh;
}

int net_guest_state_check(const void *state, size_t len)
{
	size_t at = 0;

	if (len > NET_GUEST_STATE_MAX + MSG_MAX)
		return -EBADMSG;
	while (at < len) {
		const struct nlmsghdr *nlh = message_at(state, len, at);
		const struct kind *k = nlh == NULL ? NULL : kind_of(nlh);

		if (k == NULL || mnl_nlmsg_get_payload_len(nlh) < k->head)
			return -EBADMSG;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	return at == len ? 0 : -EBADMSG;
}

/* Of the nexthops of a route through several, only what a sender may say. */
static void clean_multipath(struct nlattr *a)
{
	char *p = mnl_attr_get_payload(a);
	size_t left = mnl_attr_get_payload_len(a);

	while (left >= sizeof(struct rtnexthop)) {
		struct rtnexthop *h = (void *)p;
		size_t n = RTNH_ALIGN(h->rtnh_len);

		h->rtnh_flags &= RTNH_F_ONLINK;
		if (n < sizeof(*h) || n > left)
			return;
		p += n;
		left -= n;
	}
}

/* What the kernel tells of an entry, and refuses to be told. */
static void clean(struct nlmsghdr *nlh)
{
	void *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a;

	if (nlh->nlmsg_type == RTM_NEWRULE)
		((struct fib_rule_hdr *)head)->flags &= FIB_RULE_INVERT;
	if (nlh->nlmsg_type == RTM_NEWADDR) {
		if (((struct ifaddrmsg *)head)->ifa_family != AF_INET6)
			return;
		/* At once: sockets are bound to it in a moment, and it was its own before. */
		((struct ifaddrmsg *)head)->ifa_flags |= IFA_F_NODAD;
		FOR_EACH_ATTR_OF(a, nlh, sizeof(struct ifaddrmsg))
		{
			if (mnl_attr_get_type(a) == IFA_FLAGS && rtnl_attr_has(a, 4))
				*(uint32_t *)mnl_attr_get_payload(a) |= IFA_F_NODAD;
		}
	}
	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return;
	((struct rtmsg *)head)->rtm_flags &= RTNH_F_ONLINK;
	FOR_EACH_ATTR_OF(a, nlh, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(a) == RTA_MULTIPATH)
			clean_multipath((struct nlattr *)(size_t)a);
	}
}

/* 0 also for what is there already. */
static int load_message(struct rtnl *r, struct nlmsghdr *nlh, struct berth_error *err)
{
	struct nl_expect x = {.seq = ++r->nl.seq, .ignore = {EEXIST, 0}};

	(void)snprintf(x.what, sizeof(x.what), "make %s again", kind_of(nlh)->what);
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	/* Of routes of IPv4 two may have one metric; with IPv6 that would be one through two nexthops. */
	if (nlh->nlmsg_type == RTM_NEWROUTE &&
	    ((const struct rtmsg *)mnl_nlmsg_get_payload(nlh))->rtm_family == AF_INET)
		nlh->nlmsg_flags |= NLM_F_CREATE | NLM_F_APPEND;
	else if (nlh->nlmsg_type != RTM_NEWLINK)
		nlh->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	nlh->nlmsg_seq = x.seq;
	nlh->nlmsg_pid = 0;
	clean(nlh);
	return nl_transact(&r->nl, nlh, nlh->nlmsg_len, &x, 1, err);
}

static bool address_of(const struct nlmsghdr *nlh, struct net_addr *ret)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(nlh);
	bool local = false, found = false;
	const struct nlattr *a;

	FOR_EACH_ATTR_OF(a, nlh, sizeof(*head))
	{
		if (mnl_attr_get_type(a) == IFA_LOCAL)
			local = found = rtnl_attr_addr(a, head->ifa_family, ret);
		else if (mnl_attr_get_type(a) == IFA_ADDRESS && !local)
			found = rtnl_attr_addr(a, head->ifa_family, ret);
	}
	return found;
}

/* Of an address what tells it from others: its times, and what the kernel does with it, are not that. */
static bool same_address(const struct nlmsghdr *a, const struct nlmsghdr *b)
{
	const struct ifaddrmsg *x = mnl_nlmsg_get_payload(a), *y = mnl_nlmsg_get_payload(b);
	struct net_addr p = {0}, q = {0};

	return x->ifa_family == y->ifa_family && x->ifa_index == y->ifa_index &&
	       x->ifa_prefixlen == y->ifa_prefixlen && address_of(a, &p) && address_of(b, &q) &&
	       net_addr_equal(&p, &q);
}

static bool is_saved(const struct nlmsghdr *have, const char *state, size_t len)
{
	for (size_t at = 0; at < len;) {
		const struct nlmsghdr *nlh = (const void *)(state + at);

		at += NLMSG_ALIGN(nlh->nlmsg_len);
		if (nlh->nlmsg_type != have->nlmsg_type)
			continue;
		if (have->nlmsg_type == RTM_NEWADDR
			    ? same_address(have, nlh)
			    : nlh->nlmsg_len == have->nlmsg_len &&
				      memcmp(nlh + 1, have + 1, nlh->nlmsg_len - sizeof(*nlh)) == 0)
			return true;
	}
	return false;
}

/* Link-local addresses of IPv6 are the kernel's, and go by the MAC; a neighbour of berth's goes by the host's. */
static bool may_go(const struct nlmsghdr *nlh, bool rules)
{
	if (rules || nlh->nlmsg_type == RTM_NEWRULE)
		return rules && nlh->nlmsg_type == RTM_NEWRULE;
	if (nlh->nlmsg_type == RTM_NEWADDR)
		return ((const struct ifaddrmsg *)mnl_nlmsg_get_payload(nlh))->ifa_scope !=
		       RT_SCOPE_LINK;
	return nlh->nlmsg_type == RTM_NEWROUTE;
}

/*
 * Addresses and routes, or rules: which are last, as the kernel looks for a route's gateway by the rules that there are.
 * What berth has made, and the CT's root had changed or taken away: else that one's could not be made.
 */
static int remove_others(struct rtnl *r, uint32_t ctid, bool rules, const char *state, size_t len,
			 net_lost_fn *lost, void *data, struct berth_error *err)
{
	const struct net_ct ct = {.ctid = ctid}; /* no link is asked for */
	auto_free char *have = NULL;
	size_t have_len = 0;
	FILE *out = open_memstream(&have, &have_len);
	int res = out == NULL ? berth_error_sys(err, ENOMEM, "CT %u: list its network", ctid)
			      : net_guest_save(&ct, out, err);

	if (out != NULL && fclose(out) != 0 && res == 0)
		res = berth_error_sys(err, ENOMEM, "CT %u: list its network", ctid);
	for (size_t at = 0; res == 0 && at < have_len;) {
		struct nlmsghdr *nlh = (void *)(have + at);
		struct nl_expect x = {.seq = ++r->nl.seq, .ignore = {ESRCH, ENOENT}};
		struct berth_error why;

		at += NLMSG_ALIGN(nlh->nlmsg_len);
		if (!may_go(nlh, rules) || is_saved(nlh, state, len))
			continue;
		(void)snprintf(x.what, sizeof(x.what), "remove %s", kind_of(nlh)->what);
		clean(nlh);
		nlh->nlmsg_type++; /* RTM_DELx */
		nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		nlh->nlmsg_seq = x.seq;
		nlh->nlmsg_pid = 0;
		if (nl_transact(&r->nl, nlh, nlh->nlmsg_len, &x, 1, &why) < 0)
			lost(why.msg, data);
	}
	return res;
}

/* One pass over what is not made yet; type 0 marks what is. How many were made; what is not is told, if lost is not NULL. */
static unsigned int load_pass(struct rtnl *r, char *state, size_t len, net_lost_fn *lost,
			      void *data)
{
	unsigned int made = 0;

	for (size_t at = 0; at < len;) {
		struct nlmsghdr *nlh = (void *)(state + at);
		struct berth_error why;

		at += NLMSG_ALIGN(nlh->nlmsg_len);
		if (nlh->nlmsg_type == 0)
			continue;
		if (load_message(r, nlh, &why) == 0) {
			nlh->nlmsg_type = 0;
			made++;
		} else if (lost != NULL) {
			lost(why.msg, data);
		}
	}
	return made;
}

int net_guest_load(uint32_t ctid, const void *state, size_t len, net_lost_fn *lost, void *data,
		   struct berth_error *err)
{
	auto_free char *copy = malloc(len + NLMSG_ALIGNTO);
	auto_ptr(rtnl_free) struct rtnl *r = NULL;
	unsigned int made = 1;
	char label[24];
	int res;

	(void)snprintf(label, sizeof(label), "CT %u", ctid);
	if (copy == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "%s: no memory", label);
	memcpy(copy, state, len);
	if (net_guest_state_check(copy, len) < 0)
		return berth_error_set(err, BERTH_ERR_BROKEN, EBADMSG,
				       "%s: its saved addresses and routes are damaged", label);
	res = rtnl_open(label, &r, err);
	if (res == 0)
		res = remove_others(r, ctid, false, copy, len, lost, data, err);
	for (int i = 0; res == 0 && made > 0 && i < PASSES; i++)
		made = load_pass(r, copy, len, NULL, NULL);
	if (res == 0)
		(void)load_pass(r, copy, len, lost, data);
	return res == 0 ? remove_others(r, ctid, true, state, len, lost, data, err) : res;
}
