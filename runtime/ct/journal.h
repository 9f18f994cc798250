/*
 * journal.h - how far a move of a CT to or from another host has come: LIB/state/CTID.move, on the disk before it is
 * acted upon. It counts for the CT with the uuid in it and for no other that has the CTID later.
 *
 * Source: no journal is "not moved"; GIVEN is written just before the commit is sent, and from then on the CT never
 * starts here. Destination: READY is written when all of the CT is here, just before that is said; from then on only
 * the source, or an admin, knows whose it is. Its config makes it the destination's.
 */
#pragma once

#include "runtime/base/error.h"
#include "runtime/base/paths.h"

#include <stdbool.h>
#include <stdint.h>

/* In the private area of what came by a move, beside the facts: its config to be. Goes when that is written. */
#define JOURNAL_INCOMING_CONF "incoming.conf"
/* Beside it, durable: it ran before it was suspended to be moved, and goes on by itself, here or there. Empty. */
#define MOVING_MARK "moving"

enum journal_phase {
	JOURNAL_GIVEN = 1, /* source */
	JOURNAL_READY, /* destination */
};

struct journal {
	enum journal_phase phase;
	char id[37]; /* of the move */
	char uuid[37]; /* of the CT */
	uint64_t epoch; /* that the destination's ownership has or would have */
	uint32_t peer_ctid; /* the CT's number on the other host */
	bool start; /* at the destination, when it is there: it ran */
	char peer[128]; /* the other host, as its admin called it; "" when not known */
};

/* Pure. -EBADMSG, -ENOSPC. */
int journal_parse(const char *text, struct journal *ret);
int journal_format(const struct journal *j, char *buf, size_t size);

/* -ENOENT: there is none; -EBADMSG: damaged; any other -errno says nothing about it. */
int journal_load(const struct berth_paths *p, uint32_t ctid, struct journal *ret);
/* Durable when it returns. */
int journal_save(const struct berth_paths *p, uint32_t ctid, const struct journal *j,
		 struct berth_error *err);
/* Missing is success. Durable. */
int journal_clear(const struct berth_paths *p, uint32_t ctid, struct berth_error *err);
