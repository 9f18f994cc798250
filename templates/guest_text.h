/*
 * guest_text.h - for the guest_*.c files only: text that grows in a fixed buffer, and the section of
 * a file that is ours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define GUEST_BEGIN "# BEGIN berth"
#define GUEST_END "# END berth"
/* First line of the files that are wholly ours; without it a file is the admin's. */
#define GUEST_OWNED "# Written by berth at each start. Remove this line to keep your own changes."

enum {
	GUEST_FILE_MAX = 64 * 1024,
	GUEST_CIDR_MAX = 64
};

#define GUEST_GATEWAY4 "169.254.0.1"
#define GUEST_GATEWAY6 "fe80::1"

struct text {
	char *buf;
	size_t size, used;
	bool full;
};

void text_start(struct text *t, char *buf, size_t size);
void text_put(struct text *t, const char *s, size_t n);
void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* 0, or -ENOSPC when something did not fit (buf is "" then). */
int text_end(struct text *t);

/* old with our section replaced, appended, or (body "") taken out. A half section loses its marker. */
int guest_section_put(const char *old, const char *body, char *buf, size_t size);

/* An address with its prefix: "10.0.0.1/32". -EINVAL for one that holds more than an address. */
int guest_cidr(const char *addr, char buf[GUEST_CIDR_MAX]);
/*
 * The same for tools that cannot leave the route of a prefix out (see guest_addr_has_prefix): an IPv6 address gets /128,
 * as it is one whatever its prefix. An IPv4 one keeps its own, else it would be a second address; the host answers
 * for all others of its network by proxy ARP.
 */
int guest_cidr_routed(const char *addr, char buf[GUEST_CIDR_MAX]);
bool guest_addr_is_v6(const char *addr);
/*
 * Was a prefix typed that is not a single host's? The other addresses behind it are elsewhere, so no tool may add the
 * route to them that a prefix usually means: they would be asked for on a link where nobody has them.
 */
bool guest_addr_has_prefix(const char *addr);

struct guest_config;
/* No name server or search domain holds what could end a word or a line in any of the files. */
bool guest_dns_is_plain(const struct guest_config *g);
