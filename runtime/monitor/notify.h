/*
 * notify.h - what a CT's init says on its notify socket (sd_notify(3)): lines KEY=VALUE. All of it
 * is the tenant's: READY= and STATUS= are taken, everything else is ignored.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	NOTIFY_SIZE_MAX = 4096,
	NOTIFY_STATUS_MAX = 120
};

struct notify_news {
	bool ready; /* READY=1 */
	bool has_status;
	char status[NOTIFY_STATUS_MAX]; /* STATUS=, printable ASCII only, cut to fit */
};

/* Pure. -EBADMSG for an empty or too long datagram or one with a NUL inside. */
int notify_parse(const char *buf, size_t len, struct notify_news *ret);
