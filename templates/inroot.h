/*
 * inroot.h - opening what a stranger's root file system holds: every link, ".." and "/" in the path
 * stays below root_fd, and no mount or magic link is crossed.
 */
#pragma once

/* openat2(RESOLVE_IN_ROOT|RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS), O_CLOEXEC. -errno. */
int inroot_open(int root_fd, const char *path, int flags);
