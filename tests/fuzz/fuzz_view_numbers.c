/* fuzz_view_numbers.c - any text as each source of a view, and all files made of it. */
#include "runtime/view/view.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[8192], out[65536];
	const char *texts[VIEW_SOURCES];
	const struct view_load load = {0};
	struct view_moment at = {.uptime = 5, .boot = 6, .load = &load, .host_cpuinfo = text};
	struct view_numbers n;

	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	for (int i = 0; i < VIEW_SOURCES; i++)
		texts[i] = text;
	(void)view_clock_offset(text, "boottime");
	view_numbers_read(texts, &n);
	if (n.memory_used > n.memory || n.swap_used > n.swap || view_cpus(&n) < 1)
		abort();
	for (int f = 0; f < VIEW_FILES; f++)
		if (view_text((enum view_file)f, &n, &at, out, sizeof(out)) >= sizeof(out))
			abort();
	return 0;
}
