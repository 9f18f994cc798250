/* parse.c - strict parsers of small words. */
#include "runtime/base/parse.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* 16 and more: none. */
static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	return c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A') + 10 : UINT_MAX;
}

int parse_next(const char **s, const char *skip, unsigned int base, uint64_t *ret)
{
	const char *p = *s + strspn(*s, skip);
	uint64_t v = 0;

	if (digit_of(*p) >= base)
		return -EINVAL;
	for (; digit_of(*p) < base; p++) {
		if (v > (UINT64_MAX - digit_of(*p)) / base)
			return -ERANGE;
		v = v * base + digit_of(*p);
	}
	*s = p;
	*ret = v;
	return 0;
}

int parse_u64(const char *s, uint64_t *ret)
{
	uint64_t v;
	int r = parse_next(&s, "", 10, &v);

	/* Of a word that goes on after a number too large: it is a bad word. */
	if (r == -ERANGE)
		return s[strspn(s, "0123456789")] == '\0' ? r : -EINVAL;
	if (r < 0 || *s != '\0')
		return -EINVAL;
	*ret = v;
	return 0;
}

int parse_u32(const char *s, uint32_t *ret)
{
	uint64_t v;
	int r = parse_u64(s, &v);

	if (r < 0)
		return r;
	if (v > UINT32_MAX)
		return -ERANGE;
	*ret = (uint32_t)v;
	return 0;
}

int parse_int(const char *s, int *ret)
{
	uint64_t v;
	int r = parse_u64(*s == '-' ? s + 1 : s, &v);

	if (r < 0)
		return r;
	if (v > INT_MAX)
		return -ERANGE;
	*ret = *s == '-' ? -(int)v : (int)v;
	return 0;
}

int parse_duration(const char *s, uint64_t *ret_seconds)
{
	static const char letters[] = "smhdw";
	static const uint64_t seconds[] = {1, 60, 3600, 86400, 604800};
	size_t n = strspn(s, "0123456789");
	const char *unit = s[n] != '\0' ? strchr(letters, s[n]) : letters;
	char digits[20];
	uint64_t v;

	if (n == 0 || n >= sizeof(digits) || unit == NULL || (s[n] != '\0' && s[n + 1] != '\0'))
		return -EINVAL;
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (parse_u64(digits, &v) < 0 || v > UINT64_MAX / 604800)
		return -ERANGE;
	*ret_seconds = v * seconds[unit - letters];
	return 0;
}

int parse_ctid(const char *s, uint32_t *ret)
{
	uint32_t v;
	int r = parse_u32(s, &v);

	if (r < 0)
		return r;
	if (s[0] == '0')
		return -EINVAL;
	if (v < CTID_MIN || v > CTID_MAX)
		return -ERANGE;
	*ret = v;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_alnum(char c)
{
	return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

bool name_is_valid(const char *s)
{
	size_t len = strlen(s);
	bool all_digits = true;

	if (len == 0 || len > 63 || s[0] == '-')
		return false;
	for (; *s != '\0'; s++) {
		if (!is_digit(*s) && !is_lower(*s) && *s != '-')
			return false;
		if (!is_digit(*s))
			all_digits = false;
	}
	return !all_digits;
}

bool template_name_is_valid(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > 127 || !is_alnum(s[0]))
		return false;
	for (; *s != '\0'; s++)
		if (!is_alnum(*s) && strchr("._+-", *s) == NULL)
			return false;
	return true;
}

bool hostname_is_valid(const char *s)
{
	size_t len = strlen(s);
	char before = '.';

	if (len == 0 || len > 64)
		return false;
	for (; *s != '\0'; before = *s, s++) {
		bool at_edge = before == '.' || before == '-';

		if (*s == '.' ? at_edge : !is_alnum(*s) && *s != '-')
			return false;
		if (*s == '-' && before == '.')
			return false;
	}
	return before != '.' && before != '-';
}

bool text_is_clean(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t word_distance(const char *a, const char *b)
{
	size_t rows[3][33], n = strlen(b);
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	if (n >= 32)
		return n;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t *oldest = before;

		before = last;
		last = row;
		row = oldest;
		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			row[j + 1] = min_size(last[j] + (a[i] != b[j]),
					      min_size(row[j], last[j + 1]) + 1);
			if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
				row[j + 1] = min_size(row[j + 1], before[j - 1] + 1);
		}
	}
	return row[n];
}

void word_guess_try(struct word_guess *g, const char *candidate)
{
	size_t len = strlen(g->word), most = len < 5 ? 1 : 2, d;

	/* Of a short word everything is near. */
	if (len < 2 || len > 31 || strlen(candidate) >= sizeof(g->copy))
		return;
	d = len < 3 ? SIZE_MAX : word_distance(candidate, g->word);
	if (d > most && strncmp(candidate, g->word, len) == 0)
		d = most;
	if (d <= most && (g->best == NULL || d < g->distance)) {
		memcpy(g->copy, candidate, strlen(candidate) + 1);
		g->best = g->copy;
		g->distance = d;
	}
}

void word_guess_other(struct word_guess *g, const struct word_pair *pairs)
{
	for (; pairs->typed != NULL; pairs++)
		if (strcmp(pairs->typed, g->word) == 0) {
			(void)snprintf(g->copy, sizeof(g->copy), "%s", pairs->means);
			g->best = g->copy;
			g->distance = 0;
		}
}
