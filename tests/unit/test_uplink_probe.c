/*
 * test_uplink_probe.c - the address probe of netsetup/probe.c on a wire: a host with two links on one
 * segment (a bridge of another namespace), and neighbours there that have addresses or are a proxy.
 *
 * covers: netsetup/frame.c netsetup/probe.c
 */
#include "netsetup/probe.h"

#include "runtime/base/spawn.h"
#include "tests/unit/check.h"
#include "tests/unit/net_sim.h"

#include <time.h>

static int out_ns;
static struct berth_error err;

#define CMD(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A command of the shell, on the host or outside. */
static bool sh(int ns, const char *script)
{
	int back = -EBADF, r;

	if (ns >= 0 && netns_enter(ns, &back, &err) < 0)
		abort();
	r = spawn_run(CMD("sh", "-ec", script), &err);
	if (ns >= 0 && netns_leave(&back, &err) < 0)
		abort();
	return r == 0;
}

static void make_world(void)
{
	char script[1024];

	out_ns = sim_netns();
	CHECK(out_ns >= 0);
	/* ip(8) names namespaces by processes or paths: this process holds the other one open. */
	(void)snprintf(script, sizeof(script),
		       "for i in 0 1; do ip link add up$i type veth peer name w$i netns "
		       "/proc/%d/fd/%d; done",
		       (int)getpid(), out_ns);
	CHECK(sh(-1, script));
	CHECK(sh(out_ns,
		 "ip link set lo up; ip link add seg type bridge; ip link set w0 master seg; "
		 "ip link set w1 master seg; ip link set w0 up; ip link set w1 up; "
		 "ip link set seg up; "
		 "ip addr add 192.0.2.254/24 dev seg; ip addr add 192.0.2.77/24 dev seg; "
		 "ip -6 addr add 2001:db8:ff::fe/64 dev seg nodad; "
		 "ip -6 addr add 2001:db8:ff::77/64 dev seg nodad"));
	CHECK(sh(-1, "ip link set up0 up; ip link set up1 up; ip addr add 192.0.2.1/24 dev up0; "
		     "ip -6 addr add 2001:db8:ff::1/64 dev up0 nodad; "
		     "ip route add default via 192.0.2.254"));
	/* The links have addresses of their own, too. */
	CHECK_SOON(sh(-1, "! ip -6 addr show tentative | grep -q ."));
	CHECK_SOON(sh(out_ns, "! ip -6 addr show tentative | grep -q ."));
}

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* As a start of CT 101 does it; nat as by default. */
static int probe(const char *const *texts, bool on, bool running)
{
	struct net_addr addrs[8];
	const struct net_ct ct = {.ctid = 101, .probe = on};
	unsigned int n = 0;
	struct uplink_plan plan;
	struct rtnl *r;
	int res;

	for (; texts[n] != NULL; n++)
		addrs[n] = sim_addr(texts[n]);
	CHECK(rtnl_open("CT 101", &r, &err) == 0);
	res = uplink_find(r, 101, true, addrs, n, &plan, &err);
	CHECK(res == 0);
	res = uplink_probe(r, &ct, addrs, n, &plan, running, &err);
	rtnl_free(&r);
	return res;
}

static bool said(const char *word)
{
	if (strstr(err.msg, word) != NULL)
		return true;
	(void)fprintf(stderr, "no '%s' in: %s\n", word, err.msg);
	return false;
}

enum {
	BUDGET_MS = PROBE_ROUNDS * PROBE_ROUND_MS,
	TRIES = 30
};

/* The time of the quickest of many: other work on this machine makes some longer, none shorter. */
static double quickest(const char *const *texts, bool on, int want)
{
	double best = 1e9;

	for (int i = 0; i < TRIES && best >= BUDGET_MS; i++) {
		double t = now_ms();

		CHECK(probe(texts, on, false) == want);
		t = now_ms() - t;
		best = t < best ? t : best;
	}
	return best;
}

static void a_neighbours_address_is_refused(void)
{
	CHECK(probe(CMD("192.0.2.50", "192.0.2.77"), true, false) == -EADDRINUSE);
	CHECK(err.code == BERTH_ERR_ADDRESS_IN_USE);
	CHECK(said("CT 101") && said("192.0.2.77") && said("up0") && said(":") &&
	      said("--ipdel 192.0.2.77 --ipadd"));
	CHECK(probe(CMD("2001:db8:ff::50", "2001:db8:ff::77"), true, true) == -EADDRINUSE);
	CHECK(said("2001:db8:ff::77") && said("set 101 --ipadd"));
	/* An answer ends the waiting. */
	CHECK(quickest(CMD("192.0.2.77"), true, -EADDRINUSE) < BUDGET_MS);
}

static void a_free_address_costs_the_whole_budget_and_no_more(void)
{
	double t = now_ms();

	CHECK(probe(CMD("192.0.2.50", "192.0.2.51", "2001:db8:ff::50"), true, false) == 0);
	t = now_ms() - t;
	CHECK(t >= BUDGET_MS - 1);
	/* No more: the quickest of some, on a busy machine. */
	for (int i = 0; i < TRIES && t >= BUDGET_MS + 200; i++) {
		t = now_ms();
		CHECK(probe(CMD("192.0.2.51"), true, false) == 0);
		t = now_ms() - t;
	}
	CHECK(t < BUDGET_MS + 200);
	(void)printf("probe of three free addresses: %.0f ms\n", t);
}

static void what_is_announced_nowhere_costs_nothing(void)
{
	CHECK(quickest(CMD("10.0.0.1", "fd00::1"), true, 0) < BUDGET_MS);
	CHECK(quickest(CMD(NULL), true, 0) < BUDGET_MS);
	CHECK(quickest(CMD("192.0.2.77", "2001:db8:ff::77"), false, 0) < BUDGET_MS);
}

static void the_proxy_of_an_address_is_found(void)
{
	/* As another host of CTs: the address is not its own, its kernel does not answer probes. */
	CHECK(sh(out_ns,
		 "ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up; "
		 "ip route add 192.0.2.78/32 dev d0; "
		 "ip -6 route add 2001:db8:ff::78/128 dev d0; "
		 "echo 1 >/proc/sys/net/ipv4/ip_forward; "
		 "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; "
		 "echo 1 >/proc/sys/net/ipv6/conf/seg/proxy_ndp; "
		 "echo 0 >/proc/sys/net/ipv4/neigh/seg/proxy_delay; "
		 "echo 0 >/proc/sys/net/ipv6/neigh/seg/proxy_delay; "
		 "ip neigh add proxy 192.0.2.78 dev seg; "
		 "ip neigh add proxy 2001:db8:ff::78 dev seg"));
	CHECK(probe(CMD("192.0.2.78"), true, false) == -EADDRINUSE && said("192.0.2.78"));
	CHECK(probe(CMD("2001:db8:ff::78"), true, false) == -EADDRINUSE && said("::78"));
	/* The gateway of a host forwards for everybody; only its proxy entries count. */
	CHECK(probe(CMD("198.51.100.9"), true, false) == 0);
}

/* The other link of the host answers for everything that the first one leads to. */
static void what_this_host_says_itself_is_no_conflict(void)
{
	CHECK(sh(-1, "echo 1 >/proc/sys/net/ipv4/ip_forward; "
		     "echo 1 >/proc/sys/net/ipv4/conf/up1/proxy_arp; "
		     "echo 0 >/proc/sys/net/ipv4/neigh/up1/proxy_delay; "
		     "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; "
		     "echo 1 >/proc/sys/net/ipv6/conf/up1/proxy_ndp; "
		     "echo 0 >/proc/sys/net/ipv6/neigh/up1/proxy_delay; "
		     "ip neigh add proxy 192.0.2.60 dev up1; "
		     "ip neigh add proxy 2001:db8:ff::60 dev up1; "
		     "ip neigh add proxy 192.0.2.60 dev up0; "
		     "ip neigh add proxy 2001:db8:ff::60 dev up0"));
	/* Somebody else does believe it. */
	CHECK(sh(out_ns, "ping -c 1 -W 1 192.0.2.60 >/dev/null 2>&1 || ip neigh show 192.0.2.60 | "
			 "grep -q lladdr"));
	CHECK(probe(CMD("192.0.2.60", "2001:db8:ff::60"), true, false) == 0);
	CHECK(probe(CMD("192.0.2.60", "192.0.2.77"), true, false) == -EADDRINUSE);
	CHECK(said("192.0.2.77"));
	CHECK(sh(-1, "echo 0 >/proc/sys/net/ipv4/conf/up1/proxy_arp; "
		     "echo 0 >/proc/sys/net/ipv6/conf/up1/proxy_ndp"));
}

static void the_probe_changes_nobodys_beliefs(void)
{
	CHECK(sh(out_ns, "ip neigh flush dev seg"));
	CHECK(probe(CMD("192.0.2.50", "2001:db8:ff::50"), true, false) == 0);
	CHECK(!sh(out_ns, "ip neigh show | grep -qE '192.0.2.50 |ff::50 '"));
}

static void a_link_without_a_carrier_has_nobody_to_ask(void)
{
	CHECK(sh(out_ns, "ip link set w0 down"));
	CHECK(quickest(CMD("192.0.2.77", "2001:db8:ff::77"), true, 0) < BUDGET_MS);
	CHECK(sh(out_ns, "ip link set w0 up"));
}

int main(void)
{
	if (!sim_host())
		return SIM_SKIPPED;
	make_world();
	if (check_failures != 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	RUN(a_neighbours_address_is_refused);
	RUN(a_free_address_costs_the_whole_budget_and_no_more);
	RUN(what_is_announced_nowhere_costs_nothing);
	RUN(the_proxy_of_an_address_is_found);
	RUN(what_this_host_says_itself_is_no_conflict);
	RUN(the_probe_changes_nobodys_beliefs);
	RUN(a_link_without_a_carrier_has_nobody_to_ask);
	if (check_failures != 0)
		(void)fprintf(stderr, "last error: %s\n", err.msg);
	return check_failures != 0;
}
