/* fuzz_pid_path.c - the cgroup and the status of a process, whose cgroups a CT names. */
#include "runtime/cli/pid_path.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[4096];
	size_t at = 0, was = 0;
	uint32_t ctid;

	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	while (pid_path_guess(text, &at, &ctid) == 0) {
		if (at <= was || at > size)
			abort();
		was = at;
		if (pid_path_is_in(text, "0::/berth/101/inner", ctid) && ctid != 101)
			abort();
		(void)pid_path_is_in("0::/berth/101/inner", text, ctid);
	}
	(void)pid_inside(text, &ctid);
	return 0;
}
