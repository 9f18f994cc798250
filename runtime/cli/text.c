/* text.c - text of others on the operator's terminal. */
#include "runtime/cli/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Bytes of the well-formed character at s and its code point; 0 when it is broken. */
static size_t utf8_next(const unsigned char *s, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80	     ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;
	uint32_t c;

	if (n == 0)
		return 0;
	c = n == 1 ? s[0] : (uint32_t)(s[0] & (0x7f >> n));
	for (size_t i = 1; i < n; i++) {
		if (!is_continuation(s[i]))
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

/* Controls, and what turns the direction of a line or hides in it. */
static bool is_printable(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e))
		return false;
	return !(c >= 0x2066 && c <= 0x2069) && c != 0xfeff;
}

char *text_escape(const char *s)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)s;
	char *out = malloc(strlen(s) * 4 + 1);
	size_t used = 0;

	if (out == NULL)
		return NULL;
	while (*p != '\0') {
		uint32_t c;
		size_t n = utf8_next(p, &c);

		if (n > 0 && is_printable(c)) {
			memcpy(out + used, p, n);
			used += n;
			p += n;
			continue;
		}
		for (n = n > 0 ? n : 1; n > 0; n--, p++) {
			out[used++] = '\\';
			out[used++] = 'x';
			out[used++] = hex[*p >> 4];
			out[used++] = hex[*p & 15];
		}
	}
	out[used] = '\0';
	return out;
}

size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += !is_continuation((unsigned char)*s);
	return n;
}

size_t text_cut(const char *s, size_t columns)
{
	size_t i = 0;

	for (; s[i] != '\0'; i++)
		if (!is_continuation((unsigned char)s[i]) && columns-- == 0)
			break;
	return i;
}
