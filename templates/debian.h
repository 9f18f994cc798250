/* debian.h - the pure parts of building Debian templates. */
#pragma once

#include <stdbool.h>

enum {
	DEBIAN_URI_MAX = 200
};

struct debian_mirrors {
	char main[DEBIAN_URI_MAX], security[DEBIAN_URI_MAX]; /* "" when not found */
};

/*
 * Adds what an apt sources file (one-line or deb822 style) says and *m does not know yet: the first
 * http(s) URI that ends in /debian, and the first that ends in /debian-security.
 */
void debian_mirrors_parse(const char *text, struct debian_mirrors *m);

/* A line of mmdebstrap's stderr as progress; false when it tells none. */
bool debian_progress_parse(const char *line, const char **ret_what, int *ret_percent);
