/* come_back.c - takes temporary changes back when it is time. */
#include "runtime/daemon/come_back.h"

#include "runtime/base/log.h"
#include "runtime/daemon/daemon.h"
#include "runtime/daemon/methods.h"

#include <stdlib.h>
#include <time.h>

enum {
	/* The clock of the host may be set meanwhile; and a CT that cannot be changed just now is asked again. */
	LOOK_MS = 10000
};

static uint64_t wait_ms(const struct daemon *d, int64_t now)
{
	uint64_t wait = LOOK_MS;

	for (size_t i = 0; i < d->n_cts; i++) {
		int64_t until = d->cts[i]->until;

		if (until > now && (uint64_t)(until - now) * 1000 < wait)
			wait = (uint64_t)(until - now) * 1000;
	}
	return wait;
}

static void look(struct ev_source *s, void *data)
{
	struct daemon *d = data;
	int64_t now = (int64_t)time(NULL);

	(void)s;
	/* A CT that takes no set now (it is suspended, or somebody is at work on it) is asked again. */
	for (size_t i = 0; i < d->n_cts; i++)
		if (d->cts[i]->until != 0 && d->cts[i]->until <= now)
			set_come_back(d->cts[i]);
	(void)ev_timer_set(d->come_back, wait_ms(d, now));
}

void come_back_begin(struct daemon *d)
{
	if (ev_add_timer(d->ev, 1, look, d, &d->come_back) < 0)
		abort();
}

void come_back_soon(struct daemon *d)
{
	if (d->come_back != NULL)
		(void)ev_timer_set(d->come_back, wait_ms(d, (int64_t)time(NULL)));
}
