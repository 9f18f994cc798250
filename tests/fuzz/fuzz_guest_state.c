/* fuzz_guest_state.c - the saved network of a suspended CT, and the list of its netlink sockets. */
#include "netsetup/guest_state.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	(void)net_guest_state_check(copy, size);
	copy[size] = '\0';
	(void)net_guest_has_protocol(copy, 6);
	free(copy);
	return 0;
}
