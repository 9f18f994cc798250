/*
 * destroy.h - the way out of a CT, on somebody's order or after a crash.
 */
#pragma once

#include "runtime/daemon/job.h"

/*
 * j holds a CT of which nothing runs. Ends with the CT gone from the registry; or, when something
 * could not be removed, with the CT as it was, or broken when its config is gone already.
 */
void destroy_run(struct job *j);
