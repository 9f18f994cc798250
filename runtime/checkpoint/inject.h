/*
 * inject.h - a thread of a CT is given seccomp filters from outside, before it runs again. On x86-64 only
 * (INJECT_WORKS): elsewhere CRIU gives back what it can.
 */
#pragma once

#include "runtime/checkpoint/filters.h"

#ifdef __x86_64__
#define INJECT_WORKS true
#else
#define INJECT_WORKS false
#endif

/* Takes hold of a thread that is frozen: it stops when it is thawed; and dies if we do. -errno. */
int inject_hold(pid_t tid);
/* One that is held and not frozen any more: it makes the calls, and goes on. -errno: it is still held. */
int inject_filters(pid_t tid, const struct filter_thread *t);
