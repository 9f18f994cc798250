/*
 * text.h - text of others on the operator's terminal: what is not printable UTF-8 is escaped, so
 * that a CT can neither steer the terminal nor fake a row. Pure.
 */
#pragma once

#include <stddef.h>

/* malloc'ed copy of s with control bytes, C1 controls and broken UTF-8 as \xNN; NULL: no memory. */
char *text_escape(const char *s);

/* Columns that an escaped text takes: characters, not bytes. */
size_t text_width(const char *s);
/* Bytes of the first columns of s. */
size_t text_cut(const char *s, size_t columns);
