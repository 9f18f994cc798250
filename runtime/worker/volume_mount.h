/*
 * volume_mount.h - a CT's volume and root, mounted at RUN/ct/CTID/volume and RUN/ct/CTID/root of the
 * caller's mount namespace.
 */
#pragma once

#include "runtime/storage/volume.h"
#include "runtime/worker/worker.h"

struct ct_mounts {
	int userns_fd; /* with the CT's mapping; the caller sets it before ct_mounts_root */
	int volume_fd; /* the mounted volume */
	int root_fd; /* directory of the mounted root */
	int lower_fd; /* of ct_mounts_lower; -EBADF: none yet */
	uint64_t
		inodes; /* that the caller lets the volume have (ct_mounts_inodes); 0: what it had */
	dev_t dev; /* the volume's block device, 0 for none */
};

void ct_mounts_init(struct ct_mounts *m);

/* The driver that a CT's facts name, or NULL and an error: they may be a newer berth's. */
const struct volume_driver *worker_volume_driver(const struct worker *w, const struct ct_facts *f,
						 struct berth_error *err);

/* Asks the kernel what it can hold a volume to, and remembers the answer for this boot. */
int worker_probe_volumes(struct worker *w, struct berth_error *err);
/* The answer; unknown until it was asked. */
enum volume_ability worker_inode_limits(struct worker *w);
/* What the config gives a volume, for volume_create and volume_resize. */
void worker_volume_limits(struct worker *w, const struct ct_config *c, struct volume_limits *ret);
/* The same for ct_mounts. */
uint64_t ct_mounts_inodes(const struct ct_config *c);

/* The two halves. When one fails its own half is undone, and the other not touched. */
int ct_mounts_volume(struct worker *w, const struct ct_facts *f, struct ct_mounts *m,
		     struct berth_error *err);
int ct_mounts_root(struct worker *w, const struct ct_facts *f, struct ct_mounts *m,
		   struct berth_error *err);
/* After both, before anything of the CT runs: see rootfs_verify. */
int ct_mounts_verify(struct worker *w, const struct ct_facts *f, const struct ct_mounts *m,
		     struct berth_error *err);
/* In advance, beside ct_mounts_volume: a part of the work of ct_mounts_root. Needs userns_fd. */
int ct_mounts_lower(struct worker *w, const struct ct_facts *f, struct ct_mounts *m,
		    struct berth_error *err);
/* All of it. On failure nothing of it stays mounted. */
int ct_mounts_make(struct worker *w, const struct ct_facts *f, struct ct_mounts *m,
		   struct berth_error *err);

/* Unmounts both and closes everything. */
void ct_mounts_drop(struct worker *w, struct ct_mounts *m);
/* What a worker that was killed has left of them in this mount namespace. */
void ct_mounts_detach(struct worker *w);
