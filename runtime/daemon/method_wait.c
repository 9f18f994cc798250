/* method_wait.c - an order that waits until berthd's own work on a CT is over. */
#include "runtime/daemon/method_wait.h"

#include "runtime/daemon/job.h"

#include <stdlib.h>

enum {
	WAIT_MS = 5000,
	LOOK_MS = 20
};

struct method_waiter {
	struct daemon *d;
	uint32_t ctid; /* the CT may be gone when the time comes */
	struct rpc_call *call;
	json_t *parameters;
	rpc_method_fn *fn;
	struct ev_source *timer;
	uint64_t deadline_ms; /* as ev_now_ms */
};

/* Somebody else's order is no reason to wait: he who comes second is told so. */
static bool is_busy(const struct ct *ct)
{
	return ct != NULL && (ct->unsettled || (ct->job != NULL && ct->job->own));
}

static void waiter_free(struct method_waiter *w)
{
	ev_remove(w->timer);
	json_decref(w->parameters);
	free(w);
}

static void waiter_gone(struct rpc_call *call, void *data)
{
	(void)call;
	waiter_free(data);
}

static void waiter_look(struct ev_source *s, void *data)
{
	struct method_waiter *w = data;
	struct daemon *d = w->d;

	if (is_busy(registry_find(d, w->ctid)) && ev_now_ms() < w->deadline_ms) {
		(void)ev_timer_set(s, LOOK_MS);
		return;
	}
	rpc_call_on_gone(w->call, NULL, NULL);
	d->waited = w->call;
	w->fn(w->call, w->parameters, d);
	d->waited = NULL;
	waiter_free(w);
}

bool method_wait(struct rpc_call *call, json_t *parameters, const struct ct *ct, rpc_method_fn *fn)
{
	struct daemon *d = ct->d;
	struct method_waiter *w;

	if (d->waited == call || !is_busy(ct))
		return false;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		abort();
	w->d = d;
	w->ctid = ct->ctid;
	w->call = call;
	w->parameters = json_incref(parameters);
	w->fn = fn;
	w->deadline_ms = ev_now_ms() + WAIT_MS;
	/* A call that needs no answer is run although its client has gone. */
	if (!rpc_call_is_oneway(call))
		rpc_call_on_gone(call, waiter_gone, w);
	if (ev_add_timer(d->ev, LOOK_MS, waiter_look, w, &w->timer) < 0)
		abort();
	return true;
}
