/*
 * clock.h - the clock that deadlines are counted by, and short pauses.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t clock_now_ms(void);
/* Seconds since the host has booted, its sleep included: what a process's start time is counted by. */
uint64_t clock_uptime_s(void);

/* Nanoseconds of CLOCK_MONOTONIC and of CLOCK_BOOTTIME: what a CT that is moved takes along. */
uint64_t clock_monotonic_ns(void);
uint64_t clock_boottime_ns(void);

/* Nanoseconds of CPU time that a process's threads have taken; 0: it has ended, or cannot be asked. */
uint64_t clock_process_cpu_ns(pid_t pid);

/* Of the caller's own process, by one system call. */
uint64_t clock_own_cpu_ns(void);

/* A moment after so many milliseconds. */
static inline uint64_t clock_deadline(uint64_t after_ms)
{
	return clock_now_ms() + after_ms;
}

static inline bool clock_is_past(uint64_t deadline)
{
	return clock_now_ms() >= deadline;
}

/* Shorter when a signal comes. */
void clock_pause_us(uint64_t us);
