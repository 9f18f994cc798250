/*
 * destroy.h - the way out of a CT, on somebody's order or after a crash.
 */
#pragma once

#include "runtime/daemon/job.h"

/*
 * Only what ct->going names is removed, and private/CTID only when it is that very area (evidence.h);
 * going_by is INTENT_DESTROY, INTENT_CREATE for what a create made, or INTENT_LEFT.
 *
 * j holds a CT of which nothing runs. Ends with the CT gone from the registry; or, when something
 * could not be removed, with the CT as it was, or broken when its config is gone already: then the
 * rest is tried again later, without anybody asking.
 */
void destroy_run(struct job *j);

/* The same from the order on: notes what private area is meant, and then that one goes. */
void destroy_order(struct job *j);

/* Has a worker do it; for what follows, next. */
void destroy_worker(struct job *j, job_next_fn *next);

/* The worker that destroys was killed: another takes its place, a few times. False: enough of it. */
bool destroy_go_on(struct job *j, job_next_fn *next);
