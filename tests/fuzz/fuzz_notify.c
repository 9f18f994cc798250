/* fuzz_notify.c - the datagrams of a tenant's init. */
#include "runtime/monitor/notify.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notify_news news;

	if (notify_parse((const char *)data, size, &news) < 0)
		return 0;
	if (strnlen(news.status, sizeof(news.status)) == sizeof(news.status))
		__builtin_trap();
	for (const char *p = news.status; *p != '\0'; p++)
		if (*p < 0x20 || *p >= 0x7f)
			__builtin_trap();
	return 0;
}
