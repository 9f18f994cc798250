/* order.c - the words of an operation as one message, and numbers of descriptors as a word. */
#include "runtime/wire/order.h"

#include "runtime/base/parse.h"

#include <errno.h>
#include <stdio.h>
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

void order_list_format(const int *fds, unsigned int n, char buf[static ORDER_LIST_SIZE])
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < n && i < ORDER_PASS_MAX; i++)
		used += (size_t)snprintf(buf + used, ORDER_LIST_SIZE - used, "%s%d",
					 i > 0 ? "," : "", fds[i]);
}

int order_list_parse(const char *text, int fds[static ORDER_PASS_MAX])
{
	char item[12];
	int n = 0;

	for (;;) {
		size_t len = strcspn(text, ",");

		if (n == ORDER_PASS_MAX || len >= sizeof(item))
			return -EBADMSG;
		memcpy(item, text, len);
		item[len] = '\0';
		if (parse_int(item, &fds[n]) < 0 || fds[n] < 3)
			return -EBADMSG;
		for (int i = 0; i < n; i++)
			if (fds[i] == fds[n])
				return -EBADMSG;
		n++;
		if (text[len] == '\0')
			return n;
		text += len + 1;
	}
}

bool order_version_fits(const char *said)
{
	return said == NULL || strcmp(said, ORDER_VERSION) == 0;
}
