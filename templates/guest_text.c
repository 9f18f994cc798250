/* guest_text.c - text in a fixed buffer, and the section of a file that is ours. */
#include "templates/guest_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_start(struct text *t, char *buf, size_t size)
{
	*t = (struct text){.buf = buf, .size = size, .full = size == 0};
	if (size > 0)
		buf[0] = '\0';
}

void text_put(struct text *t, const char *s, size_t n)
{
	if (t->full || n >= t->size - t->used) {
		t->full = true;
		return;
	}
	memcpy(t->buf + t->used, s, n);
	t->used += n;
	t->buf[t->used] = '\0';
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->full)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->used, t->size - t->used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->size - t->used)
		t->full = true;
	else
		t->used += (size_t)n;
}

int text_end(struct text *t)
{
	if (!t->full)
		return 0;
	if (t->size > 0)
		t->buf[0] = '\0';
	return -ENOSPC;
}

static bool line_is(const char *line, const char *marker)
{
	size_t n = strlen(marker);

	return strncmp(line, marker, n) == 0 &&
	       (line[n] == '\0' || strchr("\n: ", line[n]) != NULL);
}

static const char *line_next(const char *line)
{
	line += strcspn(line, "\n");
	return *line == '\n' ? line + 1 : line;
}

/* The line after the end marker that belongs to the begin marker at begin; NULL without one. */
static const char *section_end(const char *begin)
{
	for (const char *p = line_next(begin); *p != '\0'; p = line_next(p)) {
		if (line_is(p, GUEST_BEGIN))
			return NULL;
		if (line_is(p, GUEST_END))
			return line_next(p);
	}
	return NULL;
}

static void put_section(struct text *t, const char *body)
{
	if (*body == '\0')
		return;
	text_add(t, "%s: written at each start, keep your lines outside\n%s%s\n", GUEST_BEGIN, body,
		 GUEST_END);
}

static void put_line(struct text *t, const char *line)
{
	text_put(t, line, strcspn(line, "\n"));
	text_put(t, "\n", 1);
}

int guest_section_put(const char *old, const char *body, char *buf, size_t size)
{
	bool placed = false;
	const char *line, *next;
	struct text t;

	text_start(&t, buf, size);
	for (line = old; *line != '\0'; line = next) {
		next = line_next(line);
		if (line_is(line, GUEST_BEGIN)) {
			const char *end = section_end(line);

			if (end == NULL)
				continue;
			if (!placed)
				put_section(&t, body);
			placed = true;
			next = end;
		} else if (!line_is(line, GUEST_END)) {
			put_line(&t, line);
		}
	}
	if (!placed)
		put_section(&t, body);
	return text_end(&t);
}

bool guest_addr_is_v6(const char *addr)
{
	return strchr(addr, ':') != NULL;
}

bool guest_addr_has_prefix(const char *addr)
{
	const char *slash = strchr(addr, '/');

	return slash != NULL && strcmp(slash, guest_addr_is_v6(addr) ? "/128" : "/32") != 0;
}

int guest_cidr(const char *addr, char buf[GUEST_CIDR_MAX])
{
	const char *suffix = "";
	int n;

	if (*addr == '\0' || addr[strspn(addr, "0123456789abcdefABCDEF.:/")] != '\0')
		return -EINVAL;
	if (strchr(addr, '/') == NULL)
		suffix = guest_addr_is_v6(addr) ? "/128" : "/32";
	n = snprintf(buf, GUEST_CIDR_MAX, "%s%s", addr, suffix);
	return n < 0 || n >= GUEST_CIDR_MAX ? -EINVAL : 0;
}

int guest_cidr_routed(const char *addr, char buf[GUEST_CIDR_MAX])
{
	int r = guest_cidr(addr, buf);

	if (r == 0 && guest_addr_is_v6(buf)) {
		char *slash = strchr(buf, '/');
		size_t room = GUEST_CIDR_MAX - (size_t)(slash - buf);

		if (snprintf(slash, room, "/128") >= (int)room)
			return -EINVAL;
	}
	return r;
}
