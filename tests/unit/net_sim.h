/*
 * net_sim.h - a host, its CTs and the outside as private network namespaces of a test, and sockets
 * that live in them. Nothing here touches the network of the machine. Needs root.
 */
#pragma once

#include "netsetup/driver.h"
#include "netsetup/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SIM_SKIPPED = 77,
	SIM_PORT = 7000,
	SIM_WAIT_MS = 200,
	SIM_PATIENCE_MS = 60000,
	SIM_TRIES = 20
};

/* A new, empty network namespace; the caller stays where it is. */
static inline int sim_netns(void)
{
	int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), fd;

	if (back < 0 || unshare(CLONE_NEWNET) < 0)
		return -1;
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (setns(back, CLONE_NEWNET) < 0)
		abort();
	(void)close(back);
	return fd;
}

/* As a CT has it: a namespace that belongs to a user namespace without the host's root in it. */
static inline int sim_netns_of_user(void)
{
	int ready[2], fd = -1;
	char path[64], byte = 0;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		byte = unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
		(void)!write(ready[1], &byte, 1);
		for (;;)
			(void)pause();
	}
	if (read(ready[0], &byte, 1) == 1 && byte == 1) {
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return fd;
}

/* Moves the test into a host of its own. False: not root, the test is to be skipped. */
static inline bool sim_host(void)
{
	struct rtnl *r;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		(void)fprintf(stderr, "SKIPPED: needs root and network namespaces\n");
		return false;
	}
	if (rtnl_open("", &r, NULL) < 0)
		return false;
	rtnl_link_change(r, &(struct rtnl_link_change){.index = 1, .up = true});
	(void)rtnl_commit(r, NULL);
	rtnl_free(&r);
	return true;
}

static inline struct net_addr sim_addr(const char *text)
{
	struct net_addr a = {0};

	if (net_addr_parse(text, &a) < 0) {
		(void)fprintf(stderr, "bad address %s\n", text);
		abort();
	}
	return a;
}

enum {
	SIM_GUEST_INDEX = 64 /* of a CT's first link */
};

static inline struct net_link_id sim_id(uint32_t ctid)
{
	struct net_link_id id;

	net_link_id(ctid, 0, &id);
	return id;
}

static inline void sim_mac(uint32_t ctid, enum net_side side, uint8_t mac[6])
{
	const struct net_link_id id = sim_id(ctid);

	memcpy(mac, id.mac[side], 6);
}

/* The addresses of a CT's first link in the sets. */
static inline int sim_find(const char *table, uint32_t ctid, struct net_addr_list *ret,
			   struct berth_error *e)
{
	struct nft_found found[NET_LINK_MAX];
	int r = nft_find(table, ctid, found, e);

	net_addr_list_free(ret);
	*ret = found[0].addrs;
	for (unsigned int i = 1; i < NET_LINK_MAX; i++)
		net_addr_list_free(&found[i].addrs);
	return r;
}

static inline socklen_t sim_sockaddr(const struct net_addr *a, uint16_t port,
				     struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)a->family;
	if (a->family == AF_INET) {
		v4->sin_addr = a->v4;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	v6->sin6_addr = a->v6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

/* A socket born in a namespace (-1: where the test is); it stays there for its life. */
static inline int sim_socket(int netns, int family, int type, int protocol)
{
	const struct timeval wait = {.tv_usec = SIM_WAIT_MS * 1000};
	int back = -EBADF, fd;

	if (netns >= 0 && netns_enter(netns, &back, NULL) < 0)
		abort();
	fd = socket(family, type | SOCK_CLOEXEC, protocol);
	if (netns >= 0 && netns_leave(&back, NULL) < 0)
		abort();
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return fd;
}

/* UDP, bound to the address (NULL: any) and SIM_PORT; -1 when the namespace has it not. */
static inline int sim_udp(int netns, int family, const char *addr)
{
	int fd = sim_socket(netns, family, SOCK_DGRAM, 0);
	struct net_addr a = {.family = family};
	struct sockaddr_storage to;
	socklen_t len;

	if (addr != NULL)
		a = sim_addr(addr);
	len = sim_sockaddr(&a, SIM_PORT, &to);
	if (bind(fd, (struct sockaddr *)&to, len) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static inline bool sim_send(int fd, const char *to, uint16_t port)
{
	struct net_addr a = sim_addr(to);
	struct sockaddr_storage sa;
	socklen_t len = sim_sockaddr(&a, port, &sa);

	return sendto(fd, "hello", 5, MSG_DONTWAIT, (struct sockaddr *)&sa, len) == 5;
}

/* Takes one datagram within so many milliseconds; where it came from goes into from. */
static inline bool sim_recv_within(int fd, int ms, struct sockaddr_storage *from)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	socklen_t len = sizeof(*from);
	char buf[256];

	return poll(&p, 1, ms) == 1 &&
	       recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)from, &len) > 0;
}

/* One that must come is waited for on the busiest machine. */
static inline bool sim_recv(int fd, struct sockaddr_storage *from)
{
	return sim_recv_within(fd, SIM_PATIENCE_MS, from);
}

/* One that must not come had its chance. */
static inline bool sim_silent(int fd)
{
	struct sockaddr_storage from;

	return !sim_recv_within(fd, SIM_WAIT_MS, &from);
}

static inline bool sim_from(const struct sockaddr_storage *from, const char *addr)
{
	struct net_addr a = sim_addr(addr);

	if (from->ss_family == AF_INET && a.family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)(const void *)from)->sin_addr, &a.v4,
			      4) == 0;
	if (from->ss_family == AF_INET6 && a.family == AF_INET6)
		return memcmp(&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, &a.v6,
			      16) == 0;
	return false;
}

/* Sends from one socket to the address that the other is bound to until it arrives. */
static inline bool sim_reaches(int out, const char *to, int in, struct sockaddr_storage *from)
{
	for (int i = 0; i < SIM_TRIES; i++) {
		(void)sim_send(out, to, SIM_PORT);
		if (sim_recv_within(in, SIM_WAIT_MS, from))
			return true;
	}
	return false;
}

static inline uint16_t sim_checksum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (len % 2 != 0)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

struct sim_udp6 {
	struct ethhdr eth;
	struct ip6_hdr ip;
	struct udphdr udp;
	uint8_t data[4];
} __attribute__((packed));

/* An IPv6 UDP frame with whatever source. */
static inline size_t sim_frame6(struct sim_udp6 *f, const struct in6_addr *src,
				const struct in6_addr *dst, uint16_t sport)
{
	const uint16_t len = sizeof(f->udp) + sizeof(f->data);

	*f = (struct sim_udp6){.eth.h_proto = htons(ETH_P_IPV6)};
	f->ip.ip6_flow = htonl(6u << 28);
	f->ip.ip6_plen = htons(len);
	f->ip.ip6_nxt = IPPROTO_UDP;
	f->ip.ip6_hlim = 64;
	f->ip.ip6_src = *src;
	f->ip.ip6_dst = *dst;
	f->udp.source = htons(sport);
	f->udp.dest = htons(SIM_PORT);
	f->udp.len = htons(len);
	f->udp.check = sim_checksum((const uint8_t *)f + offsetof(struct sim_udp6, ip.ip6_src),
				    32u + len, len + IPPROTO_UDP);
	return sizeof(*f);
}

struct sim_udp4 {
	struct ethhdr eth;
	uint8_t ip[20];
	struct udphdr udp;
	uint8_t data[4];
} __attribute__((packed));

static inline size_t sim_frame4(struct sim_udp4 *f, struct in_addr src, struct in_addr dst,
				uint16_t sport)
{
	uint16_t sum;

	*f = (struct sim_udp4){.eth.h_proto = htons(ETH_P_IP)};
	f->ip[0] = 0x45;
	f->ip[3] = sizeof(*f) - sizeof(f->eth);
	f->ip[8] = 64;
	f->ip[9] = IPPROTO_UDP;
	memcpy(f->ip + 12, &src, 4);
	memcpy(f->ip + 16, &dst, 4);
	sum = sim_checksum(f->ip, sizeof(f->ip), 0);
	memcpy(f->ip + 10, &sum, 2);
	f->udp.source = htons(sport);
	f->udp.dest = htons(SIM_PORT);
	f->udp.len = htons(sizeof(f->udp) + sizeof(f->data));
	return sizeof(*f);
}

/* Puts a frame on the CT's own link, addressed to the host's end. */
static inline bool sim_inject(int netns, uint32_t ctid, void *frame, size_t len)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = SIM_GUEST_INDEX, .sll_halen = 6};
	int fd = sim_socket(netns, AF_PACKET, SOCK_RAW, 0);
	struct ethhdr *eth = frame;
	bool sent;

	sim_mac(ctid, NET_SIDE_HOST, eth->h_dest);
	sim_mac(ctid, NET_SIDE_GUEST, eth->h_source);
	to.sll_protocol = eth->h_proto;
	sent = sendto(fd, frame, len, 0, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)len;
	(void)close(fd);
	return sent;
}
