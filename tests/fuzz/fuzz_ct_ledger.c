/* fuzz_ct_ledger.c - the ledger of a CT, as a crash, a bad disk or a backup may have left it. */
#include "runtime/ct/ledger.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ledger_sample s = {.of = {{1, 2, 3}, {UINT64_MAX, UINT64_MAX, 5}}};
	const struct ct_run run = {.boot_id = "x", .init = {1, 2}};
	char text[8192], again[8192], task[LEDGER_TASK_MAX];
	struct ledger l, back;

	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	if (ledger_killed_parse(text, 65536, task) == 0 && strlen(task) >= sizeof(task))
		abort();
	if (ledger_parse(text, &l) < 0)
		return 0;
	ledger_take(&l, &run, &s, 7);
	ledger_hit(&l, LEDGER_NUMCGROUPS, 7);
	/* What was read can be written, and is the same then. */
	if (ledger_format(&l, again, sizeof(again)) < 0 || ledger_parse(again, &back) < 0 ||
	    memcmp(l.of, back.of, sizeof(l.of)) != 0)
		abort();
	return 0;
}
