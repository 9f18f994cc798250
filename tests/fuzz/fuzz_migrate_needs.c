/* fuzz_migrate_needs.c - texts of /proc, and what another host says of itself. What was read is said and read again. */
#include "runtime/migrate/needs.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(const struct berth_error *why, void *data)
{
	unsigned int *n = data;

	if (why->msg[0] == '\0')
		abort();
	(*n)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_needs a, b = {0};
	char text[4096], again[8192];
	size_t used = 0;
	unsigned int n = 0;
	uint64_t bytes;

	size = size < sizeof(text) ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)needs_memory_of(text, &bytes);
	(void)needs_flags_of(text, b.flags, sizeof(b.flags));
	if (needs_parse(text, &a) < 0)
		return 0;
	needs_compare(&a, &a, count, &n);
	if (n != 0) /* each host has what it has */
		abort();
	needs_compare(&a, &b, count, &n);
	if (needs_format(&a, again, sizeof(again), &used) < 0 || needs_parse(again, &b) < 0)
		abort();
	return 0;
}
