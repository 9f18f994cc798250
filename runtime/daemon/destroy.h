/*
 * destroy.h - the way out of a CT, on somebody's order or after a crash.
 */
#pragma once

#include "runtime/daemon/job.h"

/*
 * j holds a CT of which nothing runs. Ends with the CT gone from the registry; or, when something
 * could not be removed, with the CT as it was, or broken when its config is gone already: then the
 * rest is tried again later, without anybody asking.
 */
void destroy_run(struct job *j);

/* The worker that destroys was killed: another takes its place, a few times. False: enough of it. */
bool destroy_go_on(struct job *j, job_next_fn *next);
