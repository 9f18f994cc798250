/* guard.c - is the packet filter of the CTs still there? */
#include "runtime/daemon/guard.h"

#include "netsetup/net.h"
#include "runtime/base/log.h"
#include "runtime/ct/spec.h"
#include "runtime/daemon/worker_client.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

enum {
	LOOK_MS = 2000, /* at least, from one look to the next */
	LOOK_MAX_MS = 60000
};

struct guard {
	struct daemon *d;
	struct net_guard *net;
	struct offload *thread; /* looking may wait for the kernel */
	struct ev_source *timer;
	bool busy; /* it is looked, or mended */
	bool due; /* something happened meanwhile */
	bool deaf; /* no news from the kernel: it is looked all the time */
	bool gone;
	uint64_t looked_ms; /* ev_now_ms when the last look began */
	unsigned int failures; /* in a row */
	struct berth_error last; /* what the log knows already */
	int seen; /* of the thread: how the look ended */
	struct berth_error seen_err;
};

uint64_t guard_wait(unsigned int failures)
{
	uint64_t ms = (uint64_t)LOOK_MS << (failures < 8 ? failures : 8);

	return ms < LOOK_MAX_MS ? ms : LOOK_MAX_MS;
}

uint64_t guard_pause(uint64_t since_look_ms)
{
	return since_look_ms >= LOOK_MS ? 0 : LOOK_MS - since_look_ms;
}

static void failed(struct guard *g, const struct berth_error *err)
{
	g->failures++;
	if (strcmp(g->last.msg, err->msg) == 0)
		return;
	g->last = *err;
	log_line(LOG_LV_ERROR, 0, "restore the packet filter, berthd keeps trying: %s", err->msg);
}

static void is_back(struct guard *g)
{
	if (g->gone)
		log_line(LOG_LV_INFO, 0, "the packet filter is back");
	g->gone = false;
	g->failures = 0;
	g->last.msg[0] = '\0';
}

static void look_work(void *data)
{
	struct guard *g = data;

	g->seen = net_guard_check(g->net, &g->seen_err);
}

static void look_begin(struct guard *g, offload_done_fn *then)
{
	g->busy = true;
	g->due = false;
	g->looked_ms = ev_now_ms();
	net_guard_take(g->net);
	if (offload_run(g->thread, look_work, then, g) < 0)
		abort();
}

/* Until something happens; while it fails, or nothing is heard, until the next try. */
static void rest(struct guard *g, uint64_t ms)
{
	g->busy = false;
	if (g->due)
		ms = guard_pause(ev_now_ms() - g->looked_ms) + 1;
	(void)ev_timer_set(g->timer, ms);
}

static uint64_t next_try(const struct guard *g)
{
	return g->failures > 0 || g->gone || g->deaf ? guard_wait(g->failures) : 0;
}

static void look_after_mending(void *data)
{
	struct guard *g = data;

	if (g->seen >= 0)
		is_back(g);
	else
		failed(g, &g->seen_err);
	rest(g, next_try(g));
}

static void mended(const struct worker_result *result, void *data)
{
	struct guard *g = data;

	if (result->ok) {
		look_begin(g, look_after_mending);
		return;
	}
	failed(g, &result->error);
	rest(g, next_try(g));
}

static void looked(void *data)
{
	static const char *const argv[] = {"host-setup", NULL};
	struct guard *g = data;
	struct berth_error err;

	if (g->seen >= 0)
		is_back(g); /* or an admin has put it back */
	if (g->seen != -ENOENT) { /* not to be told just now: asked again */
		rest(g, g->seen < 0 ? guard_wait(g->failures) : next_try(g));
		return;
	}
	if (!g->gone)
		log_line(LOG_LV_WARNING, 0, "somebody removed the packet filter of the CTs");
	g->gone = true;
	if (worker_start(g->d, argv, NULL, 0, NULL, mended, g, &err) == 0)
		return;
	failed(g, &err);
	rest(g, next_try(g));
}

static void on_timer(struct ev_source *s, void *data)
{
	struct guard *g = data;

	(void)s;
	if (!g->busy)
		look_begin(g, looked);
}

/* Every start and stop is heard here; only what takes something away is a reason to look. */
static void on_news(struct ev_source *s, uint32_t events, void *data)
{
	struct guard *g = data;

	(void)s;
	(void)events;
	if (!net_guard_hear(g->net))
		return;
	g->due = true;
	/* While it cannot be mended the timer runs already. */
	if (!g->busy && g->failures == 0)
		rest(g, 0);
}

void guard_begin(struct daemon *d)
{
	struct guard *g = calloc(1, sizeof(*g)); /* as long as berthd lives */
	struct berth_error err;
	struct net_owner owner;
	int fd;

	if (g == NULL)
		abort();
	g->d = d;
	owner = spec_net_owner(&d->host, d->paths.root);
	g->net = net_guard_new(&owner);
	if (g->net == NULL || offload_new(d->ev, 1, &g->thread) < 0)
		abort();
	if (ev_add_timer(d->ev, LOOK_MS, on_timer, g, &g->timer) < 0)
		abort();
	fd = net_guard_listen(g->net, &err);
	if (fd < 0) {
		g->deaf = true;
		log_line(LOG_LV_WARNING, 0, "%s: checking the packet filter every %d s instead",
			 err.msg, LOOK_MS / 1000);
	} else if (ev_add_io(d->ev, fd, EPOLLIN, on_news, g, NULL) < 0) {
		abort();
	}
	/* What happened before it was listened to. */
	look_begin(g, looked);
}
