/*
 * halt_inside.h - a stop of an init that no signal makes power off: a command of the CT's own, such as "telinit 0",
 * run in it by its monitor.
 */
#pragma once

#include "runtime/daemon/daemon.h"

/* Runs ct->run.stop_command; closing the descriptor ends the session. A descriptor or -errno. */
int halt_inside_begin(struct ct *ct, struct berth_error *err);
/* Waits for nothing. fd < 0: HALT_FAILED. */
enum halt_inside {
	HALT_UNDER_WAY, /* of a busy CT, or one with a small cpulimit: it may take a while */
	HALT_DONE, /* it has ended well: init knows */
	HALT_FAILED /* it did not get in, or said no: to be tried again */
};
enum halt_inside halt_inside_state(int fd);
