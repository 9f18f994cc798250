/*
 * test_guest.c - the text of every file that berth writes into a CT; each text is stable when
 * repeated.
 *
 * covers: templates/guest_hosts.c templates/guest_interfaces.c templates/guest_networkd.c
 * covers: templates/guest_resolv.c templates/guest_text.c templates/guest_ifcfg.c templates/guest_nm.c
 * covers: templates/guest_once.c templates/guest_resolver.c
 */
#include "templates/guest.h"

#include "check.h"
#include "templates/guest_text.h"

#include <errno.h>
#include <stdio.h>
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
		"\tup ip address replace fd00::101/64 dev venet0 nodad noprefixroute || true\n"
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
				       "DNS=9.9.9.9\nDNS=2620:fe::fe\n"
				       "Domains=example.com\nDomains=example.net\n\n"
				       "[Address]\nAddress=fd00::101/64\nAddPrefixRoute=no\n\n"
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
				       "        - \"fd00::101/128\"\n"
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

/* got: what a function returned, with its text in once. */
static bool text_is(int got, const char *want)
{
	if (got != 0 || strcmp(once, want) != 0)
		(void)fprintf(stderr, "got %d:\n%s", got, once);
	return got == 0 && strcmp(once, want) == 0;
}

static void network_scripts_of_rhel_say_the_same(void)
{
	CHECK(text_is(guest_rhel_ifcfg_text(&both, once, sizeof(once)),
		      GUEST_OWNED "\n"
				  "DEVICE=venet0\nTYPE=Ethernet\nONBOOT=yes\nBOOTPROTO=none\n"
				  "NM_CONTROLLED=no\n"
				  "IPADDR=10.0.0.101\nPREFIX=32\n"
				  "IPADDR1=10.0.0.102\nPREFIX1=32\n"
				  "IPV6INIT=yes\nIPV6_AUTOCONF=no\nIPV6ADDR=fd00::101/128\n"));
	CHECK(text_is(guest_rhel_route_text(&both, false, once, sizeof(once)),
		      GUEST_OWNED "\ndefault via 169.254.0.1 dev venet0 onlink\n"));
	CHECK(text_is(guest_rhel_route_text(&both, true, once, sizeof(once)),
		      GUEST_OWNED "\ndefault via fe80::1 dev venet0 onlink\n"));
	CHECK(text_is(guest_rhel_ifcfg_text(&none, once, sizeof(once)), ""));
	CHECK(text_is(guest_rhel_route_text(&none, true, once, sizeof(once)), ""));
}

static void more_ipv6_addresses_are_secondaries(void)
{
	static const struct guest_config g = {
		.addrs = {"fd00::1", "fd00::2", "fd00::3/64"}, .n_addrs = 3, .ipv6 = true};

	CHECK(text_is(guest_rhel_ifcfg_text(&g, once, sizeof(once)),
		      GUEST_OWNED "\n"
				  "DEVICE=venet0\nTYPE=Ethernet\nONBOOT=yes\nBOOTPROTO=none\n"
				  "NM_CONTROLLED=no\n"
				  "IPV6INIT=yes\nIPV6_AUTOCONF=no\nIPV6ADDR=fd00::1/128\n"
				  "IPV6ADDR_SECONDARIES=\"fd00::2/128 fd00::3/128\"\n"));
	CHECK(text_is(guest_rhel_route_text(&g, false, once, sizeof(once)), ""));
}

static void wicked_of_opensuse_says_the_same(void)
{
	CHECK(text_is(guest_suse_ifcfg_text(&both, once, sizeof(once)),
		      GUEST_OWNED "\n"
				  "STARTMODE='auto'\nBOOTPROTO='static'\n"
				  "IPADDR='10.0.0.101/32'\n"
				  "IPADDR_1='10.0.0.102/32'\n"
				  "IPADDR_2='fd00::101/128'\n"));
	CHECK(text_is(guest_suse_ifroute_text(&both, once, sizeof(once)),
		      GUEST_OWNED "\n"
				  "169.254.0.1/32 - - venet0\n"
				  "default 169.254.0.1 - venet0\n"
				  "default fe80::1 - venet0\n"));
	CHECK(text_is(guest_suse_ifroute_text(&none, once, sizeof(once)), ""));
	CHECK(text_is(guest_netconfig_text("NETCONFIG_DNS_STATIC_SERVERS=\"\"\n", &both, once,
					   sizeof(once)),
		      "NETCONFIG_DNS_STATIC_SERVERS=\"\"\n" BEGIN
		      "NETCONFIG_DNS_STATIC_SERVERS=\"9.9.9.9 2620:fe::fe\"\n"
		      "NETCONFIG_DNS_STATIC_SEARCHLIST=\"example.com example.net\"\n" END));
	CHECK(text_is(guest_netconfig_text("a\n" BEGIN "b\n" END, &none, once, sizeof(once)),
		      "a\n"));
}

static void networkmanager_leaves_the_link_and_knows_the_servers(void)
{
	CHECK(text_is(guest_nm_text(&both, once, sizeof(once)),
		      GUEST_OWNED "\n[keyfile]\nunmanaged-devices+=interface-name:venet0\n\n"
				  "[global-dns]\nsearches=example.com,example.net\n\n"
				  "[global-dns-domain-*]\nservers=9.9.9.9,2620:fe::fe\n"));
	CHECK(text_is(guest_nm_text(&none, once, sizeof(once)), ""));
}

static void a_program_that_owns_resolv_conf_gets_its_own_file(void)
{
	CHECK(guest_resolver_named("../run/systemd/resolve/stub-resolv.conf") ==
	      GUEST_RESOLVER_RESOLVED);
	CHECK(guest_resolver_named("/usr/lib/systemd/resolv.conf") == GUEST_RESOLVER_RESOLVED);
	CHECK(guest_resolver_named("/run/resolvconf/resolv.conf") == GUEST_RESOLVER_RESOLVCONF);
	CHECK(guest_resolver_named("/etc/resolvconf/run/resolv.conf") == GUEST_RESOLVER_RESOLVCONF);
	CHECK(guest_resolver_named("/var/run/NetworkManager/resolv.conf") == GUEST_RESOLVER_NM);
	CHECK(guest_resolver_named("/run/netconfig/resolv.conf") == GUEST_RESOLVER_NETCONFIG);
	CHECK(guest_resolver_named("/run/connman/resolv.conf") == GUEST_RESOLVER_UNKNOWN);
	CHECK(text_is(guest_resolved_text(&both, once, sizeof(once)),
		      GUEST_OWNED "\n[Resolve]\nDNS=9.9.9.9 2620:fe::fe\n"
				  "Domains=example.com example.net\n"));
	CHECK(text_is(guest_resolved_text(NULL, once, sizeof(once)), ""));
	CHECK(text_is(guest_resolvconf_text("", &both, once, sizeof(once)),
		      BEGIN "search example.com example.net\n"
			    "nameserver 9.9.9.9\nnameserver 2620:fe::fe\n" END));
	CHECK(text_is(
		guest_resolvconf_text(BEGIN "nameserver 1.2.3.4\n" END, NULL, once, sizeof(once)),
		""));
	CHECK(text_is(guest_openresolv_text("# x\n", &both, once, sizeof(once)),
		      "# x\n" BEGIN "name_servers=\"9.9.9.9 2620:fe::fe\"\n"
		      "search_domains=\"example.com example.net\"\n" END));
}

static void what_a_shell_would_run_is_no_name(void)
{
	struct guest_config g = both;

	g.searchdomains[1] = "$(reboot)";
	CHECK(guest_openresolv_text("", &g, once, sizeof(once)) == -EINVAL);
	CHECK(guest_netconfig_text("", &g, once, sizeof(once)) == -EINVAL);
	CHECK(guest_resolved_text(&g, once, sizeof(once)) == -EINVAL);
	CHECK(guest_resolvconf_text("", &g, once, sizeof(once)) == -EINVAL);
	CHECK(guest_nm_text(&g, once, sizeof(once)) == -EINVAL);
	g.searchdomains[1] = "`reboot`";
	CHECK(guest_netconfig_text("", &g, once, sizeof(once)) == -EINVAL);
}

static void host_keys_are_made_once(void)
{
	static const char old[] = "SSHD_OPTS=\n";

	CHECK(guest_ssh_text(old, true, once, sizeof(once)) == 0 &&
	      strstr(once, "\n/usr/bin/ssh-keygen -A ") != NULL);
	CHECK(guest_ssh_text(once, false, twice, sizeof(twice)) == 0 && strcmp(twice, old) == 0);
}

#define UUID "0f3c5a9e-1111-4222-8333-444455556666"

static void a_machine_id_is_the_uuid(void)
{
	CHECK(text_is(guest_machine_id_text(UUID, once, sizeof(once)),
		      "0f3c5a9e111142228333444455556666\n"));
	CHECK(guest_machine_id_text("0f3c5a9e-1111", once, sizeof(once)) == -EINVAL);
	CHECK(guest_machine_id_text(UUID "\n", once, sizeof(once)) == -EINVAL);
}

static const char debian_crontab[] =
	"# m h dom mon dow user command\n"
	"17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n"
	"25 6\t* * *\troot\ttest -x /usr/sbin/anacron || run-parts --report /etc/cron.daily\n"
	"47 6\t* * 7\troot\trun-parts --report /etc/cron.weekly\n"
	"52 6\t1 * *\troot\trun-parts --report /etc/cron.monthly\n"
	"0 5 * * * root backup\n"
	"*/5 * * * * root run-parts /etc/cron.hourly";

static void jobs_of_cron_are_spread_by_the_uuid(void)
{
	unsigned int m[3], h[3], hourly;

	CHECK(guest_cron_text(debian_crontab, UUID, once, sizeof(once)) == 0);
	CHECK(sscanf(once,
		     "# m h dom mon dow user command\n"
		     "%u *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n"
		     "%u %u\t* * *\troot\ttest -x /usr/sbin/anacron || run-parts --report "
		     "/etc/cron.daily\n"
		     "%u %u\t* * 7\troot\trun-parts --report /etc/cron.weekly\n"
		     "%u %u\t1 * *\troot\trun-parts --report /etc/cron.monthly\n",
		     &hourly, &m[0], &h[0], &m[1], &h[1], &m[2], &h[2]) == 7);
	CHECK(hourly < 60 && h[0] * 60 + m[0] <= 385 && h[2] * 60 + m[2] <= 412);
	/* In the same order as before, as far apart. */
	CHECK(h[1] * 60 + m[1] == h[0] * 60 + m[0] + 22 &&
	      h[2] * 60 + m[2] == h[1] * 60 + m[1] + 5);
	CHECK(strstr(once, "\n0 5 * * * root backup\n*/5 * * * * root run-parts") != NULL);
	CHECK(guest_cron_text(debian_crontab, "another", twice, sizeof(twice)) == 0 &&
	      strcmp(once, twice) != 0);
}

static void a_crontab_of_alpine_is_spread_within_its_night(void)
{
	unsigned int m, h;

	CHECK(guest_cron_text("0\t2\t*\t*\t*\trun-parts /etc/periodic/daily\n", UUID, once,
			      sizeof(once)) == 0);
	CHECK(sscanf(once, "%u %u\t*\t*\t*\trun-parts /etc/periodic/daily\n", &m, &h) == 2 &&
	      h * 60 + m <= 120);
	CHECK(text_is(guest_cron_text("61 5 * * * root run-parts /etc/cron.daily\n", UUID, once,
				      sizeof(once)),
		      "61 5 * * * root run-parts /etc/cron.daily\n"));
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
	RUN(network_scripts_of_rhel_say_the_same);
	RUN(more_ipv6_addresses_are_secondaries);
	RUN(wicked_of_opensuse_says_the_same);
	RUN(networkmanager_leaves_the_link_and_knows_the_servers);
	RUN(a_program_that_owns_resolv_conf_gets_its_own_file);
	RUN(what_a_shell_would_run_is_no_name);
	RUN(host_keys_are_made_once);
	RUN(a_machine_id_is_the_uuid);
	RUN(jobs_of_cron_are_spread_by_the_uuid);
	RUN(a_crontab_of_alpine_is_spread_within_its_night);
	RUN(no_default_route_is_written_for_a_family_that_is_off);
	return check_failures != 0;
}
