/*
 * file.h - KEY="value" files: berth.conf, ct/CTID.conf, samples/NAME.conf.
 *
 * OpenVZ's format, parsed and never evaluated: comments, order and unknown keys survive a rewrite. A
 * value holds no byte below 0x20, no 0x7f and no '"', so parse(format(x)) == x.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct conf_file; /* owns its memory */

enum {
	CONF_FILE_MAX = 65536,
	CONF_VALUE_MAX = 4096
};

/* Pure. Error names the line. An empty text is a valid file. */
int conf_parse(const char *text, size_t len, struct conf_file **ret, struct berth_error *err);
void conf_free(struct conf_file *f);
struct conf_file *conf_copy(const struct conf_file *f);

/* NULL when missing; owned by f until the next change. The last of several lines wins. */
const char *conf_get(const struct conf_file *f, const char *key);
/* Replaces the line in place or appends; -EINVAL for a value that cannot be written. */
int conf_set(struct conf_file *f, const char *key, const char *value);
void conf_unset(struct conf_file *f, const char *key);
/* malloc'ed text. */
int conf_format(const struct conf_file *f, char **ret);
/* Would both be written as the same text? False without memory. */
bool conf_equal(const struct conf_file *a, const struct conf_file *b);
/* Calls fn for each key, in order. */
void conf_each(const struct conf_file *f,
	       void (*fn)(const char *key, const char *value, void *data), void *data);

/* Reads or atomically, durably replaces a file below dirfd. */
int conf_load_at(int dirfd, const char *name, struct conf_file **ret, struct berth_error *err);
int conf_save_at(int dirfd, const char *name, const struct conf_file *f, struct berth_error *err);
/* As conf_save_at, but -EEXIST rather than writing over a file. */
int conf_create_at(int dirfd, const char *name, const struct conf_file *f, struct berth_error *err);
