/* fuzz_proc_text.c - /proc of a process that a tenant has named. */
#include "runtime/worker/proc_text.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc_monitor m;
	char text[4096];

	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)proc_is_first(text);
	(void)proc_is_root(text);
	(void)proc_is_shell_command(text, size);
	(void)proc_has_execed(text);
	(void)proc_is_monitor(text, size, 101, "/run/berth/ct/101", &m);
	return 0;
}
