/*
 * criu.h - CRIU, driven by its RPC: a `criu swrk` of our own on one end of a socket (SOCK_SEQPACKET), a message of
 * criu.proto each way. Nothing is read from its log but for the admin to see.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	CRIU_MESSAGE_MAX = 16384,
	CRIU_WORD_MAX = 40,
	CRIU_EXTERNAL_MAX = 40,
	CRIU_GHOST_MAX = 64 << 20 /* bytes of a deleted file that is still open */
};

enum criu_kind {
	CRIU_DUMP,
	CRIU_RESTORE,
	CRIU_VERSION,
	CRIU_NOTIFY
};

/* What it says. */
struct criu_answer {
	enum criu_kind kind;
	bool success;
	char moment[CRIU_WORD_MAX]; /* of CRIU_NOTIFY: "post-dump" and so on */
	pid_t pid; /* of a notify, or the restored init; 0: none */
	int cr_errno; /* an errno of CRIU's, 0: it gives none */
	unsigned int major, minor, sublevel; /* of CRIU_VERSION */
};

/* Pure. -EBADMSG for what is no message of CRIU's, or one of a kind that we never ask for. */
int criu_answer_parse(const void *buf, size_t len, struct criu_answer *ret);

/* What a dump and a restore are told. Strings are the caller's. */
struct criu_order {
	int images_fd; /* the images' directory; -EBADF: images_path, as criu sees it */
	const char *images_path;
	const char *log_name; /* a file in it */
	const char *external[CRIU_EXTERNAL_MAX]; /* criu(8), --external; ends with NULL */
	bool unprivileged; /* its user is not the host's root */
	/* of a dump */
	pid_t pid; /* init */
	const char *freeze_cgroup; /* a directory; frozen already */
	/*
	 * Asked when it has said nothing for the time limit: a number that has grown gives it as long again, and so
	 * does, a few times, CPU time that it took. NULL: neither is looked at.
	 */
	uint64_t (*progress)(void *data);
	/* of a restore */
	const char *root;
	const char *inherit_key; /* of the descriptor inherit_fd of criu's */
	int inherit_fd;
};

/* The request as bytes; its length, or -ENOSPC. Pure. */
ssize_t criu_order_format(const struct criu_order *o, enum criu_kind kind, void *buf, size_t size);

/* ---- a running one ---- */

struct criu {
	pid_t pid; /* a child of ours */
	int sock;
};

/* Called at each moment of the operation: 0 has it go on, anything else give up. */
typedef int criu_moment_fn(const char *moment, pid_t pid, void *data);

/*
 * Does it answer, and is it new enough for this kernel? Takes the time that its start takes, so it comes before
 * anybody is frozen.
 */
int criu_greet(const struct criu *c, struct berth_error *err);
/*
 * Dump or restore, to the end. ret_pid: the restored init, may be NULL. A failure gives no reason but an errno of
 * CRIU's: its log has one (criu_log_reason). timeout_ms: between two words of it, or
 * without progress.
 */
int criu_run(const struct criu *c, const struct criu_order *o, enum criu_kind kind,
	     criu_moment_fn *fn, void *data, unsigned int timeout_ms, pid_t *ret_pid,
	     struct berth_error *err);
/* Ends it and reaps it. */
void criu_end(struct criu *c);

/* Is this version to be had with this kernel? The text says which one would be; pure. */
int criu_version_check(unsigned int major, unsigned int minor, unsigned int sublevel,
		       const char *kernel, struct berth_error *err);
/* The first error in its log, for people; pure. "" when there is none. */
void criu_log_reason(const char *log, char *buf, size_t size);
