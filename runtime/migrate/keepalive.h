/*
 * keepalive.h - says to the other host that this one is still at work, while it does something long in which it says
 * nothing else. That the work goes on for ever is not its business: berthd ends a worker without progress.
 */
#pragma once

#include "runtime/migrate/link.h"

#include <pthread.h>
#include <stdbool.h>

struct keepalive {
	struct link *link; /* nobody else writes to it between begin and end */
	unsigned int every_ms;
	int stop_fd;
	bool failed; /* after its end: nobody hears it any more */
	pthread_t thread;
};

/* Sends FRAME_WORKING every so often, from a thread. An error ends that: see failed. */
int keepalive_begin(struct keepalive *k, struct link *l, unsigned int every_ms,
		    struct berth_error *err);
/* Every frame that it began is whole when this returns. Without a begin that succeeded: nothing. */
void keepalive_end(struct keepalive *k);
