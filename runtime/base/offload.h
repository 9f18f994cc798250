/*
 * offload.h - threads that may wait, for a thread that may not: an event loop gives away what could hang on a
 * disk or in the kernel, and hears when it is done.
 */
#pragma once

#include "runtime/base/ev.h"

struct offload;

/* In a thread: it touches nothing but data, and what nobody changes meanwhile. */
typedef void offload_work_fn(void *data);
/* In the loop, when the work has been done. */
typedef void offload_done_fn(void *data);

/* max: threads at most; they are started as they are needed, and stay. */
int offload_new(struct ev *ev, unsigned int max, struct offload **ret);

/* Works are begun in order, and with max > 1 end in any. -ENOMEM: neither work nor done will be called. */
int offload_run(struct offload *o, offload_work_fn *work, offload_done_fn *done, void *data);

/* Works that are waiting for a thread or at work. */
unsigned int offload_pending(struct offload *o);

/*
 * What is not done now never calls done. Does not wait for the threads: one that hangs keeps what it has until
 * the process ends. NULL is fine.
 */
void offload_free(struct offload *o);
