/*
 * host_free.h - what a file system of the host has left.
 */
#pragma once

#include <stdint.h>

/*
 * Bytes, of the file system of an open directory: all of it, and what is free for others than root. btrfs does not
 * count in statfs(2) what it has given to files since its last commit, and counts what its metadata will want: here
 * both are taken off.
 * -errno.
 */
int host_free(int fd, uint64_t *ret_total, uint64_t *ret_avail);
