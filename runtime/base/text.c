/* text.c - a text that is mostly missing. */
#include "runtime/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_set(char **text, const char *fmt, ...)
{
	char *next = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&next, fmt, args) < 0)
		next = NULL;
	va_end(args);
	free(*text);
	*text = next;
}

void text_clear(char **text)
{
	free(*text);
	*text = NULL;
}

char *text_copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

const char *text_or_empty(const char *text)
{
	return text != NULL ? text : "";
}
