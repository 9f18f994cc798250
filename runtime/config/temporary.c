/* temporary.c - changes of a config that come back by themselves. */
#include "runtime/config/temporary.h"

#include "runtime/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char prefix[] = "UNTIL_";

enum {
	DATE_LEN = 20, /* 2026-11-30T06:12:00Z */
	LINE_KEY_MAX = 96
};

const char *temporary_key(const char *line_key)
{
	size_t n = sizeof(prefix) - 1;

	/* No lines about lines. */
	if (strncmp(line_key, prefix, n) != 0 || strncmp(line_key + n, prefix, n) == 0)
		return NULL;
	return line_key[n] != '\0' ? line_key + n : NULL;
}

static const char *line_key(const char *key, char buf[static LINE_KEY_MAX])
{
	(void)snprintf(buf, LINE_KEY_MAX, "%s%s", prefix, key);
	return buf;
}

/* Exactly as we write it. */
static int parse_date(const char *s, int64_t *ret)
{
	static const char shape[] = "0000-00-00T00:00:00Z";
	struct tm tm = {0}, again;
	int *const parts[] = {&tm.tm_year, &tm.tm_mon, &tm.tm_mday,
			      &tm.tm_hour, &tm.tm_min, &tm.tm_sec};
	size_t part = 0;
	time_t t;

	for (size_t i = 0; i < DATE_LEN; i++) {
		if (shape[i] != '0') {
			if (s[i] != shape[i])
				return -EINVAL;
			part++;
			continue;
		}
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		*parts[part] = *parts[part] * 10 + (s[i] - '0');
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	again = tm;
	t = timegm(&again);
	/* The 31st of February would be a day of March. */
	if (t <= 0 || again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon ||
	    again.tm_hour != tm.tm_hour || again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec)
		return -EINVAL;
	*ret = (int64_t)t;
	return 0;
}

int temporary_parse(const char *value, int64_t *ret_until, const char **ret_old)
{
	int64_t until;

	if (parse_date(value, &until) < 0 || (value[DATE_LEN] != '\0' && value[DATE_LEN] != ' '))
		return -EINVAL;
	*ret_until = until;
	*ret_old = value[DATE_LEN] == ' ' ? value + DATE_LEN + 1 : NULL;
	return 0;
}

static int put_line(struct conf_file *f, const char *key, int64_t until, const char *old)
{
	char name[LINE_KEY_MAX], date[DATE_LEN + 1];
	auto_free char *value = NULL;
	time_t t = (time_t)until;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm) != DATE_LEN)
		return -EINVAL;
	if (asprintf(&value, "%s%s%s", date, old != NULL ? " " : "", old != NULL ? old : "") < 0)
		return -ENOMEM;
	return conf_set(f, line_key(key, name), value);
}

/* ---- what differs ---- */

struct differ {
	struct conf_file *f;
	const struct conf_file *other, *before;
	int64_t until; /* 0: what differs is for good */
	int r;
};

static void on_differing(struct differ *d, const char *key)
{
	char name[LINE_KEY_MAX];
	const char *line, *old;
	auto_free char *first = NULL;
	int64_t until;

	if (d->until == 0) {
		temporary_keep(d->f, key);
		return;
	}
	line = conf_get(d->f, line_key(key, name));
	if (line == NULL || temporary_parse(line, &until, &old) < 0)
		old = conf_get(d->before, key);
	/* Of what is replaced. */
	first = old != NULL ? strdup(old) : NULL;
	if (old != NULL && first == NULL)
		d->r = -ENOMEM;
	else
		d->r = put_line(d->f, key, d->until, first);
}

static void compare(const char *key, const char *value, void *data)
{
	struct differ *d = data;
	const char *other = conf_get(d->other, key);

	if (d->r == 0 && temporary_key(key) == NULL && (other == NULL || strcmp(other, value) != 0))
		on_differing(d, key);
}

/* A key that only before has is gone from f. */
static void compare_gone(const char *key, const char *value, void *data)
{
	struct differ *d = data;

	(void)value;
	if (d->r == 0 && temporary_key(key) == NULL && conf_get(d->other, key) == NULL)
		on_differing(d, key);
}

static int each_differing(struct conf_file *f, const struct conf_file *before, int64_t until)
{
	struct conf_file *now = conf_copy(f); /* f changes under our hands */
	struct differ d = {.f = f, .other = before, .before = before, .until = until};

	if (now == NULL)
		return -ENOMEM;
	conf_each(now, compare, &d);
	d.other = now;
	conf_each(before, compare_gone, &d);
	conf_free(now);
	return d.r;
}

int temporary_mark(struct conf_file *f, const struct conf_file *before, int64_t until)
{
	return each_differing(f, before, until);
}

void temporary_keep(struct conf_file *f, const char *key)
{
	char name[LINE_KEY_MAX];

	conf_unset(f, line_key(key, name));
}

static void drop_line(const char *line, const char *value, void *data)
{
	(void)value;
	if (temporary_key(line) != NULL)
		conf_unset(data, line);
}

int temporary_keep_all(struct conf_file *f)
{
	struct conf_file *now = conf_copy(f); /* f changes under our hands */

	if (now == NULL)
		return -ENOMEM;
	conf_each(now, drop_line, f);
	conf_free(now);
	return 0;
}

int temporary_prolong(struct conf_file *f, const char *key, int64_t until)
{
	char name[LINE_KEY_MAX];
	const char *line = conf_get(f, line_key(key, name)), *old;
	auto_free char *first = NULL;
	int64_t before;

	if (line == NULL || temporary_parse(line, &before, &old) < 0)
		return 0;
	first = old != NULL ? strdup(old) : NULL; /* of what is replaced */
	if (old != NULL && first == NULL)
		return -ENOMEM;
	return put_line(f, key, until, first);
}

void temporary_keep_changed(struct conf_file *f, const struct conf_file *before)
{
	(void)each_differing(f, before, 0);
}

/* ---- the way back ---- */

static void find_next(const char *key, const char *value, void *data)
{
	int64_t *next = data, until = 1;
	const char *old;

	if (temporary_key(key) == NULL)
		return;
	(void)temporary_parse(value, &until, &old);
	if (*next == 0 || until < *next)
		*next = until;
}

int64_t temporary_next(const struct conf_file *f)
{
	int64_t next = 0;

	conf_each(f, find_next, &next);
	return next;
}

struct lister {
	int64_t now;
	temporary_due_fn *fn;
	void *data;
};

static void list_due(const char *line, const char *value, void *data)
{
	const struct lister *l = data;
	const char *key = temporary_key(line), *old;
	int64_t until = 0;

	if (key != NULL && (temporary_parse(value, &until, &old) < 0 || until <= l->now))
		l->fn(key, l->data);
}

void temporary_each_due(const struct conf_file *f, int64_t now, temporary_due_fn *fn, void *data)
{
	struct lister l = {.now = now, .fn = fn, .data = data};

	conf_each(f, list_due, &l);
}

const char *temporary_old(const struct conf_file *f, const char *key)
{
	char name[LINE_KEY_MAX];
	const char *line = conf_get(f, line_key(key, name)), *old;
	int64_t until;

	return line != NULL && temporary_parse(line, &until, &old) == 0 ? old : NULL;
}

struct taker {
	struct conf_file *f;
	const char *only; /* NULL: all */
	int64_t now;
	int n, r;
};

static void take_back(const char *line, const char *value, void *data)
{
	struct taker *t = data;
	const char *key = temporary_key(line), *old;
	int64_t until;

	if (key == NULL || t->r < 0 || (t->only != NULL && strcmp(key, t->only) != 0))
		return;
	if (temporary_parse(value, &until, &old) < 0) {
		conf_unset(t->f, line); /* nobody knows what it meant: the value stays */
		t->n++;
		return;
	}
	if (until > t->now)
		return;
	if (old != NULL)
		t->r = conf_set(t->f, key, old);
	else
		conf_unset(t->f, key);
	conf_unset(t->f, line);
	t->n++;
}

int temporary_take_back(struct conf_file *f, const struct conf_file *from, const char *key,
			int64_t now)
{
	struct taker t = {.f = f, .only = key, .now = now};
	struct conf_file *lines = conf_copy(from);

	if (lines == NULL)
		return -ENOMEM;
	conf_each(lines, take_back, &t);
	conf_free(lines);
	return t.r < 0 ? t.r : t.n;
}
