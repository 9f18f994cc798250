/* counts.c - what has gone through a CT's links, from the text of /proc/net/dev. Pure. */
#include "netsetup/net.h"

#include "runtime/base/parse.h"

#include <stdio.h>
#include <string.h>

enum {
	COLUMNS =
		10, /* bytes packets errs drop fifo frame compressed multicast, and the first two again */
	SENT = 8
};

/* The numbers behind "ct101.0:". What the host's end receives is what the CT has sent. */
static void add_line(const char *p, struct net_counts *to)
{
	uint64_t v[COLUMNS];

	for (int i = 0; i < COLUMNS; i++)
		if (parse_next(&p, " ", 10, &v[i]) < 0)
			return;
	to->tx_bytes += v[0];
	to->tx_packets += v[1];
	to->rx_bytes += v[SENT];
	to->rx_packets += v[SENT + 1];
}

void net_counts_parse(const char *text, uint32_t ctid, struct net_counts *ret)
{
	char name[24];
	size_t len = (size_t)snprintf(name, sizeof(name), "ct%u.", ctid);

	*ret = (struct net_counts){0};
	for (const char *p = text; (p = strstr(p, name)) != NULL; p += len) {
		const char *n = p + len, *colon = n + strspn(n, "0123456789");

		if ((p == text || p[-1] == ' ' || p[-1] == '\n') && colon > n && *colon == ':')
			add_line(colon + 1, ret);
	}
}
