/* fuzz_guest_net.c - the rules of a CT's packet filter, and its saved sysctls. */
#include "runtime/worker/guest_net.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path, *value;
	char *copy = malloc(size + 1);

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	copy[size] = '\0';
	(void)guest_rules_include(copy);
	if (guest_sysctl_parse(copy, &path, &value) == 0 &&
	    (strncmp(path, "/proc/sys/net/", 14) != 0 || strstr(path, "..") != NULL))
		abort();
	free(copy);
	return 0;
}
