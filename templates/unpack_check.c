/* unpack_check.c - what a stranger's archive may name. */
#include "templates/unpack.h"

#include <stddef.h>
#include <string.h>

bool unpack_name_ok(const char *name)
{
	unsigned int depth = 0;

	if (*name == '\0' || *name == '/' || strnlen(name, UNPACK_PATH_MAX) == UNPACK_PATH_MAX)
		return false;
	for (const char *p = name; *p != '\0';) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return false;
		if (n > 255 || (n > 0 && ++depth > UNPACK_DEPTH_MAX))
			return false;
		p += n;
		p += *p == '/';
	}
	return true;
}

bool unpack_name_in_dev(const char *name)
{
	while (strncmp(name, "./", 2) == 0)
		name += 2;
	return strncmp(name, "dev/", 4) == 0;
}

uint64_t unpack_data_bytes(const void *block, size_t len, uint64_t at, uint64_t *last)
{
	static const char zeros[UNPACK_BLOCK];
	const char *p = block;
	uint64_t data = 0;

	while (len > 0) {
		size_t left = UNPACK_BLOCK - at % UNPACK_BLOCK, n = len < left ? len : left;

		if (at / UNPACK_BLOCK != *last && memcmp(p, zeros, n) != 0) {
			data += UNPACK_BLOCK;
			*last = at / UNPACK_BLOCK;
		}
		p += n;
		at += n;
		len -= n;
	}
	return data;
}

bool unpack_xattr_ok(const char *name)
{
	return strcmp(name, "security.capability") == 0 || strncmp(name, "user.", 5) == 0;
}
