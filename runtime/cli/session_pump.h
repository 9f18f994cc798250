/*
 * session_pump.h - copying bytes one way, never blocking on the other: at most one piece is held, a
 * full receiver stops the reading of its sender only.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	PUMP_SIZE = 65536
};

/* Looks at what was read, in place; may make it one byte longer. Returns the new length. */
typedef size_t pump_filter_fn(void *data, char *buf, size_t len);

/*
 * What is passed on and not read by the receiver goes back to where it came from: a loop that reads lines from the
 * same stdin must find the next one. A file's place is set back. Of a pipe the first piece is a copy, taken only
 * when it has been read; a receiver that reads at all gets the rest as it comes.
 */
enum pump_loan {
	LOAN_NONE,
	LOAN_FILE,
	LOAN_PIPE
};

struct pump {
	int from, to; /* -1: done */
	bool own_from, own_to; /* ours, non-blocking; closed at the end */
	bool to_file; /* a write never blocks */
	bool send_eof; /* to is a pty: the end of from is typed as ^D, and to stays open */
	enum pump_loan loan;
	int lender; /* the descriptor lent from, -1: nothing is lent */
	int gauge; /* reading end of to: what has not been read shows there */
	int scratch[2]; /* LOAN_PIPE: the way of a copy */
	size_t lent; /* LOAN_PIPE: bytes passed on and not yet taken */
	size_t limit; /* bytes that may yet be read; SIZE_MAX: no end */
	pump_filter_fn *filter;
	void *filter_data;
	size_t len, done;
	char buf[PUMP_SIZE];
};

void pump_init(struct pump *p, int from, bool own_from, int to, bool own_to);
/* to is a pipe of ours, and reader its other end, which is copied: lends from on, where that is possible. */
void pump_lend(struct pump *p, int reader);
/* Closes what is ours, and gives back. */
void pump_close(struct pump *p);

/* What to wait for, two entries; fd -1 where nothing. */
void pump_want(const struct pump *p, struct pollfd fds[2]);
/* After poll(2) filled these in. */
void pump_run(struct pump *p, const struct pollfd fds[2]);

/* Nothing is held and nothing more can come. */
bool pump_is_done(const struct pump *p);
/* Only what lies in the pipe now is still to be copied; of a pty, at most max. */
void pump_finish(struct pump *p, size_t max);
