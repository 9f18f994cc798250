/* guest_resolv.c - /etc/resolv.conf: wholly ours as soon as the CT has a nameserver set. */
#include "templates/guest.h"
#include "templates/guest_text.h"

#include <errno.h>
#include <string.h>

static bool word_is_plain(const char *s)
{
	for (const char *p = s; *p != '\0'; p++)
		if (*p <= ' ' || *p == 0x7f || strchr("\"'\\$`", *p) != NULL)
			return false;
	return *s != '\0';
}

bool guest_dns_is_plain(const struct guest_config *g)
{
	for (unsigned int i = 0; i < g->n_nameservers; i++)
		if (!word_is_plain(g->nameservers[i]))
			return false;
	for (unsigned int i = 0; i < g->n_searchdomains; i++)
		if (!word_is_plain(g->searchdomains[i]))
			return false;
	return true;
}

int guest_resolv_text(const struct guest_config *g, char *buf, size_t size)
{
	struct text t;

	text_start(&t, buf, size);
	if (g->n_nameservers == 0)
		return text_end(&t);
	if (!guest_dns_is_plain(g))
		return -EINVAL;
	text_add(&t, "# Written by berth at each start from --nameserver and --searchdomain.\n");
	if (g->n_searchdomains > 0)
		text_add(&t, "search");
	for (unsigned int i = 0; i < g->n_searchdomains; i++)
		text_add(&t, " %s", g->searchdomains[i]);
	if (g->n_searchdomains > 0)
		text_add(&t, "\n");
	for (unsigned int i = 0; i < g->n_nameservers; i++)
		text_add(&t, "nameserver %s\n", g->nameservers[i]);
	return text_end(&t);
}
