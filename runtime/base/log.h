/*
 * log.h - one line an event, for programs only; libraries return errors and never log.
 *
 * A line is "TIME PROGRAM: LEVEL: ct=CTID message" on stderr; time is UTC. Where stderr is the journal it is
 * "<PRIORITY>PROGRAM: ct=CTID message": the journal has the rest. Bytes that are not printable are escaped, so that
 * tenant text cannot forge a line. No allocation.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LV_ERROR,
	LOG_LV_WARNING,
	LOG_LV_INFO,
	LOG_LV_DEBUG
};

/* Looks where stderr leads: after descriptors 0 to 2 are in place. */
void log_init(const char *program, enum log_level max);

/* ctid 0: not about one CT. */
void log_line(enum log_level level, uint32_t ctid, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The lines go to this file from now on, at its end, and what else is said on 1 and 2 too. -errno: all is as before. */
int log_to_file(const char *path);
/* The same file anew, by its name: it may have been moved away. 0 when the lines go elsewhere. */
int log_reopen(void);

/* What is not printable becomes \\xNN; bytes of UTF-8 pass. At most size - 1 bytes and a NUL; their number. */
size_t log_escape(char *out, size_t size, const char *in);

/* "JOURNAL_STREAM=..." for the environment of a program that shares this stderr, or NULL. */
const char *log_environment(void);

/* Where the lines can be read: "journal", or a file's path. -ENOENT: nowhere (a terminal, a pipe). */
int log_place(char *buf, size_t size);
