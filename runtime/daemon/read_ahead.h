/*
 * read_ahead.h - the files of etc and var that berthd's loop looks at are read by a thread first, so that the loop
 * finds them in the kernel's memory and waits for no disk.
 */
#pragma once

#include "runtime/base/paths.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does the kernel have a CT's config and facts in memory? Never waits. */
bool read_ahead_is_done(const struct berth_paths *p, uint32_t ctid);

/* The rest is for a thread: it waits for the disk. Errors are told by who reads the file in earnest. */
void read_ahead_ct(const struct berth_paths *p, uint32_t ctid);
/* What a create looks at: the sample ("": none), what stands in private/, and the facts of who is not known. */
void read_ahead_create(const struct berth_paths *p, const char *sample, const uint32_t *known,
		       size_t n_known);

/* Pure. known: ascending. */
bool read_ahead_is_known(const uint32_t *known, size_t n, uint32_t ctid);
