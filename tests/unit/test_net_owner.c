/*
 * test_net_owner.c - two berths in one network namespace, CTIDs that are almost one, CTs with several links, CTs that have
 * thrown their link away, and what is known of one: whose a thing is, and what is left of it.
 *
 * covers: netsetup/owner.c netsetup/ct.c netsetup/link.c
 */
#include "netsetup/net.h"

#include "netsetup/link.h"
#include "netsetup/nft.h"
#include "netsetup/rtnl.h"
#include "runtime/base/spawn.h"
#include "tests/unit/check.h"
#include "tests/unit/net_sim.h"

#include <sys/stat.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct net_owner a = {.nft_table = "berth_a", .root = "/nonexistent/a"},
			      b = {.nft_table = "berth_b", .root = "/nonexistent/b"},
			      b_in_a = {.nft_table = "berth_a", .root = "/nonexistent/b"};
static int ns1, ns2;
static struct berth_error err;

static struct net_ct ct_of(uint32_t ctid, const struct net_owner *o, const struct net_addr *addrs,
			   unsigned int n)
{
	return (struct net_ct){
		.ctid = ctid,
		.owner = *o,
		.links = {{.driver = &net_venet, .addrs = addrs, .n_addrs = n, .nat = true}},
		.n_links = 1};
}

static int up(uint32_t ctid, const struct net_owner *o, int ns, const char *addr)
{
	const struct net_addr addrs[] = {sim_addr(addr)};
	const struct net_ct ct = ct_of(ctid, o, addrs, 1);

	return net_ct_up(&ct, ns, &err);
}

/* Elements of a table that name the CT's link or, if not NULL, the address. */
static bool has_elements(const struct net_owner *o, uint32_t ctid, const char *addr)
{
	struct net_addr_list found = {0};
	const struct net_addr want = addr != NULL ? sim_addr(addr) : (struct net_addr){0};
	bool has;

	CHECK(sim_find(o->nft_table, ctid, &found, &err) == 0);
	has = addr == NULL ? found.n > 0 : net_addr_is_in(&want, found.v, found.n);
	net_addr_list_free(&found);
	return has;
}

static bool link_is_there(const char *name)
{
	struct rtnl_link link;
	struct rtnl *r;
	bool is;

	CHECK(rtnl_open("", &r, &err) == 0);
	is = rtnl_link_by_name(r, name, &link, &err) == 0;
	rtnl_free(&r);
	return is;
}

static bool guest_and_host_talk(int ns, const char *addr)
{
	int in = sim_udp(ns, AF_INET, addr), out = sim_udp(-1, AF_INET, NULL);
	struct sockaddr_storage from;
	bool well = in >= 0 && sim_reaches(out, addr, in, &from);

	(void)close(in);
	(void)close(out);
	return well;
}

/* ---- whose ---- */

static void an_alias_tells_the_owner(void)
{
	const struct net_owner host = {.nft_table = "berth"}, moved = {.nft_table = "other"};
	char own[NET_ALIAS_MAX], text[NET_ALIAS_TEXT];

	CHECK(strcmp(net_alias(&host, own), "berth berth /") == 0);
	CHECK(net_alias_whose("berth berth /", own) == NET_OURS);
	CHECK(net_alias_whose("berth", own) == NET_OURS); /* made by berth 0.1.0 */
	CHECK(net_alias_whose("berth moved /", own) == NET_OURS); /* NFT_TABLE was another then */
	CHECK(net_alias_whose("berth berth /srv/b", own) == NET_FOREIGN_SAME_TABLE);
	CHECK(net_alias_whose("berth b /srv/b", own) == NET_FOREIGN);
	CHECK(net_alias_whose("", own) == NET_FOREIGN);
	CHECK(net_alias_whose("berth ", own) == NET_FOREIGN);
	CHECK(net_alias_whose("berth berth", own) == NET_FOREIGN);
	CHECK(net_alias_whose("berth a;b /", own) == NET_FOREIGN);
	CHECK(net_alias_whose("uplink to the switch", own) == NET_FOREIGN);
	CHECK(net_alias_whose("berth", net_alias(&moved, own)) == NET_FOREIGN);
	CHECK(strcmp(net_alias_text("berth b /srv/b", text), "the berth with --root /srv/b") == 0);
	CHECK(strcmp(net_alias_text("x", text), "another program") == 0);
}

static void one_root_has_one_alias_however_it_is_written(void)
{
	char dir[] = "/tmp/berth-owner.XXXXXX", link[64], crooked[64], one[NET_ALIAS_MAX],
	     two[NET_ALIAS_MAX], huge[300];
	struct net_owner o = {.nft_table = "berth", .root = dir};

	CHECK(mkdtemp(dir) != NULL);
	(void)net_alias(&o, one);
	(void)snprintf(crooked, sizeof(crooked), "/tmp/../%s/.", dir);
	o.root = crooked;
	CHECK(strcmp(net_alias(&o, two), one) == 0);
	(void)snprintf(link, sizeof(link), "%s.link", dir);
	CHECK(symlink(dir, link) == 0);
	o.root = link;
	CHECK(strcmp(net_alias(&o, two), one) == 0);
	CHECK(unlink(link) == 0 && rmdir(dir) == 0);
	/* Longer than an alias can be: told apart all the same. */
	memset(huge, 'x', sizeof(huge) - 1);
	huge[0] = '/';
	huge[sizeof(huge) - 1] = '\0';
	o.root = huge;
	(void)net_alias(&o, one);
	huge[280] = 'y';
	CHECK(strcmp(net_alias(&o, two), one) != 0 && strlen(two) < 255);
	CHECK(net_alias_whose(one, one) == NET_OURS &&
	      net_alias_whose(one, two) == NET_FOREIGN_SAME_TABLE);
}

/* ---- two berths ---- */

static void a_start_does_not_cut_anothers_link(void)
{
	CHECK(up(101, &a, ns1, "10.0.0.1") == 0 && guest_and_host_talk(ns1, "10.0.0.1"));
	CHECK(up(101, &b, ns2, "10.0.0.2") == -EEXIST);
	CHECK(strstr(err.msg, "CT 101") != NULL &&
	      strstr(err.msg, "--root /nonexistent/a") != NULL);
	CHECK(!has_elements(&b, 101, NULL));
	/* And what a failed start is cleaned up by. */
	CHECK(net_ct_down(101, &b, &err) == 0);
	CHECK(guest_and_host_talk(ns1, "10.0.0.1"));
	CHECK(net_ct_down(101, &a, &err) == 0 && !link_is_there("ct101.0"));
}

/* With one table the elements of the name are the other's, too. */
static void nor_its_elements_in_a_table_of_both(void)
{
	CHECK(up(101, &a, ns1, "10.0.0.1") == 0);
	CHECK(up(101, &b_in_a, ns2, "10.0.0.2") == -EEXIST);
	CHECK(net_ct_down(101, &b_in_a, &err) == 0);
	CHECK(has_elements(&a, 101, "10.0.0.1") && guest_and_host_talk(ns1, "10.0.0.1"));
	CHECK(up(102, &b_in_a, ns2, "10.0.0.2") == 0 && guest_and_host_talk(ns2, "10.0.0.2"));
	CHECK(net_ct_down(102, &b_in_a, &err) == 0 && net_ct_down(101, &a, &err) == 0);
}

/* A crash of ours, and then another's start: our table must not filter its link. */
static void own_elements_go_although_the_name_is_anothers_now(void)
{
	int ns = sim_netns();

	CHECK(up(101, &b, ns, "10.0.0.2") == 0 && has_elements(&b, 101, "10.0.0.2"));
	CHECK(spawn_run(ARGV("ip", "link", "del", "ct101.0"), &err) == 0);
	(void)close(ns);
	CHECK(up(101, &a, ns1, "10.0.0.1") == 0);
	CHECK(net_ct_down(101, &b, &err) == 0 && !has_elements(&b, 101, NULL));
	CHECK(guest_and_host_talk(ns1, "10.0.0.1"));
	CHECK(net_ct_down(101, &a, &err) == 0);
}

static int count(const struct net_owner *o)
{
	uint32_t *list = NULL;
	int n = net_ct_list(o, &list, &err);

	free(list);
	return n;
}

static bool is_guarded(const struct net_owner *o)
{
	struct net_guard *g = net_guard_new(o);
	bool is = net_guard_check(g, &err) == 0;

	net_guard_free(g);
	return is;
}

static void neither_lists_guards_or_restores_the_others(void)
{
	CHECK(up(101, &a, ns1, "10.0.0.1") == 0 && up(102, &b, ns2, "10.0.0.2") == 0);
	CHECK(count(&a) == 1 && count(&b) == 1);
	CHECK(spawn_run(ARGV("nft", "flush", "set", "inet", "berth_b", "ct_links"), &err) == 0);
	CHECK(is_guarded(&a) && !is_guarded(&b));
	CHECK(net_host_setup(BERTH_NFT, &b, &err) == 0 && is_guarded(&b));
	CHECK(!has_elements(&b, 101, NULL) && has_elements(&b, 102, "10.0.0.2"));
	CHECK(net_ct_down(101, &a, &err) == 0 && net_ct_down(102, &b, &err) == 0);
}

/* The address of another's CT is no free one, and its proxy entry is not ours to withdraw. */
static void anothers_address_and_proxy_entry_stay(void)
{
	const struct net_addr addr = sim_addr("192.0.2.50");
	char out[4096] = "";

	CHECK(up(101, &a, ns1, "192.0.2.50") == 0);
	CHECK(net_addr_check_free(&addr, 101, &a, &err) == 0);
	CHECK(net_addr_check_free(&addr, 102, &b, &err) == -EADDRINUSE);
	CHECK(net_addr_check_free(&addr, 101, &b, &err) == -EADDRINUSE);
	CHECK(strstr(err.msg, "--root /nonexistent/a") != NULL);
	CHECK(up(102, &b, ns2, "192.0.2.50") == -EADDRINUSE && !link_is_there("ct102.0"));
	CHECK(spawn_run_output(ARGV("ip", "neigh", "show", "proxy"), out, sizeof(out), &err) == 0);
	CHECK(strstr(out, "192.0.2.50") != NULL);
	CHECK(guest_and_host_talk(ns1, "192.0.2.50"));
	CHECK(net_ct_down(101, &a, &err) == 0);
	CHECK(spawn_run_output(ARGV("ip", "neigh", "show", "proxy"), out, sizeof(out), &err) == 0);
	CHECK(strstr(out, "192.0.2.50") == NULL);
}

static void a_link_of_no_berth_is_kept_and_named(void)
{
	CHECK(spawn_run(ARGV("ip", "link", "add", "ct101.0", "type", "veth", "peer", "name", "p0"),
			&err) == 0);
	CHECK(up(101, &a, ns1, "10.0.0.1") == -EEXIST &&
	      strstr(err.msg, "another program") != NULL);
	CHECK(net_ct_down(101, &a, &err) == 0 && link_is_there("ct101.0"));
	CHECK(spawn_run(ARGV("ip", "link", "del", "ct101.0"), &err) == 0);
	CHECK(up(101, &a, ns1, "10.0.0.1") == 0 && net_ct_down(101, &a, &err) == 0);
}

/* Has the CT as many elements with an address as that, and the first of the list among them? */
static bool has_all(const struct net_addr *addrs, unsigned int n)
{
	struct net_addr_list found = {0};
	bool has;

	CHECK(sim_find(a.nft_table, 101, &found, &err) == 0);
	has = found.n == n && net_addr_is_in(addrs, found.v, found.n);
	net_addr_list_free(&found);
	return has;
}

/* The kernel keeps networks in sets of two other kinds. */
static void networks_come_and_go_as_a_whole(void)
{
	const struct net_addr many[] = {sim_addr("203.0.113.8/29"), sim_addr("203.0.113.16/29"),
					sim_addr("10.9.8.0/29"),    sim_addr("2001:db8:7::/64"),
					sim_addr("203.0.113.3"),    sim_addr("10.9.8.1/29")};
	const struct net_addr few[] = {sim_addr("203.0.113.16/28"), sim_addr("10.9.8.0/30"),
				       sim_addr("2001:db8:7::/64")};
	const struct net_addr within = sim_addr("203.0.113.9"), around = sim_addr("203.0.112.0/22");
	const struct net_ct now = ct_of(101, &a, many, 6), next = ct_of(101, &a, few, 3);

	CHECK(net_ct_up(&now, ns1, &err) == 0 && has_all(many, 6));
	CHECK(spawn_run(ARGV("nft", "flush", "ruleset"), &err) == 0);
	CHECK(net_host_setup(BERTH_NFT, &a, &err) == 0 && net_host_setup(BERTH_NFT, &b, &err) == 0);
	CHECK(has_all(many, 6));

	/* Another CT's, of this berth and of another: a part of it, and more than it. */
	CHECK(up(102, &a, ns2, "10.9.8.4/30") == -EADDRINUSE);
	CHECK(up(102, &a, ns2, "2001:db8::/40") == -EADDRINUSE);
	CHECK(up(102, &b, ns2, "203.0.113.8/30") == -EADDRINUSE);
	CHECK(strstr(err.msg,
		     "203.0.113.8/30 overlaps 203.0.113.8/29, which belongs to CT 101 of "));
	/* One address of it, as a CT whose config was edited by hand has it. */
	CHECK(up(102, &a, ns2, "203.0.113.9") == -EADDRINUSE);
	CHECK(err.code == BERTH_ERR_ADDRESS_IN_USE &&
	      strstr(err.msg, "203.0.113.9 overlaps 203.0.113.8/29, which belongs to CT 101"));
	CHECK(up(102, &b, ns2, "2001:db8:7::5") == -EADDRINUSE);
	CHECK(!has_elements(&a, 102, NULL) && has_all(many, 6));
	CHECK(net_addr_check_free(&within, 102, &b, &err) == -EADDRINUSE);
	CHECK(net_addr_check_free(&around, 102, &b, &err) == -EADDRINUSE);
	CHECK(net_addr_check_free(&within, 101, &a, &err) == 0);

	CHECK(net_ct_change(&now, &next, ns1, &err) == 0 && has_all(few, 3));
	CHECK(up(102, &a, ns2, "10.9.8.4/30") == 0);
	CHECK(net_ct_change(&next, &now, ns1, &err) == -EADDRINUSE && has_all(few, 3));
	CHECK(net_ct_down(102, &a, &err) == 0);
	CHECK(net_ct_change(&next, &now, ns1, &err) == 0 && has_all(many, 6));
	CHECK(net_ct_down(101, &a, &err) == 0);
	CHECK(!has_elements(&a, 101, NULL));
}

/* ---- CTIDs of 31 bits ---- */

static int index_of(uint32_t ctid, unsigned int n, unsigned int attempt)
{
	struct net_link_id id;

	net_link_id(ctid, n, &id);
	return net_link_host_index(&id, attempt);
}

static void ctids_that_differ_in_the_highest_bit_do_not_meet(void)
{
	CHECK(index_of(101, 0, 0) == 0x40000065 && index_of(0x3fffffff, 0, 0) == 0x7fffffff);
	for (uint32_t i = 0; i < 40; i++)
		CHECK(index_of(101, 0, i + 1) >> 29 == 1 &&
		      index_of(0x40000065u, 0, i) >> 29 == 1 &&
		      index_of(101, 0, i + 1) != index_of(101, 0, i));
	for (unsigned int n = 1; n < NET_LINK_MAX; n++)
		CHECK(index_of(101, n, 0) >> 29 == 1 &&
		      index_of(101, n, 0) != index_of(101, n - 1, 0));
	CHECK(up(101, &a, ns1, "10.0.0.1") == 0 && up(1073741925, &a, ns2, "10.0.0.2") == 0);
	CHECK(guest_and_host_talk(ns1, "10.0.0.1") && guest_and_host_talk(ns2, "10.0.0.2"));
	CHECK(link_is_there("ct101.0") && link_is_there("ct1073741925.0"));
	CHECK(net_ct_down(1073741925, &a, &err) == 0 && !link_is_there("ct1073741925.0"));
	CHECK(guest_and_host_talk(ns1, "10.0.0.1"));
	CHECK(net_ct_down(101, &a, &err) == 0);
}

static void the_longest_ctid_has_a_whole_name(void)
{
	CHECK(up(2147483644u, &a, ns1, "10.0.0.1") == 0 && link_is_there("ct2147483644.0"));
	CHECK(is_guarded(&a) && guest_and_host_talk(ns1, "10.0.0.1"));
	CHECK(net_ct_down(2147483644u, &a, &err) == 0 && !link_is_there("ct2147483644.0"));
}

static void a_number_that_somebody_has_is_not_needed(void)
{
	CHECK(spawn_run(ARGV("ip", "link", "add", "index", "1073741925", "name", "x0", "type",
			     "veth", "peer", "name", "x1"),
			&err) == 0);
	CHECK(up(101, &a, ns1, "10.0.0.1") == 0 && guest_and_host_talk(ns1, "10.0.0.1"));
	/* And two CTIDs whose numbers begin alike. */
	CHECK(index_of(0x40000065u, 0, 0) == index_of(0x60000065u, 0, 0));
	CHECK(up(0x40000065u, &a, ns2, "10.0.0.2") == 0 && net_ct_down(101, &a, &err) == 0);
	CHECK(up(0x60000065u, &a, ns1, "10.0.0.3") == 0 && guest_and_host_talk(ns1, "10.0.0.3"));
	CHECK(guest_and_host_talk(ns2, "10.0.0.2") && link_is_there("x0"));
	CHECK(net_ct_down(0x40000065u, &a, &err) == 0 && net_ct_down(0x60000065u, &a, &err) == 0);
	CHECK(spawn_run(ARGV("ip", "link", "del", "x0"), &err) == 0);
}

/* ---- several links ---- */

static bool guest_has_link(int ns, const char *name)
{
	int back = -EBADF;
	bool is;

	CHECK(netns_enter(ns, &back, &err) == 0);
	is = link_is_there(name);
	CHECK(netns_leave(&back, &err) == 0);
	return is;
}

static void a_ct_has_several_links(void)
{
	const struct net_addr addrs[] = {sim_addr("10.0.0.1"), sim_addr("192.0.2.51"),
					 sim_addr("10.0.0.3"), sim_addr("10.0.0.9")};
	struct net_ct now = ct_of(2147483644u, &a, addrs, 1), next, bad;

	now.links[1] = (struct net_link){
		.driver = &net_venet, .n = NET_LINK_MAX - 1, .addrs = &addrs[1], .n_addrs = 1};
	now.n_links = 2;
	CHECK(net_ct_up(&now, ns1, &err) == 0 && is_guarded(&a));
	CHECK(link_is_there("ct2147483644.0") && link_is_there("ct2147483644.15"));
	CHECK(guest_has_link(ns1, "venet0") && guest_has_link(ns1, "venet15"));
	CHECK(guest_and_host_talk(ns1, "192.0.2.51")); /* the default route is the last one's */
	/* What somebody has flushed comes back for each of them. */
	CHECK(spawn_run(ARGV("nft", "flush", "set", "inet", "berth_a", "ct_links"), &err) == 0);
	CHECK(!is_guarded(&a));
	CHECK(net_host_setup(BERTH_NFT, &a, &err) == 0 && is_guarded(&a));
	/* One goes and one comes, while the first stays. */
	next = now;
	next.links[1] = (struct net_link){
		.driver = &net_venet, .n = 1, .addrs = &addrs[2], .n_addrs = 1, .nat = true};
	CHECK(net_ct_change(&now, &next, ns1, &err) == 0);
	CHECK(!link_is_there("ct2147483644.15") && link_is_there("ct2147483644.1"));
	CHECK(guest_and_host_talk(ns1, "10.0.0.3"));
	CHECK(up(102, &a, ns2, "192.0.2.51") == 0); /* free for another */
	/* The last of three cannot have its address: all is as it was. */
	bad = next;
	bad.links[0].addrs = &addrs[3];
	bad.links[2] =
		(struct net_link){.driver = &net_venet, .n = 2, .addrs = &addrs[1], .n_addrs = 1};
	bad.n_links = 3;
	CHECK(net_ct_change(&next, &bad, ns1, &err) == -EADDRINUSE);
	CHECK(has_elements(&a, 2147483644u, "10.0.0.1") &&
	      !has_elements(&a, 2147483644u, "10.0.0.9"));
	CHECK(!link_is_there("ct2147483644.2") && link_is_there("ct2147483644.1"));
	/* No number twice. */
	bad.links[2].n = 1;
	CHECK(net_ct_change(&next, &bad, ns1, &err) == -EINVAL);
	CHECK(net_ct_down(2147483644u, &a, &err) == 0 && net_ct_down(102, &a, &err) == 0);
	CHECK(!link_is_there("ct2147483644.0") && !link_is_there("ct2147483644.1"));
	CHECK(up(102, &a, ns2, "10.0.0.3") == 0 && net_ct_down(102, &a, &err) == 0);
	/* And a start that fails at the second leaves nothing of the first. */
	CHECK(up(102, &a, ns2, "192.0.2.51") == 0);
	CHECK(net_ct_up(&now, ns1, &err) == -EADDRINUSE);
	CHECK(!link_is_there("ct2147483644.0") && !link_is_there("ct2147483644.15"));
	CHECK(!has_elements(&a, 2147483644u, NULL) && net_ct_down(102, &a, &err) == 0);
}

/* ---- a CT without a link ---- */

/* As its root may do at any time; with its end the host's is gone. */
static void throw_link_away(int ns)
{
	int back = -EBADF;

	CHECK(netns_enter(ns, &back, &err) == 0);
	CHECK(spawn_run(ARGV("ip", "link", "del", "venet0"), &err) == 0);
	CHECK(netns_leave(&back, &err) == 0);
	CHECK(!link_is_there("ct101.0"));
}

static void an_address_is_taken_away_without_a_link_too(void)
{
	const struct net_addr two[] = {sim_addr("10.0.0.1"), sim_addr("192.0.2.50")},
			      other[] = {sim_addr("10.0.0.1"), sim_addr("10.0.0.7")};
	const struct net_ct now = ct_of(101, &a, two, 2), next = ct_of(101, &a, two, 1),
			    more = ct_of(101, &a, other, 2);
	char out[4096] = "";

	CHECK(net_ct_up(&now, ns1, &err) == 0);
	throw_link_away(ns1);
	CHECK(net_ct_change(&now, &now, ns1, &err) ==
	      0); /* what else a `set` changes is no reason */
	CHECK(net_ct_change(&now, &next, ns1, &err) == NET_GUEST_REFUSES);
	CHECK(strstr(err.msg, "CT 101") != NULL && strstr(err.msg, "berth restart 101") != NULL);
	CHECK(!has_elements(&a, 101, "192.0.2.50") && has_elements(&a, 101, "10.0.0.1"));
	CHECK(spawn_run_output(ARGV("ip", "neigh", "show", "proxy"), out, sizeof(out), &err) == 0);
	CHECK(strstr(out, "192.0.2.50") == NULL);
	CHECK(up(102, &a, ns2, "192.0.2.50") == 0); /* free for another */
	CHECK(net_ct_change(&next, &more, ns1, &err) == NET_GUEST_REFUSES);
	CHECK(has_elements(&a, 101, "10.0.0.7"));
	CHECK(net_ct_change(&more, &now, ns1, &err) == -EADDRINUSE); /* CT 102 has it now */
	CHECK(has_elements(&a, 101, "10.0.0.7") && has_elements(&a, 101, "10.0.0.1"));
	/* A new run mends it, and the old one leaves nothing. */
	CHECK(net_ct_up(&more, ns1, &err) == 0 && guest_and_host_talk(ns1, "10.0.0.7"));
	CHECK(net_ct_down(102, &a, &err) == 0 && net_ct_down(101, &a, &err) == 0);
	CHECK(!has_elements(&a, 101, NULL));
}

static void a_stop_without_a_link_leaves_nothing(void)
{
	CHECK(up(101, &a, ns1, "192.0.2.50") == 0);
	throw_link_away(ns1);
	CHECK(net_ct_down(101, &a, &err) == 0 && !has_elements(&a, 101, NULL));
	CHECK(up(102, &a, ns2, "192.0.2.50") == 0 && net_ct_down(102, &a, &err) == 0);
}

/* Down, renamed, without its addresses: nothing of it keeps an address, and only what fails is told. */
static void a_link_that_its_root_bends_loses_an_address(void)
{
	const struct net_addr two[] = {sim_addr("10.0.0.1"), sim_addr("10.0.0.3")};
	const struct net_ct now = ct_of(101, &a, two, 2), next = ct_of(101, &a, two, 1);
	int back = -EBADF;

	CHECK(net_ct_up(&now, ns1, &err) == 0);
	CHECK(netns_enter(ns1, &back, &err) == 0);
	CHECK(spawn_run(ARGV("ip", "addr", "flush", "dev", "venet0"), &err) == 0);
	CHECK(spawn_run(ARGV("ip", "link", "set", "venet0", "name", "evil0"), &err) == 0);
	CHECK(netns_leave(&back, &err) == 0);
	CHECK(net_ct_change(&now, &next, ns1, &err) >= 0 && !has_elements(&a, 101, "10.0.0.3"));
	CHECK(net_ct_change(&next, &now, ns1, &err) == 0 && has_elements(&a, 101, "10.0.0.3"));
	CHECK(netns_enter(ns1, &back, &err) == 0);
	CHECK(spawn_run(ARGV("ip", "link", "set", "evil0", "down"), &err) == 0);
	CHECK(netns_leave(&back, &err) == 0);
	CHECK(net_ct_change(&now, &next, ns1, &err) >= 0 && !has_elements(&a, 101, "10.0.0.3"));
	CHECK(up(102, &a, ns2, "10.0.0.3") == 0);
	CHECK(net_ct_down(102, &a, &err) == 0 && net_ct_down(101, &a, &err) == 0);
}

/* ---- what a CT may have is known ---- */

static struct net_known known_addr(const char *text)
{
	return (struct net_known){.addr = sim_addr(text)};
}

static bool is_proxied(const char *addr)
{
	char out[4096] = "";

	CHECK(spawn_run_output(ARGV("ip", "neigh", "show", "proxy"), out, sizeof(out), &err) == 0);
	return strstr(out, addr) != NULL;
}

/* It may be more than there is, or another's: that stays. */
static void what_is_known_goes_and_no_more(void)
{
	const struct net_known known[] = {known_addr("192.0.2.60"), known_addr("10.0.0.1"),
					  known_addr("192.0.2.50"), known_addr("10.0.0.9")};
	const struct net_addr two[] = {sim_addr("10.0.0.1"), sim_addr("192.0.2.50")};
	const struct net_ct ct = ct_of(101, &a, two, 2);

	CHECK(up(102, &a, ns2, "192.0.2.60") == 0 && net_ct_up(&ct, ns1, &err) == 0);
	CHECK(is_proxied("192.0.2.50") && is_proxied("192.0.2.60"));
	CHECK(net_ct_down_known(101, &a, known, 4, &err) == 0);
	CHECK(!has_elements(&a, 101, NULL) && !link_is_there("ct101.0"));
	CHECK(!is_proxied("192.0.2.50") && is_proxied("192.0.2.60"));
	CHECK(has_elements(&a, 102, "192.0.2.60") && guest_and_host_talk(ns2, "192.0.2.60"));
	/* Without a link, and so without routes. */
	CHECK(net_ct_up(&ct, ns1, &err) == 0);
	throw_link_away(ns1);
	CHECK(net_ct_down_known(101, &a, known, 4, &err) == 0 && !has_elements(&a, 101, NULL));
	CHECK(!is_proxied("192.0.2.50"));
	/* Nothing there, as after a start that failed early. */
	CHECK(net_ct_down_known(101, &a, known, 4, &err) == 0);
	CHECK(net_ct_down(102, &a, &err) == 0);
}

/* An address that was never given in this way is found where the sets have lost one. */
static void what_the_sets_have_lost_goes_too(void)
{
	const struct net_known known[] = {known_addr("192.0.2.50")};

	CHECK(up(101, &a, ns1, "192.0.2.50") == 0 && is_proxied("192.0.2.50"));
	CHECK(spawn_run(ARGV("nft", "flush", "set", "inet", "berth_a", "ct4"), &err) == 0);
	CHECK(spawn_run(ARGV("nft", "flush", "set", "arp", "berth_a", "ct4"), &err) == 0);
	CHECK(net_ct_down_known(101, &a, known, 1, &err) == 0 && !is_proxied("192.0.2.50"));
	CHECK(!link_is_there("ct101.0"));
}

/* Of links that are not known nothing is looked up; those that are go, with and without addresses. */
static void known_links_go(void)
{
	const struct net_addr one = sim_addr("10.0.0.1"), two = sim_addr("10.0.0.2");
	struct net_ct ct = ct_of(101, &a, &one, 1);
	const struct net_known known[] = {
		{.link = 0, .addr = one}, {.link = 3, .addr = two}, {.link = 7}};

	ct.links[1] = ct.links[2] = ct.links[0];
	ct.links[1].n = 3;
	ct.links[1].addrs = &two;
	ct.links[2].n = 7;
	ct.links[2].n_addrs = 0;
	ct.n_links = 3;
	CHECK(net_ct_up(&ct, ns1, &err) == 0 && link_is_there("ct101.3") &&
	      link_is_there("ct101.7"));
	CHECK(net_ct_down_known(101, &a, known, 3, &err) == 0 && !has_elements(&a, 101, NULL));
	CHECK(!link_is_there("ct101.0") && !link_is_there("ct101.3") && !link_is_there("ct101.7"));
}

static void make_world(void)
{
	ns1 = sim_netns_of_user();
	ns2 = sim_netns();
	CHECK(ns1 >= 0 && ns2 >= 0);
	CHECK(spawn_run(ARGV("ip", "link", "add", "up0", "type", "veth", "peer", "name", "out0"),
			&err) == 0);
	CHECK(spawn_run(ARGV("ip", "addr", "add", "192.0.2.1/24", "dev", "up0"), &err) == 0);
	CHECK(spawn_run(ARGV("ip", "link", "set", "up0", "up"), &err) == 0);
	CHECK(spawn_run(ARGV("ip", "link", "set", "out0", "up"), &err) == 0);
	CHECK(net_host_setup(BERTH_NFT, &a, &err) == 0 && net_host_setup(BERTH_NFT, &b, &err) == 0);
}

int main(void)
{
	RUN(an_alias_tells_the_owner);
	RUN(one_root_has_one_alias_however_it_is_written);
	if (!sim_host())
		return SIM_SKIPPED;
	make_world();
	RUN(a_start_does_not_cut_anothers_link);
	RUN(nor_its_elements_in_a_table_of_both);
	RUN(own_elements_go_although_the_name_is_anothers_now);
	RUN(neither_lists_guards_or_restores_the_others);
	RUN(anothers_address_and_proxy_entry_stay);
	RUN(a_link_of_no_berth_is_kept_and_named);
	RUN(networks_come_and_go_as_a_whole);
	RUN(ctids_that_differ_in_the_highest_bit_do_not_meet);
	RUN(the_longest_ctid_has_a_whole_name);
	RUN(a_number_that_somebody_has_is_not_needed);
	RUN(a_ct_has_several_links);
	RUN(an_address_is_taken_away_without_a_link_too);
	RUN(a_stop_without_a_link_leaves_nothing);
	RUN(a_link_that_its_root_bends_loses_an_address);
	RUN(what_is_known_goes_and_no_more);
	RUN(what_the_sets_have_lost_goes_too);
	RUN(known_links_go);
	return check_failures != 0;
}
