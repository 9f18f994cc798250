/*
 * test_rtnl.c - netsetup/nl.c, rtnl.c and netns.c against the kernel, in a namespace of its own.
 *
 * covers: netsetup/nl.c netsetup/netns.c netsetup/rtnl_addr.c netsetup/rtnl_link.c
 */
#include "netsetup/rtnl.h"

#include "netsetup/link.h"
#include "netsetup/netns.h"
#include "tests/unit/check.h"
#include "tests/unit/net_sim.h"

#include <sys/stat.h>

static struct berth_error err;

static struct rtnl *open_rtnl(void)
{
	struct rtnl *r = NULL;

	if (rtnl_open("CT 101", &r, &err) < 0)
		abort();
	return r;
}

static void make_pair(struct rtnl *r, int netns, int index)
{
	static const uint8_t a[6] = {2, 0, 0, 0, 0, 1}, b[6] = {2, 0, 0, 0, 0, 2};

	rtnl_veth_add(r, &(struct rtnl_veth){.name = "ct101.0",
					     .peer_name = "venet0",
					     .index = index,
					     .peer_index = 64,
					     .mac = a,
					     .peer_mac = b,
					     .peer_netns = netns,
					     .mtu = 1400});
}

static void a_pair_is_born_in_both_namespaces(void)
{
	struct rtnl *r = open_rtnl();
	struct rtnl_link link;
	int ns = sim_netns(), back = -EBADF;

	make_pair(r, ns, 1000);
	CHECK(rtnl_commit(r, &err) == 0);
	CHECK(rtnl_link_by_name(r, "ct101.0", &link, &err) == 0);
	CHECK(link.index == 1000 && link.veth && link.ether && !link.up && link.mac[5] == 1);
	CHECK(rtnl_link_by_name(r, "venet0", &link, &err) == -ENODEV);
	CHECK(netns_enter(ns, &back, &err) == 0);
	rtnl_free(&r);
	r = open_rtnl();
	CHECK(rtnl_link_by_index(r, 64, &link, &err) == 0);
	CHECK(strcmp(link.name, "venet0") == 0 && link.mac[5] == 2);
	rtnl_free(&r);
	CHECK(netns_leave(&back, &err) == 0 && back < 0);
	r = open_rtnl();
	rtnl_link_del(r, "ct101.0");
	rtnl_link_del(r, "ct101.0"); /* not there any more: as good */
	CHECK(rtnl_commit(r, &err) == 0);
	rtnl_free(&r);
	(void)close(ns);
}

static void a_failure_names_the_step_and_the_ct(void)
{
	struct rtnl *r = open_rtnl();
	const struct net_addr a = sim_addr("10.0.0.1");

	rtnl_addr(r, RTNL_ADD, 4242, &a);
	rtnl_link_change(r, &(struct rtnl_link_change){.index = 1, .up = true});
	CHECK(rtnl_commit(r, &err) == -ENODEV);
	CHECK(strstr(err.msg, "CT 101") != NULL && strstr(err.msg, "10.0.0.1") != NULL);
	CHECK(err.code == BERTH_ERR_NET && err.sys == ENODEV);
	/* The answers of the failed batch are gone: the next one has its own. */
	rtnl_link_change(r, &(struct rtnl_link_change){.index = 1, .up = true});
	CHECK(rtnl_commit(r, &err) == 0);
	CHECK(rtnl_commit(r, &err) == 0);
	rtnl_free(&r);
}

static void the_kernels_own_words_are_in_the_error(void)
{
	struct rtnl *r = open_rtnl();
	int ns = sim_netns();

	make_pair(r, ns, 1002);
	CHECK(rtnl_commit(r, &err) == 0);
	rtnl_link_change(r, &(struct rtnl_link_change){.index = 1002, .mtu = 10});
	CHECK(rtnl_commit(r, &err) == -EINVAL);
	CHECK(strstr(err.msg, "(kernel: ") != NULL && strstr(err.msg, "mtu") != NULL);
	rtnl_link_del(r, "ct101.0");
	CHECK(rtnl_commit(r, &err) == 0);
	rtnl_free(&r);
	(void)close(ns);
}

static void count_one(const struct rtnl_entry *e, void *data)
{
	(void)e;
	(*(int *)data)++;
}

/* More than a queue, a datagram of acks or one part of a dump can hold. */
static void a_thousand_changes_and_their_list(void)
{
	struct rtnl *r = open_rtnl();
	struct net_addr a = {.family = AF_INET, .prefix = 32};
	int n = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		a.v4.s_addr = htonl(0x0a000001 + i);
		rtnl_addr(r, RTNL_ADD, 1, &a);
	}
	CHECK(rtnl_commit(r, &err) == 0);
	CHECK(rtnl_list_addrs(r, count_one, &n, &err) == 0 && n >= 1001);
	for (uint32_t i = 0; i < 1000; i++) {
		a.v4.s_addr = htonl(0x0a000001 + i);
		rtnl_addr(r, RTNL_DEL, 1, &a);
		rtnl_addr(r, RTNL_DEL, 1, &a);
	}
	CHECK(rtnl_commit(r, &err) == 0);
	n = 0;
	CHECK(rtnl_list_addrs(r, count_one, &n, &err) == 0 && n <= 2);
	rtnl_free(&r);
}

/* The first failure of many batches is the one that is told. */
static void an_early_failure_is_not_lost(void)
{
	struct rtnl *r = open_rtnl();
	struct net_addr a = sim_addr("10.0.0.1");

	rtnl_addr(r, RTNL_ADD, 4242, &a);
	for (int i = 0; i < 200; i++)
		rtnl_link_change(r, &(struct rtnl_link_change){.index = 1, .up = true});
	CHECK(rtnl_commit(r, &err) == -ENODEV && strstr(err.msg, "10.0.0.1") != NULL);
	rtnl_free(&r);
}

static void routes_are_looked_up_as_the_host_would(void)
{
	struct rtnl *r = open_rtnl();
	const struct net_addr a = sim_addr("10.5.0.1"), b = sim_addr("10.5.0.2");
	struct rtnl_entry e = {0};
	int ns = sim_netns(), n = 0;

	CHECK(rtnl_route_lookup(r, &a, &e, &err) < 0);
	make_pair(r, ns, 1001);
	rtnl_link_change(r, &(struct rtnl_link_change){.index = 1001, .up = true});
	rtnl_addr(r, RTNL_ADD, 1001, &a);
	rtnl_route(r, RTNL_ADD,
		   &(struct rtnl_route){
			   .family = AF_INET, .dst = &b, .index = 1001, .protocol = NET_PROTO_NAT});
	CHECK(rtnl_commit(r, &err) == 0);
	CHECK(rtnl_route_lookup(r, &a, &e, &err) == 0 && e.type == RTN_LOCAL);
	CHECK(rtnl_route_lookup(r, &b, &e, &err) == 0 && e.type == RTN_UNICAST);
	CHECK(e.index == 1001 && e.addr.prefix == 32 && !e.via && e.protocol == NET_PROTO_NAT);
	CHECK(rtnl_list_routes(r, 1001, NET_PROTO_NAT, count_one, &n, &err) == 0 && n == 1);
	CHECK(rtnl_list_routes(r, 1, 0, count_one, &n, &err) == 0 && n == 1);
	rtnl_link_del(r, "ct101.0");
	CHECK(rtnl_commit(r, &err) == 0);
	rtnl_free(&r);
	(void)close(ns);
}

static void veth_is_known_and_nothing_is_made_to_find_out(void)
{
	struct rtnl *r = open_rtnl();
	struct rtnl_link link;

	CHECK(rtnl_has_veth(r));
	CHECK(rtnl_link_by_name(r, "veth0", &link, &err) == -ENODEV);
	rtnl_free(&r);
}

static void sysctls_are_those_of_the_namespace(void)
{
	int ns = sim_netns(), back = -EBADF, value = -1;

	CHECK(net_sysctl_set("ipv4/ip_default_ttl", NULL, "99", &err) == 0);
	CHECK(netns_enter(ns, &back, &err) == 0);
	CHECK(net_sysctl_get("ipv4/ip_default_ttl", NULL, &value) == 0 && value == 64);
	CHECK(netns_leave(&back, &err) == 0);
	CHECK(net_sysctl_get("ipv4/ip_default_ttl", NULL, &value) == 0 && value == 99);
	CHECK(net_sysctl_get("ipv4/conf/%s/forwarding", "lo", &value) == 0);
	CHECK(net_sysctl_get("ipv4/conf/%s/forwarding", "nolink", &value) == -ENOENT);
	CHECK(net_sysctl_set("ipv4/nothing", NULL, "1", &err) < 0);
	CHECK(strstr(err.msg, "/proc/sys/net/ipv4/nothing") != NULL);
	(void)close(ns);
}

static void a_way_back_that_is_none_is_told(void)
{
	int pipefd[2];

	CHECK(pipe2(pipefd, O_CLOEXEC) == 0);
	CHECK(netns_leave(&pipefd[0], &err) == -ENOTRECOVERABLE && pipefd[0] >= 0);
	CHECK(netns_enter(pipefd[0], &pipefd[1], &err) < 0);
}

int main(void)
{
	if (!sim_host())
		return SIM_SKIPPED;
	RUN(a_pair_is_born_in_both_namespaces);
	RUN(a_failure_names_the_step_and_the_ct);
	RUN(the_kernels_own_words_are_in_the_error);
	RUN(a_thousand_changes_and_their_list);
	RUN(an_early_failure_is_not_lost);
	RUN(routes_are_looked_up_as_the_host_would);
	RUN(veth_is_known_and_nothing_is_made_to_find_out);
	RUN(sysctls_are_those_of_the_namespace);
	RUN(a_way_back_that_is_none_is_told);
	return check_failures != 0;
}
