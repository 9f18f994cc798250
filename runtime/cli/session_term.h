/* session_term.h - the operator's terminal: raw and back, the escape, and what may be shown on it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct term_saved {
	int fd; /* -1: it was no terminal */
	struct termios old;
};

void term_raw(int fd, struct term_saved *ret);
void term_restore(const struct term_saved *t);

/* Esc '.' at the beginning of a line detaches from a console. */
struct term_escape {
	bool mid_line; /* zero is the beginning of a line */
	bool escaped; /* an Esc is held back until the next byte */
};

/*
 * Pure. Takes len bytes in buf, which has room for one more, to what is to be sent; returns its
 * length. *ret_detach is set when the escape was complete: what follows it is dropped.
 */
size_t term_escape_feed(struct term_escape *e, char *buf, size_t len, bool *ret_detach);

/*
 * Pure. Copies text for a terminal: what could steer it becomes \xNN. Newline and tab pass, and
 * CR before a newline. out has room for 4 * len. Returns the length.
 */
size_t term_clean(const char *text, size_t len, char *out);
