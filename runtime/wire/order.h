/*
 * order.h - what berthd gives a worker: the words of an operation, and descriptors.
 *
 * One that was started in advance gets them in a message, the words one after the other, each with its NUL; beside
 * them (SCM_RIGHTS) where to report, the CT's lock if there is one, and then what is passed on: ends of a client's
 * streams, what berthd keeps of a CT. One that is started with them inherits them by number:
 * --lock FD --fds FD,FD... before the words. The words say what is what among those passed on, in that order.
 * The parsers are pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	ORDER_SIZE = 1024,
	ORDER_WORDS = 10,
	ORDER_PASS_MAX = 8, /* passed on */
	ORDER_FDS = 2 + ORDER_PASS_MAX,
	ORDER_LIST_SIZE = ORDER_PASS_MAX * 12
};

/*
 * In a worker's environment: which words, descriptors and reports the berthd that runs knows. To be raised with each
 * change of them that an older one would get wrong: between an upgrade and berthd's restart it runs new workers.
 */
#define ORDER_VERSION_ENV "BERTH_ORDER_VERSION"
#define ORDER_VERSION "1"

/* Pure. Is what an environment says, NULL: nothing (run by hand, or by berthd 0.1.0), what this program knows? */
bool order_version_fits(const char *said);

/* The argument of a worker that waits for its order on its standard input. */
#define ORDER_WAIT "--wait"

/* words ends with NULL. Returns the length, or -E2BIG. */
int order_pack(const char *const *words, char buf[static ORDER_SIZE]);

/* Points ret[0..n-1] into buf and sets ret[n] to NULL; returns n > 0, or -EBADMSG. */
int order_parse(const char *buf, size_t len, const char *ret[static ORDER_WORDS + 1]);

/* Numbers of descriptors, "5,7", and back: how many, or -EBADMSG (also for 0, 1, 2, or one that is named twice). */
void order_list_format(const int *fds, unsigned int n, char buf[static ORDER_LIST_SIZE]);
int order_list_parse(const char *text, int fds[static ORDER_PASS_MAX]);
