/*
 * spare.h - one berth-worker that is loaded already and waits for its order: what a start waits for is
 * the CT, not the dynamic linker.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Starts one if keep_spare says so and none waits. A failure is no harm: the next operation starts its own worker. */
void spare_keep(struct daemon *d);

/*
 * Gives the order to the one that waits. argv: OP and its arguments; keep: the CT's lock, and what is passed on
 * besides (order.h). Returns 0 and its pidfd if there is one, or -errno when there is none to take it.
 */
int spare_order(struct daemon *d, const char *const *argv, int report_fd, const int *keep,
		unsigned int n_keep, int *ret_pidfd);

/* Sends it home. */
void spare_drop(struct daemon *d);
