/* host.c - what a host needs once: forwarding, and the packet filter that all CTs share. */
#include "netsetup/netns.h"
#include "netsetup/ruleset.h"
#include "runtime/base/cleanup.h"

#include <dirent.h>
#include <string.h>

/* Written only when it differs: the kernel resets other settings on each write. */
static int set_if_other(const char *name, int value, struct berth_error *err)
{
	char text[16];
	int now = 0, r = net_sysctl_get(name, NULL, &now);

	if (r == -ENOENT)
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, ENOENT,
				       "this kernel has no sysctl net/%s", name);
	if (r == 0 && now == value)
		return 0;
	(void)snprintf(text, sizeof(text), "%d", value);
	return net_sysctl_set(name, NULL, text, err);
}

/*
 * A router does not listen to router advertisements: with forwarding, a host that has its own
 * default route from them would lose it, unless the link says 2.
 */
static int keep_router_adverts(struct berth_error *err)
{
	auto_closedir DIR *d = opendir("/proc/sys/net/ipv6/conf");
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		int accept = 0, r;

		if (e->d_name[0] == '.' || strcmp(e->d_name, "all") == 0 ||
		    strcmp(e->d_name, "default") == 0 || strcmp(e->d_name, "lo") == 0)
			continue;
		if (net_sysctl_get("ipv6/conf/%s/accept_ra", e->d_name, &accept) < 0 || accept != 1)
			continue;
		r = net_sysctl_set("ipv6/conf/%s/accept_ra", e->d_name, "2", err);
		if (r < 0 && r != -ENOENT) /* the link has gone meanwhile */
			return r;
	}
	return 0;
}

static int forward_ipv6(struct berth_error *err)
{
	int now = 0;

	if (!net_has_ipv6())
		return 0;
	if (net_sysctl_get("ipv6/conf/all/forwarding", NULL, &now) == 0 && now == 1)
		return 0;
	if (keep_router_adverts(err) < 0)
		return -EIO;
	return net_sysctl_set("ipv6/conf/all/forwarding", NULL, "1", err);
}

int net_host_setup(const char *ruleset, const struct net_owner *owner, struct berth_error *err)
{
	auto_free char *text = NULL;
	int r;

	/* The filter first: nothing is forwarded before there are rules for it. */
	r = ruleset_make(ruleset, owner, &text, err);
	if (r == 0)
		r = ruleset_load(text, false, err);
	if (r == 0)
		r = set_if_other("ipv4/ip_forward", 1, err);
	if (r == 0)
		r = forward_ipv6(err);
	return r;
}
