/*
 * session_loop.h - the loop of a client session: its pumps, the monitor's records, signals.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/cli/session_pump.h"
#include "runtime/wire/record.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum session_kind {
	SESSION_PIPES,
	SESSION_PTY,
	SESSION_CONSOLE
};

struct session {
	enum session_kind kind;
	uint32_t ctid;
	int sock; /* to the monitor */
	int signals; /* signalfd */
	int winsize_fd; /* the operator's terminal, -1: none */
	int master; /* SESSION_PTY: takes the window's size */
	unsigned int n_pumps;
	struct pump pumps[3];
	bool detach; /* the operator has typed the escape */
	bool ended; /* no more to come: all is drained */
	int status; /* wait(2) status of the command */
	sigset_t old_mask;
	struct sigaction old_pipe;
};

/* A zeroed session on the heap (its pumps are large), signals taken; NULL and *err on failure. */
struct session *session_new(enum session_kind kind, uint32_t ctid, struct berth_error *err);
/* Closes everything and gives the signals back. NULL is fine. */
void session_free(struct session *s);
static inline void session_freep(struct session **s)
{
	session_free(*s);
}

/*
 * Runs to the end. Returns 0 with status set, or the error of the monitor or the connection.
 * what: for messages, "run 'false'".
 */
int session_run(struct session *s, const char *what, struct berth_error *err);

/* The size of the operator's terminal into rows and columns, when it has one. */
void session_window(const struct session *s, int32_t *ret_rows, int32_t *ret_cols);
