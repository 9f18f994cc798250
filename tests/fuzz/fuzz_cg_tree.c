/* fuzz_cg_tree.c - a line of a suspended CT's cgroups, and the status of a process. */
#include "cgroups/tree.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cg_tree_line line;
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)cg_tree_inner_pid(text);
	(void)cg_tree_line_parse(text, &line);
	free(text);
	return 0;
}
