/* boot_wait.c - calls of start --wait. */
#include "runtime/daemon/boot_wait.h"

#include <errno.h>
#include <stdlib.h>

enum {
	BOOT_WAIT_MS = 300000, /* start --wait gives up, the CT goes on */
};

struct boot_waiter {
	struct rpc_call *call;
	struct ct *ct;
	struct ev_source *timer;
	struct boot_waiter *next;
};

static void waiter_remove(struct boot_waiter *w)
{
	struct boot_waiter **p = &w->ct->waiters;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	ev_remove(w->timer);
	free(w);
}

static void waiter_gone(struct rpc_call *call, void *data)
{
	(void)call;
	waiter_remove(data);
}

static struct rpc_call *waiter_take(struct boot_waiter *w)
{
	struct rpc_call *call = w->call;

	rpc_call_on_gone(call, NULL, NULL);
	waiter_remove(w);
	return call;
}

static void waiter_timeout(struct ev_source *s, void *data)
{
	struct boot_waiter *w = data;
	struct berth_error err;
	uint32_t ctid = w->ct->ctid;

	(void)s;
	(void)berth_error_set(&err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
			      "CT %u runs but has not reported within %d s that it has booted; "
			      "see: berth console %u --log",
			      ctid, BOOT_WAIT_MS / 1000, ctid);
	rpc_reply_error(waiter_take(w), &err);
}

void boot_wait_add(struct daemon *d, struct ct *ct, struct rpc_call *call)
{
	struct boot_waiter *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->call = call;
	w->ct = ct;
	w->next = ct->waiters;
	ct->waiters = w;
	rpc_call_on_gone(call, waiter_gone, w);
	if (ev_add_timer(d->ev, BOOT_WAIT_MS, waiter_timeout, w, &w->timer) < 0)
		abort();
}

void boot_wait_done(struct ct *ct)
{
	while (ct->waiters != NULL)
		rpc_reply(waiter_take(ct->waiters),
			  json_pack("{s:i}", "init_pid", ct->run.init.pid));
}

void boot_wait_fail(struct ct *ct)
{
	struct berth_error err;

	(void)berth_error_set(&err, BERTH_ERR_NOT_RUNNING, ESRCH,
			      "CT %u stopped before it had booted; see: berth console %u --log",
			      ct->ctid, ct->ctid);
	while (ct->waiters != NULL)
		rpc_reply_error(waiter_take(ct->waiters), &err);
}
