/*
 * trouble.h - what an admin should know of a running CT: one line in RUN/ct/CTID/trouble, written by berthd and
 * read by whoever shows the CT. It goes with the run.
 */
#pragma once

#include "runtime/base/paths.h"

#include <stddef.h>
#include <stdint.h>

enum {
	CT_TROUBLE_MAX = 800 /* bytes of the line and its NUL */
};

/* "": there is none any more. -errno. */
int ct_trouble_write(const struct berth_paths *p, uint32_t ctid, const char *text);

/* "" and -ENOENT when there is none. */
int ct_trouble_read(const struct berth_paths *p, uint32_t ctid, char *buf, size_t size);
