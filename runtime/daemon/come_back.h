/*
 * come_back.h - changes with an end (set --for) are taken back when it is time, also when berthd, the CT or the host
 * were down then. What comes back, and when, is in the CT's config: runtime/config/temporary.h.
 *
 * All that is due comes back in one set. When that is refused (the memory is in use, a name is another CT's by now),
 * each key is tried alone, so that one holds only itself; what is still refused is a trouble of the CT, told by one
 * event, and tried again after 10 s, 20 s and so on up to 10 minutes, or when the CT has started or stopped.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/config/file.h"

#include <stdint.h>

struct ct;
struct come_back;
struct daemon;

/* From now on, of all CTs of d. Once. */
void come_back_begin(struct daemon *d);
/* A CT's ->until or status has changed. Nothing before come_back_begin. */
void come_back_soon(struct daemon *d);

/* What a set takes back now: *ret is a key (the caller's) of config f, or NULL for all that is due. -ENOMEM. */
int come_back_pick(const struct ct *ct, const struct conf_file *f, int64_t now, char **ret);
/*
 * How such a set ended. f: the config as it is now, or NULL. key: as come_back_pick gave it. refused: why nothing was
 * changed, or NULL.
 */
void come_back_ended(struct ct *ct, const struct conf_file *f, const char *key,
		     const struct berth_error *refused);
/* NULL is fine. */
void come_back_free(struct come_back *b);
