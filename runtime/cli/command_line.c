/* command_line.c - from words of a command line to the line that a CT's shell runs. */
#include "runtime/cli/command_line.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_shell(const char *word)
{
	static const char *const names[] = {"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"};
	const char *slash = strrchr(word, '/');
	const char *name = slash != NULL ? slash + 1 : word;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool must_quote(const char *const *words, size_t i)
{
	const char *word = words[i];

	if (i == 0)
		return false;
	if (word[strcspn(word, " \t\n")] != '\0')
		return true;
	/* "sh -c exit;id", "bash -xc a&&b": the line is the inner shell's. */
	return is_shell(words[0]) && words[i - 1][0] == '-' && words[i - 1][1] != '-' &&
	       strchr(words[i - 1], 'c') != NULL;
}

/* Appends word in single quotes; each ' of it becomes '\''. */
static size_t put_quoted(char *out, const char *word)
{
	size_t n = 0;

	out[n++] = '\'';
	for (; *word != '\0'; word++) {
		if (*word == '\'') {
			out[n++] = '\'';
			out[n++] = '\\';
			out[n++] = '\'';
			out[n++] = '\'';
		} else {
			out[n++] = *word;
		}
	}
	out[n++] = '\'';
	return n;
}

char *command_line_join(const char *const *words)
{
	size_t size = 1, used = 0;
	char *line;

	if (words[1] == NULL)
		return strdup(words[0]);
	for (size_t i = 0; words[i] != NULL; i++)
		size += strlen(words[i]) * 4 + 3;
	line = malloc(size);
	if (line == NULL)
		return NULL;
	for (size_t i = 0; words[i] != NULL; i++) {
		size_t len = strlen(words[i]);

		if (i > 0)
			line[used++] = ' ';
		if (len == 0 || must_quote(words, i)) {
			used += put_quoted(line + used, words[i]);
		} else {
			memcpy(line + used, words[i], len);
			used += len;
		}
	}
	line[used] = '\0';
	return line;
}

char *command_line_login(const char *line)
{
	char *text;

	if (asprintf(&text,
		     "cd 2>/dev/null\n%s\nif command -v bash >/dev/null 2>&1; then exec bash -l; "
		     "fi\n"
		     "exec sh -l\n",
		     line != NULL ? line : ":") < 0)
		return NULL;
	return text;
}

void command_line_interpreter(const char *script, char *buf, unsigned int size, const char **argv)
{
	char *word;
	size_t n;

	argv[0] = "/bin/sh";
	argv[1] = argv[2] = NULL;
	if (strncmp(script, "#!", 2) != 0)
		return;
	script += 2 + strspn(script + 2, " \t");
	n = strcspn(script, "\r\n");
	if (n == 0 || n >= size || script[0] != '/')
		return;
	memcpy(buf, script, n);
	buf[n] = '\0';
	argv[0] = buf;
	word = buf + strcspn(buf, " \t");
	if (*word == '\0')
		return;
	*word++ = '\0';
	word += strspn(word, " \t");
	/* As the kernel: the rest of the line is one argument. */
	for (n = strlen(word); n > 0 && (word[n - 1] == ' ' || word[n - 1] == '\t');)
		word[--n] = '\0';
	if (n > 0)
		argv[1] = word;
}
