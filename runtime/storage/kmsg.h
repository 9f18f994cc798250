/*
 * kmsg.h - the kernel's own words on a mount: file systems say why they refused (or why they fell
 * back to read-only) in the kernel log only. For messages; nothing is decided by it.
 */
#pragma once

#include <stddef.h>

/* A position at the end of the log; -errno when it may not be read (then the rest is harmless). */
int kmsg_mark(void);

/*
 * Copies the first warning or error since the mark that contains word into buf ("" when there is none): what
 * follows is mostly consequence. Another mount at the same moment may have said it.
 */
void kmsg_first(int mark, const char *word, char *buf, size_t size);

/*
 * Pure: the text of one record of /dev/kmsg ("6,339,514,-;text\n KEY=value"). Returns its level, 0
 * (emergency) to 7 (debug), or -EINVAL.
 */
int kmsg_parse(const char *record, char *buf, size_t size);
