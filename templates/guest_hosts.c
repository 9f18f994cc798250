/* guest_hosts.c - /etc/hosts: the CT's own name. */
#include "runtime/base/parse.h"
#include "templates/guest.h"
#include "templates/guest_text.h"

#include <errno.h>
#include <string.h>

static const char no_hosts[] = "127.0.0.1\tlocalhost\n"
			       "::1\t\tlocalhost ip6-localhost ip6-loopback\n";

/* "ct.example.com ct": the canonical name first, then the short one. */
static void add_names(struct text *t, const char *hostname)
{
	size_t label = strcspn(hostname, ".");

	text_add(t, "%s", hostname);
	if (hostname[label] != '\0')
		text_add(t, " %.*s", (int)label, hostname);
	text_add(t, "\n");
}

int guest_hosts_text(const char *old, const char *hostname, const char *first_addr, char *buf,
		     size_t size)
{
	/* Debian's habit: a name without an address of its own stands at 127.0.1.1. */
	const char *addr = first_addr != NULL ? first_addr : "127.0.1.1";
	char cidr[GUEST_CIDR_MAX], body[256];
	struct text t;

	if (!hostname_is_valid(hostname) || guest_cidr(addr, cidr) < 0)
		return -EINVAL;
	text_start(&t, body, sizeof(body));
	text_add(&t, "%.*s\t", (int)strcspn(cidr, "/"), cidr);
	add_names(&t, hostname);
	if (text_end(&t) < 0)
		return -ENOSPC;
	return guest_section_put(*old != '\0' ? old : no_hosts, body, buf, size);
}
