/* fuzz_launch_args.c - arguments of an exec session: every pointer given back lies in the text. */
#include "runtime/launch/child.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(char *const *v, const char *buf, size_t size)
{
	for (; *v != NULL; v++)
		if (*v < buf || *v + strlen(*v) >= buf + size)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *argv[ARGS_MAX + 1], *envp[ARGS_MAX + 1];
	char *buf = malloc(size + 1);

	if (buf == NULL)
		return 0;
	memcpy(buf, data, size);
	if (args_parse(buf, size, argv, envp) == 0) {
		check_inside(argv, buf, size);
		check_inside(envp, buf, size);
		(void)args_env(envp, "PATH");
	}
	free(buf);
	return 0;
}
