/*
 * guest_interfaces.c - /etc/network/interfaces (ifupdown of Debian, Alpine).
 *
 * The host has set the addresses before init runs, so the stanza only repeats what is there: `replace`
 * changes nothing then, and brings everything back after an admin's ifdown and ifup. No command
 * may fail, else networking.service would.
 */
#include "templates/guest.h"
#include "templates/guest_text.h"

#include <errno.h>

enum {
	BODY_MAX = 16 * 1024
};

static const char no_interfaces[] = "auto lo\n"
				    "iface lo inet loopback\n";

static int add_family(struct text *t, const struct guest_config *g, bool v6)
{
	bool opened = false;

	for (unsigned int i = 0; i < g->n_addrs; i++) {
		char cidr[GUEST_CIDR_MAX];

		if (guest_addr_is_v6(g->addrs[i]) != v6)
			continue;
		if (guest_cidr(g->addrs[i], cidr) < 0)
			return -EINVAL;
		if (!opened)
			text_add(t, "iface venet0 %s manual\n", v6 ? "inet6" : "inet");
		opened = true;
		text_add(t, "\tup ip address replace %s dev venet0%s%s || true\n", cidr,
			 v6 ? " nodad" : "",
			 guest_addr_has_prefix(g->addrs[i]) ? " noprefixroute" : "");
	}
	if (opened && (v6 ? g->ipv6 : g->ipv4))
		text_add(t, "\tup ip %sroute replace default via %s dev venet0 onlink || true\n",
			 v6 ? "-6 " : "", v6 ? GUEST_GATEWAY6 : GUEST_GATEWAY4);
	return 0;
}

int guest_interfaces_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	char body[BODY_MAX];
	struct text t;
	int r = 0;

	text_start(&t, body, sizeof(body));
	if (g->n_addrs > 0) {
		text_add(&t, "auto venet0\n");
		r = add_family(&t, g, false);
		if (r == 0)
			r = add_family(&t, g, true);
	}
	if (r == 0)
		r = text_end(&t);
	if (r < 0)
		return r;
	if (*old == '\0' && g->n_addrs > 0)
		old = no_interfaces;
	return guest_section_put(old, body, buf, size);
}
