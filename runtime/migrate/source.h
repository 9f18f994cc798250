/* source.h - the conversation of a move as its source leads it. */
#pragma once

#include "runtime/migrate/blocks.h"

/* Says hello, and which move this is. */
int source_hello(struct link *l, const char *id, struct berth_error *err);
/* Offers the CT; its config is a text of len bytes. *answer is what the destination says to it. */
int source_offer(struct link *l, const struct message_offer *o, const char *config, size_t len,
		 struct message_answer *answer, struct berth_error *err);
/* BERTH_ERR_UNSUPPORTED that tells all findings of a refusal, as far as they fit. */
int source_refused(const struct message_answer *answer, struct berth_error *err);
/* Says how a round ended, and waits until the destination has all of it. */
int source_round(struct link *l, const struct message_end *end, struct berth_error *err);
/* Says how the blocks ended that others follow. */
int source_say_end(struct link *l, const struct message_end *end, struct berth_error *err);
/* Says how the blocks ended, and waits until the destination has all of it on its disk. */
int source_end(struct link *l, const struct message_end *end, struct berth_error *err);
/* The source has let go, durably: sends the commit. Whatever this returns, there is no way back. */
int source_commit(struct link *l, struct berth_error *err);
/* Why it stays here; as far as the connection still carries it. */
void source_abort(struct link *l, const char *reason);
