/* mountinfo.h - what the kernel says of a mount that is attached. */
#pragma once

#include "runtime/base/error.h"
#include "runtime/storage/rootfs.h"

/* Stores the line of /proc/self/mountinfo of the mount that fd lies on; the caller frees it. */
int mountinfo_line(int fd, char **ret, struct berth_error *err);

/* Pure: the line of mount id in the text of a mountinfo file; NULL when there is none. */
const char *mountinfo_find(const char *text, unsigned long long id);

/* Pure: rw both of the mount and of its file system. */
bool mountinfo_is_writable(const char *line);

void rootfs_defaults_read(struct rootfs_defaults *ret);
