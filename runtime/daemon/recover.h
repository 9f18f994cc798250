/*
 * recover.h - start-up: finds every CT again, finishes or undoes what a crash cut short.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Fills the registry, adopts what runs, cleans what does not. Before the socket listens. */
int recover_all(struct daemon *d, struct berth_error *err);
