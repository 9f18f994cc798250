/* host_checks.h - what this host can and cannot do for CTs: the findings of `berth doctor`. */
#pragma once

#include "runtime/worker/worker.h"

/* level: ok, warning, error. fix: a command, "" when there is none. */
typedef void host_finding_fn(const char *name, const char *level, const char *text, const char *fix,
			     void *data);

void host_checks(struct worker *w, host_finding_fn *fn, void *data);
