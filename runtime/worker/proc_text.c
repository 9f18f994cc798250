/* proc_text.c - what /proc says of a process. */
#include "runtime/worker/proc_text.h"

#include "runtime/base/parse.h"

#include <stdlib.h>
#include <string.h>

enum {
	PF_FORKNOEXEC = 0x40, /* include/linux/sched.h: forked but has not exec'd */
	STAT_FLAGS_FIELD = 9, /* proc_pid_stat(5) */
};

/* What stands behind "KEY:" on a line of its own, or NULL. */
static const char *line_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text != NULL && *text != '\0') {
		if (strncmp(text, key, len) == 0 && text[len] == ':')
			return text + len + 1;
		text = strchr(text, '\n');
		text = text != NULL ? text + 1 : NULL;
	}
	return NULL;
}

/* The numbers of a line; how many there are, at most max of them in ret. */
static size_t numbers_of(const char *line, uint64_t *ret, size_t max)
{
	size_t n = 0;

	while (line != NULL) {
		char word[24];
		size_t len;

		line += strspn(line, " \t");
		len = strcspn(line, " \t\n");
		if (len == 0 || len >= sizeof(word))
			break;
		memcpy(word, line, len);
		word[len] = '\0';
		if (n < max && parse_u64(word, &ret[n]) < 0)
			break;
		n++;
		line += len;
	}
	return n;
}

bool proc_is_first(const char *status)
{
	uint64_t pid[2];

	return numbers_of(line_of(status, "NSpid"), pid, 2) == 2 && pid[1] == 1;
}

bool proc_is_root(const char *status)
{
	uint64_t uid[4];

	return numbers_of(line_of(status, "Uid"), uid, 4) == 4 && uid[0] == 0 && uid[1] == 0 &&
	       uid[2] == 0 && uid[3] == 0;
}

bool proc_has_execed(const char *stat)
{
	/* The name may hold blanks and brackets: fields are counted from its end. */
	const char *p = strrchr(stat, ')');
	char state;

	if (p == NULL || p[1] != ' ' || p[2] == '\0')
		return false;
	state = p[2];
	p += 2;
	for (int field = 3; field < STAT_FLAGS_FIELD; field++) {
		p = strchr(p, ' ');
		if (p == NULL)
			return false;
		p++;
	}
	return state != 'Z' && state != 'X' && (strtoul(p, NULL, 10) & PF_FORKNOEXEC) == 0;
}

/* The word after *at, which moves behind it; NULL at the end. Each word has its NUL. */
static const char *next_word(const char *cmdline, size_t len, size_t *at)
{
	const char *word = cmdline + *at;
	const char *end = *at < len ? memchr(word, '\0', len - *at) : NULL;

	if (end == NULL)
		return NULL;
	*at += (size_t)(end - word) + 1;
	return word;
}

bool proc_is_shell_command(const char *cmdline, size_t len)
{
	size_t at = 0;
	const char *program = next_word(cmdline, len, &at), *first = next_word(cmdline, len, &at);

	return program != NULL && first != NULL && strcmp(program, "/bin/sh") == 0 &&
	       strcmp(first, "-c") == 0;
}

static void take_fd_word(const char *word, const char *key, int *ret)
{
	size_t len = strlen(key);
	uint32_t fd;

	if (strncmp(word, key, len) == 0 && parse_u32(word + len, &fd) == 0 && fd <= 65535)
		*ret = (int)fd;
}

bool proc_is_monitor(const char *cmdline, size_t len, uint32_t ctid, const char *rundir,
		     struct proc_monitor *ret)
{
	struct proc_monitor m = {-1, -1};
	const char *word;
	uint32_t id;
	size_t at = 0;

	word = next_word(cmdline, len, &at);
	if (word == NULL || strcmp(word, "berth-monitor") != 0)
		return false;
	word = next_word(cmdline, len, &at);
	if (word == NULL || parse_ctid(word, &id) < 0 || id != ctid)
		return false;
	word = next_word(cmdline, len, &at);
	if (word == NULL || strcmp(word, rundir) != 0)
		return false;
	while ((word = next_word(cmdline, len, &at)) != NULL) {
		take_fd_word(word, "console=", &m.console);
		take_fd_word(word, "notify=", &m.notify);
	}
	*ret = m;
	return true;
}
