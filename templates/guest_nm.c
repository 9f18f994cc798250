/*
 * guest_nm.c - NetworkManager.conf(5): the link stays as the host has made it, so that no profile can take it down;
 * the name servers are global ones, which hold for whatever there is.
 */
#include "templates/guest.h"
#include "templates/guest_text.h"

#include <errno.h>

static void add_list(struct text *t, const char *key, const char *const *words, unsigned int n)
{
	text_add(t, "%s=", key);
	for (unsigned int i = 0; i < n; i++)
		text_add(t, "%s%s", i > 0 ? "," : "", words[i]);
	text_add(t, "\n");
}

int guest_nm_text(const struct guest_config *g, char *buf, size_t size)
{
	struct text t;

	text_start(&t, buf, size);
	if (g->n_addrs == 0 && g->n_nameservers == 0)
		return text_end(&t);
	if (!guest_dns_is_plain(g))
		return -EINVAL;
	text_add(&t, GUEST_OWNED "\n[keyfile]\nunmanaged-devices+=interface-name:venet0\n");
	if (g->n_nameservers == 0)
		return text_end(&t);
	text_add(&t, "\n[global-dns]\n");
	add_list(&t, "searches", g->searchdomains, g->n_searchdomains);
	text_add(&t, "\n[global-dns-domain-*]\n");
	add_list(&t, "servers", g->nameservers, g->n_nameservers);
	return text_end(&t);
}
