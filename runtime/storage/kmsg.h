/*
 * kmsg.h - the kernel's own words on a mount: file systems say why they refused (or why they fell
 * back to read-only) in the kernel log only. For messages; nothing is decided by it.
 */
#pragma once

#include <stddef.h>

/*
 * Remembers the end of the log, one for each thread, for kmsg_first. A thread's first call opens the log, for which
 * the kernel looks through all of it (0.2 ms): a worker does that before it has an order. It stays open until the
 * process ends or execs.
 */
void kmsg_mark(void);

/*
 * Copies the first warning or error since the mark that contains word into buf ("" when there is none, no mark,
 * or no right to read the log): what follows is mostly consequence. Another mount at the same moment may have said it,
 * or have taken it.
 */
void kmsg_first(const char *word, char *buf, size_t size);

/* Each record since the mark, or since the last one that this thread has read. */
typedef void kmsg_fn(const char *text, void *data);
void kmsg_each(kmsg_fn *fn, void *data);

/*
 * Pure: the text of one record of /dev/kmsg ("6,339,514,-;text\n KEY=value"). Returns its level, 0
 * (emergency) to 7 (debug), or -EINVAL.
 */
int kmsg_parse(const char *record, char *buf, size_t size);
