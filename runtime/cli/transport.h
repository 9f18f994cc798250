/*
 * transport.h - the command that reaches `berth receive` on another host, as rsync's -e: started by whoever typed the
 * move, with what he has (agent, keys, terminal); berthd gets the two ends.
 */
#pragma once

#include "runtime/base/error.h"

#include <sys/types.h>

struct transport {
	pid_t pid;
	int fds[2]; /* from the other host, and to it */
};

/* COMMAND's words (NULL: ssh with the words of ssh_options, which may be NULL), HOST, berth, receive. */
int transport_start(const char *command, const char *ssh_options, const char *host,
		    struct transport *ret, struct berth_error *err);
/*
 * Closes its ends and waits for its own end; it is ended after so many ms. Its exit status, 128 and the signal that
 * ended it, or 255 when it does not even die.
 */
int transport_end(struct transport *t, unsigned int patience_ms);
