/* guest_update.h - changes hostname and DNS inside a running CT. */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/pidref.h"
#include "templates/guest.h"

#include <stdint.h>

/* A short-lived child joins the CT as its root and writes there; nothing of the host goes with it. */
int guest_update(uint32_t ctid, const struct pidref *init, const struct guest_config *g,
		 struct berth_error *err);
