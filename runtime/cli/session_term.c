/* session_term.c - the operator's terminal. */
#include "runtime/cli/session_term.h"

#include <string.h>

enum {
	ESC = 0x1b
};

void term_raw(int fd, struct term_saved *ret)
{
	struct termios raw;

	ret->fd = -1;
	if (tcgetattr(fd, &ret->old) < 0)
		return;
	raw = ret->old;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) == 0)
		ret->fd = fd;
}

void term_restore(const struct term_saved *t)
{
	if (t->fd >= 0)
		(void)tcsetattr(t->fd, TCSADRAIN, &t->old);
}

size_t term_escape_feed(struct term_escape *e, char *buf, size_t len, bool *ret_detach)
{
	size_t out = 0;
	char last;

	if (len == 0)
		return 0;
	if (e->escaped) {
		e->escaped = false;
		if (buf[0] == '.') {
			*ret_detach = true;
			return 0;
		}
		memmove(buf + 1, buf, len++);
		buf[0] = ESC;
		e->mid_line = true;
		out = 1;
	}
	for (; out < len; out++) {
		if (buf[out] == ESC && !e->mid_line) {
			if (out + 1 == len) {
				e->escaped = true;
				return out;
			}
			if (buf[out + 1] == '.') {
				*ret_detach = true;
				return out;
			}
		}
		last = buf[out];
		e->mid_line = last != '\r' && last != '\n';
	}
	return out;
}

size_t term_clean(const char *text, size_t len, char *out)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c >= 0x20 && c < 0x7f) || c >= 0xa0 || c == '\n' || c == '\t') {
			out[n++] = text[i];
		} else if (c != '\r') {
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = hex[c >> 4];
			out[n++] = hex[c & 15];
		}
	}
	return n;
}
