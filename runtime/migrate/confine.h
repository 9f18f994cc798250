/* confine.h - the process that reads what another host sends: without any privilege, it has a few descriptors. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct confine {
	uid_t uid; /* that nobody else has; also the group */
	uint64_t file_bytes; /* that a file may have in which it writes */
	int fds[4]; /* that it keeps, -1 ends the list; standard descriptors become /dev/null */
};

/*
 * This process, for ever: no name of a file, no other process, no socket, and no system call but those that move bytes
 * between its descriptors. To be called in a fresh child of one thread. -errno.
 */
int confine_self(const struct confine *c);
