/*
 * reserve.h - room in a volume for the mount of an overlay on it, when the tenant has used up all the rest.
 *
 * The kernel makes directories and files in work/ each time it mounts an overlay, and cannot on a volume without
 * a free inode or block: such a CT could neither start nor be repaired. So a few of both are held by files
 * that the tenant does not see, and let go for the time of the mount.
 */
#pragma once

/* volume_fd: the top directory of the mounted volume. Makes what is missing, as far as there is room. */
void reserve_make(int volume_fd);

/* Lets it go. 1: there is room now; 0: there was none to let go. */
int reserve_release(int volume_fd);
