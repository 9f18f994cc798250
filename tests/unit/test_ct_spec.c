/* test_ct_spec.c - configuration in the words of the lower modules. */
#include "runtime/ct/spec.h"

#include "tests/unit/check.h"

#include <string.h>

static void the_lower_of_cpus_and_cpulimit_wins(void)
{
	struct ct_config c = {.cpulimit = 150, .cpus = 1};
	struct cg_limits l;

	spec_cg_limits(&c, 0, &l);
	CHECK(l.cpulimit == 100);
	c.cpus = 4;
	spec_cg_limits(&c, 0, &l);
	CHECK(l.cpulimit == 150);
	c.cpulimit = 0;
	spec_cg_limits(&c, 0, &l);
	CHECK(l.cpulimit == 400);
}

static void as_many_cpus_are_its_own_as_it_may_use_at_once(void)
{
	struct ct_config c = {.cpulimit = 150, .cpus = 3};
	struct cg_limits l;

	spec_cg_limits(&c, 0, &l);
	CHECK(l.cpus == 3);
	c.pin = CT_PIN_LIMIT;
	spec_cg_limits(&c, 0, &l);
	CHECK(l.cpus == 2);
	c.cpus = 1;
	spec_cg_limits(&c, 0, &l);
	CHECK(l.cpus == 1);
	c.cpus = 0;
	spec_cg_limits(&c, 0, &l);
	CHECK(l.cpus == 2);
	c.pin = CT_PIN_NO;
	spec_cg_limits(&c, 0, &l);
	CHECK(l.cpus == 0);
}

static void inherited_dns_leaves_out_what_the_guest_cannot_reach(void)
{
	struct ct_config c = {0};

	spec_inherit_dns("# nameserver 9.9.9.9\nnameserver 127.0.0.53\nnameserver\t192.0.2.1 # x\n"
			 "nameserver ::1\nnameserver fd00::53\nsearch example\n",
			 &c);
	CHECK(c.n_nameservers == 2);
	CHECK(strcmp(c.nameservers[0], "192.0.2.1") == 0);
	CHECK(strcmp(c.nameservers[1], "fd00::53") == 0);
}

static void a_bad_address_names_the_ct(void)
{
	struct ct_config c = {.n_addrs = 1};
	struct host_config host = {.nft_table = "berth", .ipv6 = true};
	struct net_addr addrs[CT_ADDR_MAX];
	struct berth_error err = {0};
	struct net_ct n;

	(void)strncpy(c.addrs[0], "224.0.0.1", sizeof(c.addrs[0]) - 1);
	CHECK(spec_net(101, &c, &host, "", addrs, &n, &err) < 0);
	CHECK(err.code == BERTH_ERR_BAD_ADDRESS && strstr(err.msg, "CT 101") != NULL);
}

static void a_host_without_ipv6_refuses_an_ipv6_address(void)
{
	struct ct_config c = {.n_addrs = 1};
	struct host_config host = {.nft_table = "berth"};
	struct net_addr addrs[CT_ADDR_MAX];
	struct berth_error err = {0};
	struct net_ct n;

	(void)strncpy(c.addrs[0], "fd00::5", sizeof(c.addrs[0]) - 1);
	CHECK(spec_net(101, &c, &host, "", addrs, &n, &err) < 0 && strstr(err.msg, "IPV6") != NULL);
	host.ipv6 = true;
	CHECK(spec_net(101, &c, &host, "", addrs, &n, &err) == 0);
}

static void guest_gets_a_default_route_for_each_family_it_has(void)
{
	struct ct_config c = {.n_addrs = 1};
	struct guest_config g;

	(void)strncpy(c.addrs[0], "fd00::5", sizeof(c.addrs[0]) - 1);
	spec_guest(&c, &g);
	CHECK(g.ipv6 && !g.ipv4 && g.n_addrs == 1);
}

static void of_a_network_the_guest_has_the_first_address(void)
{
	struct ct_config c = {.n_addrs = 3};

	(void)strncpy(c.addrs[0], "2001:db8:7::/64", sizeof(c.addrs[0]) - 1);
	(void)strncpy(c.addrs[1], "10.9.8.16/29", sizeof(c.addrs[1]) - 1);
	(void)strncpy(c.addrs[2], "10.9.8.3/24", sizeof(c.addrs[2]) - 1);
	spec_guest_addrs(&c);
	CHECK(strcmp(c.addrs[0], "2001:db8:7::1") == 0 && strcmp(c.addrs[1], "10.9.8.17") == 0);
	CHECK(strcmp(c.addrs[2], "10.9.8.3/24") == 0);
}

int main(void)
{
	RUN(the_lower_of_cpus_and_cpulimit_wins);
	RUN(as_many_cpus_are_its_own_as_it_may_use_at_once);
	RUN(inherited_dns_leaves_out_what_the_guest_cannot_reach);
	RUN(a_bad_address_names_the_ct);
	RUN(a_host_without_ipv6_refuses_an_ipv6_address);
	RUN(guest_gets_a_default_route_for_each_family_it_has);
	RUN(of_a_network_the_guest_has_the_first_address);
	return check_failures != 0;
}
