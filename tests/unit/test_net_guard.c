/*
 * test_net_guard.c - the packet filter of 5000 CTs: guarded, restored, and one of them taken down, while the
 * kernel tells what happens to it.
 *
 * covers: netsetup/guard.c
 */
#include "netsetup/net.h"

#include "netsetup/link.h"
#include "netsetup/nft.h"
#include "netsetup/rtnl.h"
#include "runtime/base/spawn.h"
#include "tests/unit/check.h"
#include "tests/unit/net_sim.h"

#include <poll.h>
#include <time.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

enum {
	CTS = 5000, /* even: two ends of a pair are the links of two CTs */
	FIRST = 1000,
	HEARD_MS = 10000
};

static const struct net_owner owner = {.nft_table = "berth_test"};
static struct net_guard *guard;
static struct berth_error err;
static int news;

static void make_links(void)
{
	char alias[NET_ALIAS_MAX];
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	uint8_t mac[6] = {2}, peer_mac[6] = {2, 1};
	struct rtnl *r;

	(void)net_alias(&owner, alias);
	CHECK(rtnl_open("", &r, &err) == 0);
	for (uint32_t ctid = FIRST; ctid < FIRST + CTS; ctid += 2) {
		const struct net_link_id id = sim_id(ctid), peer_id = sim_id(ctid + 1);
		int index = net_link_host_index(&id, 0),
		    peer_index = net_link_host_index(&peer_id, 0);

		rtnl_veth_add(r, &(struct rtnl_veth){.name = id.host,
						     .peer_name = peer_id.host,
						     .index = index,
						     .peer_index = peer_index,
						     .mac = mac,
						     .peer_mac = peer_mac,
						     .peer_netns = here});
		rtnl_link_change(r, &(struct rtnl_link_change){.index = index, .alias = alias});
		rtnl_link_change(r,
				 &(struct rtnl_link_change){.index = peer_index, .alias = alias});
	}
	CHECK(rtnl_commit(r, &err) == 0);
	rtnl_free(&r);
	(void)close(here);
}

static double ms_of(int (*fn)(void))
{
	struct timespec a, b;

	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK(fn() == 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	return (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
}

static int check(void)
{
	return net_guard_check(guard, &err);
}

static int setup(void)
{
	return net_host_setup(BERTH_NFT, &owner, &err);
}

/* Until nothing more is told; true when something of it was a reason to look. */
static bool hears(int timeout_ms)
{
	struct pollfd p = {.fd = news, .events = POLLIN};
	bool bad = false;

	while (poll(&p, 1, bad ? 0 : timeout_ms) == 1) {
		bad = net_guard_hear(guard) || bad;
		timeout_ms = 0;
	}
	return bad;
}

static void every_link_is_listed_once(void)
{
	uint32_t *list = NULL;
	int n = net_ct_list(&owner, &list, &err);

	CHECK(n == CTS);
	for (int i = 0; i < n; i++)
		CHECK(list[i] == FIRST + (uint32_t)i);
	free(list);
}

static void a_set_up_gives_all_of_them_their_elements(void)
{
	double set, look;

	CHECK(check() == -ENOENT); /* links, and no filter yet */
	set = ms_of(setup);
	look = ms_of(check);
	(void)printf("%d links: set up in %.0f ms, looked at in %.0f ms\n", CTS, set, look);
	CHECK(check() == 0);
}

static void the_one_that_is_missing_is_found(void)
{
	char element[64];

	(void)snprintf(element, sizeof(element), "{ \"%s\" }", sim_id(FIRST + CTS - 1).host);
	CHECK(spawn_run(ARGV("nft", "delete", "element", "arp", "berth_test", "ct_links", element),
			&err) == 0);
	CHECK(hears(HEARD_MS));
	(void)snprintf(element, sizeof(element), "{ \"%s\" }", sim_id(FIRST + 4000).host);
	CHECK(spawn_run(ARGV("nft", "delete", "element", "inet", "berth_test", "ct_links", element),
			&err) == 0);
	CHECK(hears(HEARD_MS));
	CHECK(check() == -ENOENT && strstr(err.msg, "CT 5000") != NULL);
	CHECK(setup() == 0 && check() == 0);
}

/* Of a link that left the set alone it is known which; whatever else is heard means all of them. */
static void only_what_was_heard_of_is_looked_at(void)
{
	const struct net_link_id one = sim_id(FIRST + 2), other = sim_id(FIRST + 4);
	char element[64];
	const char *const gone = "{ \"ct500.0\" }";

	(void)hears(0);
	net_guard_take(guard);
	(void)snprintf(element, sizeof(element), "{ \"%s\" }", one.host);
	CHECK(spawn_run(ARGV("nft", "delete", "element", "inet", "berth_test", "ct_links", element),
			&err) == 0);
	CHECK(hears(HEARD_MS));
	net_guard_take(guard);
	CHECK(check() == -ENOENT && strstr(err.msg, "CT 1002") != NULL);
	/* What failed is looked at whole. */
	net_guard_take(guard);
	CHECK(check() == -ENOENT);
	CHECK(setup() == 0);
	(void)hears(0);
	net_guard_take(guard);
	CHECK(check() == 0);

	/* One that has no link any more is no fault. */
	CHECK(spawn_run(ARGV("nft", "add", "element", "inet", "berth_test", "ct_links", gone),
			&err) == 0);
	CHECK(spawn_run(ARGV("nft", "delete", "element", "inet", "berth_test", "ct_links", gone),
			&err) == 0);
	CHECK(hears(HEARD_MS));
	net_guard_take(guard);
	(void)printf("one that left looked at in %.1f ms\n", ms_of(check));

	/* That look is done: what leaves now is of the next. */
	(void)snprintf(element, sizeof(element), "{ \"%s\" }", other.host);
	CHECK(spawn_run(ARGV("nft", "delete", "element", "arp", "berth_test", "ct_links", element),
			&err) == 0);
	CHECK(check() == 0);
	CHECK(hears(HEARD_MS));
	CHECK(spawn_run(ARGV("nft", "flush", "chain", "inet", "berth_test", "hold"), &err) == 0);
	CHECK(hears(HEARD_MS));
	net_guard_take(guard);
	CHECK(check() == -ENOENT && strstr(err.msg, "chain hold") != NULL);
	CHECK(setup() == 0);
	(void)hears(0);
	net_guard_take(guard);
	CHECK(check() == 0);
}

static void what_takes_something_away_is_heard(void)
{
	static const char *const taken[][8] = {
		{"nft", "flush", "chain", "inet", "berth_test", "guard"},
		{"nft", "flush", "set", "arp", "berth_test", "ct_links"},
		{"nft", "delete", "table", "inet", "berth_test"},
		{"nft", "flush", "ruleset"},
	};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		(void)hears(0);
		CHECK(spawn_run(taken[i], &err) == 0);
		CHECK(hears(HEARD_MS));
		CHECK(setup() == 0 && check() == 0);
	}
}

static void what_others_do_is_no_reason_to_look(void)
{
	const struct net_addr a = sim_addr("10.0.0.1");
	const struct net_link_id id = sim_id(101);
	const struct nft_change c = {
		.driver = &net_venet, .id = &id, .addrs = &a, .n_addrs = 1, .nat = true};
	struct net_addr_list list = {0};

	(void)hears(0);
	CHECK(spawn_run(ARGV("nft", "add table inet foreign; add chain inet foreign c; flush table "
				    "inet foreign; delete table inet foreign"),
			&err) == 0);
	/* The life of an address: elements that come and go. */
	CHECK(nft_add("berth_test", &c, &err) == 0);
	CHECK(nft_remove("berth_test", &id, &a, 1, &list, &err) == 0 && list.n == 1);
	net_addr_list_free(&list);
	CHECK(!hears(200));
	CHECK(check() == 0);
}

/* What there was no room for is lost, and that is told; what it was, nobody knows. */
static void what_was_lost_is_a_reason_to_look(void)
{
	const int tiny = 1, room = 4 << 20;

	(void)hears(0);
	CHECK(setsockopt(news, SOL_SOCKET, SO_RCVBUFFORCE, &tiny, sizeof(tiny)) == 0);
	CHECK(spawn_run(ARGV("nft", "flush", "set", "inet", "berth_test", "ct6"), &err) == 0);
	CHECK(hears(HEARD_MS));
	CHECK(setsockopt(news, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == 0);
	CHECK(spawn_run(ARGV("nft", "flush", "set", "inet", "berth_test", "ct6"), &err) == 0);
	CHECK(!hears(200));
	CHECK(setup() == 0);
}

static int down(void)
{
	return net_ct_down(FIRST + 7, &owner, &err);
}

static void one_of_them_goes_alone(void)
{
	const struct net_addr a[] = {sim_addr("10.0.0.1"), sim_addr("192.0.2.7"),
				     sim_addr("fd00::7")};
	const struct net_link_id id = sim_id(FIRST + 7);
	const struct nft_change c = {.driver = &net_venet,
				     .id = &id,
				     .addrs = a,
				     .n_addrs = 3,
				     .nat = true,
				     .link = true};
	struct net_addr_list list = {0};

	CHECK(nft_remove("berth_test", &id, NULL, 0, NULL, &err) == 0);
	CHECK(nft_add("berth_test", &c, &err) == 0);
	(void)printf("one of %d taken down in %.1f ms\n", CTS, ms_of(down));
	CHECK(sim_find("berth_test", FIRST + 7, &list, &err) == 0 && list.n == 0);
	/* The other end of the pair went with it. */
	CHECK(net_ct_down(FIRST + 6, &owner, &err) == 0 && check() == 0);
	CHECK(nft_add("berth_test", &c, &err) == 0); /* not one element was left */
	CHECK(down() == 0);
}

int main(void)
{
	if (!sim_host())
		return SIM_SKIPPED;
	make_links();
	guard = net_guard_new(&owner);
	news = net_guard_listen(guard, &err);
	CHECK(guard != NULL && news >= 0);
	RUN(every_link_is_listed_once);
	RUN(a_set_up_gives_all_of_them_their_elements);
	RUN(the_one_that_is_missing_is_found);
	RUN(only_what_was_heard_of_is_looked_at);
	RUN(what_takes_something_away_is_heard);
	RUN(what_others_do_is_no_reason_to_look);
	RUN(what_was_lost_is_a_reason_to_look);
	RUN(one_of_them_goes_alone);
	net_guard_free(guard);
	return check_failures != 0;
}
