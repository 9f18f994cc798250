/* ct_timer.c - the timers of a CT: a slot for each, so that none takes the place of another. */
#include "runtime/daemon/daemon.h"

#include <stdlib.h>

enum {
	AGAIN_MS = 500 /* until who holds the CT has ended */
};

static void expired(struct ev_source *s, void *data)
{
	struct ct *ct = data;

	for (enum life_event t = LIFE_T_LOOK; t < LIFE_EVENT_MAX; t++) {
		if (ct->timers[t - LIFE_T_LOOK] != s)
			continue;
		ct_timer_clear(ct, t);
		(void)ct_event(ct, t, NULL, NULL);
		return;
	}
}

void ct_timer_set(struct ct *ct, enum life_event timer, uint64_t ms)
{
	struct ev_source **slot = &ct->timers[timer - LIFE_T_LOOK];

	if (*slot == NULL && ev_add_timer(ct->d->ev, 0, expired, ct, slot) < 0)
		abort(); /* no memory: crash-only, a new berthd finds the CT as it is */
	(void)ev_timer_set(*slot, ms > 0 ? ms : 1);
}

void ct_timer_clear(struct ct *ct, enum life_event timer)
{
	struct ev_source **slot = &ct->timers[timer - LIFE_T_LOOK];

	ev_remove(*slot);
	*slot = NULL;
}

bool ct_timer_is_set(const struct ct *ct, enum life_event timer)
{
	return ct->timers[timer - LIFE_T_LOOK] != NULL;
}

void ct_timers_clear(struct ct *ct)
{
	for (enum life_event t = LIFE_T_LOOK; t < LIFE_EVENT_MAX; t++)
		ct_timer_clear(ct, t);
	ev_remove(ct->again);
	ct->again = NULL;
	ct->pending = 0;
}

static void try_again(struct ev_source *s, void *data)
{
	struct ct *ct = data;
	struct daemon *d = ct->d;
	uint32_t ctid = ct->ctid;
	uint64_t pending = ct->pending;

	(void)s;
	ev_remove(ct->again);
	ct->again = NULL;
	ct->pending = 0;
	/* One of them may be the CT's end in the registry. */
	for (enum life_event e = 0; e < LIFE_EVENT_MAX && registry_find(d, ctid) == ct; e++)
		if ((pending & (UINT64_C(1) << e)) != 0)
			(void)ct_event(ct, e, NULL, NULL);
}

void ct_pend(struct ct *ct, enum life_event event)
{
	ct->pending |= UINT64_C(1) << event;
	if (ct->again == NULL && ev_add_timer(ct->d->ev, AGAIN_MS, try_again, ct, &ct->again) < 0)
		abort();
}

void ct_pend_hurry(struct ct *ct)
{
	if (ct->again != NULL)
		(void)ev_timer_set(ct->again, 1);
}
