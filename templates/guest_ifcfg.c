/*
 * guest_ifcfg.c - ifcfg files, of two families: RHEL's network scripts (sysconfig.txt of initscripts; CentOS 7 and 8)
 * and openSUSE's wicked (ifcfg(5), ifroute(5), netconfig(8)). Files that are wholly ours, but for netconfig's.
 */
#include "templates/guest.h"
#include "templates/guest_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	BODY_MAX = 4096
};

static bool has_family(const struct guest_config *g, bool v6)
{
	for (unsigned int i = 0; i < g->n_addrs; i++)
		if (guest_addr_is_v6(g->addrs[i]) == v6)
			return v6 ? g->ipv6 : g->ipv4;
	return false;
}

/* The first variable has no number: IPADDR, IPADDR1; PREFIX, PREFIX1. */
static void rhel_addr4(struct text *t, unsigned int n, const char *cidr)
{
	int len = (int)strcspn(cidr, "/");
	char number[16] = "";

	if (n > 0)
		(void)snprintf(number, sizeof(number), "%u", n);
	text_add(t, "IPADDR%s=%.*s\nPREFIX%s=%s\n", number, len, cidr, number, cidr + len + 1);
}

/* Of one family; -EINVAL for a value that is not an address. */
static int rhel_addrs(struct text *t, const struct guest_config *g, bool v6)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < g->n_addrs; i++) {
		char cidr[GUEST_CIDR_MAX];

		if (guest_cidr_routed(g->addrs[i], cidr) < 0)
			return -EINVAL;
		if (guest_addr_is_v6(g->addrs[i]) != v6)
			continue;
		if (!v6)
			rhel_addr4(t, n, cidr);
		else if (n == 0)
			text_add(t, "IPV6INIT=yes\nIPV6_AUTOCONF=no\nIPV6ADDR=%s\n", cidr);
		else
			text_add(t, "%s%s", n == 1 ? "IPV6ADDR_SECONDARIES=\"" : " ", cidr);
		n++;
	}
	text_add(t, "%s", v6 && n > 1 ? "\"\n" : "");
	return 0;
}

int guest_rhel_ifcfg_text(const struct guest_config *g, char *buf, size_t size)
{
	struct text t;

	text_start(&t, buf, size);
	if (g->n_addrs == 0)
		return text_end(&t);
	text_add(&t, GUEST_OWNED "\nDEVICE=venet0\nTYPE=Ethernet\nONBOOT=yes\nBOOTPROTO=none\n"
				 "NM_CONTROLLED=no\n");
	if (rhel_addrs(&t, g, false) < 0 || rhel_addrs(&t, g, true) < 0)
		return -EINVAL;
	return text_end(&t);
}

/* route-venet0 and route6-venet0: each line is what "ip route add" gets. */
int guest_rhel_route_text(const struct guest_config *g, bool v6, char *buf, size_t size)
{
	struct text t;

	text_start(&t, buf, size);
	if (has_family(g, v6))
		text_add(&t, GUEST_OWNED "\ndefault via %s dev venet0 onlink\n",
			 v6 ? GUEST_GATEWAY6 : GUEST_GATEWAY4);
	return text_end(&t);
}

int guest_suse_ifcfg_text(const struct guest_config *g, char *buf, size_t size)
{
	struct text t;

	text_start(&t, buf, size);
	if (g->n_addrs == 0)
		return text_end(&t);
	text_add(&t, GUEST_OWNED "\nSTARTMODE='auto'\nBOOTPROTO='static'\n");
	for (unsigned int i = 0; i < g->n_addrs; i++) {
		char cidr[GUEST_CIDR_MAX], number[16] = "";

		if (guest_cidr_routed(g->addrs[i], cidr) < 0)
			return -EINVAL;
		if (i > 0)
			(void)snprintf(number, sizeof(number), "_%u", i);
		text_add(&t, "IPADDR%s='%s'\n", number, cidr);
	}
	return text_end(&t);
}

/* The gateway lies in no network of the link: it gets a route of its own first. */
int guest_suse_ifroute_text(const struct guest_config *g, char *buf, size_t size)
{
	bool v4 = has_family(g, false), v6 = has_family(g, true);
	struct text t;

	text_start(&t, buf, size);
	if (v4 || v6)
		text_add(&t, GUEST_OWNED "\n");
	if (v4)
		text_add(&t,
			 GUEST_GATEWAY4 "/32 - - venet0\ndefault " GUEST_GATEWAY4 " - venet0\n");
	if (v6)
		text_add(&t, "default " GUEST_GATEWAY6 " - venet0\n");
	return text_end(&t);
}

static void add_list(struct text *t, const char *key, const char *const *words, unsigned int n)
{
	text_add(t, "%s=\"", key);
	for (unsigned int i = 0; i < n; i++)
		text_add(t, "%s%s", i > 0 ? " " : "", words[i]);
	text_add(t, "\"\n");
}

/* Read by a shell: of two lines that set a variable the last one holds. */
int guest_netconfig_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	char body[BODY_MAX];
	struct text t;

	text_start(&t, body, sizeof(body));
	if (g->n_nameservers > 0) {
		if (!guest_dns_is_plain(g))
			return -EINVAL;
		add_list(&t, "NETCONFIG_DNS_STATIC_SERVERS", g->nameservers, g->n_nameservers);
		add_list(&t, "NETCONFIG_DNS_STATIC_SEARCHLIST", g->searchdomains,
			 g->n_searchdomains);
	}
	return text_end(&t) < 0 ? -ENOSPC : guest_section_put(old, body, buf, size);
}
