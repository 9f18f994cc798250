/*
 * needs.h - what a host must have to resume the processes of another. Asked before they are frozen: behind the commit
 * an answer comes too late. All pure: texts of /proc come in, a text that is not exactly so is -EBADMSG.
 */
#pragma once

#include "runtime/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
	NEEDS_FLAGS_MAX = 2048
};

/* Of the source what the CT needs, of the destination what it has. */
struct message_needs {
	char kernel[65]; /* uname(2), release */
	uint32_t criu; /* its version, 40200 is 4.2.0; 0: the source has none */
	uint64_t memory; /* bytes: of its processes; at the destination, that can be had */
	uint64_t
		xsave; /* bytes that the kernel saves of a processor's registers; 0: it is no x86 */
	char flags
		[NEEDS_FLAGS_MAX]; /* instructions of the processor, as /proc/cpuinfo names them, one space between */
};

/* Appends lines at *used; -ENOSPC. And back. */
int needs_format(const struct message_needs *n, char *buf, size_t size, size_t *used);
int needs_parse(const char *text, struct message_needs *ret);

/* Flags of the first processor that a program can use without asking its kernel. -EBADMSG, -ENOSPC. */
int needs_flags_of(const char *cpuinfo, char *buf, size_t size);
/* Bytes, of the text of /proc/meminfo: what can be had without harm, swap space among it. -EBADMSG. */
int needs_memory_of(const char *meminfo, uint64_t *ret);

/* Called for each thing that the destination lacks, with a sentence. */
typedef void needs_find_fn(const struct berth_error *why, void *data);
void needs_compare(const struct message_needs *source, const struct message_needs *here,
		   needs_find_fn *fn, void *data);
