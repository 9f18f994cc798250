/*
 * freeze.h - a mounted file system stands still for a moment: all that it has is on its disk, and who writes waits.
 *
 * The kernel does not thaw what a dead process has frozen. So a process of its own does: when it hears that the one
 * that froze has ended, or that it takes too long.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct freeze {
	int mount_fd; /* borrowed */
	int guard_pipe;
	pid_t guard;
	uint64_t at_ms;
};

/* For at most so many milliseconds. BERTH_ERR_SYSTEM; EBUSY: somebody has frozen it already. */
int freeze_begin(int mount_fd, unsigned int most_ms, struct freeze *ret, struct berth_error *err);
/* *ret_ms: how long it stood still. BERTH_ERR_TIMEOUT: it did not stand still until now. */
int freeze_end(struct freeze *f, uint64_t *ret_ms, struct berth_error *err);
