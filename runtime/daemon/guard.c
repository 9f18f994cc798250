/* guard.c - is the packet filter of the CTs still there? */
#include "runtime/daemon/guard.h"

#include "netsetup/net.h"
#include "runtime/base/log.h"
#include "runtime/ct/spec.h"
#include "runtime/daemon/worker_client.h"

#include <errno.h>
#include <string.h>

enum {
	LOOK_MS = 2000,
	LOOK_MAX_MS = 60000
};

struct guard {
	struct daemon *d;
	struct net_guard *net;
	struct ev_source *timer;
	bool gone;
	unsigned int failures; /* in a row */
	struct berth_error last; /* what the log knows already */
};

uint64_t guard_wait(unsigned int failures)
{
	uint64_t ms = (uint64_t)LOOK_MS << (failures < 8 ? failures : 8);

	return ms < LOOK_MAX_MS ? ms : LOOK_MAX_MS;
}

static void look_later(struct guard *g)
{
	(void)ev_timer_set(g->timer, guard_wait(g->failures));
}

static void failed(struct guard *g, const struct berth_error *err)
{
	g->failures++;
	if (strcmp(g->last.msg, err->msg) == 0)
		return;
	g->last = *err;
	log_line(LOG_LV_ERROR, 0, "mend the packet filter, tried again meanwhile: %s", err->msg);
}

static void is_back(struct guard *g)
{
	if (g->gone)
		log_line(LOG_LV_INFO, 0, "the packet filter is back");
	g->gone = false;
	g->failures = 0;
	g->last.msg[0] = '\0';
}

static void mended(const struct worker_result *result, void *data)
{
	struct guard *g = data;
	struct berth_error err = result->error;

	if (result->ok && net_guard_check(g->net, &err) >= 0)
		is_back(g);
	else
		failed(g, &err);
	look_later(g);
}

static void look(struct ev_source *s, void *data)
{
	static const char *const argv[] = {"host-setup", NULL};
	struct guard *g = data;
	struct daemon *d = g->d;
	struct berth_error err;
	int r = net_guard_check(g->net, &err);

	(void)s;
	if (r != -ENOENT) {
		if (r >= 0)
			is_back(g); /* or an admin has put it back */
		look_later(g);
		return;
	}
	if (!g->gone)
		log_line(LOG_LV_WARNING, 0, "somebody removed the packet filter of the CTs");
	g->gone = true;
	if (worker_start(d, argv, NULL, 0, NULL, mended, g, &err) == 0)
		return;
	failed(g, &err);
	look_later(g);
}

void guard_begin(struct daemon *d)
{
	struct guard *g = calloc(1, sizeof(*g)); /* as long as berthd lives */
	struct net_owner owner;

	if (g == NULL)
		abort();
	g->d = d;
	owner = spec_net_owner(&d->host, d->paths.root);
	g->net = net_guard_new(&owner);
	if (g->net == NULL)
		abort();
	if (ev_add_timer(d->ev, LOOK_MS, look, g, &g->timer) < 0)
		abort();
}
