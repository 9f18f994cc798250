/*
 * audit.h - who did what to which CT, and what came of it: LIB/audit.log, which only root can read.
 *
 * Two lines an order: "DATE ct=101 set ram=1G save=yes by uid=0 pid=4211 login=1000 tty=/dev/pts/3 program=vzctl" when it
 * comes, "DATE ct=101 set by uid=0 pid=4211: done" when it is answered. No secret is in it (asked.h). When the file has
 * AUDIT_SIZE bytes it becomes audit.log.1, and the one before is gone. A thread writes; nothing waits for it.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/rpc/rpc.h"

#include <stddef.h>
#include <stdint.h>

enum {
	AUDIT_SIZE = 16 << 20 /* a session each second, as of a panel, for a day and more, twice */
};

struct daemon;

/* All orders of the server are noted from now on, in the log too. d->disk and d->rpc are there. */
void audit_begin(struct daemon *d);
/* What came of a job whose client has gone; error NULL: it is done. Nothing before audit_begin. */
void audit_job(struct daemon *d, uint32_t ctid, const char *what, const struct berth_error *error);

/* " login=1000 tty=/dev/pts/3 program=vzctl" of a process, as far as /proc knows; printable. */
void audit_who(pid_t pid, char *buf, size_t size);
/* Appends whole lines to the file at path, behind half a one too, and puts it aside first when it has max bytes. -errno. */
int audit_append(const char *path, off_t max, const char *text, size_t len);
