/* fuzz_net_counts.c - any text as /proc/net/dev, in which links may be called anything. */
#include "netsetup/net.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct net_counts c;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	net_counts_parse(text, 101, &c);
	free(text);
	return 0;
}
