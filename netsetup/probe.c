/*
 * probe.c - asks the links towards the outside whether an address of a CT is somebody's already.
 *
 * One packet socket a link and family. What the kernel delivers there is filtered in the kernel, so
 * a busy link costs nothing, and believed only when it was meant for this host or for everybody:
 * frames of foreign VLANs and those that a promiscuous link overhears are neither.
 */
#include "netsetup/probe.h"

#include "netsetup/link.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/ev.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
	READ_MAX = 64, /* frames at a time, so that no flood keeps the clock from being looked at */
	READ_SIZE = 2048,
	AT_NEXT_HEADER = 20, /* in a frame of IPv6 without extensions */
	AT_ICMP_TYPE = 54,
	DISCARD_PORT = 9
};

/* One link, one family. */
struct asker {
	struct rtnl_link link;
	int family;
};

struct probe {
	struct rtnl *r;
	const struct net_ct *ct;
	const struct net_addr *addrs;
	unsigned int n;
	const struct uplink_plan *plan;
	struct asker *askers;
	struct pollfd *fds; /* of the askers; -1: nobody to ask there */
	unsigned int n_askers;
	uint8_t ours[6]; /* the latest other MAC that turned out to be this host's */
	struct probe_claim found;
	const struct rtnl_link *found_on; /* NULL: not yet */
};

static void probe_free(struct probe *p)
{
	for (unsigned int i = 0; i < p->n_askers; i++)
		if (p->fds[i].fd >= 0)
			(void)close(p->fds[i].fd);
	free(p->fds);
	free(p->askers);
}

/* ---- sockets ---- */

/* Solicitations and advertisements; 135 and 136 are neighbours of each other. */
static int set_filter(int fd, int family)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_NEXT_HEADER),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_ICMP_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, READ_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog prog = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (family == AF_INET)
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

/* Hears nothing before it is bound, and is bound when the filter is there. -errno. */
static int asker_open(const struct asker *a)
{
	const struct sockaddr_ll on = {.sll_family = AF_PACKET,
				       .sll_ifindex = a->link.index,
				       .sll_protocol = a->family == AF_INET ? htons(ETH_P_ARP)
									    : htons(ETH_P_IPV6)};
	auto_close int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || set_filter(fd, a->family) < 0 ||
	    bind(fd, (const struct sockaddr *)&on, sizeof(on)) < 0)
		return -errno;
	return take_fd(&fd);
}

static int cannot_ask(const struct probe *p, const struct rtnl_link *link, int sys,
		      struct berth_error *err)
{
	return berth_error_set(
		err, BERTH_ERR_NET, sys,
		"CT %u: cannot probe on %s whether its addresses are free (packet socket): %s; to "
		"start without the probe, set IP_PROBE=\"no\" in berth.conf",
		p->ct->ctid, link->name, strerror(sys));
}

static bool is_gone(int sys)
{
	return sys == ENETDOWN || sys == ENODEV || sys == ENXIO;
}

static int find_asker(const struct probe *p, int index, int family)
{
	for (unsigned int i = 0; i < p->n_askers; i++)
		if (p->askers[i].link.index == index && p->askers[i].family == family)
			return (int)i;
	return -ENOENT;
}

static int add_asker(struct probe *p, int index, int family, struct berth_error *err)
{
	struct asker *a = &p->askers[p->n_askers];
	struct berth_error none = {0};
	int fd;

	a->family = family;
	p->fds[p->n_askers] = (struct pollfd){.fd = -1, .events = POLLIN};
	p->n_askers++;
	/* A link that has gone since the plan was made is no place to ask. */
	if (rtnl_link_by_index(p->r, index, &a->link, &none) < 0 || !a->link.carrier) {
		a->link.index = index;
		return 0;
	}
	fd = asker_open(a);
	if (fd < 0 && !is_gone(-fd))
		return cannot_ask(p, &a->link, -fd, err);
	p->fds[p->n_askers - 1].fd = fd;
	return 0;
}

/* The group of an address: who has just begun to look for it as well tells only the group. */
static void join_group(int fd, int index, const struct net_addr *a)
{
	struct packet_mreq m = {.mr_ifindex = index, .mr_type = PACKET_MR_MULTICAST, .mr_alen = 6};

	probe_group_mac(a, m.mr_address);
	(void)setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m));
}

/* Returns how many links and families there are to ask. */
static int open_askers(struct probe *p, struct berth_error *err)
{
	int open = 0, r = 0;

	p->askers = calloc(p->n, sizeof(*p->askers));
	p->fds = calloc(p->n, sizeof(*p->fds));
	if (p->askers == NULL || p->fds == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory for a probe");
	for (unsigned int i = 0; i < p->n && r == 0; i++) {
		const struct net_addr *a = &p->addrs[i];
		int at = p->plan->index[i] == 0 ? -1 : find_asker(p, p->plan->index[i], a->family);

		if (p->plan->index[i] != 0 && at < 0) {
			r = add_asker(p, p->plan->index[i], a->family, err);
			at = (int)p->n_askers - 1;
			open += p->fds[at].fd >= 0;
		}
		if (r == 0 && at >= 0 && p->fds[at].fd >= 0 && a->family == AF_INET6)
			join_group(p->fds[at].fd, p->plan->index[i], a);
	}
	return r < 0 ? r : open;
}

/* ---- questions ---- */

/* The address that this host would speak to it from; 0.0.0.0 when it has none. */
static struct in_addr own_address(const struct net_addr *a)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(DISCARD_PORT), .sin_addr = a->v4};
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in own = {0};
	socklen_t len = sizeof(own);

	/* Connecting a datagram socket sends nothing. */
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return (struct in_addr){0};
	return own.sin_addr;
}

/* A frame may be lost: the next round has another. A link may go: nobody is there to be asked. */
static int send_frame(struct probe *p, int at, const uint8_t *frame, size_t len,
		      struct berth_error *err)
{
	const struct rtnl_link *link = &p->askers[at].link;
	struct pollfd *to = &p->fds[at];

	if (to->fd < 0 || send(to->fd, frame, len, 0) >= 0 || errno == ENOBUFS || errno == EAGAIN ||
	    errno == EINTR)
		return 0;
	if (!is_gone(errno))
		return cannot_ask(p, link, errno, err);
	(void)close(to->fd);
	to->fd = -1;
	return 0;
}

static int ask(struct probe *p, unsigned int i, struct berth_error *err)
{
	const struct net_addr *a = &p->addrs[i];
	int at = find_asker(p, p->plan->index[i], a->family), r;
	const uint8_t *mac = p->askers[at].link.mac;
	const struct in_addr nobody = {0}, own = a->family == AF_INET ? own_address(a) : nobody;
	uint8_t frame[PROBE_FRAME_MAX];

	if (a->family == AF_INET6)
		return send_frame(p, at, frame, probe_frame_nd(a, mac, frame), err);
	r = send_frame(p, at, frame, probe_frame_arp(a, mac, nobody, frame), err);
	if (r == 0 && own.s_addr != 0)
		r = send_frame(p, at, frame, probe_frame_arp(a, mac, own, frame), err);
	return r;
}

/* ---- answers ---- */

struct own_macs {
	const struct probe_claim *claim;
	bool found;
};

static void look_at_link(const struct rtnl_link *link, void *data)
{
	struct own_macs *o = data;

	if (memcmp(link->mac, o->claim->from, 6) == 0 || memcmp(link->mac, o->claim->mac, 6) == 0)
		o->found = true;
}

/* Of the link itself, or of another one: two links of a host on one segment hear each other. */
static int is_ours(struct probe *p, const struct rtnl_link *link, const struct probe_claim *c,
		   struct berth_error *err)
{
	struct own_macs o = {.claim = c};
	int r;

	if (memcmp(c->from, link->mac, 6) == 0 || memcmp(c->from, p->ours, 6) == 0)
		return 1;
	r = rtnl_list_links(p->r, look_at_link, &o, err);
	if (r == 0 && o.found)
		memcpy(p->ours, c->from, 6);
	return r < 0 ? r : o.found;
}

/* That this link was asked for this address matters: another segment may have it by right. */
static bool was_asked(const struct probe *p, const struct asker *a, const struct probe_claim *c)
{
	for (unsigned int i = 0; i < p->n; i++)
		if (p->plan->index[i] == a->link.index && net_addr_equal(&p->addrs[i], &c->addr))
			return true;
	return false;
}

static int read_answers(struct probe *p, unsigned int at, struct berth_error *err)
{
	const struct asker *a = &p->askers[at];
	uint8_t frame[READ_SIZE];
	int r = 0;

	for (int i = 0; i < READ_MAX && r == 0 && p->found_on == NULL; i++) {
		struct sockaddr_ll from = {0};
		socklen_t size = sizeof(from);
		ssize_t len = recvfrom(p->fds[at].fd, frame, sizeof(frame), 0,
				       (struct sockaddr *)&from, &size);
		struct probe_claim c;

		if (len < 0)
			break;
		if (from.sll_pkttype > PACKET_MULTICAST ||
		    !probe_frame_read(frame, (size_t)len, &c) || !was_asked(p, a, &c))
			continue;
		r = is_ours(p, &a->link, &c, err);
		if (r == 0) {
			p->found = c;
			p->found_on = &a->link;
		}
		r = r < 0 ? r : 0;
	}
	return r;
}

/* Until somebody answers or the round is over. */
static int listen_for(struct probe *p, struct berth_error *err)
{
	const uint64_t end = ev_now_ms() + PROBE_ROUND_MS;
	int r = 0;

	for (uint64_t now = ev_now_ms(); now < end && r == 0 && p->found_on == NULL;
	     now = ev_now_ms()) {
		if (poll(p->fds, p->n_askers, (int)(end - now)) < 0 && errno != EINTR)
			return berth_error_sys(err, errno, "CT %u: wait for answers to its probe",
					       p->ct->ctid);
		for (unsigned int i = 0; i < p->n_askers && r == 0; i++)
			if (p->fds[i].fd >= 0 && p->fds[i].revents != 0)
				r = read_answers(p, i, err);
	}
	return r;
}

static int in_use(const struct probe *p, bool running, struct berth_error *err)
{
	char text[NET_ADDR_TEXT], instead[NET_ADDR_TEXT + 16] = "";
	const uint8_t *m = p->found.mac;

	(void)net_addr_format(&p->found.addr, text);
	if (!running)
		(void)snprintf(instead, sizeof(instead), "--ipdel %s ", text);
	return berth_error_set(err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
			       "CT %u: %s is in use on the segment of %s, by "
			       "%02x:%02x:%02x:%02x:%02x:%02x; choose another with 'berth set %u "
			       "%s--ipadd ADDRESS --save', or see IP_PROBE in berth.conf(5)",
			       p->ct->ctid, text, p->found_on->name, m[0], m[1], m[2], m[3], m[4],
			       m[5], p->ct->ctid, instead);
}

static int probe_run(struct probe *p, struct berth_error *err)
{
	int r = open_askers(p, err);

	if (r <= 0)
		return r;
	r = 0;
	for (int round = 0; round < PROBE_ROUNDS && r == 0 && p->found_on == NULL; round++) {
		for (unsigned int i = 0; i < p->n && r == 0; i++)
			if (p->plan->index[i] != 0)
				r = ask(p, i, err);
		if (r == 0)
			r = listen_for(p, err);
	}
	return r;
}

int uplink_probe(struct rtnl *r, const struct net_ct *ct, const struct net_addr *addrs,
		 unsigned int n, const struct uplink_plan *plan, bool running,
		 struct berth_error *err)
{
	struct probe p = {.r = r, .ct = ct, .addrs = addrs, .n = n, .plan = plan};
	bool wanted = false;
	int res;

	for (unsigned int i = 0; i < n && ct->probe; i++)
		wanted = wanted || plan->index[i] != 0;
	if (!wanted)
		return 0;
	res = probe_run(&p, err);
	if (res == 0 && p.found_on != NULL)
		res = in_use(&p, running, err);
	probe_free(&p);
	return res;
}
