/* fuzz_net_addr.c - net_addr_parse: what it takes, it formats and takes again as the same. */
#include "netsetup/link.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), buf[NET_ADDR_TEXT], again[NET_ADDR_TEXT];
	struct net_addr a, b;
	struct net_link_id id;
	unsigned int n;
	uint32_t ctid;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (net_addr_parse(text, &a) == 0) {
		(void)net_addr_format(&a, buf);
		if (net_addr_parse(buf, &b) < 0 || !net_addr_equal(&a, &b) || a.prefix != b.prefix)
			abort();
		if (strcmp(net_addr_format(&b, again), buf) != 0)
			abort();
		net_addr_last(&a, &b);
		if (!net_addr_overlaps(&a, &b) || net_addr_is_net(&a) == net_addr_equal(&a, &b))
			abort();
		net_addr_first(&a, &b);
		if (!net_addr_overlaps(&a, &b) || net_addr_is_net(&b))
			abort();
	}
	if (net_link_from_ifname(text, &ctid, &n) == 0) {
		net_link_id(ctid, n, &id);
		if (strcmp(id.host, text) != 0)
			abort();
	}
	free(text);
	return 0;
}
