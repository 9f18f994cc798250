/*
 * filters.h - the seccomp filters of a CT's threads, which CRIU without privilege cannot give back to all of them.
 *
 * CRIU sets a thread's filters before it sets its ids, groups and capabilities, and then stops the kernel from asking
 * them (PTRACE_O_SUSPEND_SECCOMP): that needs CAP_SYS_ADMIN of the host (check_ptrace_options in kernel/ptrace.c), which
 * ours has not got. A service with SystemCallFilter=~@privileged is killed by its own filter then, at setgroups. CRIU
 * does not know of no_new_privs, either. So threads that may add filters (seccomp(2): no_new_privs, or
 * CAP_SYS_ADMIN) get only the first, berth's own, from CRIU; the others are given to them by inject.h before they run.
 * Which those are stands beside the images, in a file of berth's own: a line "INNER_TID NO_NEW_PRIVS" each.
 *
 * In seccomp.img a thread has the number of its oldest filter, and each names in prev the one that was added to it: so
 * PTRACE_SECCOMP_GET_FILTER counts them. Threads that have the same as their process have no number.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct filter {
	const struct sock_filter *code; /* of the set's */
	uint16_t n;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_LOG */
};

struct filter_thread {
	int inner; /* its number in the CT */
	bool no_new_privs;
	int64_t oldest; /* the number of its oldest filter; -1: none of its own */
	struct filter *filters; /* malloc'ed; the oldest first; without the very first */
	size_t n;
};

/* Pure: /proc/PID/task/TID/status of a thread. 1: its filters are given to it by inject.h; 0: not; -EINVAL. */
int filter_thread_of(const char *status, struct filter_thread *ret);
/* Pure: the last number of a line of it, which begins with key: the CT's own. -EINVAL. */
int filter_number_of(const char *status, const char *key);
/* Pure: a line of the file. -EINVAL. */
int filter_thread_parse(const char *line, struct filter_thread *ret);

/* What is in seccomp.img; -EBADMSG, -ENOMEM. Pure. */
struct filter_set;
int filter_set_read(const uint8_t *image, size_t len, struct filter_set **ret);
void filter_set_free(struct filter_set *s);

/* Pure: t's filters by t->oldest. -EBADMSG, -ENOMEM. */
int filter_thread_chain(struct filter_thread *t, const struct filter_set *s);
/* Pure: the number of the oldest filter in core-TID.img; -1: none. -EBADMSG. */
int filter_core_read(const uint8_t *core, size_t len, int64_t *ret);
/*
 * Pure but for the set, which is good for nothing then: a seccomp.img in which the oldest filters of these threads have
 * none added; malloc'ed. -ENOMEM.
 */
int filter_set_strip(struct filter_set *s, const struct filter_thread *t, size_t n, uint8_t **ret,
		     size_t *ret_len);
