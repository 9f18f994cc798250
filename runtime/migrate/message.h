/*
 * message.h - what the two hosts of a move say to each other: texts of KEY=VALUE lines. All pure: what is not
 * exactly so is -EBADMSG, unknown keys are ignored.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/migrate/needs.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	/* The versions of the protocol that this berth speaks. */
	PROTOCOL_MIN = 2, /* 2: what a CT that comes with its processes needs */
	PROTOCOL_MAX = 2,
	MESSAGE_SIZE = 8192, /* of a text, bytes */
	MESSAGE_REASON_MAX = 320,
	MESSAGE_FINDINGS = 16
};

struct message_hello {
	uint32_t min, max; /* versions of the protocol */
	char program[64]; /* "berth 0.1.0" */
	char id[37]; /* of this move: a UUID; the destination says the same */
};

int message_hello_format(const struct message_hello *h, char buf[static MESSAGE_SIZE]);
int message_hello_parse(const char *text, struct message_hello *ret);
/* The version that both speak; -EPROTONOSUPPORT, with both ranges. */
int message_version(const struct message_hello *other, struct berth_error *err);

/* What is to be moved. Nothing of it is a path, nor a name of a file, before it was parsed. */
struct message_offer {
	uint32_t ctid; /* there */
	uint32_t new_ctid; /* at the destination */
	char new_name[64]; /* "": that of the config */
	char uuid[37]; /* of the CT, for ever */
	uint64_t epoch; /* of the CT's ownership: one more with each host that owns it */
	char id[37]; /* of the move */
	char template_name[128];
	char template_hash[65];
	char layout[16], driver[16];
	uint64_t created; /* seconds since the epoch */
	uint64_t volume_bytes, volume_used;
	bool check_only;
	bool suspended; /* the images of its memory follow the volume, which may come in rounds */
	bool start; /* there, when it has arrived: it ran here */
	bool given; /* the source has committed it before: it must not come twice */
	struct message_needs needs; /* of one that is suspended */
};

int message_offer_format(const struct message_offer *o, char buf[static MESSAGE_SIZE]);
int message_offer_parse(const char *text, struct message_offer *ret);

enum message_state {
	ANSWER_REFUSED, /* see its findings */
	ANSWER_CLEAR, /* nothing is in the way */
	ANSWER_SEND, /* nothing is in the way, and the blocks may come */
	ANSWER_READY, /* all is here from an earlier connection of this very move, and waits for the commit */
	ANSWER_OWNED, /* it is here since an earlier connection of this very move */
	ANSWER_STATES
};

struct message_answer {
	enum message_state state;
	unsigned int n;
	char findings[MESSAGE_FINDINGS][MESSAGE_REASON_MAX]; /* what is in the way */
};

/* -E2BIG */
int message_answer_add(struct message_answer *a, const char *finding);
int message_answer_format(const struct message_answer *a, char buf[static MESSAGE_SIZE]);
int message_answer_parse(const char *text, struct message_answer *ret);

/* How the blocks ended. */
struct message_end {
	uint64_t bytes; /* of data */
	char sha256
		[65]; /* of offset and length, 8 bytes each and little endian, and the data, of each piece in turn */
};

int message_end_format(const struct message_end *e, char buf[static MESSAGE_SIZE]);
int message_end_parse(const char *text, struct message_end *ret);

/* The reason in a FRAME_ABORT, fit to be printed; and back. */
void message_reason(const char *text, char ret[static MESSAGE_REASON_MAX]);
int message_reason_format(const char *reason, char buf[static MESSAGE_SIZE]);
