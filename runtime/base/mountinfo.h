/* mountinfo.h - what the kernel says of mounts that are attached, see proc_pid_mountinfo(5). */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>

/* All of /proc/self/mountinfo; the caller frees it. */
int mountinfo_read(char **ret, struct berth_error *err);

/* Stores the line of /proc/self/mountinfo of the mount that fd lies on; the caller frees it. */
int mountinfo_line(int fd, char **ret, struct berth_error *err);

/* Pure: the line of mount id in the text of a mountinfo file; NULL when there is none. */
const char *mountinfo_find(const char *text, unsigned long long id);

/* Pure: rw both of the mount and of its file system. */
bool mountinfo_is_writable(const char *line);

/* Pure: the n-th field of a line, counted from 1, up to a space or the end; NULL when there are fewer. */
const char *mountinfo_field(const char *line, int n);
/* Pure: the file system's own options: the third field after the lone "-". */
const char *mountinfo_super_options(const char *line);
