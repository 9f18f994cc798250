/* pid_path.h - which CT a process is in, by the text of /proc/PID/cgroup and of /proc/PID/status. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A CT's processes are in PARENT/berth/CTID/inner of the unified hierarchy, or below. What is below, a CT names as it likes,
 * and PARENT is the admin's: so this is a guess, which the CT's own init must confirm.
 *
 * *at: where to look on, 0 at first; it moves behind the guess. -ENOENT: there is no other.
 */
int pid_path_guess(const char *cgroup, size_t *at, uint32_t *ret_ctid);

/* Are both in the cgroups of CT ctid, when init, the text of one of its processes, certainly is? */
bool pid_path_is_in(const char *cgroup, const char *init, uint32_t ctid);

/* The process's pid one pid namespace down, out of /proc/PID/status. -ENOENT: it is in no other one. -EINVAL. */
int pid_inside(const char *status, uint32_t *ret);
