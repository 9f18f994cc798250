/*
 * pidref.h - a process that cannot be mistaken for another: pid, start time and boot id.
 *
 * A pid alone may be reused; with the start time (proc_pid_stat(5), field 22, clock ticks since
 * boot) and the boot id it names one process for ever.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

enum {
	BOOT_ID_LEN = 36
};

struct pidref {
	pid_t pid;
	uint64_t start_time; /* clock ticks since boot */
};

/* Pure: the start time out of the text of /proc/PID/stat. -EINVAL for a bad text. */
int pidref_parse_stat(const char *stat, uint64_t *ret_start_time);

/* Fills *ref for a living process. -ESRCH when there is none. */
int pidref_get(pid_t pid, struct pidref *ref);

/* A pidfd (CLOEXEC). -ESRCH when no process has this number; a thread's is none. See pidfd_open(2). */
int pid_open(pid_t pid);

/*
 * Opens a pidfd, only if the process is still the one that ref names. -ESRCH is proof that it is not; any
 * other error (no descriptor, no memory) says nothing about it.
 */
int pidref_open(const struct pidref *ref);

/* 1: it runs; 0: it has ended (a zombie too), for certain; -errno: that cannot be told now. */
int pidref_runs(const struct pidref *ref);

/* /proc/sys/kernel/random/boot_id into buf. */
int boot_id_read(char buf[BOOT_ID_LEN + 1]);
