/* mend.h - what is put right in processes that CRIU has made again, or has let go in the middle of a dump. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A timerfd as /proc/PID/fdinfo shows it. Seconds and nanoseconds. */
struct mend_timer {
	uint64_t ticks, value[2], interval[2];
};
/* Pure: -EINVAL for a text without a timer. */
int mend_timer_parse(const char *fdinfo, struct mend_timer *ret);

/*
 * A periodic timerfd that had expired, unread, when it was dumped comes back with nothing left to run, and never
 * expires again. Such timers of a process that does not run are set anew. How many, or -errno.
 */
int mend_timers(pid_t pid);
/*
 * A TCP socket in repair mode sends and takes nothing: a dumper that died may have left some. How many were
 * taken out of it, or -errno.
 */
int mend_sockets(pid_t pid);
