/*
 * test_net_host.c - netsetup/host.c, nft.c and doctor.c: what the host needs, and what ails it.
 *
 * covers: netsetup/doctor.c netsetup/nft.c netsetup/nft_rules.c
 */
#include "netsetup/net.h"

#include "netsetup/link.h"
#include "netsetup/netns.h"
#include "netsetup/nft.h"
#include "runtime/base/spawn.h"
#include "tests/unit/check.h"
#include "tests/unit/net_sim.h"

#define TABLE "berth_test"
#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct net_owner owner = {.nft_table = TABLE}, other = {.nft_table = "berth_other"};
static struct berth_error err;

static int guard_check(const struct net_owner *of)
{
	struct net_guard *guard = net_guard_new(of);
	int r = net_guard_check(guard, &err);

	net_guard_free(guard);
	return r;
}

static void setup_makes_a_router_that_keeps_its_own_routes(void)
{
	int value = 0;

	CHECK(spawn_run(ARGV("ip", "link", "add", "up0", "type", "dummy"), &err) == 0 ||
	      spawn_run(ARGV("ip", "link", "add", "up0", "type", "veth", "peer", "name", "up1"),
			&err) == 0);
	CHECK(guard_check(&owner) == -ENOENT);
	CHECK(net_host_setup(BERTH_NFT, &owner, &err) == 0);
	CHECK(net_host_setup(BERTH_NFT, &owner, &err) == 0);
	CHECK(guard_check(&owner) == 0);
	CHECK(net_sysctl_get("ipv4/ip_forward", NULL, &value) == 0 && value == 1);
	CHECK(net_sysctl_get("ipv6/conf/all/forwarding", NULL, &value) == 0 && value == 1);
	CHECK(net_sysctl_get("ipv6/conf/%s/accept_ra", "up0", &value) == 0 && value == 2);
}

static void two_hosts_on_one_machine_do_not_meet(void)
{
	CHECK(guard_check(&other) == -ENOENT);
	CHECK(net_host_setup(BERTH_NFT, &other, &err) == 0);
	CHECK(spawn_run(ARGV("nft", "delete", "table", "inet", "berth_other"), &err) == 0);
	CHECK(guard_check(&other) == -ENOENT);
	CHECK(strstr(err.msg, "berth_other") != NULL);
	CHECK(guard_check(&owner) == 0);
}

static struct nft_change change_of(uint32_t ctid, const struct net_addr *addrs, unsigned int n,
				   bool nat)
{
	static struct net_link_id ids[2];
	static unsigned int made;
	struct net_link_id *id = &ids[made++ % 2];

	*id = sim_id(ctid);
	return (struct nft_change){.driver = &net_venet,
				   .id = id,
				   .addrs = addrs,
				   .n_addrs = n,
				   .nat = nat,
				   .link = true};
}

static void elements_are_added_all_or_none(void)
{
	const struct net_addr a[] = {sim_addr("10.0.0.1"), sim_addr("fd00::1"),
				     sim_addr("203.0.113.1")};
	const struct net_addr b[] = {sim_addr("10.0.0.2"), sim_addr("203.0.113.1")};
	struct nft_change one = change_of(101, a, 3, true), two = change_of(102, b, 2, true);
	struct net_addr_list found = {0};

	CHECK(nft_add(TABLE, &one, &err) == 0);
	CHECK(nft_add(TABLE, &one, &err) == -EEXIST);
	CHECK(nft_add(TABLE, &two, &err) == -EEXIST); /* 203.0.113.1 is taken */
	CHECK(sim_find(TABLE, 102, &found, &err) == 0 && found.n == 0);
	CHECK(sim_find(TABLE, 101, &found, &err) == 0 && found.n == 3);
	net_addr_list_free(&found);
	CHECK(nft_remove(TABLE, one.id, &a[1], 1, &found, &err) == 0);
	CHECK(found.n == 1 && net_addr_equal(&found.v[0], &a[1]));
	net_addr_list_free(&found);
	/* What belongs to another CT is not removed with the same address named. */
	CHECK(nft_remove(TABLE, two.id, &a[2], 1, &found, &err) == 0 && found.n == 0);
	CHECK(sim_find(TABLE, 101, &found, &err) == 0 && found.n == 2);
	net_addr_list_free(&found);
	CHECK(nft_remove(TABLE, one.id, NULL, 0, NULL, &err) == 0);
	CHECK(nft_add(TABLE, &two, &err) == 0);
	CHECK(nft_remove(TABLE, two.id, NULL, 0, NULL, &err) == 0);
	CHECK(nft_remove(TABLE, two.id, NULL, 0, NULL, &err) == 0);
	CHECK(nft_remove("no_table", two.id, NULL, 0, NULL, &err) == 0);
	CHECK(nft_add("no_table", &two, &err) == -ENOENT);
}

/* CTID 10 times 101: a name that begins with another name is another name. */
static void links_with_similar_names_are_told_apart(void)
{
	const struct net_addr a = sim_addr("10.0.0.1"), b = sim_addr("10.0.0.2");
	struct nft_change one = change_of(101, &a, 1, false), two = change_of(1010, &b, 1, false);
	struct net_addr_list found = {0};

	CHECK(nft_add(TABLE, &one, &err) == 0 && nft_add(TABLE, &two, &err) == 0);
	CHECK(nft_remove(TABLE, one.id, NULL, 0, NULL, &err) == 0);
	CHECK(sim_find(TABLE, 1010, &found, &err) == 0 && found.n == 1);
	net_addr_list_free(&found);
	CHECK(nft_remove(TABLE, two.id, NULL, 0, NULL, &err) == 0);
}

struct findings {
	int n, bad;
	char names[2048];
};

static void take_finding(const char *name, const char *level, const char *text, const char *fix,
			 void *data)
{
	struct findings *f = data;
	size_t len = strlen(f->names);
	bool ok = strcmp(level, "ok") == 0;

	CHECK(text[0] != '\0' &&
	      (ok || strcmp(level, "warning") == 0 || strcmp(level, "error") == 0));
	CHECK(!ok || fix[0] == '\0');
	f->n++;
	f->bad += !ok;
	if (!ok)
		(void)snprintf(f->names + len, sizeof(f->names) - len, "%s:%s;", name, level);
}

static void the_doctor_finds_what_is_wrong_and_only_that(void)
{
	struct findings f = {0};

	CHECK(net_sysctl_set("ipv4/conf/all/rp_filter", NULL, "1", &err) == 0);
	net_doctor(&owner, take_finding, &f);
	CHECK(strstr(f.names, "rp_filter") == NULL && strstr(f.names, "nftables") == NULL);
	CHECK(strstr(f.names, "packet filter") == NULL && strstr(f.names, "veth") == NULL);
	CHECK(strstr(f.names, "other firewall") == NULL && strstr(f.names, "forwarding") == NULL);
	CHECK(net_sysctl_set("ipv4/conf/all/rp_filter", NULL, "2", &err) == 0);
	CHECK(net_sysctl_set("ipv4/ip_forward", NULL, "0", &err) == 0);
	CHECK(spawn_run(ARGV("nft", "add", "table", "ip", "foreign"), &err) == 0);
	CHECK(spawn_run(ARGV("nft", "add chain ip foreign f { type filter hook forward priority 0; "
				    "policy drop; }"),
			&err) == 0);
	CHECK(spawn_run(ARGV("nft", "flush", "chain", "inet", TABLE, "guard"), &err) == 0);
	f = (struct findings){0};
	net_doctor(&owner, take_finding, &f);
	CHECK(strstr(f.names, "rp_filter:warning") != NULL);
	CHECK(strstr(f.names, "ipv4 forwarding:warning") != NULL);
	CHECK(strstr(f.names, "packet filter:error") != NULL);
	CHECK(strstr(f.names, "other firewall:warning") != NULL);
}

static void without_ipv6_an_ipv6_address_is_refused_clearly(void)
{
	const struct net_addr v6 = sim_addr("fd00::1"), v4 = sim_addr("10.0.0.1");
	struct net_ct ct = {.ctid = 101,
			    .owner = owner,
			    .links = {{.driver = &net_venet, .addrs = &v6, .n_addrs = 1}},
			    .n_links = 1};
	int ns = sim_netns();

	CHECK(net_host_setup(BERTH_NFT, &owner, &err) == 0);
	CHECK(net_sysctl_set("ipv6/conf/all/disable_ipv6", NULL, "1", &err) == 0);
	CHECK(net_ct_up(&ct, ns, &err) == -EAFNOSUPPORT && err.code == BERTH_ERR_UNSUPPORTED);
	CHECK(strstr(err.msg, "CT 101") != NULL && strstr(err.msg, "disable_ipv6") != NULL);
	ct.links[0].addrs = &v4;
	CHECK(net_ct_up(&ct, ns, &err) == 0);
	CHECK(net_ct_down(101, &owner, &err) == 0);
	(void)close(ns);
}

int main(void)
{
	if (!sim_host())
		return SIM_SKIPPED;
	RUN(setup_makes_a_router_that_keeps_its_own_routes);
	RUN(two_hosts_on_one_machine_do_not_meet);
	RUN(elements_are_added_all_or_none);
	RUN(links_with_similar_names_are_told_apart);
	RUN(the_doctor_finds_what_is_wrong_and_only_that);
	RUN(without_ipv6_an_ipv6_address_is_refused_clearly);
	return check_failures != 0;
}
