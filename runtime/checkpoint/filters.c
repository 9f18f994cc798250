/* filters.c - which thread has which seccomp filters, in CRIU's images and in /proc. */
#include "runtime/checkpoint/filters.h"

#include "runtime/base/parse.h"

#include <errno.h>
#include <images.pb-c.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* CRIU's include/magic.h; then the length of the one message. All little-endian. */
	MAGIC_COMMON = 0x54564319,
	MAGIC_CORE = 0x55053847,
	MAGIC_SECCOMP = 0x64413049,
	HEADER = 12,
	FILTERS_MAX =
		4096 /* of one thread: the kernel allows 32768 instructions (MAX_INSNS_PER_PATH) */
};

struct filter_set {
	CriuImage__Filters *m;
};

/* ---- /proc, and the file ---- */

/* The last number of a line of /proc/PID/status. */
static int last_number(const char *status, const char *key, unsigned int base, uint64_t *ret)
{
	const char *p = strstr(status, key);
	int r = -EINVAL;

	if (p == NULL)
		return r;
	p += strlen(key);
	while (*p != '\n' && *p != '\0' && parse_next(&p, "\t ", base, ret) == 0)
		r = 0;
	return r;
}

int filter_number_of(const char *status, const char *key)
{
	uint64_t n;
	int r = last_number(status, key, 10, &n);

	return r < 0 || n == 0 || n > INT32_MAX ? -EINVAL : (int)n;
}

int filter_thread_of(const char *status, struct filter_thread *ret)
{
	uint64_t inner, privs, filters, caps;

	if (last_number(status, "\nNSpid:", 10, &inner) < 0 ||
	    last_number(status, "\nNoNewPrivs:", 10, &privs) < 0 ||
	    last_number(status, "\nSeccomp_filters:", 10, &filters) < 0 ||
	    last_number(status, "\nCapEff:", 16, &caps) < 0 || inner == 0 || inner > INT32_MAX)
		return -EINVAL;
	*ret = (struct filter_thread){
		.inner = (int)inner, .no_new_privs = privs != 0, .oldest = -1};
	return privs != 0 || (filters > 1 && (caps >> CAP_SYS_ADMIN & 1) != 0);
}

int filter_thread_parse(const char *line, struct filter_thread *ret)
{
	uint64_t inner, privs;

	if (parse_next(&line, "", 10, &inner) < 0 || parse_next(&line, " ", 10, &privs) < 0 ||
	    inner == 0 || inner > INT32_MAX || privs > 1 || (*line != '\0' && *line != '\n'))
		return -EINVAL;
	*ret = (struct filter_thread){
		.inner = (int)inner, .no_new_privs = privs != 0, .oldest = -1};
	return 0;
}

/* ---- images ---- */

static const uint8_t *find_message(const uint8_t *image, size_t len, uint32_t magic, size_t *ret)
{
	uint32_t head[3];

	if (len < HEADER)
		return NULL;
	memcpy(head, image, sizeof(head));
	if (head[0] != MAGIC_COMMON || head[1] != magic || head[2] > len - HEADER)
		return NULL;
	*ret = head[2];
	return image + HEADER;
}

void filter_set_free(struct filter_set *s)
{
	if (s == NULL)
		return;
	if (s->m != NULL)
		criu_image__filters__free_unpacked(s->m, NULL);
	free(s);
}

static bool is_filter(const CriuImage__Filter *f)
{
	return f->filter.len > 0 && f->filter.len % sizeof(struct sock_filter) == 0 &&
	       f->filter.len / sizeof(struct sock_filter) <= BPF_MAXINSNS;
}

int filter_set_read(const uint8_t *image, size_t len, struct filter_set **ret)
{
	struct filter_set *s = calloc(1, sizeof(*s));
	size_t n;
	const uint8_t *m = find_message(image, len, MAGIC_SECCOMP, &n);

	if (s == NULL)
		return -ENOMEM;
	if (m != NULL)
		s->m = criu_image__filters__unpack(NULL, n, m);
	if (s->m == NULL) {
		filter_set_free(s);
		return -EBADMSG;
	}
	for (size_t i = 0; i < s->m->n_filters; i++)
		if (!is_filter(s->m->filters[i])) {
			filter_set_free(s);
			return -EBADMSG;
		}
	*ret = s;
	return 0;
}

/* How many filters there are from this one to the newest. -EBADMSG */
static int count(const struct filter_set *s, int64_t at)
{
	for (int n = 1; n <= FILTERS_MAX && at >= 0 && (uint64_t)at < s->m->n_filters; n++) {
		if (!s->m->filters[at]->has_prev)
			return n;
		at = s->m->filters[at]->prev;
	}
	return -EBADMSG;
}

int filter_thread_chain(struct filter_thread *t, const struct filter_set *s)
{
	int n = count(s, t->oldest);
	const CriuImage__Filter *f;

	if (n < 0)
		return n;
	t->filters = calloc((size_t)n, sizeof(*t->filters));
	if (t->filters == NULL)
		return -ENOMEM;
	f = s->m->filters[t->oldest];
	while (t->n < (size_t)n - 1) {
		f = s->m->filters[f->prev];
		/* In a malloc'ed buffer of its own (protobuf-c), so aligned. */
		t->filters[t->n++] =
			(struct filter){(const struct sock_filter *)(void *)f->filter.data,
					(uint16_t)(f->filter.len / sizeof(struct sock_filter)),
					f->flags & SECCOMP_FILTER_FLAG_LOG};
	}
	return 0;
}

int filter_core_read(const uint8_t *core, size_t len, int64_t *ret)
{
	size_t n;
	const uint8_t *message = find_message(core, len, MAGIC_CORE, &n);
	CriuImage__Core *m = message == NULL ? NULL : criu_image__core__unpack(NULL, n, message);

	if (m == NULL)
		return -EBADMSG;
	*ret = m->thread != NULL && m->thread->has_seccomp_filter
		       ? (int64_t)m->thread->seccomp_filter
		       : -1;
	criu_image__core__free_unpacked(m, NULL);
	return 0;
}

int filter_set_strip(struct filter_set *s, const struct filter_thread *t, size_t n, uint8_t **ret,
		     size_t *ret_len)
{
	uint32_t head[3] = {MAGIC_COMMON, MAGIC_SECCOMP, 0};
	uint8_t *out;

	for (size_t i = 0; i < n; i++)
		if (t[i].n > 0)
			s->m->filters[t[i].oldest]->has_prev = false;
	head[2] = (uint32_t)criu_image__filters__get_packed_size(s->m);
	out = malloc(HEADER + head[2]);
	if (out == NULL)
		return -ENOMEM;
	memcpy(out, head, sizeof(head));
	(void)criu_image__filters__pack(s->m, out + HEADER);
	*ret = out;
	*ret_len = HEADER + head[2];
	return 0;
}
