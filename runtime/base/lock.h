/*
 * lock.h - one operation a CT: flock(2) on a file, the holder named in it.
 * The kernel drops the lock with the holder, so it can never be stale.
 */
#pragma once

#include "runtime/base/error.h"

/*
 * Takes the lock NAME below dirfd and writes "pid\nwhat\n" into it. Returns the descriptor that
 * holds it (close it to release; a child that inherits it holds it too), or -EWOULDBLOCK with a
 * BERTH_ERR_LOCKED "locked by WHAT (pid N); ...": the caller says what is locked.
 */
int lock_take(int dirfd, const char *name, const char *what, struct berth_error *err);

/*
 * 1: somebody holds it now; 0: nobody does (a missing file neither); -errno: that cannot be told now. Takes
 * and writes nothing.
 */
int lock_is_held(int dirfd, const char *name);
