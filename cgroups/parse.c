/* parse.c - the texts of cgroup files and of /proc/self/cgroup. Pure functions. */
#include "cgroups/host.h"

#include "runtime/base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	CPU_MAX = 1 << 20
};

/* A number of exactly len bytes. */
static int parse_span(const char *s, size_t len, uint64_t *ret)
{
	char buf[24];

	if (len >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, s, len);
	buf[len] = '\0';
	return parse_u64(buf, ret) < 0 ? -EINVAL : 0;
}

static const char *line_after(const char *p)
{
	p += strcspn(p, "\n");
	return *p == '\n' ? p + 1 : p;
}

/* The rest of the line "KEY REST", or NULL. */
static const char *find_line(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = text; *p != '\0'; p = line_after(p))
		if (strncmp(p, key, len) == 0 && p[len] == ' ')
			return p + len + 1;
	return NULL;
}

int cg_parse_key(const char *text, const char *key, uint64_t *ret)
{
	const char *value = find_line(text, key);

	if (value == NULL)
		return -ENOENT;
	return parse_span(value, strcspn(value, "\n"), ret);
}

int cg_parse_max(const char *text, uint64_t *ret)
{
	size_t len = strcspn(text, "\n");

	if (text[len] == '\n' && text[len + 1] != '\0')
		return -EINVAL;
	if (len == 3 && memcmp(text, "max", 3) == 0) {
		*ret = CG_UNLIMITED;
		return 0;
	}
	return parse_span(text, len, ret);
}

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
	if (v < low)
		return low;
	return v > high ? high : v;
}

uint32_t cg_weight_from_units(uint32_t cpuunits)
{
	return (uint32_t)clamp(((uint64_t)cpuunits + 5) / 10, 1, 10000);
}

uint64_t cg_shares_from_units(uint32_t cpuunits)
{
	return clamp((uint64_t)cpuunits * 1024 / 1000, 2, 262144);
}

static int parse_cpu(const char *s, size_t len, uint64_t *ret)
{
	uint64_t v;

	if (parse_span(s, len, &v) < 0 || v > CPU_MAX)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* One range "2-5" or "2" of a list; *p moves behind it and its comma. 1: it was the last. -EINVAL. */
static int next_range(const char **p, uint64_t *ret_low, uint64_t *ret_high)
{
	size_t len = strcspn(*p, ",\n");
	const char *dash = memchr(*p, '-', len);

	if (parse_cpu(*p, dash != NULL ? (size_t)(dash - *p) : len, ret_low) < 0)
		return -EINVAL;
	*ret_high = *ret_low;
	if (dash != NULL && parse_cpu(dash + 1, len - (size_t)(dash + 1 - *p), ret_high) < 0)
		return -EINVAL;
	if (*ret_high < *ret_low)
		return -EINVAL;
	*p += len;
	if (**p == ',') {
		(*p)++;
		return 0;
	}
	return **p == '\0' || strcmp(*p, "\n") == 0 ? 1 : -EINVAL;
}

int cg_parse_cpulist(const char *list, unsigned int *ret_max)
{
	uint64_t max = 0, low, high;
	int r = 0;

	while (r == 0) {
		r = next_range(&list, &low, &high);
		if (r < 0)
			return r;
		max = high > max ? high : max;
	}
	*ret_max = (unsigned int)max;
	return 0;
}

/* How many CPUs the list names, or -EINVAL. */
static int64_t count_cpus(const char *list)
{
	uint64_t low, high;
	int64_t n = 0;
	int r = 0;

	while (r == 0) {
		r = next_range(&list, &low, &high);
		if (r < 0)
			return r;
		n += (int64_t)(high - low + 1);
	}
	return n;
}

/* A list under way: its last range is still open. */
struct cpulist {
	char *buf;
	size_t size, used;
	uint64_t low, high;
	bool open, full;
};

static void cpulist_close(struct cpulist *l)
{
	int n;

	if (!l->open || l->full)
		return;
	n = snprintf(l->buf + l->used, l->size - l->used,
		     l->low == l->high ? "%s%llu" : "%s%llu-%llu", l->used > 0 ? "," : "",
		     (unsigned long long)l->low, (unsigned long long)l->high);
	l->full = n < 0 || (size_t)n >= l->size - l->used;
	l->used += l->full ? 0 : (size_t)n;
	l->open = false;
}

static void cpulist_add(struct cpulist *l, uint64_t cpu)
{
	if (l->open && cpu == l->high + 1) {
		l->high = cpu;
		return;
	}
	cpulist_close(l);
	l->low = l->high = cpu;
	l->open = true;
}

int cg_pick_cpus(const char *list, uint32_t n, uint32_t ctid, char *buf, size_t size)
{
	struct cpulist l = {.buf = buf, .size = size};
	int64_t all = count_cpus(list);
	uint64_t first, at = 0, low, high;
	int r = 0;

	if (all < 0)
		return (int)all;
	buf[0] = '\0';
	if (n == 0 || n >= (uint64_t)all)
		return 0;
	first = (uint64_t)ctid * n % (uint64_t)all;
	while (r == 0) {
		r = next_range(&list, &low, &high);
		for (uint64_t cpu = low; r >= 0 && cpu <= high; cpu++, at++)
			if ((at + (uint64_t)all - first) % (uint64_t)all < n)
				cpulist_add(&l, cpu);
	}
	cpulist_close(&l);
	if (l.full)
		buf[0] = '\0';
	return 0;
}

static int copy_span(const char *s, size_t len, char *buf, size_t size)
{
	if (len >= size)
		return -ENOSPC;
	memmove(buf, s, len);
	buf[len] = '\0';
	return 0;
}

int cg_parse_line(const char *text, const char *key, char *buf, size_t size)
{
	const char *rest = find_line(text, key);
	size_t before = strlen(key) + 1;

	if (rest == NULL)
		return -ENOENT;
	return copy_span(rest - before, before + strcspn(rest, "\n"), buf, size);
}

/* Whether the comma-separated list of len bytes has the word. */
static bool list_has(const char *list, size_t len, const char *word)
{
	size_t word_len = strlen(word);

	for (size_t at = 0; at < len;) {
		size_t n = strcspn(list + at, ",:");

		if (n == word_len && memcmp(list + at, word, n) == 0)
			return true;
		at += n + 1;
	}
	return false;
}

/* A line is "ID:CONTROLLER,CONTROLLER:PATH"; "0::PATH" is the unified hierarchy. */
int cg_parse_own(const char *text, const char *controller, char *buf, size_t size)
{
	for (const char *p = text; *p != '\0'; p = line_after(p)) {
		size_t end = strcspn(p, "\n"), id = strcspn(p, ":\n");
		const char *list = p + id + 1;
		size_t len;

		if (id >= end)
			continue;
		len = strcspn(list, ":\n");
		if (list[len] != ':' || list[len + 1] != '/')
			continue;
		if (controller != NULL ? list_has(list, len, controller) : len == 0)
			return copy_span(list + len + 1, end - (size_t)(list + len + 1 - p), buf,
					 size);
	}
	return -ENOENT;
}

unsigned int cg_parse_count_v1(const char *text)
{
	unsigned int n = 0;

	/* "ID:CONTROLLERS:PATH"; the unified one is "0::PATH". */
	for (const char *p = text; *p != '\0'; p = line_after(p)) {
		size_t end = strcspn(p, "\n"), id = strcspn(p, ":\n");

		n += id > 0 && id < end && p[id + 1] != ':';
	}
	return n;
}

bool cg_parse_has_word(const char *text, const char *word)
{
	size_t word_len = strlen(word);

	for (const char *p = text; *p != '\0';) {
		size_t n;

		p += strspn(p, " \n");
		n = strcspn(p, " \n");
		if (n == word_len && memcmp(p, word, n) == 0)
			return true;
		p += n;
	}
	return false;
}

int cg_parse_unified_parent(const char *own, char *buf, size_t size)
{
	static const char leaf[] = "/daemon";
	size_t len = strlen(own), tail = sizeof(leaf) - 1;

	/* A service's own cgroup holds its processes, so it cannot have children: use the root. */
	if (len <= tail || strcmp(own + len - tail, leaf) != 0)
		return copy_span("", 0, buf, size);
	return copy_span(own + 1, len - tail - 1, buf, size);
}

int cg_parse_parent(const char *parent, char *buf, size_t size)
{
	const char *p = parent;
	size_t len;

	if (*p != '/' || !text_is_clean(p))
		return -EINVAL;
	while (*p != '\0') {
		p += strspn(p, "/");
		len = strcspn(p, "/");
		if ((len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return -EINVAL;
		p += len;
	}
	parent += strspn(parent, "/");
	len = strlen(parent);
	while (len > 0 && parent[len - 1] == '/')
		len--;
	return copy_span(parent, len, buf, size);
}
