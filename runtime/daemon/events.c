/* events.c - what happens to CTs, streamed to whoever called Monitor. */
#include "runtime/daemon/daemon.h"

#include <stdlib.h>

void event_emit(struct daemon *d, uint32_t ctid, const char *event, const char *detail)
{
	/* A reply may end a subscriber: take the next one first. */
	for (struct event_subscriber *s = d->subscribers, *next; s != NULL; s = next) {
		next = s->next;
		rpc_reply_more(s->call, json_pack("{s:I, s:s, s:s?}", "ctid", (json_int_t)ctid,
						  "event", event, "detail", detail));
	}
}

static void subscriber_gone(struct rpc_call *call, void *data)
{
	struct daemon *d = data;

	for (struct event_subscriber **p = &d->subscribers; *p != NULL; p = &(*p)->next) {
		struct event_subscriber *s = *p;

		if (s->call != call)
			continue;
		*p = s->next;
		free(s);
		return;
	}
}

void event_subscribe(struct daemon *d, struct rpc_call *call)
{
	struct event_subscriber *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->call = call;
	s->next = d->subscribers;
	d->subscribers = s;
	rpc_call_on_gone(call, subscriber_gone, d);
}
