/*
 * template.h - the template cache: read-only root file systems, each one erofs image named by the
 * SHA-256 of its content.
 *
 *	TEMPLATE_DIR/NAME.template    KEY=value: hash, distribution, release, arch, bytes, created
 *	TEMPLATE_DIR/image/HASH.erofs the image, 0600, shared by all names with that content
 */
#pragma once

#include "runtime/base/error.h"

#include <stdint.h>

struct template_info {
	char name[128];
	char hash[65]; /* hex SHA-256 of the image */
	char distribution[32]; /* "debian", "busybox" */
	char release[32]; /* "12", "" */
	char arch[16];
	uint64_t bytes; /* of the image */
	uint64_t created; /* seconds since the epoch */
};

enum {
	TEMPLATE_NOTE_MAX = 392
};

/* Progress in words for a person: "installing packages", 0..100 or -1 when unknown. */
typedef void template_progress_fn(const char *what, int percent, void *data);

/* Pure: the text of a NAME.template file. */
int template_info_parse(const char *text, struct template_info *ret);
int template_info_format(const struct template_info *t, char *buf, size_t size);

/* BERTH_ERR_NO_TEMPLATE names the command that makes it ("berth template build debian-12"). */
int template_find(int template_dirfd, const char *name, struct template_info *ret,
		  struct berth_error *err);

/* Calls fn for each template, sorted by name; fn returns non-zero to stop. */
int template_list(int template_dirfd, int (*fn)(const struct template_info *t, void *data),
		  void *data, struct berth_error *err);

/* Path of the image relative to TEMPLATE_DIR: "image/HASH.erofs". buf has 80 bytes. */
char *template_image_name(const struct template_info *t, char *buf);

/* Opens and checks size and magic of the image; verify = true reads it all and compares the hash. */
int template_open(int template_dirfd, const struct template_info *t, int verify,
		  struct berth_error *err);

/* The ones that `template build` knows, NULL-terminated: "tiny", "debian-12", "debian-13". */
const char *const *template_recipes(void);

/* Long work, in berth-worker. template_dir: path. Nothing half-made is left after a failure. */
int template_build(const char *template_dir, const char *name, template_progress_fn *fn, void *data,
		   struct berth_error *err);

/*
 * Makes a template from a root file system archive (tar, any compression libarchive reads) that
 * nobody vouches for: unpacked by an unprivileged child in its own user, mount and empty network
 * namespace with ids base..base+65535, under time, size and entry limits. note, TEMPLATE_NOTE_MAX
 * bytes: what was left out or taken out, a sentence for the admin; "" for nothing.
 */
int template_import(const char *template_dir, const char *name, int archive_fd, uint32_t id_base,
		    template_progress_fn *fn, void *data, char *note, struct berth_error *err);

/* in_use: called with a hash; non-zero refuses. The image goes when no other name has its hash. */
int template_remove(int template_dirfd, const char *name,
		    int (*in_use)(const char *hash, void *data), void *data,
		    struct berth_error *err);

/*
 * Removes the images that no name has and no CT uses (a renewed template leaves its old one), and
 * what killed builds have left. in_use as above; ret_removed may be NULL. Waits for no running build.
 */
int template_sweep(int template_dirfd, int (*in_use)(const char *hash, void *data), void *data,
		   unsigned int *ret_removed, struct berth_error *err);
