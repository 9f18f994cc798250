/*
 * reader.h - the process at the destination that reads what the source sends. It is confined (confine.h): what it has
 * checked comes out of it as bytes in a file and as reports of a fixed size, which say nothing but how it went.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct reader {
	pid_t pid;
	int report_fd;
	unsigned int
		quiet_ms; /* without a report before it is given up; it reports while data comes */
	unsigned int pause_ms; /* the same behind a round */
	bool pauses; /* a round was the last that it has said */
};

/* What it is to do, and with what. The descriptors stay the caller's. */
struct reader_order {
	int in, out; /* the link; it writes to it for the greeting only */
	int file; /* an offer's, or the volume */
	uint64_t file_bytes; /* that it may have at most; the volume's size */
	uid_t uid; /* that nobody else has */
	unsigned int quiet_ms; /* that the source may be silent */
	bool rounds; /* blocks may come again, in rounds */
	unsigned int
		pause_ms; /* that it may be silent behind a round: it suspends the CT then; 0: as quiet_ms */
};

/*
 * Greets, and reads an offer and a config: into the file, as message_offer_format and conf_format make them of what
 * was understood, a NUL behind each. Ends then.
 */
int reader_start_offer(const struct reader_order *o, struct reader *ret, struct berth_error *err);
/* Reads blocks into the volume up to their end. Ends then: nothing can write to what the caller looks at. */
int reader_start_blocks(const struct reader_order *o, struct reader *ret, struct berth_error *err);
/* Reads the source's last word only. */
int reader_start_word(const struct reader_order *o, struct reader *ret, struct berth_error *err);

enum reader_said {
	READER_PROGRESS, /* bytes of data so far */
	READER_DONE, /* the offer, or all blocks, are in the file, and verified */
	READER_ROUND, /* all blocks of a round are, too; another follows */
	READER_COMMIT, /* the source has let go of it */
	READER_ABORT, /* the source keeps it */
	READER_FAILED
};

/*
 * The next thing it says. -errno with *err: READER_ABORT (ECANCELED) and READER_FAILED are told so; also when it ends
 * or is silent, BERTH_ERR_PROTOCOL.
 */
int reader_next(struct reader *r, enum reader_said *ret, uint64_t *ret_bytes,
		struct berth_error *err);
/* Ends and reaps it. */
void reader_end(struct reader *r);
