/*
 * order.h - what berthd tells a worker that it has started in advance: the words of an operation, with two
 * descriptors beside them (SCM_RIGHTS): where to report, and the CT's lock or none.
 *
 * The words follow each other, each with its NUL. The parser is pure.
 */
#pragma once

#include <stddef.h>

enum {
	ORDER_SIZE = 1024,
	ORDER_WORDS = 10,
	ORDER_FDS = 2
};

/* The argument of a worker that waits for its order on its standard input. */
#define ORDER_WAIT "--wait"

/* words ends with NULL. Returns the length, or -E2BIG. */
int order_pack(const char *const *words, char buf[static ORDER_SIZE]);

/* Points ret[0..n-1] into buf and sets ret[n] to NULL; returns n > 0, or -EBADMSG. */
int order_parse(const char *buf, size_t len, const char *ret[static ORDER_WORDS + 1]);
