/* fuzz_ct_state.c - the state files of a CT, as a crash or a bad disk may have left them. */
#include "runtime/ct/addresses.h"
#include "runtime/ct/info.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ct_addresses addresses;
	char text[4096];
	struct ct_facts facts;
	struct ct_run run;
	struct ct_exit e;

	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)ct_facts_parse(text, &facts);
	(void)ct_run_parse(text, &run);
	(void)ct_exit_parse(text, &e);
	(void)ct_addresses_parse(text, size, &addresses);
	return 0;
}
