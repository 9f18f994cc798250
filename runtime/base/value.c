/* value.c - small KEY=VALUE records. */
#include "runtime/base/value.h"

#include "runtime/base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int value_get(const char *text, const char *key, char *buf, size_t size)
{
	size_t key_len = strlen(key);

	for (const char *line = text; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		if (len > key_len && line[key_len] == '=' && strncmp(line, key, key_len) == 0) {
			size_t n = len - key_len - 1;

			if (n >= size)
				return -ENOSPC;
			memcpy(buf, line + key_len + 1, n);
			buf[n] = '\0';
			return 0;
		}
		line += len;
		line += *line == '\n';
	}
	return -ENOENT;
}

int value_get_u64(const char *text, const char *key, uint64_t *ret)
{
	char buf[24];
	int r = value_get(text, key, buf, sizeof(buf));

	return r < 0 ? r : parse_u64(buf, ret);
}

int value_put(char *buf, size_t size, size_t *used, const char *key, const char *value)
{
	int n;

	if (strchr(value, '\n') != NULL)
		return -EINVAL;
	n = snprintf(buf + *used, size - *used, "%s=%s\n", key, value);
	if (n < 0 || (size_t)n >= size - *used) {
		buf[*used] = '\0';
		return -ENOSPC;
	}
	*used += (size_t)n;
	return 0;
}

int value_put_u64(char *buf, size_t size, size_t *used, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return value_put(buf, size, used, key, text);
}
