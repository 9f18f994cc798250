/* guest_update.h - changes hostname and DNS inside a running CT. */
#pragma once

#include "cgroups/cg.h"
#include "runtime/base/error.h"
#include "runtime/base/pidref.h"
#include "templates/guest.h"

#include <stdint.h>

/*
 * A child joins the CT as its root and writes there (launch_visit). A failure is the tenant's doing: a
 * file system that does not answer, a directory in the way, a full disk.
 */
int guest_update(uint32_t ctid, const struct pidref *init, struct cg_host *cg,
		 struct guest_config *g, struct berth_error *err);
