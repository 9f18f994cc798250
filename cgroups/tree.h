/*
 * tree.h - the cgroups that a CT has made below its own (inner): saved as text when it is suspended, made again
 * before its processes are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Of a saved tree: more is refused (-E2BIG) when it is saved. */
#define CG_TREE_TEXT_MAX (8 << 20)

/* Nothing of the CT may run meanwhile. -errno; also when a process in it cannot be read. */
int cg_tree_save(int inner_fd, uint32_t id_base, FILE *out);

/* A process that was made again: its number here, and in the CT. */
struct cg_tree_pid {
	pid_t pid;
	int inner;
};
struct cg_tree_pids {
	struct cg_tree_pid *v;
	size_t n;
};

/* All below a cgroup. -errno; ret->v is the caller's to free, whatever comes. */
int cg_tree_processes(int dirfd, struct cg_tree_pids *ret);

enum cg_tree_part {
	CG_TREE_DIRS, /* directories, owners, attributes */
	CG_TREE_PROCESSES, /* each to its place; needs pids */
	CG_TREE_KNOBS /* last: where controllers are on, nobody may enter any more */
};
/* One part of what cg_tree_save wrote. -errno; ret_bad gets the line at fault. */
int cg_tree_load(int inner_fd, uint32_t id_base, const char *text, enum cg_tree_part part,
		 const struct cg_tree_pids *pids, char *ret_bad, size_t size);

/* One line of the text, in pieces of it. */
struct cg_tree_line {
	char kind; /* D, F, K, X or P */
	const char *name, *value;
	int uid, gid; /* in the CT; -1: the host's root */
	unsigned int mode;
	int pid;
};
/* Pure, but that it cuts text into pieces. -EINVAL. */
int cg_tree_line_parse(char *text, struct cg_tree_line *ret);
/* Pure: the kernel answers r (0 or -errno) to a saved value of a CT's own knob. Does its resume go on without it? */
bool cg_tree_may_differ(int r, const char *knob);
/* Pure: from the text of /proc/PID/status the number that a process has in the PID namespace below ours. -EINVAL. */
int cg_tree_inner_pid(const char *status);
