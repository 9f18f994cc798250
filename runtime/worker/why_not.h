/* why_not.h - what keeps a CT that runs from being suspended or moved with its processes: all of it, as results. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum {
	WHY_NOT_MAX = 100 /* findings that are told; the last one counts the rest */
};

struct why_not {
	unsigned int n; /* found so far */
	pid_t init; /* of the CT */
	dev_t queues; /* the file system of its POSIX message queues; 0: not known */
	const char *queues_fix;
};

/*
 * One finding. level: "error", it cannot be saved; "warning", it goes on without that. pid: of the process whose fault
 * it is, with its program's name; 0: none. Reports fN.level, .name, .text, .fix, .pid, .command.
 */
void why_not_found(struct why_not *y, const char *level, const char *name, pid_t pid,
		   const char *command, const char *text, const char *fix);
/* The last word: how many more there were. */
void why_not_end(struct why_not *y);

/*
 * Looks at each process: those that CRIU would save, and those that were put into the CT from outside. Reads /proc of
 * the host only, opens nothing that is the tenant's, and asks none of the CT's file systems. -errno.
 */
int why_not_processes(struct why_not *y);
