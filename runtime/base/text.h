/*
 * text.h - a text that is mostly missing: NULL, or malloc'ed. For what thousands hold and few ever have.
 */
#pragma once

/* In place of what there was, which may be among the arguments; NULL without memory. */
void text_set(char **text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_clear(char **text);
/* NULL of NULL, and without memory. */
char *text_copy(const char *text);
/* Never NULL. */
const char *text_or_empty(const char *text);
