/* seen_conf.c - what of a CT's config is shown, kept until the file changes. */
#include "runtime/daemon/seen_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SETTLES_S = 2 /* the time of a change may be as coarse as a second */
};

struct sizes {
	size_t n;
};

static void add_size(const char *key, const char *value, void *data)
{
	struct sizes *s = data;

	s->n += strlen(key) + strlen(value) + 2;
}

static const char *put(char **at, const char *text)
{
	char *begin = *at;
	size_t n = strlen(text) + 1;

	memcpy(begin, text, n);
	*at += n;
	return begin;
}

static void put_key(const char *key, const char *value, void *data)
{
	char **at = data;

	(void)put(at, key);
	(void)put(at, value);
}

struct seen_conf *seen_conf_new(const struct conf_file *f, const struct ct_config *c)
{
	struct sizes size = {.n = strlen(c->name) + strlen(c->hostname) + strlen(c->description) +
				  5};
	struct seen_conf *s;
	char *at;

	for (unsigned int i = 0; i < c->n_addrs; i++)
		size.n += strlen(c->addrs[i]) + 1;
	conf_each(f, add_size, &size);
	s = calloc(1, sizeof(*s) + size.n);
	if (s == NULL)
		return NULL;
	s->refs = 1;
	s->ram = c->ram;
	s->swap = c->swap;
	s->numproc = c->numproc;
	s->numcgroups = c->numcgroups;
	s->diskspace = c->diskspace;
	s->diskinodes = c->diskinodes;
	s->iolimit = c->iolimit;
	s->iopslimit = c->iopslimit;
	s->diskinodes_given = c->diskinodes_given;
	s->cpulimit = c->cpulimit;
	s->cpuunits = c->cpuunits;
	s->cpus = c->cpus;
	s->onboot = c->onboot;
	s->disabled = c->disabled;
	at = s->text;
	s->name = put(&at, c->name);
	s->hostname = put(&at, c->hostname);
	s->description = put(&at, c->description);
	s->addrs = at;
	for (unsigned int i = 0; i < c->n_addrs; i++)
		(void)put(&at, c->addrs[i]);
	(void)put(&at, "");
	s->keys = at;
	conf_each(f, put_key, &at);
	(void)put(&at, "");
	return s;
}

struct seen_conf *seen_conf_ref(struct seen_conf *s)
{
	if (s != NULL)
		s->refs++;
	return s;
}

void seen_conf_unref(struct seen_conf *s)
{
	if (s != NULL && --s->refs == 0)
		free(s);
}

/* One that cannot be looked at is no file's: it is read again each time. */
static void stamp_of(const char *path, struct conf_stamp *ret)
{
	struct stat st;

	*ret = (struct conf_stamp){0};
	if (stat(path, &st) == 0)
		*ret = (struct conf_stamp){.ino = st.st_ino,
					   .size = (uint64_t)st.st_size,
					   .changed_s = st.st_ctim.tv_sec,
					   .changed_ns = st.st_ctim.tv_nsec};
	else if (errno != ENOENT && errno != ENOTDIR)
		ret->changed_s = INT64_MAX;
}

void seen_conf_stamp(const struct berth_paths *p, uint32_t ctid, struct conf_stamp *ret_saved,
		     struct conf_stamp *ret_live)
{
	char path[BERTH_PATH_MAX], dir[BERTH_PATH_MAX];

	stamp_of(path_ct_config(p, ctid, path), ret_saved);
	stamp_of(path_below(path_run_ct(p, ctid, dir), "live.conf", path), ret_live);
	if (ret_live->changed_s == 0) /* store_live_load */
		stamp_of(path_below(path_private(p, ctid, dir), "dump/config", path), ret_live);
}

bool seen_conf_settles(const struct conf_stamp *saved, const struct conf_stamp *live, int64_t now_s)
{
	return saved->ino != 0 && now_s - SETTLES_S >= saved->changed_s &&
	       now_s - SETTLES_S >= live->changed_s;
}

static bool is_same(const struct conf_stamp *a, const struct conf_stamp *b)
{
	return a->ino == b->ino && a->size == b->size && a->changed_s == b->changed_s &&
	       a->changed_ns == b->changed_ns;
}

bool seen_conf_is_current(const struct berth_paths *p, uint32_t ctid, unsigned int host_gen,
			  const struct seen_conf *s)
{
	struct conf_stamp saved, live;

	if (s == NULL || !s->settled || s->host_gen != host_gen)
		return false;
	seen_conf_stamp(p, ctid, &saved, &live);
	return is_same(&saved, &s->saved) && is_same(&live, &s->live);
}
