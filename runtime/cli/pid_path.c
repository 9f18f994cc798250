/* pid_path.c - which CT a process is in. */
#include "runtime/cli/pid_path.h"

#include "runtime/base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char level[] = "/berth/", inner[] = "/inner";

/* The line of the unified hierarchy; *ret_len: up to its end. */
static const char *unified(const char *cgroup, size_t *ret_len)
{
	const char *line = cgroup;

	while (strncmp(line, "0::", 3) != 0) {
		line = strchr(line, '\n');
		if (line == NULL)
			return NULL;
		line++;
	}
	line += 3;
	*ret_len = strcspn(line, "\n");
	return line;
}

static bool ends_a_word(char c)
{
	return c == '/' || c == '\n' || c == '\0';
}

int pid_path_guess(const char *cgroup, size_t *at, uint32_t *ret_ctid)
{
	size_t len;
	const char *path = unified(cgroup, &len), *p;

	if (path == NULL)
		return -ENOENT;
	for (p = path + *at; *at <= len && (p = strstr(p, level)) != NULL && p < path + len; p++) {
		const char *word = p + sizeof(level) - 1;
		size_t n = strspn(word, "0123456789");
		char number[16];
		uint32_t ctid;

		if (n >= sizeof(number) || strncmp(word + n, inner, sizeof(inner) - 1) != 0 ||
		    !ends_a_word(word[n + sizeof(inner) - 1]))
			continue;
		(void)snprintf(number, sizeof(number), "%.*s", (int)n, word);
		if (parse_ctid(number, &ctid) < 0)
			continue;
		*at = (size_t)(word + n - path);
		*ret_ctid = ctid;
		return 0;
	}
	return -ENOENT;
}

bool pid_path_is_in(const char *cgroup, const char *init, uint32_t ctid)
{
	size_t len, init_len, at = 0;
	const char *path = unified(cgroup, &len), *init_path = unified(init, &init_len);
	uint32_t guess;

	if (path == NULL || init_path == NULL)
		return false;
	/* Of a path that is in CT ctid the first guess that says so is right: the rest is the CT's. */
	while (pid_path_guess(init, &at, &guess) == 0)
		if (guess == ctid) {
			at += sizeof(inner) - 1;
			return len >= at && strncmp(path, init_path, at) == 0 &&
			       ends_a_word(path[at]);
		}
	return false;
}

int pid_inside(const char *status, uint32_t *ret)
{
	const char *line = strncmp(status, "NSpid:", 6) == 0 ? status : strstr(status, "\nNSpid:");
	uint64_t v;

	if (line == NULL)
		return -ENOENT; /* a kernel without pid namespaces */
	line = strchr(line, ':') + 1;
	if (parse_next(&line, "\t ", 10, &v) < 0)
		return -EINVAL;
	if (*line != '\t')
		return -ENOENT;
	if (parse_next(&line, "\t ", 10, &v) < 0 || v > INT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)v;
	return 0;
}
