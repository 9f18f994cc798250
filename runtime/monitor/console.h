/*
 * console.h - the CT's console: what init writes goes into a ring, into RUNDIR/console.log and to the
 * one attached client; what the client types goes to init.
 *
 * The tenant may write as fast as it likes: it is read at a bounded rate (its writers wait), the
 * log is two files of bounded size, and a client that does not keep up loses output, not we time.
 */
#pragma once

#include "runtime/monitor/ring.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	CONSOLE_RATE = 4096, /* bytes a millisecond: some 3 % of a CPU */
	CONSOLE_BURST = 1 << 20,
	CONSOLE_LOG_MAX = 131072, /* of each of console.log and console.log.1 */
	CONSOLE_TYPED_MAX = 1024,
};

struct console {
	int epoll;
	int dir; /* where the log lies */
	int master; /* -1: lost with an earlier monitor */
	int log;
	uint32_t log_size;
	uint32_t budget; /* bytes that may be read now */
	uint64_t refilled; /* when the budget was counted */
	bool waiting; /* for budget */
	int client; /* attached, else -1 */
	uint64_t cursor; /* of the client */
	uint32_t typed, typed_done; /* bytes in, and taken out of, typing */
	bool client_ended; /* nothing more will be typed */
	bool client_more; /* it may have typed more than one call takes */
	char typing[CONSOLE_TYPED_MAX];
	struct ring ring;
};

/* master -1: only the old log is taken in, when keep_log. Never fails: a log may be lost. */
void console_init(struct console *c, int epoll, int dir, int master, bool keep_log);

/* The master can be read or written, or time has passed. */
void console_run(struct console *c, uint64_t now);
/* It must be run again within some 50 ms. */
bool console_wants_tick(const struct console *c);
/* Takes in what init has left behind, at most a ring full. */
void console_drain(struct console *c);

/* Takes the descriptor on success. -ENXIO without console, -EBUSY, -EINVAL: no stream socket. */
int console_attach(struct console *c, int fd);
void console_detach(struct console *c);
void console_resize(const struct console *c, int rows, int cols);
