/*
 * halt_inside.h - a stop of an init that no signal makes power off: a command of the CT's own, such as "telinit 0",
 * run in it by its monitor.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Runs ct->run.stop_command; closing the descriptor ends the session. A descriptor or -errno. */
int halt_inside_begin(struct ct *ct, struct berth_error *err);
/* Has that command ended well? Then init knows, and need not be told again. */
bool halt_inside_done(int fd);
