/*
 * temporary.h - changes of a CT's config that come back by themselves. The config itself says so, in a line for each
 * changed key, so that it is true whatever ends meanwhile, and moves along with the CT:
 *
 *	UNTIL_PHYSPAGES="2026-11-30T06:12:00Z 0:131072"     then PHYSPAGES is 0:131072 again
 *	UNTIL_CPULIMIT="2026-11-30T06:12:00Z"               then it is not in the config again
 *
 * All pure.
 */
#pragma once

#include "runtime/config/file.h"

#include <stdbool.h>
#include <stdint.h>

/* Seconds since the epoch, and what comes then: NULL, the key goes. -EINVAL: *ret_old points into value. */
int temporary_parse(const char *value, int64_t *ret_until, const char **ret_old);

/*
 * What differs between before and f is so until then (seconds since the epoch). One that is temporary already comes
 * back to what it was at first. -ENOMEM, -EINVAL for a value too long to be noted.
 */
int temporary_mark(struct conf_file *f, const struct conf_file *before, int64_t until);
/* The key is for good as it is. Nothing to do is fine. */
void temporary_keep(struct conf_file *f, const char *key);
/* All of it is for good as it is: the lines go. -ENOMEM. */
int temporary_keep_all(struct conf_file *f);
/* Where the key comes back, it does so then. -ENOMEM, -EINVAL as above. */
int temporary_prolong(struct conf_file *f, const char *key, int64_t until);
/* What differs is for good. */
void temporary_keep_changed(struct conf_file *f, const struct conf_file *before);

/* The first time at which something comes back; 0: never. A line that is damaged is due at once. */
int64_t temporary_next(const struct conf_file *f);
/* Keys that are due by now, those of damaged lines too. */
typedef void temporary_due_fn(const char *key, void *data);
void temporary_each_due(const struct conf_file *f, int64_t now, temporary_due_fn *fn, void *data);
/* What the key comes back to; NULL: nothing, or it does not come back. Points into f. */
const char *temporary_old(const struct conf_file *f, const char *key);
/*
 * Takes back in f what the lines of from say is due by now, of one key alone or (NULL) of all; the lines go. How many;
 * -ENOMEM.
 */
int temporary_take_back(struct conf_file *f, const struct conf_file *from, const char *key,
			int64_t now);

/* The key of a line of ours, or NULL. */
const char *temporary_key(const char *line_key);
