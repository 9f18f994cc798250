/*
 * style.h - colours, and how wide a terminal is. On a terminal only, never into a pipe or a file; none with
 * NO_COLOR in the environment (no-color.org) or TERM=dumb.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

enum style {
	STYLE_NONE,
	STYLE_HEAD,
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_FAINT
};

/* What switches the style on, and all styles off again, on this stream; "" where no colours belong. */
const char *style_begin(FILE *out, enum style style);
const char *style_end(FILE *out);

/* Columns of the terminal that out is; 0 when it is none, or does not know. $COLUMNS overrides, as for ps(1). */
size_t style_columns(FILE *out);
