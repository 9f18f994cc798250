/* args.c - the arguments and environment of an exec session, as they arrive. Pure, no malloc. */
#include "runtime/launch/child.h"

#include <errno.h>
#include <string.h>

/* n strings from *at on; the last byte of buf is known to be NUL. */
static int take_strings(char *buf, size_t len, size_t *at, uint32_t n, char **out)
{
	for (uint32_t i = 0; i < n; i++) {
		if (*at >= len)
			return -EBADMSG;
		out[i] = buf + *at;
		*at += strlen(buf + *at) + 1;
	}
	out[n] = NULL;
	return 0;
}

int args_parse(char *buf, size_t len, char **argv, char **envp)
{
	uint32_t argc, envc;
	size_t at = sizeof(argc) + sizeof(envc);
	int r;

	if (len <= at || buf[len - 1] != '\0')
		return -EBADMSG;
	memcpy(&argc, buf, sizeof(argc));
	memcpy(&envc, buf + sizeof(argc), sizeof(envc));
	if (argc == 0)
		return -EBADMSG;
	if (argc > ARGS_MAX || envc > ARGS_MAX)
		return -E2BIG;
	r = take_strings(buf, len, &at, argc, argv);
	if (r == 0)
		r = take_strings(buf, len, &at, envc, envp);
	if (r < 0)
		return r;
	return at == len && argv[0][0] != '\0' ? 0 : -EBADMSG;
}

const char *args_env(char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; *envp != NULL; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return *envp + n + 1;
	return NULL;
}
