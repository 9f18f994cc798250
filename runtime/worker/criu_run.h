/* criu_run.h - what a suspend and a resume share: where CRIU is, where images lie, what it is told of a CT. */
#pragma once

#include "runtime/checkpoint/criu.h"
#include "runtime/checkpoint/dump_record.h"
#include "runtime/storage/volume.h"
#include "runtime/worker/worker.h"

/* Folders of the private area: images that are complete, and those that are being made. */
#define DUMP_DIR "dump"
#define DUMP_NEW "dump.new"
/* In them, CRIU's own. The rest is root's of the host alone; store_suspended_load has another of its files. */
#define DUMP_IMAGES "images"
#define DUMP_RECORD "record"
#define DUMP_VOLUME "volume"
#define DUMP_CGROUPS "cgroups"
#define DUMP_LOG "dump.log"
#define RESTORE_LOG "restore.log"
/* Below RUN/ct/CTID: the criu of a suspend, and that of a resume: "PID START". */
#define DUMPER_FILE "dumper"
#define RESTORER_FILE "restorer"

/* CRIU of berth.conf, or where Debian's is. BERTH_ERR_HELPER. */
int criu_find(const struct worker *w, char path[BERTH_PATH_MAX], struct berth_error *err);
/* Its version, 40200 is 4.2.0, by `criu --version`. BERTH_ERR_UNSUPPORTED: this kernel needs a newer one. */
int criu_version(const struct worker *w, uint32_t *ret, struct berth_error *err);
/* Bytes of the CT's memory that images will have: all but what the kernel only keeps of files, where it tells them
 * apart. */
int criu_memory_of(struct cg_host *cg, uint32_t ctid, uint64_t *ret, struct berth_error *err);

/* Mounts of the CT that the host made, at a dump; or where the rebuilder finds them. tty: an external of its own. */
void criu_externals(struct criu_order *o, bool restore, const char *tty);

/* Writes into one of these which process it is, for the worker that comes after a dead one. -errno. */
int criu_note(const struct worker *w, const char *file, pid_t pid);
/* A pidfd of what was noted; -ESRCH: nothing was, or it has ended. */
int criu_noted_open(const struct worker *w, const char *file);

/* "CT 101: suspend: REASON" from CRIU's own log in the images' directory; or what is known without. */
int criu_failed(const struct worker *w, const char *what, int images_fd, const char *log,
		const struct berth_error *why, struct berth_error *err);

/* Was it suspended under this kernel? BERTH_ERR_UNSUPPORTED, ESTALE. */
int criu_kernel_check(const struct worker *w, const struct checkpoint_record *rec,
		      struct berth_error *err);

/* It is to be resumed under this one. */
void criu_kernel_note(struct checkpoint_record *rec);

/*
 * A suspended CT's volume is at rest: what it says of itself then is written down (DUMP_VOLUME), once. 0 also for a
 * CT that is not suspended.
 */
int criu_volume_seal(struct worker *w, const struct volume_driver *d);
/* 0: it says the same still, or has not been at rest since that mount. -ESTALE, or -errno. */
int criu_volume_check(int dump_fd, const struct volume_stamp *now);

/* DUMP_RECORD of the folder dump_fd. ESTALE: it can never be resumed by it. */
int criu_record_load(const struct worker *w, int dump_fd, struct checkpoint_record *ret,
		     struct berth_error *err);
