/*
 * guest_networkd.c - the same addresses for systemd-networkd and for netplan, as files that are
 * wholly ours. KeepConfiguration: networkd must not drop first what the host has set.
 */
#include "templates/guest.h"
#include "templates/guest_text.h"

#include <errno.h>
#include <string.h>

static bool has_family(const struct guest_config *g, bool v6)
{
	for (unsigned int i = 0; i < g->n_addrs; i++)
		if (guest_addr_is_v6(g->addrs[i]) == v6)
			return v6 ? g->ipv6 : g->ipv4;
	return false;
}

static void networkd_route(struct text *t, const char *gateway)
{
	text_add(t, "\n[Route]\nGateway=%s\nGatewayOnLink=yes\n", gateway);
}

/* [Network] sections have no way to leave the route of a prefix out. AddPrefixRoute= is there since version 245. */
static int networkd_addrs(struct text *t, const struct guest_config *g, bool prefix)
{
	for (unsigned int i = 0; i < g->n_addrs; i++) {
		char cidr[GUEST_CIDR_MAX];

		if (guest_cidr(g->addrs[i], cidr) < 0)
			return -EINVAL;
		if (guest_addr_has_prefix(g->addrs[i]) == prefix)
			text_add(t, "%sAddress=%s\n%s", prefix ? "\n[Address]\n" : "", cidr,
				 prefix ? "AddPrefixRoute=no\n" : "");
	}
	return 0;
}

int guest_networkd_text(const struct guest_config *g, char *buf, size_t size)
{
	struct text t;

	text_start(&t, buf, size);
	if (g->n_addrs == 0)
		return text_end(&t);
	if (!guest_dns_is_plain(g))
		return -EINVAL;
	text_add(&t, GUEST_OWNED "\n[Match]\nName=venet0\n\n[Network]\n");
	text_add(&t, "KeepConfiguration=yes\nIPv6AcceptRA=no\n");
	if (networkd_addrs(&t, g, false) < 0)
		return -EINVAL;
	for (unsigned int i = 0; i < g->n_nameservers; i++)
		text_add(&t, "DNS=%s\n", g->nameservers[i]);
	for (unsigned int i = 0; i < g->n_searchdomains; i++)
		text_add(&t, "Domains=%s\n", g->searchdomains[i]);
	if (networkd_addrs(&t, g, true) < 0)
		return -EINVAL;
	if (has_family(g, false))
		networkd_route(&t, GUEST_GATEWAY4);
	if (has_family(g, true))
		networkd_route(&t, GUEST_GATEWAY6);
	return text_end(&t);
}

static void netplan_route(struct text *t, const char *to, const char *gateway)
{
	text_add(t, "        - to: \"%s\"\n          via: \"%s\"\n          on-link: true\n", to,
		 gateway);
}

static void netplan_names(struct text *t, const char *key, const char *const *names, unsigned int n)
{
	if (n == 0)
		return;
	text_add(t, "        %s:\n", key);
	for (unsigned int i = 0; i < n; i++)
		text_add(t, "          - \"%s\"\n", names[i]);
}

static int netplan_addrs(struct text *t, const struct guest_config *g)
{
	for (unsigned int i = 0; i < g->n_addrs; i++) {
		char cidr[GUEST_CIDR_MAX];

		if (guest_cidr_routed(g->addrs[i], cidr) < 0)
			return -EINVAL;
		text_add(t, "        - \"%s\"\n", cidr);
	}
	return 0;
}

int guest_netplan_text(const struct guest_config *g, char *buf, size_t size)
{
	bool v4 = has_family(g, false), v6 = has_family(g, true);
	struct text t;

	text_start(&t, buf, size);
	if (g->n_addrs == 0)
		return text_end(&t);
	if (!guest_dns_is_plain(g))
		return -EINVAL;
	text_add(&t, GUEST_OWNED "\nnetwork:\n  version: 2\n  ethernets:\n    venet0:\n");
	text_add(&t, "      critical: true\n      accept-ra: false\n      addresses:\n");
	if (netplan_addrs(&t, g) < 0)
		return -EINVAL;
	if (v4 || v6)
		text_add(&t, "      routes:\n");
	if (v4)
		netplan_route(&t, "0.0.0.0/0", GUEST_GATEWAY4);
	if (v6)
		netplan_route(&t, "::/0", GUEST_GATEWAY6);
	if (g->n_nameservers > 0 || g->n_searchdomains > 0)
		text_add(&t, "      nameservers:\n");
	netplan_names(&t, "addresses", g->nameservers, g->n_nameservers);
	netplan_names(&t, "search", g->searchdomains, g->n_searchdomains);
	return text_end(&t);
}
