/*
 * unpack.h - between the importer and the child that reads a stranger's archive.
 *
 * The child's whole world is one directory: it is root of a user namespace of its own, without a
 * network, without programs, and whatever it says back is text to show, not to obey.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	UNPACK_PATH_MAX = 2048, /* of a name in the archive */
	UNPACK_DEPTH_MAX = 128, /* folders in folders: tree_remove_at gives up at 256 */
	UNPACK_ID_MAX = 65535,
	UNPACK_BLOCK = 4096, /* what a file system takes for a single byte */
};

struct unpack_limits {
	/* bytes: in blocks that are not all zero, as a hole takes no room; of folders and attributes, too */
	uint64_t bytes, entries;
	uint64_t lengths; /* of all files together, holes included; 0: as bytes */
	unsigned int seconds; /* wall clock; also CPU time */
	unsigned int quiet; /* seconds without a sign of progress; 0: as many as there are */
};

enum unpack_kind {
	UNPACK_PROGRESS,
	UNPACK_DONE,
	UNPACK_FAILED
};

/* One write to the pipe, below PIPE_BUF: never torn. */
struct unpack_report {
	uint32_t kind; /* enum unpack_kind */
	uint32_t sys; /* UNPACK_FAILED: an errno */
	uint64_t entries; /* so far */
	uint64_t bytes_in; /* of the archive, compressed */
	uint64_t newest; /* latest time in the archive, not after now */
	uint64_t left_out; /* device nodes outside of /dev, sockets */
	char text[256]; /* UNPACK_FAILED: why; may hold any bytes of the archive */
};

/* Pure: what the name of an entry, or the target of a hard link, may be. */
bool unpack_name_ok(const char *name);

/* Pure: is it below dev/ ("./dev/null")? The CT gets its own /dev. */
bool unpack_name_in_dev(const char *name);

/*
 * Pure: how many bytes more a file with holes has on its disk with these, that stand at `at` of it, in whole blocks.
 * *last: the block that was counted last, UNPACK_NO_BLOCK for a new file; a block in two parts counts once.
 */
#define UNPACK_NO_BLOCK UINT64_MAX
uint64_t unpack_data_bytes(const void *block, size_t len, uint64_t at, uint64_t *last);

/* Pure: an attribute that is taken over; security.* but file capabilities, and trusted.*, are not. */
bool unpack_xattr_ok(const char *name);

/*
 * Unpacks archive_fd into the root directory of the calling process. Runs in the child, which
 * only holds these two descriptors. Returns an exit status.
 */
int unpack_run(int archive_fd, int report_fd, const struct unpack_limits *limits);

/* Refuses every system call that unpack_run has no use for, in this process, for ever. -errno. */
int unpack_filter_load(void);

typedef void unpack_show_fn(const struct unpack_report *r, void *data);

/*
 * Hears the child's reports until the last one, in *last, or the end of the pipe: 0. -ETIME: none for
 * limits.quiet, -ETIMEDOUT: it takes longer than limits.seconds.
 */
int unpack_follow(int fd, const struct unpack_limits *limits, struct unpack_report *last,
		  unpack_show_fn *show, void *data);

/*
 * The child from fork to end: into the mount tree_fd (its path root is free to be covered), out of all
 * privilege, then unpack_run.
 */
int unpack_child(const char *root, int tree_fd, int userns_fd, int archive_fd, int report_fd,
		 const struct unpack_limits *limits);
