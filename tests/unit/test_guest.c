/*
 * test_guest.c - the text of every file that berth writes into a CT; each text is stable when
 * repeated.
 *
 * covers: templates/guest_hosts.c templates/guest_interfaces.c templates/guest_networkd.c
 * covers: templates/guest_resolv.c templates/guest_text.c
 */
#include "templates/guest.h"

#include "check.h"
#include "templates/guest_text.h"

#include <errno.h>
#include <string.h>

static char once[GUEST_FILE_MAX], twice[GUEST_FILE_MAX];

static const struct guest_config both = {
	.hostname = "ct101.example.com",
	.addrs = {"10.0.0.101", "10.0.0.102", "fd00::101/64"},
	.n_addrs = 3,
	.nameservers = {"9.9.9.9", "2620:fe::fe"},
	.n_nameservers = 2,
	.searchdomains = {"example.com", "example.net"},
	.n_searchdomains = 2,
	.ipv4 = true,
	.ipv6 = true,
};

static const struct guest_config none = {.hostname = "ct101", .ipv4 = true, .ipv6 = true};

static bool hosts_is(const char *old, const char *hostname, const char *addr, const char *want)
{
	if (guest_hosts_text(old, hostname, addr, once, sizeof(once)) != 0 ||
	    guest_hosts_text(once, hostname, addr, twice, sizeof(twice)) != 0)
		return false;
	if (strcmp(once, want) != 0)
		(void)fprintf(stderr, "got:\n%s", once);
	return strcmp(once, want) == 0 && strcmp(twice, want) == 0;
}

static bool interfaces_is(const char *old, const struct guest_config *g, const char *want)
{
	if (guest_interfaces_text(old, g, once, sizeof(once)) != 0 ||
	    guest_interfaces_text(once, g, twice, sizeof(twice)) != 0)
		return false;
	if (strcmp(once, want) != 0)
		(void)fprintf(stderr, "got:\n%s", once);
	return strcmp(once, want) == 0 && strcmp(twice, want) == 0;
}

#define BEGIN "# BEGIN berth: written at each start, keep your lines outside\n"
#define END "# END berth\n"

static void a_missing_hosts_file_gets_localhost_and_the_name(void)
{
	CHECK(hosts_is("", "ct101.example.com", "10.0.0.101",
		       "127.0.0.1\tlocalhost\n"
		       "::1\t\tlocalhost ip6-localhost ip6-loopback\n" BEGIN
		       "10.0.0.101\tct101.example.com ct101\n" END));
}

static void lines_of_the_admin_stay_on_both_sides_of_the_section(void)
{
	CHECK(hosts_is("1.2.3.4 a\n" BEGIN "9.9.9.9\told old\n" END "5.6.7.8 b", "ct101",
		       "fd00::101/64", "1.2.3.4 a\n" BEGIN "fd00::101\tct101\n" END "5.6.7.8 b\n"));
}

static void a_name_without_an_address_stands_at_127_0_1_1(void)
{
	CHECK(hosts_is("x\n", "ct101", NULL, "x\n" BEGIN "127.0.1.1\tct101\n" END));
}

static void a_half_section_loses_only_its_marker(void)
{
	CHECK(hosts_is(BEGIN "1.2.3.4 mine\n", "ct101", "10.0.0.1",
		       "1.2.3.4 mine\n" BEGIN "10.0.0.1\tct101\n" END));
	CHECK(hosts_is("1.2.3.4 mine\n" END, "ct101", "10.0.0.1",
		       "1.2.3.4 mine\n" BEGIN "10.0.0.1\tct101\n" END));
	CHECK(hosts_is(BEGIN "1.2.3.4 mine\n" BEGIN "x\n" END BEGIN "y\n" END, "ct101", "10.0.0.1",
		       "1.2.3.4 mine\n" BEGIN "10.0.0.1\tct101\n" END));
}

static void a_line_that_only_begins_like_a_marker_is_the_admins(void)
{
	CHECK(hosts_is("# BEGIN berthold\n# END berth2\n", "ct101", "10.0.0.1",
		       "# BEGIN berthold\n# END berth2\n" BEGIN "10.0.0.1\tct101\n" END));
}

static void values_that_could_add_a_line_are_refused(void)
{
	struct guest_config g = both;

	CHECK(guest_hosts_text("", "a\nb", "10.0.0.1", once, sizeof(once)) == -EINVAL);
	CHECK(guest_hosts_text("", "a", "10.0.0.1\n", once, sizeof(once)) == -EINVAL);
	g.addrs[1] = "10.0.0.1 dev eth0; reboot";
	CHECK(guest_interfaces_text("", &g, once, sizeof(once)) == -EINVAL);
	CHECK(guest_networkd_text(&g, once, sizeof(once)) == -EINVAL);
	CHECK(guest_netplan_text(&g, once, sizeof(once)) == -EINVAL);
	g = both;
	g.nameservers[0] = "9.9.9.9\noptions x";
	CHECK(guest_resolv_text(&g, once, sizeof(once)) == -EINVAL);
	CHECK(guest_networkd_text(&g, once, sizeof(once)) == -EINVAL);
	g = both;
	g.searchdomains[0] = "a\"b";
	CHECK(guest_netplan_text(&g, once, sizeof(once)) == -EINVAL);
}

static void a_text_that_does_not_fit_is_refused_and_not_cut(void)
{
	CHECK(guest_hosts_text("", "ct101", "10.0.0.1", once, 60) == -ENOSPC && once[0] == '\0');
	CHECK(guest_resolv_text(&both, once, 20) == -ENOSPC && once[0] == '\0');
	CHECK(guest_interfaces_text("", &both, once, 30) == -ENOSPC && once[0] == '\0');
	CHECK(guest_networkd_text(&both, once, 90) == -ENOSPC && once[0] == '\0');
}

static void resolv_conf_names_servers_and_domains(void)
{
	CHECK(guest_resolv_text(&both, once, sizeof(once)) == 0);
	CHECK(strcmp(once,
		     "# Written by berth at each start from --nameserver and --searchdomain.\n"
		     "search example.com example.net\n"
		     "nameserver 9.9.9.9\n"
		     "nameserver 2620:fe::fe\n") == 0);
	CHECK(guest_resolv_text(&none, once, sizeof(once)) == 0 && once[0] == '\0');
}

static void interfaces_repeats_what_the_host_has_set_and_cannot_fail(void)
{
	CHECK(interfaces_is(
		"source /etc/network/interfaces.d/*\n", &both,
		"source /etc/network/interfaces.d/*\n" BEGIN "auto venet0\n"
		"iface venet0 inet manual\n"
		"\tup ip address replace 10.0.0.101/32 dev venet0 || true\n"
		"\tup ip address replace 10.0.0.102/32 dev venet0 || true\n"
		"\tup ip route replace default via 169.254.0.1 dev venet0 onlink || true\n"
		"iface venet0 inet6 manual\n"
		"\tup ip address replace fd00::101/64 dev venet0 nodad || true\n"
		"\tup ip -6 route replace default via fe80::1 dev venet0 onlink || true\n" END));
}

static void interfaces_without_addresses_has_no_section(void)
{
	CHECK(interfaces_is("auto lo\n" BEGIN "auto venet0\n" END, &none, "auto lo\n"));
	CHECK(interfaces_is("", &none, ""));
}

static void a_missing_interfaces_file_keeps_loopback(void)
{
	static const struct guest_config v6 = {
		.addrs = {"fd00::1"}, .n_addrs = 1, .ipv4 = true, .ipv6 = false};

	CHECK(interfaces_is("", &v6,
			    "auto lo\niface lo inet loopback\n" BEGIN "auto venet0\n"
			    "iface venet0 inet6 manual\n"
			    "\tup ip address replace fd00::1/128 dev venet0 nodad || true\n" END));
}

static void networkd_keeps_what_the_host_has_set(void)
{
	CHECK(guest_networkd_text(&both, once, sizeof(once)) == 0);
	CHECK(strcmp(once, GUEST_OWNED "\n"
				       "[Match]\nName=venet0\n\n"
				       "[Network]\nKeepConfiguration=yes\nIPv6AcceptRA=no\n"
				       "Address=10.0.0.101/32\n"
				       "Address=10.0.0.102/32\n"
				       "Address=fd00::101/64\n"
				       "DNS=9.9.9.9\nDNS=2620:fe::fe\n"
				       "Domains=example.com\nDomains=example.net\n\n"
				       "[Route]\nGateway=169.254.0.1\nGatewayOnLink=yes\n\n"
				       "[Route]\nGateway=fe80::1\nGatewayOnLink=yes\n") == 0);
	CHECK(guest_networkd_text(&none, once, sizeof(once)) == 0 && once[0] == '\0');
}

static void netplan_says_the_same(void)
{
	CHECK(guest_netplan_text(&both, once, sizeof(once)) == 0);
	CHECK(strcmp(once, GUEST_OWNED "\n"
				       "network:\n"
				       "  version: 2\n"
				       "  ethernets:\n"
				       "    venet0:\n"
				       "      critical: true\n"
				       "      accept-ra: false\n"
				       "      addresses:\n"
				       "        - \"10.0.0.101/32\"\n"
				       "        - \"10.0.0.102/32\"\n"
				       "        - \"fd00::101/64\"\n"
				       "      routes:\n"
				       "        - to: \"0.0.0.0/0\"\n"
				       "          via: \"169.254.0.1\"\n"
				       "          on-link: true\n"
				       "        - to: \"::/0\"\n"
				       "          via: \"fe80::1\"\n"
				       "          on-link: true\n"
				       "      nameservers:\n"
				       "        addresses:\n"
				       "          - \"9.9.9.9\"\n"
				       "          - \"2620:fe::fe\"\n"
				       "        search:\n"
				       "          - \"example.com\"\n"
				       "          - \"example.net\"\n") == 0);
}

static void no_default_route_is_written_for_a_family_that_is_off(void)
{
	struct guest_config g = both;

	g.ipv6 = false;
	CHECK(guest_networkd_text(&g, once, sizeof(once)) == 0);
	CHECK(strstr(once, "fe80::1") == NULL && strstr(once, "169.254.0.1") != NULL);
	g.ipv4 = false;
	CHECK(guest_netplan_text(&g, once, sizeof(once)) == 0 && strstr(once, "routes:") == NULL);
}

int main(void)
{
	RUN(a_missing_hosts_file_gets_localhost_and_the_name);
	RUN(lines_of_the_admin_stay_on_both_sides_of_the_section);
	RUN(a_name_without_an_address_stands_at_127_0_1_1);
	RUN(a_half_section_loses_only_its_marker);
	RUN(a_line_that_only_begins_like_a_marker_is_the_admins);
	RUN(values_that_could_add_a_line_are_refused);
	RUN(a_text_that_does_not_fit_is_refused_and_not_cut);
	RUN(resolv_conf_names_servers_and_domains);
	RUN(interfaces_repeats_what_the_host_has_set_and_cannot_fail);
	RUN(interfaces_without_addresses_has_no_section);
	RUN(a_missing_interfaces_file_keeps_loopback);
	RUN(networkd_keeps_what_the_host_has_set);
	RUN(netplan_says_the_same);
	RUN(no_default_route_is_written_for_a_family_that_is_off);
	return check_failures != 0;
}
