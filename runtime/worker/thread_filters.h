/*
 * thread_filters.h - the seccomp filters and no_new_privs of a CT's threads, over a suspend and a resume: what CRIU
 * cannot give back (runtime/checkpoint/filters.h).
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/checkpoint/filters.h"

#include <sys/types.h>

/* Of a CT that is frozen: writes into its dump which threads get theirs from us. cg_fd: its cgroup. -errno. */
int thread_filters_save(int cg_fd, int dump_fd);

struct thread_filters {
	struct filter_thread *v;
	pid_t *tids; /* of those that are held; 0: not */
	const struct filter_thread **as; /* whose filters they have; NULL: their own */
	size_t n;
	struct filter_set *set;
};
void thread_filters_free(struct thread_filters *f);

/* Before CRIU reads the images: takes these filters out of them. -errno; also of images that are wrong. */
int thread_filters_take(struct thread_filters *f, int dump_fd, int images_fd);
/* Of a CT that is frozen: from here on none of these threads runs without its filters, whoever dies. -errno. */
int thread_filters_hold(struct thread_filters *f, int cg_fd);
/* It is thawed. A process whose filters cannot be given back is killed, and that is in the log. */
void thread_filters_give(struct thread_filters *f, uint32_t ctid);
