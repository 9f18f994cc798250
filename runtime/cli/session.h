/*
 * session.h - the client's side of monitor.sock: commands in a CT and its console. The operator's own
 * descriptors never enter the CT: bytes are copied through fresh pipes or the CT's own pty.
 *
 * A CT without a listening monitor is BERTH_ERR_NOT_RUNNING.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/paths.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Runs argv in the CT with this environment and this process's stdin, stdout and stderr. pty: on a
 * fresh pty of the CT, the operator's terminal being in raw mode meanwhile, always restored.
 * Without pty, INT, TERM, HUP and QUIT go to the command; with it, they end the session.
 * Stores the command's wait(2) status. BERTH_ERR_EXEC: it could not be run.
 */
int session_exec(const struct berth_paths *p, uint32_t ctid, const char *const *argv,
		 const char *const *env, bool pty, int *ret_status, struct berth_error *err);

/* Attaches to the console until Enter, Esc and '.' are typed, a signal comes or the CT ends. */
int session_console(const struct berth_paths *p, uint32_t ctid, struct berth_error *err);

/*
 * Writes what the console has shown lately; of a stopped CT, what its log has kept. clean: only
 * what cannot steer a terminal.
 */
int session_console_log(const struct berth_paths *p, uint32_t ctid, int out_fd, bool clean,
			struct berth_error *err);
