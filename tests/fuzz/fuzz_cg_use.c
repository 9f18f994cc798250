/* fuzz_cg_use.c - any text as pressure stall information, io.stat, v1's counters and cpu.stat. */
#include "cgroups/host.h"

#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct cg_pressure p;
	struct cg_io io;
	uint64_t r, w;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (cg_pressure_parse(text, &p) == 0 &&
	    (!p.known || p.some.avg10 > 10099 || p.full.avg300 > 10099))
		abort();
	(void)cg_io_parse(text, makedev(7, 1), &io);
	(void)cg_io_parse_v1(text, makedev(7, 1), &r, &w);
	(void)cg_parse_key(text, "nr_throttled", &r);
	free(text);
	return 0;
}
