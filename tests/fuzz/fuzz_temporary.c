/* fuzz_temporary.c - lines of a config, and a note of a set, of any bytes: what is due comes back, once. */
#include "runtime/config/temporary.h"
#include "runtime/config/undo.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_file *f = NULL, *g = NULL;
	bool saves;

	if (conf_parse((const char *)data, size, &f, NULL) < 0)
		return 0;
	if (temporary_take_back(f, f, NULL, INT64_MAX) >= 0 && temporary_next(f) != 0)
		abort();
	if (conf_parse("A=\"1\"\n", 7, &g, NULL) == 0) {
		(void)undo_apply(f, g, g, &saves, NULL, NULL);
		(void)temporary_mark(g, f, 1796019120);
		conf_free(g);
	}
	conf_free(f);
	return 0;
}
