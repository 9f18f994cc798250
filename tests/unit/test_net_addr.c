/*
 * test_net_addr.c - addresses, names and numbers.
 *
 * covers: netsetup/addr.c netsetup/link_id.c
 */
#include "netsetup/link.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <string.h>

static int parsed(const char *text, char *out)
{
	struct net_addr a;
	int r = net_addr_parse(text, &a);

	if (r == 0)
		(void)net_addr_format(&a, out);
	return r;
}

static void addresses_come_back_as_they_were_typed(void)
{
	static const char *const same[] = {"10.0.0.1",	       "10.0.0.1/24",	 "203.0.113.9/30",
					   "fd00::1",	       "2001:db8::5/64", "1.2.3.4/1",
					   "2001:db8:a::/127", "10.9.8.0/29",	 "2001:db8:7::/64"};
	char buf[NET_ADDR_TEXT];

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		CHECK(parsed(same[i], buf) == 0 && strcmp(buf, same[i]) == 0);
	CHECK(parsed("10.0.0.1/32", buf) == 0 && strcmp(buf, "10.0.0.1") == 0);
	CHECK(parsed("fd00:0:0::1/128", buf) == 0 && strcmp(buf, "fd00::1") == 0);
	CHECK(parsed("FD00::A", buf) == 0 && strcmp(buf, "fd00::a") == 0);
}

static void nonsense_is_no_address(void)
{
	static const char *const bad[] = {
		"",
		"10",
		"10.0.0",
		"10.0.0.1/",
		"10.0.0.1/33",
		"10.0.0.1/0",
		"10.0.0.1/-1",
		"10.0.0.1/08",
		"10.0.0.1/+8",
		"10.0.0.1 ",
		" 10.0.0.1",
		"10.0.0.256",
		"010.0.0.1",
		"fd00::1/129",
		"fd00::1%lo",
		"fd00::1/64/64",
		"fd00::g",
		"fd00::1/ 64",
		"10.0.0.1/24x",
		"/24",
		":",
		"1.2.3.4.5",
		"1111111111111111111111111111111111111111111111111111111111111"};
	struct net_addr a = {.family = 99};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(net_addr_parse(bad[i], &a) == -EINVAL);
	CHECK(a.family == 99); /* untouched on failure */
}

static void addresses_with_another_meaning_are_refused(void)
{
	static const char *const refused[] = {
		"0.0.0.0", "0.1.2.3", "127.0.0.1", "169.254.0.1", "169.254.169.254", "224.0.0.1",
		"239.1.2.3", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1",
		"::10.0.0.1", "fe80::1", "febf::1", "ff02::1", "ff0e::5/64", "10.0.0.255/24",
		"10.0.0.7/29",
		/* networks: too large, with such addresses, partly private */
		"8.0.0.0/6", "2000::/12", "169.0.0.0/8", "169.254.8.0/24", "127.0.0.0/8",
		"fe80::/64", "fe00::/7", "::/64", "172.0.0.0/8", "192.168.0.0/15", "ff00::/16",
		"224.0.0.0/8"};
	struct net_addr a;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK(net_addr_parse(refused[i], &a) == -EADDRNOTAVAIL);
	CHECK(net_addr_parse("223.255.255.255", &a) == 0);
	CHECK(net_addr_parse("fec0::1", &a) == 0);
}

static bool is_private(const char *text)
{
	struct net_addr a;

	return net_addr_parse(text, &a) == 0 && net_addr_is_private(&a);
}

static void private_is_what_the_internet_does_not_route(void)
{
	CHECK(is_private("10.255.0.1") && is_private("172.16.0.1") && is_private("172.31.9.9"));
	CHECK(is_private("192.168.3.4") && is_private("100.64.0.1") && is_private("100.127.0.1"));
	CHECK(is_private("fd12::1") && is_private("fc00::1"));
	CHECK(!is_private("172.32.0.1") && !is_private("11.0.0.1") && !is_private("192.169.0.1"));
	CHECK(!is_private("100.128.0.1") && !is_private("2001:db8::1") && !is_private("fe00::1"));
}

static void equal_means_the_same_host(void)
{
	struct net_addr a, b, c;

	CHECK(net_addr_parse("10.0.0.1/24", &a) == 0 && net_addr_parse("10.0.0.1", &b) == 0);
	CHECK(net_addr_parse("a00:1::", &c) == 0); /* begins with the same bytes */
	CHECK(net_addr_equal(&a, &b) && !net_addr_equal(&a, &c));
	CHECK(net_addr_is_in(&b, &a, 1) && !net_addr_is_in(&c, &a, 1) &&
	      !net_addr_is_in(&a, NULL, 0));
}

static bool overlap(const char *x, const char *y)
{
	struct net_addr a, b;

	return net_addr_parse(x, &a) == 0 && net_addr_parse(y, &b) == 0 &&
	       net_addr_overlaps(&a, &b) && net_addr_overlaps(&b, &a);
}

static void a_network_is_what_has_nothing_behind_its_prefix(void)
{
	struct net_addr net, host, first, last;

	CHECK(net_addr_parse("10.9.8.0/29", &net) == 0 && net_addr_is_net(&net));
	CHECK(net_addr_parse("10.9.8.0", &host) == 0 && !net_addr_is_net(&host));
	CHECK(!net_addr_equal(&net, &host) && net_addr_equal(&net, &net));
	CHECK(net_addr_parse("10.9.8.0/31", &host) == 0 && !net_addr_is_net(&host));
	CHECK(net_addr_parse("10.9.8.1/29", &host) == 0 && !net_addr_is_net(&host));
	net_addr_first(&net, &first);
	CHECK(net_addr_equal(&first, &host) && first.prefix == 32);
	net_addr_last(&net, &last);
	CHECK(net_addr_parse("10.9.8.7", &host) == 0 && net_addr_equal(&last, &host));
	CHECK(net_addr_parse("2001:db8:0:7::/63", &net) == 0 && !net_addr_is_net(&net));
	CHECK(net_addr_parse("2001:db8:7::/64", &net) == 0 && net_addr_is_net(&net));
	net_addr_last(&net, &last);
	CHECK(net_addr_parse("2001:db8:7:0:ffff:ffff:ffff:ffff", &host) == 0 &&
	      net_addr_equal(&last, &host));
}

static void networks_overlap_with_what_is_in_them(void)
{
	CHECK(overlap("10.9.8.0/29", "10.9.8.7") && overlap("10.9.8.0/29", "10.9.8.4/30"));
	CHECK(overlap("10.9.8.0/29", "10.9.0.0/16") && overlap("10.9.8.0/29", "10.9.8.3/24"));
	CHECK(!overlap("10.9.8.0/29", "10.9.8.8") && !overlap("10.9.8.0/29", "10.9.8.8/29"));
	CHECK(overlap("2001:db8:7::/64", "2001:db8:7::ffff:0:0:1"));
	CHECK(!overlap("2001:db8:7::/64", "2001:db8:7:1::1"));
	CHECK(overlap("10.9.8.1/24", "10.9.8.1") && !overlap("10.9.8.1/24", "10.9.8.2"));
}

static void interface_names_name_one_link(void)
{
	static const char *const foreign[] = {
		"ct.0",	     "ct101",	  "ct101.",    "ct101.00",	 "ct0101.0",
		"ct100.0",   "ct0.0",	  "ctx.0",     "xct101.0",	 "ct101.0x",
		"ct-101.0",  "veth101.0", "",	       "ct101.16",	 "ct101.01",
		"ct101.1.0", "ct101.-1",  "ct101.100", "ct4294967397.0",
	};
	static const struct {
		uint32_t ctid;
		unsigned int n;
		const char *host, *guest;
	} ours[] = {
		{101, 0, "ct101.0", "venet0"},
		{2147483644u, 0, "ct2147483644.0", "venet0"},
		{2147483644u, NET_LINK_MAX - 1, "ct2147483644.15", "venet15"},
	};
	struct net_link_id id;
	unsigned int n = 0;
	uint32_t ctid = 0;

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		net_link_id(ours[i].ctid, ours[i].n, &id);
		CHECK(strcmp(id.host, ours[i].host) == 0 && strcmp(id.guest, ours[i].guest) == 0);
		CHECK(net_link_from_ifname(id.host, &ctid, &n) == 0 && ctid == ours[i].ctid &&
		      n == ours[i].n);
	}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		CHECK(net_link_from_ifname(foreign[i], &ctid, &n) == -EINVAL);
}

/* Golden: a change of these would break a CT that moves between an old and a new host. */
static void macs_and_numbers_never_change(void)
{
	static const uint8_t host[6] = {0x92, 0x80, 0x08, 0x92, 0x20, 0x1a};
	struct net_link_id id, second;
	char buf[NET_ADDR_TEXT];

	net_link_id(101, 0, &id);
	net_link_id(101, 1, &second);
	CHECK(memcmp(id.mac[NET_SIDE_HOST], host, 6) == 0);
	CHECK(memcmp(id.mac[NET_SIDE_HOST], id.mac[NET_SIDE_GUEST], 6) != 0);
	CHECK((id.mac[0][0] & 3) == 2 && (id.mac[1][0] & 3) == 2);
	CHECK(memcmp(id.mac, second.mac, sizeof(id.mac)) != 0 && (second.mac[1][0] & 3) == 2);
	CHECK(strcmp(net_addr_format(&id.guest_ll, buf), "fe80::4482:8ff:fe92:201b") == 0);
	CHECK(net_link_host_index(&id, 0) == 0x40000065 && id.guest_index == 64);
	CHECK(second.guest_index == 65);
}

static void only_words_are_table_names(void)
{
	CHECK(net_table_is_valid("berth") && net_table_is_valid("Host_2"));
	CHECK(!net_table_is_valid("") && !net_table_is_valid("2x") && !net_table_is_valid("_x"));
	CHECK(!net_table_is_valid("a b") && !net_table_is_valid("a;b") &&
	      !net_table_is_valid("a\n"));
	CHECK(!net_table_is_valid("a{") &&
	      !net_table_is_valid("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
	RUN(addresses_come_back_as_they_were_typed);
	RUN(nonsense_is_no_address);
	RUN(addresses_with_another_meaning_are_refused);
	RUN(private_is_what_the_internet_does_not_route);
	RUN(equal_means_the_same_host);
	RUN(a_network_is_what_has_nothing_behind_its_prefix);
	RUN(networks_overlap_with_what_is_in_them);
	RUN(interface_names_name_one_link);
	RUN(macs_and_numbers_never_change);
	RUN(only_words_are_table_names);
	return check_failures != 0;
}
