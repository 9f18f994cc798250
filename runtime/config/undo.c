/* undo.c - notes what a set has changed, and takes it back. */
#include "runtime/config/undo.h"

#include "runtime/base/cleanup.h"
#include "runtime/config/temporary.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char saved_prefix[] = "SAVED_", live_prefix[] = "LIVE_", then_prefix[] = "THEN_";

enum {
	NAME_LEN = 112
};

struct noter {
	struct conf_file *note;
	const struct conf_file *other;
	const char *prefix;
	int r;
};

/* value NULL: there was none. */
static int put(struct conf_file *note, const char *first, const char *second, const char *key,
	       const char *value)
{
	char name[NAME_LEN];
	auto_free char *text = NULL;

	(void)snprintf(name, sizeof(name), "%s%s%s", first, second, key);
	if (value != NULL && asprintf(&text, "=%s", value) < 0)
		return -ENOMEM;
	return conf_set(note, name, value != NULL ? text : "-");
}

static void put_both(struct noter *n, const char *key, const char *was, const char *is)
{
	n->r = put(n->note, "", n->prefix, key, was);
	if (n->r == 0)
		n->r = put(n->note, then_prefix, n->prefix, key, is);
}

static void note_was(const char *key, const char *was, void *data)
{
	struct noter *n = data;
	const char *is = conf_get(n->other, key);

	if (n->r == 0 && (is == NULL || strcmp(is, was) != 0))
		put_both(n, key, was, is);
}

static void note_new(const char *key, const char *is, void *data)
{
	struct noter *n = data;

	if (n->r == 0 && conf_get(n->other, key) == NULL)
		put_both(n, key, NULL, is);
}

static int note_file(struct conf_file *note, const char *prefix, const struct conf_file *was,
		     const struct conf_file *is)
{
	struct noter n = {.note = note, .other = is, .prefix = prefix};

	conf_each(was, note_was, &n);
	n.other = was;
	conf_each(is, note_new, &n);
	return n.r;
}

int undo_note(const struct conf_file *saved_was, const struct conf_file *saved,
	      const struct conf_file *live_was, const struct conf_file *live,
	      struct conf_file **ret)
{
	struct conf_file *note;
	int r = conf_parse("", 0, &note, NULL);

	if (r < 0)
		return r;
	r = note_file(note, saved_prefix, saved_was, saved);
	if (r == 0)
		r = note_file(note, live_prefix, live_was, live);
	if (r < 0)
		conf_free(note);
	else
		*ret = note;
	return r;
}

struct goer {
	const struct conf_file *note, *saved_now, *live_now;
	struct conf_file *saved, *live;
	undo_left_fn *left;
	void *data;
	bool saves;
	int n, r;
};

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_value(const char *value)
{
	return *value == '=' || strcmp(value, "-") == 0;
}

/* Is it still what that set has made of it? A note of an earlier version does not say what that was. */
static bool is_as_then(const struct goer *g, const char *prefix, const char *key)
{
	char name[NAME_LEN];
	const char *is = conf_get(prefix == saved_prefix ? g->saved_now : g->live_now, key), *then;

	(void)snprintf(name, sizeof(name), "%s%s%s", then_prefix, prefix, key);
	then = conf_get(g->note, name);
	if (then == NULL)
		return true;
	return *then == '=' ? is != NULL && strcmp(is, then + 1) == 0 : is == NULL;
}

/* Its end belongs to the value: where the one stays, so does the other. */
static bool is_its_own(const struct goer *g, const char *prefix, const char *key)
{
	const char *of = temporary_key(key);

	return is_as_then(g, prefix, key) && (of == NULL || is_as_then(g, prefix, of));
}

/* What stays in the config stays in effect too. It is told once. */
static bool may_go(const struct goer *g, const char *prefix, const char *key)
{
	bool saved = is_its_own(g, saved_prefix, key);

	if (saved && (prefix == saved_prefix || is_its_own(g, prefix, key)))
		return true;
	if ((saved || prefix == saved_prefix) && temporary_key(key) == NULL && g->left != NULL)
		g->left(key, g->data);
	return false;
}

static void go(const char *name, const char *value, void *data)
{
	struct goer *g = data;
	const char *prefix = has_prefix(name, saved_prefix)  ? saved_prefix
			     : has_prefix(name, live_prefix) ? live_prefix
							     : NULL;
	const char *key = prefix != NULL ? name + strlen(prefix) : "";
	struct conf_file *f = prefix == saved_prefix ? g->saved : g->live;

	if (g->r < 0 || (has_prefix(name, then_prefix) && is_value(value)))
		return;
	if (*key == '\0' || !is_value(value)) {
		g->r = -EINVAL;
		return;
	}
	if (!may_go(g, prefix, key))
		return;
	if (*value == '=')
		g->r = conf_set(f, key, value + 1);
	else
		conf_unset(f, key);
	g->saves = g->saves || prefix == saved_prefix;
	g->n++;
}

int undo_apply(const struct conf_file *note, struct conf_file *saved, struct conf_file *live,
	       bool *ret_saves, undo_left_fn *left, void *data)
{
	/* Judged by what there is before the first of them goes. */
	struct conf_file *saved_now = conf_copy(saved), *live_now = conf_copy(live);
	struct goer g = {.note = note,
			 .saved_now = saved_now,
			 .live_now = live_now,
			 .saved = saved,
			 .live = live,
			 .left = left,
			 .data = data};

	if (saved_now == NULL || live_now == NULL)
		g.r = -ENOMEM;
	else
		conf_each(note, go, &g);
	conf_free(saved_now);
	conf_free(live_now);
	if (g.r < 0)
		return g.r;
	*ret_saves = g.saves;
	return g.n;
}
