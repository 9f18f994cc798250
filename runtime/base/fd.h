/*
 * fd.h - files by directory descriptor: whole reads, atomic replacement, descriptor passing.
 *
 * All functions return 0 or a count, or -errno. Every descriptor is born with O_CLOEXEC.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Writes all of buf, through short writes and EINTR. */
int fd_write_all(int fd, const void *buf, size_t len);

/* Reads until end of file or until size bytes; returns the count. */
ssize_t fd_read_all(int fd, void *buf, size_t size);

/*
 * Reads a regular, proc or cgroup file whole into a NUL-terminated malloc'ed string, at most max
 * bytes (-EFBIG beyond). The caller frees *ret. ret_len may be NULL. O_NOFOLLOW|O_NONBLOCK.
 */
int file_read_at(int dirfd, const char *name, size_t max, char **ret, size_t *ret_len);

/* As file_read_at into the caller's buffer; the text is NUL-terminated, a last newline cut. */
int file_read_line_at(int dirfd, const char *name, char *buf, size_t size);
/*
 * The same of a file that the kernel makes of one value or one table (cgroup, sysctl, /proc/PID/stat), with a read(2)
 * less. Not for lists that it makes piece by piece, such as cgroup.procs.
 */
int file_read_value_at(int dirfd, const char *name, char *buf, size_t size);
/*
 * Does the kernel have the file's name and its beginning in memory, so that reading it waits for no disk? Never waits
 * itself (openat2(2) RESOLVE_CACHED, preadv2(2) RWF_NOWAIT). Also yes when there is none, and when the kernel cannot say:
 * one before 5.12, or a file system without such reads. Of a directory the name alone is looked for.
 */
bool file_is_cached(const char *path);

/* One write(2) of a string to an existing file: /proc, /sys and cgroup files. */
int file_write_value_at(int dirfd, const char *name, const char *value);

/*
 * Replaces a file so that a crash leaves the old or the new content: write NAME.tmp, fsync,
 * rename, fsync the directory. durable = false leaves out both fsyncs (for /run).
 */
int file_replace_at(int dirfd, const char *name, const void *buf, size_t len, mode_t mode,
		    bool durable);

/* As file_replace_at, but -EEXIST when there is such a file: another's is never written over. */
int file_create_at(int dirfd, const char *name, const void *buf, size_t len, mode_t mode,
		   bool durable);

/* mkdir -p with one mode for what is made; an existing directory is success. */
int dir_make(const char *path, mode_t mode);

/* Opens a directory O_PATH-less, O_DIRECTORY|O_NOFOLLOW, below dirfd (AT_FDCWD for a path). */
int dir_open_at(int dirfd, const char *path);
/* To be read, no link followed; NULL with errno. At its end readdir(3) gives NULL too: errno 0 before, or it is an error. */
DIR *dir_stream_at(int dirfd, const char *path);

/*
 * fsync of the files in this directory and of itself, not of what is below: what syncfs(2) does for all that anybody has
 * written to the file system. -errno.
 */
int dir_flush(int dirfd);

/* unlink of a file below dirfd; missing is success. */
int file_unlink_at(int dirfd, const char *name);

/* rm -r of NAME below dirfd, without following links or crossing mounts; missing is success. */
int tree_remove_at(int dirfd, const char *name);

/* One message with up to 16 descriptors over a unix socket. n_fds may be 0. */
int fd_send_message(int sock, const void *buf, size_t len, const int *fds, unsigned int n_fds);

/*
 * Receives one message; returns its length, 0 at the end. At most max_fds descriptors arrive in
 * fds (CLOEXEC), *ret_n_fds tells how many; more than that, or a truncated message, is -EBADMSG
 * and all of them are closed.
 */
ssize_t fd_recv_message(int sock, void *buf, size_t size, int *fds, unsigned int max_fds,
			unsigned int *ret_n_fds);

/*
 * As recv(2) of a stream, with the descriptors that came along in fds (CLOEXEC). More than max_fds, or more than
 * this process has room for: none is kept, and *ret_cut says so. max_fds 0: none is ever taken, not for a moment.
 */
ssize_t fd_recv_stream(int sock, void *buf, size_t size, int *fds, unsigned int max_fds,
		       unsigned int *ret_n_fds, bool *ret_cut);

/* Closes and forgets. */
void fd_close(int *fd);

/*
 * Is fd one of the last that this process may have (RLIMIT_NOFILE)? Those are for short use: who would hold such a
 * one for long does without, so that orders, looks and workers always find one.
 */
bool fd_is_reserve(int fd);
