/* needs.c - what a host must have to resume the processes of another. */
#include "runtime/migrate/needs.h"

#include "runtime/base/parse.h"
#include "runtime/base/value.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- as a text ---- */

int needs_format(const struct message_needs *n, char *buf, size_t size, size_t *used)
{
	int r = 0;

	r |= value_put(buf, size, used, "kernel", n->kernel);
	r |= value_put_u64(buf, size, used, "criu", n->criu);
	r |= value_put_u64(buf, size, used, "memory", n->memory);
	r |= value_put_u64(buf, size, used, "xsave", n->xsave);
	r |= value_put(buf, size, used, "flags", n->flags);
	return r != 0 ? -ENOSPC : 0;
}

int needs_parse(const char *text, struct message_needs *ret)
{
	struct message_needs n = {0};
	uint64_t criu;

	if (value_get(text, "kernel", n.kernel, sizeof(n.kernel)) < 0 || !text_is_clean(n.kernel) ||
	    value_get_u64(text, "criu", &criu) < 0 || criu > UINT32_MAX ||
	    value_get_u64(text, "memory", &n.memory) < 0 || n.memory > INT64_MAX ||
	    value_get_u64(text, "xsave", &n.xsave) < 0 ||
	    value_get(text, "flags", n.flags, sizeof(n.flags)) < 0 || !text_is_clean(n.flags))
		return -EBADMSG;
	n.criu = (uint32_t)criu;
	*ret = n;
	return 0;
}

/* ---- of a host ---- */

/*
 * x86 lists mitigations and what only a kernel or a hypervisor uses among them, other ones with each version of the
 * kernel. These are what a program finds by CPUID and then uses. A word that ends with * is a beginning.
 */
static const char *const usable[] = {
	"cmov",	     "cx8",	 "cx16",      "fxsr",	    "mmx",	  "sse",     "sse2",
	"pni",	     "ssse3",	 "sse4_1",    "sse4_2",	    "sse4a",	  "popcnt",  "aes",
	"pclmulqdq", "movbe",	 "xsave",     "xsaveopt",   "xsavec",	  "xgetbv1", "avx",
	"f16c",	     "fma",	 "rdrand",    "avx2",	    "bmi1",	  "bmi2",    "abm",
	"adx",	     "rdseed",	 "clflush",   "clflushopt", "clwb",	  "sha_ni",  "sha512",
	"sm3",	     "sm4",	 "vaes",      "gfni",	    "vpclmulqdq", "avx512*", "avx_*",
	"amx_*",     "fsgsbase", "rdtscp",    "rdpid",	    "lahf_lm",	  "3dnow*",  "xop",
	"fma4",	     "tbm",	 "serialize", "pku",	    "waitpkg",	  "movdiri", "movdir64b",
	"rtm",	     "hle",	 "cldemote",  "erms",	    "fsrm",	  "clzero",  "mwaitx",
	"cmpccxadd",
};

static bool is_usable(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(usable) / sizeof(usable[0]); i++) {
		size_t n = strlen(usable[i]);
		bool begins = usable[i][n - 1] == '*';

		n -= begins;
		if (begins ? len >= n && memcmp(word, usable[i], n) == 0
			   : len == n && memcmp(word, usable[i], n) == 0)
			return true;
	}
	return false;
}

/* What stands behind "KEY   :" of the first line that begins so, up to its end; NULL: none does. */
static const char *field_of(const char *text, const char *key, size_t *ret_len)
{
	size_t n = strlen(key);

	for (const char *p = text; p != NULL && *p != '\0'; p = strchr(p, '\n')) {
		const char *at;

		p += *p == '\n';
		if (strncmp(p, key, n) != 0)
			continue;
		at = p + n + strspn(p + n, " \t");
		if (*at != ':')
			continue;
		at++;
		*ret_len = strcspn(at, "\n");
		return at;
	}
	return NULL;
}

int needs_flags_of(const char *cpuinfo, char *buf, size_t size)
{
	size_t len = 0, used = 0;
	const char *at = field_of(cpuinfo, "flags", &len), *end;
	bool x86 = at != NULL;

	if (!x86)
		at = field_of(cpuinfo, "Features", &len); /* arm64: all are for programs */
	if (at == NULL || size == 0)
		return -EBADMSG;
	buf[0] = '\0';
	for (end = at + len; at < end;) {
		size_t n = strcspn(at, " \t\n");

		if (n > 0 && (!x86 || is_usable(at, n))) {
			if (used + n + 2 > size)
				return -ENOSPC;
			used += (size_t)snprintf(buf + used, size - used, "%s%.*s",
						 used > 0 ? " " : "", (int)n, at);
		}
		at += n > 0 ? n : 1;
	}
	return text_is_clean(buf) ? 0 : -EBADMSG;
}

static int kib_of(const char *meminfo, const char *key, uint64_t *ret)
{
	size_t len;
	const char *at = field_of(meminfo, key, &len);

	if (at == NULL)
		return -EBADMSG;
	*ret = strtoull(at, NULL, 10);
	return *ret > INT64_MAX >> 11 ? -EBADMSG : 0;
}

int needs_memory_of(const char *meminfo, uint64_t *ret)
{
	uint64_t memory, swap;

	if (kib_of(meminfo, "MemAvailable", &memory) < 0 || kib_of(meminfo, "SwapFree", &swap) < 0)
		return -EBADMSG;
	*ret = (memory + swap) << 10;
	return 0;
}

/* ---- one beside the other ---- */

/* 6.12 of "6.12.48+deb13"; what cannot be read is 0.0. */
static uint64_t kernel_number(const char *release)
{
	uint64_t major = 0, minor = 0;
	const char *at = release;

	if (parse_next(&at, "", 10, &major) < 0 || parse_next(&at, ".", 10, &minor) < 0 ||
	    major > UINT32_MAX || minor > UINT32_MAX)
		return 0;
	return major << 32 | minor;
}

/* The first word of all that list has not; NULL: it has all. */
static const char *first_missing(const char *all, const char *list, size_t *ret_len)
{
	for (all += strspn(all, " "); *all != '\0'; all += strspn(all, " ")) {
		size_t n = strcspn(all, " ");
		const char *p = list;
		bool found = false;

		for (p += strspn(p, " "); *p != '\0' && !found; p += strspn(p, " ")) {
			size_t m = strcspn(p, " ");

			found = m == n && memcmp(p, all, n) == 0;
			p += m;
		}
		if (!found) {
			*ret_len = n;
			return all;
		}
		all += n;
	}
	return NULL;
}

static void compare_processor(const struct message_needs *s, const struct message_needs *here,
			      needs_find_fn *fn, void *data)
{
	struct berth_error why;
	size_t n;
	const char *word = first_missing(s->flags, here->flags, &n);

	if (word != NULL)
		(void)berth_error_set(&why, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				      "the processor there has no '%.*s', which the source's has "
				      "and a program that runs may use",
				      (int)(n < 40 ? n : 40), word);
	else if (s->xsave > here->xsave)
		(void)berth_error_set(
			&why, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
			"the processor there has registers of %llu bytes (XSAVE), the "
			"source's of %llu",
			(unsigned long long)here->xsave, (unsigned long long)s->xsave);
	else
		return;
	fn(&why, data);
}

void needs_compare(const struct message_needs *s, const struct message_needs *here,
		   needs_find_fn *fn, void *data)
{
	struct berth_error why;

	if (kernel_number(here->kernel) < kernel_number(s->kernel)) {
		(void)berth_error_set(&why, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				      "the kernel there, %s, is older than %s, under which its "
				      "processes ran",
				      here->kernel, s->kernel);
		fn(&why, data);
	}
	if (here->criu < s->criu) {
		(void)berth_error_set(&why, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
				      "criu there, %u.%u.%u, is older than the source's, %u.%u.%u",
				      here->criu / 10000, here->criu / 100 % 100, here->criu % 100,
				      s->criu / 10000, s->criu / 100 % 100, s->criu % 100);
		fn(&why, data);
	}
	compare_processor(s, here, fn, data);
	if (s->memory > here->memory) {
		(void)berth_error_set(&why, BERTH_ERR_RESOURCES, ENOMEM,
				      "its processes have %llu MiB of memory, and there are %llu "
				      "MiB to be had there",
				      (unsigned long long)(s->memory >> 20),
				      (unsigned long long)(here->memory >> 20));
		fn(&why, data);
	}
}
