/* param_number.c - sizes, pairs, counts, percentages, CPU lists: OpenVZ's grammar of numbers. */
#include "runtime/base/parse.h"
#include "runtime/config/param_types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	NUMBER_TEXT_MAX = 40,
	CPU_NUMBER_MAX = 65535, /* more than the kernel can have */
};

/* What OpenVZ writes for "unlimited": LONG_MAX. */
static const uint64_t openvz_unlimited = 9223372036854775807ULL;

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes of a suffix, 0 for an unknown one. */
static uint64_t suffix_bytes(const char *s)
{
	static const struct {
		char letter;
		uint64_t bytes;
	} rows[] = {{'B', 1},	       {'K', 1ULL << 10}, {'M', 1ULL << 20},
		    {'G', 1ULL << 30}, {'T', 1ULL << 40}, {'P', 4096}};
	char c = *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A') : *s;

	if (c == '\0' || s[1] != '\0')
		return 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].letter == c)
			return rows[i].bytes;
	return 0;
}

/* Cuts "2.25G" into 2, 250000 (millionths) and "G". */
static int cut_number(const char *s, uint64_t *whole, uint64_t *millionths, const char **rest)
{
	char digits[NUMBER_TEXT_MAX];
	size_t n = strspn(s, "0123456789");
	uint64_t weight = 100000;

	if (n == 0 || n >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, s, n);
	digits[n] = '\0';
	*millionths = 0;
	s += n;
	if (*s == '.') {
		s++;
		if (!is_digit(*s))
			return -EINVAL;
		for (; is_digit(*s); s++, weight /= 10)
			*millionths += weight * (uint64_t)(*s - '0');
	}
	*rest = s;
	return parse_u64(digits, whole);
}

int param_parse_size(const char *text, uint64_t unit, uint64_t *ret)
{
	uint64_t whole, millionths, scale = unit, part;
	const char *rest;
	int r;

	if (strcasecmp(text, "unlimited") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	r = cut_number(text, &whole, &millionths, &rest);
	if (r < 0)
		return r;
	if (*rest != '\0')
		scale = suffix_bytes(rest);
	if (scale == 0 || (millionths != 0 && *rest == '\0'))
		return -EINVAL;
	if (*rest == '\0' && whole == openvz_unlimited) {
		*ret = UINT64_MAX;
		return 0;
	}
	part = millionths * (scale / 1000000) + millionths * (scale % 1000000) / 1000000;
	if (whole > (UINT64_MAX - 1 - part) / scale)
		return -ERANGE;
	*ret = whole * scale + part;
	return 0;
}

bool param_parse_mhz(const char *text, uint32_t *ret)
{
	char digits[NUMBER_TEXT_MAX];
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n >= sizeof(digits) ||
	    (strcasecmp(text + n, "m") != 0 && strcasecmp(text + n, "mhz") != 0))
		return false;
	memcpy(digits, text, n);
	digits[n] = '\0';
	return parse_u32(digits, ret) == 0;
}

static int parse_half(const char *text, uint64_t unit, bool suffix_ok, uint64_t *ret)
{
	if (!suffix_ok && strcasecmp(text, "unlimited") != 0 &&
	    text[strspn(text, "0123456789")] != '\0')
		return -EINVAL;
	return param_parse_size(text, unit, ret);
}

int param_parse_pair(const char *text, uint64_t unit, bool suffix_ok, uint64_t *barrier,
		     uint64_t *limit)
{
	char first[NUMBER_TEXT_MAX];
	size_t n = strcspn(text, ":");
	uint64_t b, l;
	int r;

	if (n >= sizeof(first))
		return -EINVAL;
	memcpy(first, text, n);
	first[n] = '\0';
	r = parse_half(first, unit, suffix_ok, &b);
	if (r < 0)
		return r;
	l = b;
	if (text[n] == ':')
		r = parse_half(text + n + 1, unit, suffix_ok, &l);
	if (r < 0)
		return r;
	*barrier = b;
	*limit = l;
	return 0;
}

static const char *why_number(int r)
{
	return r == -ERANGE ? "the number is too large" : "not a valid number";
}

/* In the row's unit, rounded up: a limit is never smaller than what was asked for. */
static uint64_t to_unit(const struct param *p, uint64_t bytes)
{
	if (p->unit <= 1 || bytes == UINT64_MAX)
		return bytes;
	return bytes / p->unit + (bytes % p->unit != 0);
}

static const char *format_unit(uint64_t v, char *buf)
{
	if (v == UINT64_MAX)
		return "unlimited";
	(void)snprintf(buf, NUMBER_TEXT_MAX, "%llu", (unsigned long long)v);
	return buf;
}

static const char *check_range(const struct param *p, uint64_t v)
{
	if (v == UINT64_MAX && p->max != UINT64_MAX)
		return "it cannot be unlimited";
	if (v < p->min)
		return "too small";
	return v > p->max ? "too large" : NULL;
}

typedef int read_fn(const struct param *p, const char *value, struct param_numbers *ret,
		    struct berth_error *err);

/* Both halves in the row's unit. */
static int read_pair(const struct param *p, const char *value, struct param_numbers *ret,
		     struct berth_error *err)
{
	const char *why;
	int r = param_parse_pair(value, p->unit == 0 ? 1 : p->unit, p->unit != 0, &ret->barrier,
				 &ret->limit);

	if (r < 0)
		return param_bad_value(err, p, value, why_number(r));
	ret->barrier = to_unit(p, ret->barrier);
	ret->limit = to_unit(p, ret->limit);
	why = check_range(p, ret->limit);
	if (why == NULL && ret->barrier > ret->limit)
		why = "the first number is larger than the second";
	return why != NULL ? param_bad_value(err, p, value, why) : 0;
}

/* The barrier is for OpenVZ's scripts: nothing is kept of it. */
static int read_pages(const struct param *p, const char *value, struct param_numbers *ret,
		      struct berth_error *err)
{
	int r = read_pair(p, value, ret, err);

	ret->barrier = 0;
	return r;
}

static int read_bytes(const struct param *p, const char *value, struct param_numbers *ret,
		      struct berth_error *err)
{
	const char *why;
	int r = param_parse_size(value, 1, &ret->limit);

	if (r < 0)
		return param_bad_value(err, p, value, why_number(r));
	ret->barrier = 0;
	ret->limit = to_unit(p, ret->limit);
	why = check_range(p, ret->limit);
	return why != NULL ? param_bad_value(err, p, value, why) : 0;
}

static int read_number(const struct param *p, const char *value, struct param_numbers *ret,
		       struct berth_error *err)
{
	const char *why;
	int r;

	/* Where 0 stands for "no limit", so may the word. */
	if (strcasecmp(value, "unlimited") == 0 && p->min == 0 && p->type == PARAM_NUMBER &&
	    strcmp(p->option, "ioprio") != 0)
		value = "0";
	r = parse_u64(value, &ret->limit);
	if (r < 0)
		return param_bad_value(err, p, value, why_number(r));
	ret->barrier = ret->limit;
	why = check_range(p, ret->limit);
	return why != NULL ? param_bad_value(err, p, value, why) : 0;
}

static int read_percent(const struct param *p, const char *value, struct param_numbers *ret,
			struct berth_error *err)
{
	char digits[NUMBER_TEXT_MAX];
	size_t n = strspn(value, "0123456789");
	const char *rest = value + n;

	if (strcasecmp(value, "unlimited") == 0) {
		*ret = (struct param_numbers){0, 0};
		return 0;
	}
	/* Of what is typed berthd makes percent of this host's CPUs (settings.c). */
	if (n > 0 && (strcasecmp(rest, "m") == 0 || strcasecmp(rest, "mhz") == 0))
		return param_bad_value(err, p, value, "MHz mean something else on each host");
	if (n == 0 || n >= sizeof(digits) || (*rest != '\0' && strcmp(rest, "%") != 0))
		return param_bad_value(err, p, value, "not a valid percentage");
	memcpy(digits, value, n);
	digits[n] = '\0';
	return read_number(p, digits, ret, err);
}

static int read_rate(const struct param *p, const char *value, struct param_numbers *ret,
		     struct berth_error *err)
{
	const char *why;
	uint64_t v;
	int r = param_parse_size(value, p->unit, &v);

	if (r < 0)
		return param_bad_value(err, p, value, why_number(r));
	if (v == UINT64_MAX)
		v = 0;
	*ret = (struct param_numbers){v, v};
	if (v == 0)
		return 0;
	/* vzctl 4 counted MiB without a suffix: its "10" must not become 10 bytes a second. */
	why = v < p->min ? "too small; a bare number counts bytes, 10 MiB are 10M"
			 : check_range(p, v);
	return why != NULL ? param_bad_value(err, p, value, why) : 0;
}

static read_fn *const read_fns[PARAM_TYPE_MAX] = {
	[PARAM_BYTES] = read_bytes,	[PARAM_PAGES] = read_pages, [PARAM_KIB] = read_pair,
	[PARAM_COUNT] = read_pair,	[PARAM_LEGACY] = read_pair, [PARAM_NUMBER] = read_number,
	[PARAM_PERCENT] = read_percent, [PARAM_RATE] = read_rate,
};

bool param_is_number(const struct param *p)
{
	return read_fns[p->type] != NULL;
}

int param_read_numbers(const struct param *p, const char *value, struct param_numbers *ret,
		       struct berth_error *err)
{
	return read_fns[p->type](p, value, ret, err);
}

int param_apply_number(struct conf_file *f, const struct param *p, const char *value, bool append,
		       struct berth_error *err)
{
	char b[NUMBER_TEXT_MAX], l[NUMBER_TEXT_MAX];
	struct param_numbers n;
	int r = param_read_numbers(p, value, &n, err);

	(void)append;
	if (r < 0)
		return r;
	if (p->type == PARAM_NUMBER || p->type == PARAM_PERCENT || p->type == PARAM_RATE)
		return param_storef(f, p, err, "%llu", (unsigned long long)n.limit);
	return param_storef(f, p, err, "%s:%s", format_unit(n.barrier, b), format_unit(n.limit, l));
}

int param_apply_factor(struct conf_file *f, const struct param *p, const char *value, bool append,
		       struct berth_error *err)
{
	uint64_t whole, millionths;
	const char *rest;

	(void)append;
	if (strlen(value) >= NUMBER_TEXT_MAX || cut_number(value, &whole, &millionths, &rest) < 0 ||
	    *rest != '\0' || whole > 1000000)
		return param_bad_value(err, p, value, "not a factor");
	return param_store(f, p, value, err);
}

/* One number of a CPU list at *s, which moves behind it. */
static int parse_cpu(const char **s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!is_digit(**s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++) {
		v = v * 10 + (uint64_t)(**s - '0');
		if (v > max)
			return -ERANGE;
	}
	*ret = v;
	return 0;
}

static int check_cpulist(const char *s, uint64_t max)
{
	for (;;) {
		uint64_t first, last;
		int r = parse_cpu(&s, max, &first);

		if (r < 0)
			return r;
		if (*s == '-') {
			s++;
			r = parse_cpu(&s, max, &last);
			if (r < 0)
				return r;
			if (last < first)
				return -EINVAL;
		}
		if (*s == '\0')
			return 0;
		if (*s++ != ',')
			return -EINVAL;
	}
}

static bool cpulist_has(const char *list, uint64_t number)
{
	uint64_t first, last;

	while (parse_cpu(&list, CPU_NUMBER_MAX, &first) == 0) {
		last = first;
		if (*list == '-') {
			list++;
			if (parse_cpu(&list, CPU_NUMBER_MAX, &last) < 0)
				return false;
		}
		if (number >= first && number <= last)
			return true;
		list += *list == ',';
	}
	return false;
}

int64_t param_cpulist_outside(const char *want, const char *have)
{
	uint64_t first, last;

	while (parse_cpu(&want, CPU_NUMBER_MAX, &first) == 0) {
		last = first;
		if (*want == '-') {
			want++;
			if (parse_cpu(&want, CPU_NUMBER_MAX, &last) < 0)
				break;
		}
		for (; first <= last; first++)
			if (!cpulist_has(have, first))
				return (int64_t)first;
		want += *want == ',';
	}
	return -1;
}

int param_apply_cpulist(struct conf_file *f, const struct param *p, const char *value, bool append,
			struct berth_error *err)
{
	int r;

	(void)append;
	if (strcmp(value, "all") == 0)
		return param_store(f, p, "all", err);
	if (strcmp(value, "auto") == 0)
		return param_bad_value(err, p, value,
				       "the kernel places CTs itself; give a list or all");
	if (strlen(value) > 127)
		return param_bad_value(err, p, value, "longer than 127 bytes");
	r = check_cpulist(value, p->max);
	if (r < 0)
		return param_bad_value(err, p, value,
				       r == -ERANGE ? "a number is too large"
						    : "not a list of numbers");
	return param_store(f, p, value, err);
}
