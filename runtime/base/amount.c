/* amount.c - numbers as people read them, and as options take them. */
#include "runtime/base/amount.h"

#include <stdio.h>

static const char letters[] = "BKMGTPE";

const char *amount_text(uint64_t bytes, char buf[AMOUNT_MAX])
{
	double n = (double)bytes;
	unsigned int i = 0;

	if (bytes >= INT64_MAX)
		return "unlimited";
	for (; n >= 1024 && letters[i + 1] != '\0'; i++)
		n /= 1024;
	if (i == 0)
		(void)snprintf(buf, AMOUNT_MAX, "%llu", (unsigned long long)bytes);
	else
		(void)snprintf(buf, AMOUNT_MAX,
			       n < 10	 ? "%.2f%c"
			       : n < 100 ? "%.1f%c"
					 : "%.0f%c",
			       n, letters[i]);
	return buf;
}

const char *amount_option(uint64_t bytes, char buf[AMOUNT_MAX])
{
	unsigned int i = 0;

	for (; bytes != 0 && bytes % 1024 == 0 && i < 4; i++)
		bytes /= 1024;
	if (i == 0)
		(void)snprintf(buf, AMOUNT_MAX, "%llu", (unsigned long long)bytes);
	else
		(void)snprintf(buf, AMOUNT_MAX, "%llu%c", (unsigned long long)bytes, letters[i]);
	return buf;
}

uint64_t amount_more(uint64_t bytes)
{
	const uint64_t mib = 1 << 20, much = (uint64_t)8 << 30;
	uint64_t more = bytes < much ? bytes * 2 : bytes / 2 * 3;

	if (bytes > UINT64_MAX / 4)
		return bytes;
	return more < mib ? mib : (more + mib - 1) / mib * mib;
}
