/* undo.c - notes what a set has changed, and takes it back. */
#include "runtime/config/undo.h"

#include "runtime/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char saved_prefix[] = "SAVED_", live_prefix[] = "LIVE_";

struct noter {
	struct conf_file *note;
	const struct conf_file *other;
	const char *prefix;
	int r;
};

/* was NULL: there was none. */
static void put(struct noter *n, const char *key, const char *was)
{
	char name[96];
	auto_free char *value = NULL;

	(void)snprintf(name, sizeof(name), "%s%s", n->prefix, key);
	if (was != NULL && asprintf(&value, "=%s", was) < 0)
		n->r = -ENOMEM;
	else
		n->r = conf_set(n->note, name, was != NULL ? value : "-");
}

static void note_was(const char *key, const char *was, void *data)
{
	struct noter *n = data;
	const char *is = conf_get(n->other, key);

	if (n->r == 0 && (is == NULL || strcmp(is, was) != 0))
		put(n, key, was);
}

static void note_new(const char *key, const char *is, void *data)
{
	struct noter *n = data;

	(void)is;
	if (n->r == 0 && conf_get(n->other, key) == NULL)
		put(n, key, NULL);
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
	struct conf_file *saved, *live;
	bool saves;
	int n, r;
};

static void go(const char *name, const char *value, void *data)
{
	struct goer *g = data;
	bool saved = strncmp(name, saved_prefix, sizeof(saved_prefix) - 1) == 0;
	bool live = strncmp(name, live_prefix, sizeof(live_prefix) - 1) == 0;
	struct conf_file *f = saved ? g->saved : g->live;
	const char *key = name + (saved ? sizeof(saved_prefix) : sizeof(live_prefix)) - 1;

	if (g->r < 0)
		return;
	if ((!saved && !live) || *key == '\0' || (*value != '=' && strcmp(value, "-") != 0)) {
		g->r = -EINVAL;
		return;
	}
	if (*value == '=')
		g->r = conf_set(f, key, value + 1);
	else
		conf_unset(f, key);
	g->saves = g->saves || saved;
	g->n++;
}

int undo_apply(const struct conf_file *note, struct conf_file *saved, struct conf_file *live,
	       bool *ret_saves)
{
	struct goer g = {.saved = saved, .live = live};

	conf_each(note, go, &g);
	if (g.r < 0)
		return g.r;
	*ret_saves = g.saves;
	return g.n;
}
