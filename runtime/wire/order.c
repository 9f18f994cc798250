/* order.c - the words of an operation as one message. */
#include "runtime/wire/order.h"

#include <errno.h>
#include <string.h>

int order_pack(const char *const *words, char buf[static ORDER_SIZE])
{
	size_t used = 0;

	for (int n = 0; words[n] != NULL; n++) {
		size_t len = strlen(words[n]) + 1;

		if (n == ORDER_WORDS || len > ORDER_SIZE - used)
			return -E2BIG;
		memcpy(buf + used, words[n], len);
		used += len;
	}
	return (int)used;
}

int order_parse(const char *buf, size_t len, const char *ret[static ORDER_WORDS + 1])
{
	const char *p = buf, *end = buf + len;
	int n = 0;

	if (len == 0 || end[-1] != '\0')
		return -EBADMSG;
	for (; p < end; p += strlen(p) + 1) {
		if (n == ORDER_WORDS)
			return -EBADMSG;
		ret[n++] = p;
	}
	ret[n] = NULL;
	return n;
}
