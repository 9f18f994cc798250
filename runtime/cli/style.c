/* style.c - colours, and how wide a terminal is. */
#include "runtime/cli/style.h"

#include "runtime/base/parse.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_terminal(FILE *out)
{
	int fd = fileno(out); /* a memory stream has none */

	return fd >= 0 && isatty(fd) == 1;
}

static bool has_colours(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return (no == NULL || *no == '\0') && term != NULL && *term != '\0' &&
	       strcmp(term, "dumb") != 0 && is_terminal(out);
}

const char *style_begin(FILE *out, enum style style)
{
	static const char *const codes[] = {
		[STYLE_NONE] = "",	   [STYLE_HEAD] = "\033[1m", [STYLE_GOOD] = "\033[32m",
		[STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[31m", [STYLE_FAINT] = "\033[2m",
	};

	return style != STYLE_NONE && has_colours(out) ? codes[style] : "";
}

const char *style_end(FILE *out)
{
	return has_colours(out) ? "\033[0m" : "";
}

size_t style_columns(FILE *out)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;
	uint32_t n;

	if (!is_terminal(out))
		return 0;
	if (text != NULL && parse_u32(text, &n) == 0 && n > 0)
		return n;
	return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
