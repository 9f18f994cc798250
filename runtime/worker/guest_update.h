/* guest_update.h - changes hostname and DNS inside a running CT. */
#pragma once

#include "cgroups/cg.h"
#include "runtime/base/error.h"
#include "runtime/base/pidref.h"
#include "templates/guest.h"

#include <stdint.h>

/* Runs fn in the running CT, as its root and in its namespaces (launch_visit), for at most ten seconds. */
int guest_visit(uint32_t ctid, const struct pidref *init, struct cg_host *cg,
		int (*fn)(void *data, int *ret_fd, struct berth_error *err), void *data,
		struct berth_error *err);

/*
 * A child joins the CT as its root and writes there (launch_visit). A failure is the tenant's doing: a
 * file system that does not answer, a directory in the way, a full disk; or, with dns (name servers or search
 * domains have changed), a program of the guest that reads its files at its start only: the text says how.
 */
int guest_update(uint32_t ctid, const struct pidref *init, struct cg_host *cg,
		 const struct guest_config *g, bool dns, struct berth_error *err);
