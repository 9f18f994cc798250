/* doctor.c - what of this host stands in the way of the CTs' network. */
#include "netsetup/netns.h"
#include "netsetup/nft.h"
#include "netsetup/rtnl.h"
#include "netsetup/ruleset.h"
#include "runtime/base/cleanup.h"

#include <string.h>

/* A sysctl and the values of it that are well. */
struct sysctl_rule {
	const char *finding, *name;
	int min, max;
	const char *level;
	const char *text, *fix;
};

static const struct sysctl_rule rules[] = {
	{"ipv4 forwarding", "ipv4/ip_forward", 1, 1, "warning",
	 "this host does not forward IPv4: CTs reach only the host", "systemctl restart berthd"},
	{"ipv6 forwarding", "ipv6/conf/all/forwarding", 1, 1, "warning",
	 "this host does not forward IPv6: CTs reach only the host", "systemctl restart berthd"},
	{"rp_filter", "ipv4/conf/all/rp_filter", 0, 1, "warning",
	 "net.ipv4.conf.all.rp_filter=2 makes the reverse path check of every link loose; the "
	 "packet "
	 "filter still checks the sources of CTs",
	 "sysctl net.ipv4.conf.all.rp_filter=1"},
	{"accept_local", "ipv4/conf/all/accept_local", 0, 0, "warning",
	 "the host takes packets that claim to come from itself",
	 "sysctl net.ipv4.conf.all.accept_local=0"},
	{"route_localnet", "ipv4/conf/all/route_localnet", 0, 0, "warning",
	 "127.0.0.0/8 of the host can be reached over links",
	 "sysctl net.ipv4.conf.all.route_localnet=0"},
	{"br_netfilter", "bridge/bridge-nf-call-iptables", 0, 0, "warning",
	 "br_netfilter sends bridged packets through the rules for routed ones",
	 "sysctl net.bridge.bridge-nf-call-iptables=0"},
	{"nf_log", "netfilter/nf_log_all_netns", 0, 0, "warning",
	 "CTs can write to the host's kernel log", "sysctl net.netfilter.nf_log_all_netns=0"},
	{"connection table", "netfilter/nf_conntrack_max", 65536, 1 << 30, "warning",
	 "the connection table is small; a CT with NAT may have 4096 entries of it",
	 "sysctl net.netfilter.nf_conntrack_max=262144"},
};

struct doctor {
	const struct net_owner *owner;
	net_doctor_fn *fn;
	void *data;
};

static void look_at_sysctl(const struct doctor *d, const struct sysctl_rule *rule)
{
	char text[80];
	int value = 0;
	bool well;

	if (net_sysctl_get(rule->name, NULL, &value) < 0) /* this kernel, now, has no such thing */
		return;
	well = value >= rule->min && value <= rule->max;
	(void)snprintf(text, sizeof(text), "net.%s is %d", rule->name, value);
	for (char *p = text; *p != ' '; p++)
		if (*p == '/')
			*p = '.';
	d->fn(rule->finding, well ? "ok" : rule->level, well ? text : rule->text,
	      well ? "" : rule->fix, d->data);
}

static void look_at_rules(const struct doctor *d)
{
	/* What berth.nft needs of nft(8) and the kernel beyond the ordinary. */
	static const char sample[] =
		"table inet berth_sample {\n"
		"\tset links { type ifname . ipv6_addr; }\n"
		"\tset flows { type ifname; size 16; flags dynamic; }\n"
		"\tchain a { type filter hook prerouting priority raw; policy accept;\n"
		"\t\tiifname . ip6 saddr @links fib daddr type != local notrack\n"
		"\t\tadd @flows { iifname ct count over 4 } drop\n\t}\n"
		"\tchain b { type nat hook postrouting priority srcnat; policy accept;\n"
		"\t\tip saddr 10.0.0.1 masquerade\n\t}\n}\n";
	struct berth_error err = {.msg = "no memory"};
	struct net_guard *guard;
	int r = ruleset_load(sample, true, &err);

	if (r < 0) {
		d->fn("nftables", "error", err.msg,
		      r == -ENOENT ? "apt install nftables" : "modprobe nf_tables", d->data);
		return;
	}
	d->fn("nftables", "ok", "nft and the kernel know what the packet filter needs", "",
	      d->data);
	guard = net_guard_new(d->owner);
	r = guard == NULL ? -ENOMEM : net_guard_check(guard, &err);
	net_guard_free(guard);
	d->fn("packet filter", r < 0 ? "error" : "ok",
	      r < 0 ? err.msg : "the rules are loaded and every link is in them",
	      r < 0 ? "systemctl restart berthd" : "", d->data);
}

static void look_at_firewall(const struct doctor *d)
{
	struct berth_error err = {0};
	char table[64], text[240];

	if (nft_find_forward_drop(d->owner->nft_table, table, sizeof(table), &err) < 0 ||
	    table[0] == '\0')
		return;
	(void)snprintf(text, sizeof(text),
		       "the nftables table '%s' drops forwarded packets by default: add rules that "
		       "accept the traffic of CTs (of public addresses: ct state untracked)",
		       table);
	d->fn("other firewall", "warning", text, "nft list ruleset", d->data);
}

static void look_at_veth(const struct doctor *d)
{
	struct berth_error err = {0};
	auto_ptr(rtnl_free) struct rtnl *r = NULL;
	bool has;

	if (rtnl_open("", &r, &err) < 0) {
		d->fn("veth", "error", err.msg, "", d->data);
		return;
	}
	has = rtnl_has_veth(r);
	d->fn("veth", has ? "ok" : "error",
	      has ? "the kernel makes veth links" : "this kernel makes no veth links",
	      has ? "" : "modprobe veth", d->data);
}

static void look_at_ipv6(const struct doctor *d)
{
	bool has = net_has_ipv6();

	d->fn("ipv6", has ? "ok" : "warning",
	      has ? "IPv6 is on" : "IPv6 is off on this host: CTs can have no IPv6 address",
	      has ? ""
		  : "sysctl net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0",
	      d->data);
}

void net_doctor(const struct net_owner *owner, net_doctor_fn *fn, void *data)
{
	const struct doctor d = {.owner = owner, .fn = fn, .data = data};

	look_at_veth(&d);
	look_at_rules(&d);
	look_at_ipv6(&d);
	look_at_firewall(&d);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		look_at_sysctl(&d, &rules[i]);
}
