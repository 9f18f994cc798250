/* sharing.c - which mounts share what is mounted in them, in CRIU's images. */
#include "runtime/checkpoint/sharing.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <dirent.h>
#include <errno.h>
#include <images.pb-c.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* CRIU's include/magic.h. Then messages, each behind its length; all little-endian. */
	MAGIC_COMMON = 0x54564319,
	MAGIC_MOUNTS = 0x55563928,
	HEADER = 8,
	LENGTH = 4,
	IMAGE_MAX = 16 << 20,
	IMAGES_MAX = 4096, /* mount namespaces */
	STEPS_MAX = 1 << 28 /* less than a second: a tenant chooses the mounts */
};

void shares_free(struct shares *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->all[i].root);
		free(s->all[i].point);
	}
	free(s->all);
	*s = (struct shares){NULL, 0};
}

static int append(struct shares *s, const char *root, const char *point, uint32_t shared,
		  uint32_t master, uint32_t ns)
{
	struct share *all = reallocarray(s->all, s->n + 1, sizeof(*all));

	if (all == NULL)
		return -ENOMEM;
	s->all = all;
	all[s->n] = (struct share){ns, shared, master, strdup(root), strdup(point)};
	s->n++;
	return all[s->n - 1].root == NULL || all[s->n - 1].point == NULL ? -ENOMEM : 0;
}

/* ---- images ---- */

static bool is_mounts(const uint8_t *image, size_t len)
{
	uint32_t magic[2];

	if (len < HEADER)
		return false;
	memcpy(magic, image, sizeof(magic));
	return magic[0] == MAGIC_COMMON && magic[1] == MAGIC_MOUNTS;
}

/* The message at *at, which moves behind it; NULL at the end, and with *at < len if there is none. */
static CriuImage__Mount *next_mount(const uint8_t *image, size_t len, size_t *at)
{
	CriuImage__Mount *m;
	uint32_t n;

	if (len - *at < LENGTH)
		return NULL;
	memcpy(&n, image + *at, sizeof(n));
	if (n > len - *at - LENGTH)
		return NULL;
	m = criu_image__mount__unpack(NULL, n, image + *at + LENGTH);
	if (m != NULL)
		*at += LENGTH + n;
	return m;
}

ssize_t shares_read_image(struct shares *s, const uint8_t *image, size_t len, uint32_t ns)
{
	size_t at = HEADER, before = s->n;
	CriuImage__Mount *m;
	int r = 0;

	if (!is_mounts(image, len))
		return -EBADMSG;
	while (r == 0 && (m = next_mount(image, len, &at)) != NULL) {
		r = append(s, m->root != NULL ? m->root : "", "", m->shared_id, m->master_id, ns);
		criu_image__mount__free_unpacked(m, NULL);
	}
	if (r == 0 && at != len)
		r = -EBADMSG;
	return r < 0 ? r : (ssize_t)(s->n - before);
}

static void set_numbers(CriuImage__Mount *m, const struct share *s)
{
	m->has_shared_id = m->has_shared_id || s->shared != 0;
	m->shared_id = s->shared;
	m->has_master_id = m->has_master_id || s->master != 0;
	m->master_id = s->master;
}

/* Appends m behind its length to the *len bytes at *out, which moves. */
static int pack(const CriuImage__Mount *m, uint8_t **out, size_t *len)
{
	uint32_t n = (uint32_t)criu_image__mount__get_packed_size(m);
	uint8_t *p = realloc(*out, *len + LENGTH + n);

	if (p == NULL)
		return -ENOMEM;
	memcpy(p + *len, &n, sizeof(n));
	(void)criu_image__mount__pack(m, p + *len + LENGTH);
	*out = p;
	*len += LENGTH + n;
	return 0;
}

int shares_write_image(const struct share *from, size_t n, const uint8_t *image, size_t len,
		       uint8_t **ret, size_t *ret_len)
{
	size_t at = HEADER, to = HEADER, i = 0;
	CriuImage__Mount *m;
	uint8_t *out;
	int r = 0;

	if (!is_mounts(image, len))
		return -EBADMSG;
	out = malloc(HEADER);
	if (out == NULL)
		return -ENOMEM;
	memcpy(out, image, HEADER);
	while (r == 0 && i < n && (m = next_mount(image, len, &at)) != NULL) {
		set_numbers(m, &from[i++]);
		r = pack(m, &out, &to);
		criu_image__mount__free_unpacked(m, NULL);
	}
	if (r == 0 && (i != n || at != len))
		r = -EBADMSG;
	if (r < 0) {
		free(out);
		return r;
	}
	*ret = out;
	*ret_len = to;
	return 0;
}

/* ---- mountinfo ---- */

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL ...] - TYPE SOURCE OPTIONS */
static int append_line(struct shares *s, char *line, uint32_t ns)
{
	uint32_t shared = 0, master = 0;
	char *field[6], *word;

	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		field[i] = strsep(&line, " ");
	while ((word = strsep(&line, " ")) != NULL && strcmp(word, "-") != 0) {
		if (strncmp(word, "shared:", 7) == 0)
			shared = (uint32_t)strtoul(word + 7, NULL, 10);
		if (strncmp(word, "master:", 7) == 0)
			master = (uint32_t)strtoul(word + 7, NULL, 10);
	}
	return word == NULL ? -EBADMSG : append(s, field[3], field[4], shared, master, ns);
}

int shares_read_mountinfo(struct shares *s, char *text, uint32_t ns)
{
	int r = 0;

	for (char *line; r == 0 && (line = strsep(&text, "\n")) != NULL;)
		if (line[0] != '\0')
			r = append_line(s, line, ns);
	return r;
}

/* ---- groups ---- */

static bool is_below(const char *root, const char *wide)
{
	size_t n = strlen(wide);

	if (n > 0 && wide[n - 1] == '/')
		n--;
	return strncmp(root, wide, n) == 0 && (root[n] == '/' || root[n] == '\0');
}

/* The one that CRIU takes a group's numbers from; any_master: the group that is the master of others. NULL: none. */
static const struct share *first_of(const struct shares *s, uint32_t shared, uint32_t master,
				    bool any_master)
{
	const struct share *first = NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct share *m = &s->all[i];

		if (m->shared == shared && (any_master || m->master == master) &&
		    (first == NULL || strlen(m->root) < strlen(first->root)))
			first = m;
	}
	return first;
}

/*
 * The number of a group in m's own namespace that can be its master in the place of its own; 0: there is none. Each
 * mount that is compared takes one of *steps, and without any it is as if there were none.
 */
static uint32_t near_master(const struct shares *s, const struct share *m, size_t *steps)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct share *o = &s->all[i];

		if (o->ns != m->ns || o->shared == 0 || o->master != m->master)
			continue;
		if (*steps < 2 * s->n)
			return 0;
		*steps -= 2 * s->n;
		if (is_below(m->root, first_of(s, o->shared, o->master, false)->root) &&
		    first_of(s, 0, o->shared, false) == NULL)
			return o->shared;
	}
	return 0;
}

static uint32_t free_number(const struct shares *s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct share *m = &s->all[i];

		n = m->shared > n ? m->shared : n;
		n = m->master > n ? m->master : n;
	}
	return n + 1;
}

size_t shares_mend(struct shares *s)
{
	size_t changed = 0, steps = STEPS_MAX;

	for (size_t i = 0; i < s->n; i++) {
		struct share *m = &s->all[i];
		uint32_t near;

		if (m->shared != 0 || m->master == 0 ||
		    is_below(m->root, first_of(s, 0, m->master, false)->root))
			continue;
		near = near_master(s, m, &steps);
		if (near != 0)
			m->master = near;
		else
			m->shared = free_number(s);
		changed++;
	}
	return changed;
}

const struct share *shares_find_bad(const struct shares *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct share *m = &s->all[i], *first, *parent;

		if (m->shared == 0 && m->master == 0)
			continue;
		first = first_of(s, m->shared, m->master, false);
		if (!is_below(m->root, first->root))
			return m;
		parent = m->master != 0 ? first_of(s, m->master, 0, true) : NULL;
		if (parent != NULL && !is_below(first->root, parent->root))
			return m;
	}
	return NULL;
}

/* ---- all images ---- */

struct image {
	uint32_t ns;
	char *bytes; /* malloc'ed */
	size_t len, from, n; /* from: its first one in the shares */
};

static const char *image_name(uint32_t ns, char buf[static 32])
{
	(void)snprintf(buf, 32, "mountpoints-%u.img", ns);
	return buf;
}

static int load_image(struct image *i, int dir, struct shares *s)
{
	char name[32];
	ssize_t n;
	int r = file_read_at(dir, image_name(i->ns, name), IMAGE_MAX, &i->bytes, &i->len);

	if (r < 0)
		return r;
	i->from = s->n;
	n = shares_read_image(s, (const uint8_t *)i->bytes, i->len, i->ns);
	i->n = n > 0 ? (size_t)n : 0;
	return n < 0 ? (int)n : 0;
}

static int save_image(const struct image *i, int dir, const struct shares *s)
{
	auto_free uint8_t *next = NULL;
	char name[32];
	size_t len;
	int r = shares_write_image(s->all + i->from, i->n, (const uint8_t *)i->bytes, i->len, &next,
				   &len);

	return r < 0 ? r : file_replace_at(dir, image_name(i->ns, name), next, len, 0600, false);
}

/* The images in the directory, at most IMAGES_MAX: how many, and what is in them. */
static int load_images(int dir, struct image *images, size_t *n, struct shares *s)
{
	auto_closedir DIR *d = dir_stream_at(dir, ".");
	struct dirent *e;

	if (d == NULL)
		return -errno;
	while ((errno = 0, e = readdir(d)) != NULL) {
		static const char head[] = "mountpoints-";
		const char *digits = e->d_name + strlen(head);
		char name[32];
		uint64_t ns;
		int r;

		if (strncmp(e->d_name, head, strlen(head)) != 0 ||
		    parse_next(&digits, "", 10, &ns) < 0 || ns > UINT32_MAX ||
		    strcmp(e->d_name, image_name((uint32_t)ns, name)) != 0)
			continue;
		if (*n == IMAGES_MAX)
			return -E2BIG;
		images[*n].ns = (uint32_t)ns;
		r = load_image(&images[(*n)++], dir, s);
		if (r < 0)
			return r;
	}
	return -errno;
}

int shares_mend_images(int images_fd)
{
	struct image *images = calloc(IMAGES_MAX, sizeof(*images));
	struct shares s = {NULL, 0};
	size_t n = 0;
	int r = images == NULL ? -ENOMEM : load_images(images_fd, images, &n, &s);

	if (r == 0 && shares_mend(&s) > 0)
		for (size_t i = 0; r == 0 && i < n; i++)
			r = save_image(&images[i], images_fd, &s);
	for (size_t i = 0; i < n; i++)
		free(images[i].bytes);
	free(images);
	shares_free(&s);
	return r;
}
