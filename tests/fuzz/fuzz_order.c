/* fuzz_order.c - an order to a worker: its words, and numbers of descriptors. */
#include "runtime/wire/order.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_words(const char *buf, size_t size)
{
	const char *words[ORDER_WORDS + 1];
	char again[ORDER_SIZE];
	int n = order_parse(buf, size, words);

	if (n < 0 || size > ORDER_SIZE)
		return;
	/* What was understood is what would be said. */
	if (words[n] != NULL || order_pack(words, again) != (int)size ||
	    memcmp(again, buf, size) != 0)
		abort();
}

static void try_list(const char *text)
{
	int fds[ORDER_PASS_MAX], again[ORDER_PASS_MAX], n = order_list_parse(text, fds);
	char said[ORDER_LIST_SIZE];

	if (n < 0)
		return;
	order_list_format(fds, (unsigned int)n, said);
	if (order_list_parse(said, again) != n || memcmp(fds, again, (size_t)n * sizeof(int)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* In memory of their own: a byte too far is seen. */
	char *copy = malloc(size + 1);

	if (copy == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	try_list(copy);
	try_words(copy, size);
	free(copy);
	return 0;
}
