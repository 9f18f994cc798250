/*
 * template_private.h - for the files of templates/ only: how a root file system becomes an image, and
 * how an image becomes a template.
 */
#pragma once

#include "runtime/base/error.h"
#include "templates/template.h"

#include <stdint.h>

enum {
	STAGE_PATH_MAX = 512,
	IMAGE_NAME_MAX = 80
};

/*
 * A place below TEMPLATE_DIR where one template is made: .stage-NAME/root, and the image next to it.
 * A lock on the directory itself keeps a second build of the name away; what a crash left goes first.
 */
struct stage {
	int template_dirfd, fd; /* TEMPLATE_DIR, and the locked stage in it */
	char dir[STAGE_PATH_MAX]; /* TEMPLATE_DIR/.stage-NAME */
	char root[STAGE_PATH_MAX]; /* TEMPLATE_DIR/.stage-NAME/root */
	char base[160]; /* ".stage-NAME" */
};

/* Held only while names and images are put in place or taken away. The caller closes it. */
int template_lock(int template_dirfd, struct berth_error *err);

int stage_open(const char *template_dir, const char *name, struct stage *ret,
	       struct berth_error *err);
/* Removes the stage and lets go of the lock. Fine on a zeroed stage whose descriptors are -1. */
void stage_close(struct stage *s);

/*
 * Makes the image of s->root (times above clamp_epoch are lowered to it), names it by its hash, and
 * writes NAME.template. t: distribution, release and arch are set; the rest is filled in.
 */
int stage_publish(const struct stage *s, const char *name, uint64_t clamp_epoch,
		  struct template_info *t, struct berth_error *err);

/* ---- sparse.c ---- */

enum {
	SPARSE_CLUSTER = 65536, /* bytes that mkfs.erofs compresses to at once */
	SPARSE_HINT_MAX = 4096
};
enum sparse_kind {
	SPARSE_NONE,
	SPARSE_SOME, /* some files, named in the hints */
	SPARSE_ALL /* so many that all are to be compressed */
};

/* Pure. Bytes of a file that have no place on the disk; blocks of 512. */
uint64_t sparse_hole(uint64_t size, uint64_t blocks);
/* Pure. The line for one file, relative to the root; its length, or -ENAMETOOLONG. */
int sparse_hint(const char *path, char *buf, size_t size);
/* Which files of the tree have large holes? Writes their hints for mkfs.erofs. enum sparse_kind, or -errno. */
int sparse_look(const char *root, int dirfd, const char *hints);

/* SHA-256 of an open file, by sha256sum(1), as 64 hex digits. */
int image_hash(int fd, char hash[65], struct berth_error *err);

/* The recipes: fill an empty root directory. *ret_epoch: the newest honest time in it. */
int build_tiny(const char *root, struct template_info *t, uint64_t *ret_epoch,
	       template_progress_fn *fn, void *data, struct berth_error *err);
/* Its programs hold the stage's lock: it is free when the last of a killed build has gone. */
int build_debian(const struct stage *stage, const char *suite, const char *release,
		 struct template_info *t, uint64_t *ret_epoch, template_progress_fn *fn, void *data,
		 struct berth_error *err);

/* One text file below a root that nobody else writes to now. -errno. */
int build_file(int root_fd, const char *path, const char *text, unsigned int mode);

/* template_import with limits of one's own; NULL: by the room on the disk. */
struct unpack_limits;
int import_within(const char *template_dir, const char *name, int archive_fd, uint32_t id_base,
		  const struct unpack_limits *limits, template_progress_fn *fn, void *data,
		  char *note, struct berth_error *err);
