/* debian.c - what apt's sources and mmdebstrap's output say. */
#include "templates/debian.h"

#include <stddef.h>
#include <string.h>

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && strncmp(s + len - n, end, n) == 0;
}

static void keep(char *to, const char *uri, size_t len)
{
	if (*to != '\0' || len >= DEBIAN_URI_MAX)
		return;
	memcpy(to, uri, len);
	to[len] = '\0';
}

static void add_uri(struct debian_mirrors *m, const char *uri, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.:/_~%@+-[]";

	if (strncmp(uri, "http://", 7) != 0 && strncmp(uri, "https://", 8) != 0)
		return;
	if (strspn(uri, plain) < len)
		return;
	while (len > 0 && uri[len - 1] == '/')
		len--;
	if (ends_with(uri, len, "/debian"))
		keep(m->main, uri, len);
	else if (ends_with(uri, len, "/debian-security"))
		keep(m->security, uri, len);
}

/* Each word of a line, from s to its end. */
static void add_words(struct debian_mirrors *m, const char *s, const char *end)
{
	while (s < end) {
		size_t n;

		s += strspn(s, " \t");
		n = strcspn(s, " \t\r\n");
		if (s >= end || n == 0)
			return;
		add_uri(m, s, n);
		s += n;
	}
}

void debian_mirrors_parse(const char *text, struct debian_mirrors *m)
{
	for (const char *line = text; *line != '\0';) {
		const char *end = line + strcspn(line, "\n");

		if (strncmp(line, "URIs:", 5) == 0)
			add_words(m, line + 5, end);
		else if (strncmp(line, "deb ", 4) == 0 || strncmp(line, "deb\t", 4) == 0)
			add_words(m, line + 4, end);
		line = end + (*end == '\n');
	}
}

struct stage_row {
	const char *says, *what;
	int percent;
};

static const struct stage_row stages[] = {
	{"running apt-get update", "reading the package lists", 5},
	{"downloading packages", "downloading packages", 15},
	{"extracting archives", "unpacking the base system", 35},
	{"installing essential", "installing the base system", 45},
	{"installing remaining", "installing packages", 60},
	{"cleaning package lists", "cleaning up", 85},
};

bool debian_progress_parse(const char *line, const char **ret_what, int *ret_percent)
{
	if (strncmp(line, "I: ", 3) != 0)
		return false;
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (strncmp(line + 3, stages[i].says, strlen(stages[i].says)) != 0)
			continue;
		*ret_what = stages[i].what;
		*ret_percent = stages[i].percent;
		return true;
	}
	return false;
}
