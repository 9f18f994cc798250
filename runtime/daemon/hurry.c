/* hurry.c - expedited RCU while a killed CT is dying. A file in /run tells the next berthd that it was us. */
#include "runtime/daemon/hurry.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/daemon/job.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LOOK_MS = 1000,
	LOOKS = 2
};

static const char knob[] = "/sys/kernel/rcu_expedited", mark[] = "rcu_expedited";

struct hurry_state {
	struct daemon *d;
	struct ev_source *timer;
	unsigned int seen;
	bool on;
};

enum hurry hurry_judge(bool killed_lives, unsigned int *seen, bool on)
{
	if (!killed_lives) {
		*seen = 0;
		return on ? HURRY_OFF : HURRY_SAME;
	}
	if (*seen < LOOKS)
		(*seen)++;
	return !on && *seen >= LOOKS ? HURRY_ON : HURRY_SAME;
}

static uint32_t dying_ct(const struct daemon *d)
{
	for (size_t i = 0; i < d->n_cts; i++)
		if (d->cts[i]->job != NULL && d->cts[i]->job->killed)
			return d->cts[i]->ctid;
	return 0;
}

/* An admin who has set it keeps it: then there is nothing to do, and nothing to take back. */
static bool turn_on(const struct daemon *d)
{
	auto_close int run = dir_open_at(AT_FDCWD, d->paths.run);
	char now[8];

	if (run < 0 || file_read_line_at(AT_FDCWD, knob, now, sizeof(now)) < 0 ||
	    strcmp(now, "0") != 0)
		return false;
	if (file_replace_at(run, mark, "1\n", 2, 0644, false) < 0)
		return false;
	if (file_write_value_at(AT_FDCWD, knob, "1") == 0)
		return true;
	(void)unlinkat(run, mark, 0);
	return false;
}

static void turn_off(const struct daemon *d)
{
	auto_close int run = dir_open_at(AT_FDCWD, d->paths.run);

	if (run < 0 || faccessat(run, mark, F_OK, 0) < 0)
		return;
	if (file_write_value_at(AT_FDCWD, knob, "0") == 0)
		(void)unlinkat(run, mark, 0);
}

static void look(struct ev_source *s, void *data)
{
	struct hurry_state *h = data;
	uint32_t ctid = dying_ct(h->d);

	(void)s;
	switch (hurry_judge(ctid != 0, &h->seen, h->on)) {
	case HURRY_ON:
		h->on = turn_on(h->d);
		if (h->on)
			log_line(LOG_LV_INFO, ctid,
				 "it is slow to die: RCU is expedited until it has (%s)", knob);
		break;
	case HURRY_OFF:
		turn_off(h->d);
		h->on = false;
		break;
	case HURRY_SAME:
		break;
	}
	(void)ev_timer_set(h->timer, LOOK_MS);
}

void hurry_begin(struct daemon *d)
{
	struct hurry_state *h = calloc(1, sizeof(*h)); /* as long as berthd lives */

	if (h == NULL)
		abort();
	h->d = d;
	turn_off(d);
	if (ev_add_timer(d->ev, LOOK_MS, look, h, &h->timer) < 0)
		abort();
}
