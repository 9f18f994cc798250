/*
 * value.h - small KEY=VALUE records, one a line: our own state files and worker reports.
 * Values hold no newline. Not the admin's configuration (runtime/config does that).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Copies the value of KEY in text; -ENOENT when missing, -ENOSPC when it does not fit. */
int value_get(const char *text, const char *key, char *buf, size_t size);
int value_get_u64(const char *text, const char *key, uint64_t *ret);

/* Appends KEY=VALUE\n at *used of buf; -ENOSPC when full, -EINVAL for a value with a newline. */
int value_put(char *buf, size_t size, size_t *used, const char *key, const char *value);
int value_put_u64(char *buf, size_t size, size_t *used, const char *key, uint64_t value);
