/* move_needs.h - what this host has, for a CT that comes with its processes, and what such a CT needs. */
#pragma once

#include "runtime/migrate/needs.h"
#include "runtime/worker/worker.h"

#include <stdbool.h>

/* Also when there is no criu that this kernel can do with: that is the error, BERTH_ERR_HELPER or _UNSUPPORTED. */
int move_needs_here(const struct worker *w, struct message_needs *ret, struct berth_error *err);
/* Of the worker's CT. runs: it is suspended here, so criu must be there; else it is suspended already. */
int move_needs_of_ct(struct worker *w, bool runs, struct message_needs *ret,
		     struct berth_error *err);
