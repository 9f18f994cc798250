/* file.c - KEY="value" files: parsed line by line, rewritten with everything else kept. */
#include "runtime/config/file.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <stdbool.h>
#include <string.h>

enum {
	CONF_KEY_MAX = 63,
	CONF_MODE = 0644
};

struct conf_line {
	char *raw; /* as read or as it will be written, without the newline */
	char *key; /* NULL for a comment or an empty line */
	char *value;
};

struct conf_file {
	struct conf_line *lines;
	size_t n, room;
};

static void line_clear(struct conf_line *l)
{
	free(l->raw);
	free(l->key);
	free(l->value);
}

void conf_free(struct conf_file *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++)
		line_clear(&f->lines[i]);
	free(f->lines);
	free(f);
}

static void conf_free_p(struct conf_file **f)
{
	conf_free(*f);
}

/* Takes what l holds, on failure too. */
static int conf_push(struct conf_file *f, struct conf_line *l)
{
	if (f->n == f->room) {
		size_t room = f->room == 0 ? 32 : f->room * 2;
		struct conf_line *lines = reallocarray(f->lines, room, sizeof(*lines));

		if (lines == NULL) {
			line_clear(l);
			return -ENOMEM;
		}
		f->lines = lines;
		f->room = room;
	}
	f->lines[f->n++] = *l;
	return 0;
}

static bool is_key_byte(char c, bool first)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_')
		return true;
	return !first && c >= '0' && c <= '9';
}

static bool is_value_byte(char c)
{
	return (unsigned char)c >= 0x20 && c != 0x7f && c != '"';
}

static size_t skip_blank(const char *s, size_t len, size_t at)
{
	while (at < len && (s[at] == ' ' || s[at] == '\t'))
		at++;
	return at;
}

static const char *check_bytes(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return "a control byte";
	return NULL;
}

/* What may follow a value: blanks and a comment. */
static bool is_tail(const char *s, size_t len, size_t at)
{
	size_t end = skip_blank(s, len, at);

	return end == len || (s[end] == '#' && end > at);
}

/* Finds the value that begins at *at; *at and *ret_end then enclose it. Returns what is wrong. */
static const char *find_value(const char *s, size_t len, size_t *at, size_t *ret_end)
{
	size_t begin = *at, end;
	char quote = '\0';

	if (begin < len && (s[begin] == '"' || s[begin] == '\''))
		quote = s[begin++];
	end = begin;
	while (end < len && (quote != '\0' ? s[end] != quote : s[end] != ' ' && s[end] != '\t'))
		if (!is_value_byte(s[end++]))
			return "a byte in the value that cannot be kept";
	if (quote != '\0' && end == len)
		return "a quote that does not end";
	if (!is_tail(s, len, quote != '\0' ? end + 1 : end))
		return "text after the value";
	if (end - begin > CONF_VALUE_MAX)
		return "a value that is too long";
	*at = begin;
	*ret_end = end;
	return NULL;
}

/* Returns what is wrong with the line, or NULL; *l is then filled. */
static const char *parse_line(const char *s, size_t len, struct conf_line *l)
{
	size_t key = skip_blank(s, len, 0), key_end = key, value, value_end;
	const char *wrong = check_bytes(s, len);

	if (wrong != NULL)
		return wrong;
	l->raw = strndup(s, len);
	if (key == len || s[key] == '#')
		return NULL;
	while (key_end < len && is_key_byte(s[key_end], key_end == key))
		key_end++;
	if (key_end == key || key_end == len || s[key_end] != '=')
		return "neither KEY=\"value\" nor a comment";
	if (key_end - key > CONF_KEY_MAX)
		return "a key that is too long";
	value = key_end + 1;
	wrong = find_value(s, len, &value, &value_end);
	if (wrong != NULL)
		return wrong;
	l->key = strndup(s + key, key_end - key);
	l->value = strndup(s + value, value_end - value);
	return NULL;
}

static bool line_is_whole(const struct conf_line *l)
{
	return l->raw != NULL && (l->key == NULL) == (l->value == NULL);
}

int conf_parse(const char *text, size_t len, struct conf_file **ret, struct berth_error *err)
{
	auto_ptr(conf_free_p) struct conf_file *f = calloc(1, sizeof(*f));
	unsigned int number = 1;

	if (f == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
	if (len > CONF_FILE_MAX)
		return berth_error_set(err, BERTH_ERR_BROKEN, EFBIG,
				       "the file is longer than %d bytes", CONF_FILE_MAX);
	for (size_t at = 0; at < len; number++) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl != NULL ? (size_t)(nl - text) - at : len - at;
		struct conf_line l = {0};
		const char *wrong = parse_line(text + at, n, &l);

		if (wrong != NULL) {
			line_clear(&l);
			return berth_error_set(err, BERTH_ERR_BROKEN, EINVAL, "line %u: %s", number,
					       wrong);
		}
		if (!line_is_whole(&l) || conf_push(f, &l) < 0)
			return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "out of memory");
		at += n + 1;
	}
	*ret = take_ptr(f);
	return 0;
}

struct conf_file *conf_copy(const struct conf_file *f)
{
	auto_free char *text = NULL;
	struct conf_file *copy = NULL;

	if (conf_format(f, &text) < 0 || conf_parse(text, strlen(text), &copy, NULL) < 0)
		return NULL;
	return copy;
}

static struct conf_line *find_last(const struct conf_file *f, const char *key)
{
	for (size_t i = f->n; i > 0; i--) {
		struct conf_line *l = &f->lines[i - 1];

		if (l->key != NULL && strcmp(l->key, key) == 0)
			return l;
	}
	return NULL;
}

const char *conf_get(const struct conf_file *f, const char *key)
{
	const struct conf_line *l = find_last(f, key);

	return l != NULL ? l->value : NULL;
}

static bool key_is_valid(const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < n; i++)
		if (!is_key_byte(key[i], i == 0))
			return false;
	return n > 0 && n <= CONF_KEY_MAX;
}

static bool value_is_valid(const char *value)
{
	size_t n = strlen(value);

	for (size_t i = 0; i < n; i++)
		if (!is_value_byte(value[i]))
			return false;
	return n <= CONF_VALUE_MAX;
}

int conf_set(struct conf_file *f, const char *key, const char *value)
{
	struct conf_line l = {0}, *old;

	if (!key_is_valid(key) || !value_is_valid(value))
		return -EINVAL;
	l.key = strdup(key);
	l.value = strdup(value);
	if (l.key == NULL || l.value == NULL || asprintf(&l.raw, "%s=\"%s\"", key, value) < 0) {
		l.raw = NULL;
		line_clear(&l);
		return -ENOMEM;
	}
	old = find_last(f, key);
	if (old == NULL)
		return conf_push(f, &l);
	line_clear(old);
	*old = l;
	return 0;
}

void conf_unset(struct conf_file *f, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct conf_line *l = &f->lines[i];

		if (l->key != NULL && strcmp(l->key, key) == 0)
			line_clear(l);
		else
			f->lines[kept++] = *l;
	}
	f->n = kept;
}

int conf_format(const struct conf_file *f, char **ret)
{
	size_t size = 1, used = 0;
	char *text;

	for (size_t i = 0; i < f->n; i++)
		size += strlen(f->lines[i].raw) + 1;
	text = malloc(size);
	if (text == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++) {
		size_t n = strlen(f->lines[i].raw);

		memcpy(text + used, f->lines[i].raw, n);
		used += n;
		text[used++] = '\n';
	}
	text[used] = '\0';
	*ret = text;
	return 0;
}

bool conf_equal(const struct conf_file *a, const struct conf_file *b)
{
	auto_free char *one = NULL, *other = NULL;

	return conf_format(a, &one) == 0 && conf_format(b, &other) == 0 && strcmp(one, other) == 0;
}

void conf_each(const struct conf_file *f,
	       void (*fn)(const char *key, const char *value, void *data), void *data)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct conf_line *l = &f->lines[i];

		if (l->key != NULL && find_last(f, l->key) == l)
			fn(l->key, l->value, data);
	}
}

int conf_load_at(int dirfd, const char *name, struct conf_file **ret, struct berth_error *err)
{
	auto_free char *text = NULL;
	struct berth_error why = {0};
	size_t len;
	int r = file_read_at(dirfd, name, CONF_FILE_MAX, &text, &len);

	if (r < 0)
		return berth_error_sys(err, r, "read configuration %s", name);
	r = conf_parse(text, len, ret, &why);
	if (r < 0)
		return berth_error_set(err, why.code, why.sys, "%s: %.300s", name, why.msg);
	return 0;
}

static int conf_write_at(int dirfd, const char *name, const struct conf_file *f,
			 int (*write_at)(int dirfd, const char *name, const void *buf, size_t len,
					 mode_t mode, bool durable),
			 struct berth_error *err)
{
	auto_free char *text = NULL;
	int r = conf_format(f, &text);

	if (r == 0 && strlen(text) > CONF_FILE_MAX)
		r = -EFBIG;
	if (r == 0)
		r = write_at(dirfd, name, text, strlen(text), CONF_MODE, true);
	if (r < 0)
		return berth_error_set(err, BERTH_ERR_SAVE, -r, "write configuration %s: %s", name,
				       strerror(-r));
	return 0;
}

int conf_save_at(int dirfd, const char *name, const struct conf_file *f, struct berth_error *err)
{
	return conf_write_at(dirfd, name, f, file_replace_at, err);
}

int conf_create_at(int dirfd, const char *name, const struct conf_file *f, struct berth_error *err)
{
	return conf_write_at(dirfd, name, f, file_create_at, err);
}
