/*
 * lifecycle.h - start, stop and restart on somebody's order.
 */
#pragma once

#include "runtime/daemon/job.h"

/* j holds the CT. The job ends when init runs (or the start has failed and is cleaned up). */
void lifecycle_start(struct job *j);
/* Ends when nothing of the CT runs any more, or goes on with lifecycle_start if j->restart. */
void lifecycle_stop(struct job *j);

/* For ended.c: init of the CT that j stops has ended. */
void lifecycle_stop_ended(struct job *j);
/* For ended.c: the last step of a stop, after the cleanup worker. */
void lifecycle_stopped(struct job *j, const struct worker_result *result);
