/*
 * hide.h - what the kernel tells of a volume's device where every CT can read it: the path of its file, its size, each
 * write. Only its owner, the host's root, may read that.
 *
 * By mode, not by something mounted over it: the files are the same in each sysfs and procfs, so that it holds however
 * a tenant comes to see them. A kernel without one of the files has nothing to hide there.
 */
#pragma once

/* dev: "/dev/loop3". What is known of any loop device; it holds until the device is removed. */
void hide_loop(const char *dev);
/* What is known of an ext4 file system on it; it holds until it is unmounted. */
void hide_ext4(const char *dev);
