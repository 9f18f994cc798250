/* create_from.h - a create that copies another CT of this host: what it takes from that one. */
#pragma once

#include "runtime/worker/worker.h"
#include "templates/template.h"

struct create_from {
	uint32_t ctid; /* 0: from a template */
	struct ct_info info;
};

/* The CT that the word names: stopped, or running. Its lock is held by one of the worker's descriptors. */
int create_from_load(struct worker *w, const char *word, struct create_from *ret,
		     struct template_info *ret_template, struct berth_error *err);
/* Its volume, as it is at one moment, for the new private area. Reports "copied" and "note.copy". */
int create_from_volume(struct worker *w, const struct create_from *f, int private_fd,
		       struct berth_error *err);
/* For launch_in_root: what makes the other CT itself goes from the copy. */
int create_from_identity(void *data, int root_fd, struct berth_error *err);
