/*
 * guest_resolver.c - who writes /etc/resolv.conf in a CT, when that is a link to a program's own file, and what that
 * program reads: resolved.conf(5), resolvconf(8) of Debian, resolvconf.conf(5) of openresolv.
 */
#include "templates/guest.h"

#include "runtime/base/cleanup.h"
#include "templates/guest_text.h"
#include "templates/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum {
	BODY_MAX = 4096
};

/* Parts of the link's target, as Debian, Ubuntu, Fedora, Arch and openSUSE have it. */
static const struct {
	const char *part;
	enum guest_resolver kind;
} resolvers[] = {
	{"/systemd/resolv",
	 GUEST_RESOLVER_RESOLVED}, /* .../resolve/stub-resolv.conf, .../resolv.conf */
	{"/resolvconf/", GUEST_RESOLVER_RESOLVCONF},
	{"/NetworkManager/", GUEST_RESOLVER_NM},
	{"/netconfig/", GUEST_RESOLVER_NETCONFIG},
};

enum guest_resolver guest_resolver_named(const char *target)
{
	for (size_t i = 0; i < sizeof(resolvers) / sizeof(resolvers[0]); i++)
		if (strstr(target, resolvers[i].part) != NULL)
			return resolvers[i].kind;
	return GUEST_RESOLVER_UNKNOWN;
}

enum guest_resolver guest_resolver(int root_fd)
{
	auto_close int etc = inroot_open(root_fd, "etc", O_RDONLY | O_DIRECTORY);
	char target[PATH_MAX];
	ssize_t n = etc < 0 ? -1 : readlinkat(etc, "resolv.conf", target, sizeof(target) - 1);

	if (n < 0)
		return GUEST_RESOLVER_FILE;
	target[n] = '\0';
	return guest_resolver_named(target);
}

const char *guest_resolver_reload(enum guest_resolver kind)
{
	switch (kind) {
	case GUEST_RESOLVER_RESOLVED:
		return "systemctl restart systemd-resolved";
	case GUEST_RESOLVER_RESOLVCONF:
		return "resolvconf -u";
	case GUEST_RESOLVER_NM:
		return "nmcli general reload";
	case GUEST_RESOLVER_NETCONFIG:
		return "netconfig update -f";
	case GUEST_RESOLVER_FILE:
	case GUEST_RESOLVER_UNKNOWN:
		break;
	}
	return NULL;
}

/* ---- texts; g NULL: the CT does not use the program (any more) ---- */

static bool has_servers(const struct guest_config *g)
{
	return g != NULL && g->n_nameservers > 0;
}

static void add_list(struct text *t, const char *before, const char *const *words, unsigned int n,
		     const char *after)
{
	if (n == 0)
		return;
	text_add(t, "%s", before);
	for (unsigned int i = 0; i < n; i++)
		text_add(t, "%s%s", i > 0 ? " " : "", words[i]);
	text_add(t, "%s\n", after);
}

int guest_resolved_text(const struct guest_config *g, char *buf, size_t size)
{
	struct text t;

	text_start(&t, buf, size);
	if (!has_servers(g))
		return text_end(&t);
	if (!guest_dns_is_plain(g))
		return -EINVAL;
	text_add(&t, GUEST_OWNED "\n[Resolve]\n");
	add_list(&t, "DNS=", g->nameservers, g->n_nameservers, "");
	add_list(&t, "Domains=", g->searchdomains, g->n_searchdomains, "");
	return text_end(&t);
}

int guest_resolvconf_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	char body[BODY_MAX];
	struct text t;

	text_start(&t, body, sizeof(body));
	if (has_servers(g)) {
		if (!guest_dns_is_plain(g))
			return -EINVAL;
		add_list(&t, "search ", g->searchdomains, g->n_searchdomains, "");
		for (unsigned int i = 0; i < g->n_nameservers; i++)
			text_add(&t, "nameserver %s\n", g->nameservers[i]);
	}
	return text_end(&t) < 0 ? -ENOSPC : guest_section_put(old, body, buf, size);
}

/* Read by a shell: plain words need no more than quotes. */
int guest_openresolv_text(const char *old, const struct guest_config *g, char *buf, size_t size)
{
	char body[BODY_MAX];
	struct text t;

	text_start(&t, body, sizeof(body));
	if (has_servers(g)) {
		if (!guest_dns_is_plain(g))
			return -EINVAL;
		add_list(&t, "name_servers=\"", g->nameservers, g->n_nameservers, "\"");
		add_list(&t, "search_domains=\"", g->searchdomains, g->n_searchdomains, "\"");
	}
	return text_end(&t) < 0 ? -ENOSPC : guest_section_put(old, body, buf, size);
}
