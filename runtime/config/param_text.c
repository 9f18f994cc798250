/* param_text.c - names, words, switches. */
#include "runtime/base/parse.h"
#include "runtime/config/param_types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int param_apply_yesno(struct conf_file *f, const struct param *p, const char *value, bool append,
		      struct berth_error *err)
{
	static const char *const yes[] = {"yes", "on", "1", "true"};
	static const char *const no[] = {"no", "off", "0", "false"};

	(void)append;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(value, yes[i]) == 0)
			return param_store(f, p, "yes", err);
		if (strcasecmp(value, no[i]) == 0)
			return param_store(f, p, "no", err);
	}
	return param_bad_value(err, p, value, "not yes or no");
}

/* An empty value takes the setting away. */
static int unset(struct conf_file *f, const struct param *p)
{
	conf_unset(f, p->key);
	return 0;
}

int param_apply_name(struct conf_file *f, const struct param *p, const char *value, bool append,
		     struct berth_error *err)
{
	(void)append;
	if (*value == '\0')
		return unset(f, p);
	if (!name_is_valid(value))
		return param_bad_value(err, p, value,
				       "use 1 to 63 of a-z, 0-9 and '-', and at least one letter");
	return param_store(f, p, value, err);
}

int param_apply_hostname(struct conf_file *f, const struct param *p, const char *value, bool append,
			 struct berth_error *err)
{
	(void)append;
	if (*value == '\0')
		return unset(f, p);
	if (!hostname_is_valid(value))
		return param_bad_value(
			err, p, value,
			"not a host name of at most 64 letters, digits, '-' and '.'");
	return param_store(f, p, value, err);
}

int param_apply_text(struct conf_file *f, const struct param *p, const char *value, bool append,
		     struct berth_error *err)
{
	(void)append;
	if (*value == '\0')
		return unset(f, p);
	/* Panels and old scripts read these files with a shell's "." command. */
	if (!text_is_clean(value) || strpbrk(value, "\"$`\\") != NULL)
		return param_bad_value(
			err, p, value,
			"control bytes and the characters \" $ ` \\ cannot be stored");
	if (strlen(value) > p->max)
		return param_bad_value(err, p, value, "too long");
	return param_store(f, p, value, err);
}

int param_apply_template(struct conf_file *f, const struct param *p, const char *value, bool append,
			 struct berth_error *err)
{
	(void)append;
	if (!template_name_is_valid(value))
		return param_bad_value(err, p, value, "use 1 to 127 letters, digits and . _ + -");
	return param_store(f, p, value, err);
}

int param_apply_choice(struct conf_file *f, const struct param *p, const char *value, bool append,
		       struct berth_error *err)
{
	size_t len = strlen(value), n_words = 0;
	struct word_guess g = {.word = value};
	char words[8][32], why[120];

	(void)append;
	for (const char *word = p->arg; *word != '\0' && n_words < 8;) {
		size_t n = strcspn(word, "|");

		(void)snprintf(words[n_words], sizeof(words[0]), "%.*s", (int)n, word);
		word_guess_try(&g, words[n_words++]);
		if (n == len && strncmp(word, value, n) == 0)
			return param_store(f, p, value, err);
		word += n;
		word += *word == '|';
	}
	(void)snprintf(why, sizeof(why), "unknown %s%s%s%s", p->option,
		       g.best != NULL ? " (did you mean " : "", g.best != NULL ? g.best : "",
		       g.best != NULL ? "?)" : "");
	return param_bad_value(err, p, value, why);
}

/* ---- lists ---- */

int param_split(const char *text, struct param_words *ret)
{
	ret->n = 0;
	for (;;) {
		size_t n;

		text += strspn(text, " \t");
		n = strcspn(text, " \t");
		if (n == 0)
			return 0;
		if (ret->n == PARAM_WORDS_MAX)
			return -E2BIG;
		if (n >= PARAM_WORD_SIZE)
			return -ENAMETOOLONG;
		memcpy(ret->word[ret->n], text, n);
		ret->word[ret->n++][n] = '\0';
		text += n;
	}
}

int param_store_words(struct conf_file *f, const struct param *p, const struct param_words *w,
		      struct berth_error *err)
{
	char text[CONF_VALUE_MAX + 2] = "";
	size_t used = 0;

	for (size_t i = 0; i < w->n; i++) {
		int n = snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "",
				 w->word[i]);

		used += (size_t)n;
		if (used > CONF_VALUE_MAX)
			return param_bad_value(err, p, w->word[i], "the list is too long");
	}
	return w->n == 0 ? unset(f, p) : param_store(f, p, text, err);
}

/* As a host name, but longer, and '_' is usual in it. */
static bool domain_is_valid(const char *s)
{
	char before = '.';

	for (; *s != '\0'; before = *s, s++) {
		bool word = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			    (*s >= '0' && *s <= '9') || *s == '_' || *s == '-';

		if (*s == '.' ? before == '.' : !word)
			return false;
		if (*s == '-' && before == '.')
			return false;
	}
	return before != '.';
}

int param_apply_words(struct conf_file *f, const struct param *p, const char *value, bool append,
		      struct berth_error *err)
{
	const char *old = append ? conf_get(f, p->key) : NULL;
	struct param_words all = {0}, add;

	if (param_split(value, &add) < 0 || (old != NULL && param_split(old, &all) < 0))
		return param_bad_value(err, p, value, "too long");
	for (size_t i = 0; i < add.n; i++) {
		if (!domain_is_valid(add.word[i]))
			return param_bad_value(err, p, value, "not a domain name");
		if (all.n == 8)
			return param_bad_value(err, p, value, "more than 8 values");
		memcpy(all.word[all.n++], add.word[i], PARAM_WORD_SIZE);
	}
	for (size_t i = 0; all.n > 1 && i < all.n; i++)
		if (strcmp(all.word[i], "inherit") == 0)
			return param_bad_value(err, p, value,
					       "inherit cannot be combined with other values");
	return param_store_words(f, p, &all, err);
}

/* ---- features ---- */

static const char *const feature_names[] = {"nesting", "tun", "fuse", "capture", "socketcall"};

enum {
	FEATURES = sizeof(feature_names) / sizeof(feature_names[0])
};

/* Sets on[i] for each name:on|off of text. */
static const char *parse_features(const char *text, bool on[FEATURES])
{
	while (*text != '\0') {
		size_t len = strcspn(text, ", "), name = strcspn(text, ":, "), i = 0;
		bool is_on = len == name + 3 && strncmp(text + name, ":on", 3) == 0;

		if (!is_on && !(len == name + 4 && strncmp(text + name, ":off", 4) == 0))
			return "give each feature as NAME:on or NAME:off";
		while (i < FEATURES && (strlen(feature_names[i]) != name ||
					strncmp(feature_names[i], text, name) != 0))
			i++;
		if (i == FEATURES)
			return "unknown feature; use nesting, tun, fuse, capture or socketcall";
		on[i] = is_on;
		text += len;
		text += strspn(text, ", ");
	}
	return NULL;
}

int param_apply_features(struct conf_file *f, const struct param *p, const char *value, bool append,
			 struct berth_error *err)
{
	const char *old = conf_get(f, p->key), *wrong;
	bool on[FEATURES] = {false};
	char text[64] = "";

	(void)append;
	/* What is stored may be OpenVZ's: names that mean nothing here are dropped. */
	if (old != NULL)
		(void)parse_features(old, on);
	wrong = parse_features(value, on);
	if (wrong != NULL)
		return param_bad_value(err, p, value, wrong);
	for (size_t i = 0; i < FEATURES; i++) {
		size_t used = strlen(text);

		if (on[i])
			(void)snprintf(text + used, sizeof(text) - used, "%s%s:on",
				       used > 0 ? "," : "", feature_names[i]);
	}
	return *text == '\0' ? unset(f, p) : param_store(f, p, text, err);
}
