/*
 * child.h - children of ours and descriptors, waited for with a limit: a process that the kernel holds (a disk
 * or a file system that does not answer, a frozen cgroup) does not even end by SIGKILL, and must not take us along.
 * No allocation.
 */
#pragma once

#include <sys/types.h>

/* Until the descriptor is ready for events of poll(2) or has failed: 1; 0 after ms; -errno. Through EINTR. */
int fd_wait(int fd, short events, unsigned int ms);

/* Waits for the end of a child of ours and reaps it. 0, or -ETIMEDOUT after ms, or -errno. ret_status may be NULL. */
int child_wait(pid_t pid, unsigned int ms, int *ret_status);

/* SIGKILL first. One that does not end is left behind, to be reaped by whoever is its parent when we are gone. */
int child_end(pid_t pid, unsigned int ms, int *ret_status);
