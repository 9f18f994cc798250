/* source.c - the conversation of a move as its source leads it. */
#include "runtime/migrate/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int not_understood(const char *what, struct berth_error *err)
{
	return berth_error_set(err, BERTH_ERR_PROTOCOL, EBADMSG,
			       "the other host's %s is not understood", what);
}

int source_hello(struct link *l, const char *id, struct berth_error *err)
{
	struct message_hello mine = {PROTOCOL_MIN, PROTOCOL_MAX, "berth", ""}, other;
	char text[MESSAGE_SIZE];
	int r;

	(void)snprintf(mine.id, sizeof(mine.id), "%s", id);
	r = message_hello_format(&mine, text);
	r = r < 0 ? berth_error_sys(err, r, "say hello")
		  : link_send_text(l, FRAME_HELLO, text, err);
	if (r == 0)
		r = link_expect(l, FRAME_HELLO, err);
	if (r < 0)
		return r;
	if (message_hello_parse((const char *)l->payload, &other) < 0 || strcmp(other.id, id) != 0)
		return not_understood("greeting", err);
	return message_version(&other, err) < 0 ? -EPROTONOSUPPORT : 0;
}

int source_offer(struct link *l, const struct message_offer *o, const char *config, size_t len,
		 struct message_answer *answer, struct berth_error *err)
{
	char text[MESSAGE_SIZE];
	int r = message_offer_format(o, text);

	r = r < 0 ? berth_error_sys(err, r, "CT %u: offer it", o->ctid)
		  : link_send_text(l, FRAME_OFFER, text, err);
	if (r == 0)
		r = link_send(l, FRAME_CONFIG, STREAM_CONTROL, config, len, err);
	if (r == 0)
		r = link_expect(l, FRAME_ANSWER, err);
	if (r < 0)
		return r;
	return message_answer_parse((const char *)l->payload, answer) < 0
		       ? not_understood("answer", err)
		       : 0;
}

int source_refused(const struct message_answer *answer, struct berth_error *err)
{
	char all[sizeof(err->msg)];
	size_t used = 0;

	all[0] = '\0';
	for (unsigned int i = 0; i < answer->n && used < sizeof(all) - 1; i++) {
		int n = snprintf(all + used, sizeof(all) - used, "%s%s", i > 0 ? "; " : "",
				 answer->findings[i]);

		used += n > 0 ? (size_t)n : 0;
	}
	return berth_error_set(err, BERTH_ERR_UNSUPPORTED, EOPNOTSUPP,
			       "it cannot move there: %.330s", all);
}

static int say_end(struct link *l, enum frame_type type, const struct message_end *end,
		   struct berth_error *err)
{
	char text[MESSAGE_SIZE];
	int r = message_end_format(end, text);

	return r < 0 ? berth_error_sys(err, r, "end the blocks")
		     : link_send_text(l, type, text, err);
}

int source_round(struct link *l, const struct message_end *end, struct berth_error *err)
{
	int r = say_end(l, FRAME_ROUND, end, err);

	if (r == 0)
		r = link_await(l, FRAME_ROUND, err);
	return r < 0 ? r : 0;
}

int source_say_end(struct link *l, const struct message_end *end, struct berth_error *err)
{
	return say_end(l, FRAME_END, end, err);
}

int source_end(struct link *l, const struct message_end *end, struct berth_error *err)
{
	int r = say_end(l, FRAME_END, end, err);

	if (r == 0)
		r = link_await(l, FRAME_READY, err);
	return r < 0 ? r : 0;
}

int source_commit(struct link *l, struct berth_error *err)
{
	int r = link_send_text(l, FRAME_COMMIT, "", err);

	if (r == 0)
		r = link_expect(l, FRAME_OWNED, err);
	return r < 0 ? r : 0;
}

void source_abort(struct link *l, const char *reason)
{
	char text[MESSAGE_SIZE];
	struct berth_error ignored;

	if (message_reason_format(reason, text) == 0)
		(void)link_send_text(l, FRAME_ABORT, text, &ignored);
}
