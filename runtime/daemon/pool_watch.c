/* pool_watch.c - says when a pool of the host comes to its end, once, and when that is over. */
#include "runtime/daemon/pool_watch.h"

#include "runtime/base/log.h"
#include "runtime/daemon/ledger_watch.h"

#include <stdlib.h>
#include <string.h>

enum {
	LOOK_MS = 10000
};

struct pool_watch {
	struct daemon *d;
	struct ev_source *timer;
	struct {
		const char *name; /* a constant of pools.c */
		bool alarm;
	} said[POOL_USES];
};

static bool *said_of(struct pool_watch *w, const char *name)
{
	size_t i = 0;

	while (i < POOL_USES - 1 && w->said[i].name != NULL && strcmp(w->said[i].name, name) != 0)
		i++;
	w->said[i].name = name;
	return &w->said[i].alarm;
}

enum pool_news pool_watch_judge(const struct pool_use *u, bool *alarm)
{
	bool was = *alarm;

	*alarm = pool_is_alarming(u, was);
	if (*alarm == was)
		return POOL_SAME;
	return was ? POOL_RELAXED : POOL_ENDS;
}

static void look_at(struct pool_watch *w, const struct pool_use *u)
{
	enum pool_news news = pool_watch_judge(u, said_of(w, u->name));

	if (news == POOL_ENDS)
		log_line(LOG_LV_WARNING, 0,
			 "the host runs out of a pool that all CTs share: %llu of %llu %s%s%s; "
			 "see berth doctor",
			 (unsigned long long)u->used, (unsigned long long)u->max, u->what,
			 u->limit[0] != '\0' ? ", limited by " : "", u->limit);
	if (news == POOL_RELAXED)
		log_line(LOG_LV_INFO, 0, "enough again: %llu of %llu %s",
			 (unsigned long long)u->used, (unsigned long long)u->max, u->what);
}

static void look(struct ev_source *s, void *data)
{
	struct pool_watch *w = data;
	struct pool_use uses[POOL_USES];
	size_t n = pools_read(uses);

	(void)s;
	for (size_t i = 0; i < n; i++)
		look_at(w, &uses[i]);
	ledger_watch_look(w->d);
	(void)ev_timer_set(w->timer, LOOK_MS);
}

void pool_watch_begin(struct daemon *d)
{
	struct pool_watch *w = calloc(1, sizeof(*w)); /* as long as berthd lives */

	if (w == NULL)
		abort();
	w->d = d;
	if (ev_add_timer(d->ev, LOOK_MS, look, w, &w->timer) < 0)
		abort();
}
