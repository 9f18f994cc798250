/* space.c - the watch on the host's file systems: when to look, and what is told of it. */
#include "runtime/daemon/space.h"

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/daemon/space_look.h"
#include "runtime/daemon/troubles.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	IDLE_MS = 2000,
	SLOW_MS = 15000, /* a look that takes longer is told */
	STACK_BYTES = 256 * 1024
};

struct space {
	struct daemon *d;
	struct ev_source *timer;
	int done_fd; /* readable when the thread has ended */
	pthread_t thread;
	bool looking, slow;
	bool soon; /* again, as soon as this look is over */
	uint64_t last_ms; /* of the last look */
	struct space_look look;
};

static struct space only; /* as long as berthd lives */

/* ---- what is told ---- */

static unsigned long long mib(uint64_t bytes)
{
	return (unsigned long long)(bytes >> 20);
}

static void tell_errors(struct daemon *d, struct ct *ct)
{
	const char *why;

	switch (ct->space.cause) {
	case EIO:
		why = "the host's disk answered with an I/O error (EIO): look at the disk first "
		      "(dmesg, smartctl -a)";
		break;
	case ENOSPC:
		why = "the host's file system was full: free some first (df -h)";
		break;
	default:
		why = "its file system found damage (see dmesg)";
		break;
	}
	text_set(&ct->volume_trouble,
		 "its volume is read-only: %s; then `berth restart %u` checks and repairs it", why,
		 ct->ctid);
	log_line(LOG_LV_ERROR, ct->ctid, "%s", text_or_empty(ct->volume_trouble));
	event_emit(d, ct->ctid, "volume_error", text_or_empty(ct->volume_trouble));
}

static void tell_held(struct daemon *d, struct ct *ct, const struct space_host *h)
{
	text_set(&ct->volume_trouble,
		 "held: the host has %llu MiB left for its CTs at %.80s, and this one has grown by "
		 "%llu MiB lately; it gets \"No space left\" for more until there is room: free "
		 "some there (df -h)",
		 mib(h->room), d->paths.lib, mib(ct->space.grown));
	log_line(LOG_LV_WARNING, ct->ctid, "%s", text_or_empty(ct->volume_trouble));
	event_emit(d, ct->ctid, "held", text_or_empty(ct->volume_trouble));
}

static void tell_released(struct daemon *d, struct ct *ct)
{
	log_line(LOG_LV_INFO, ct->ctid, "the host has room again: no longer held");
	event_emit(d, ct->ctid, "released", NULL);
}

static void take_volume(struct space *s, const struct space_volume *v)
{
	struct ct *ct = registry_find(s->d, v->ctid);
	struct ct_space was;

	/* Another run, or none: what was found is nobody's. */
	if (ct == NULL || ct->run.monitor.pid != v->monitor.pid ||
	    ct->run.monitor.start_time != v->monitor.start_time)
		return;
	was = ct->space;
	ct->space = v->s;
	if (ct->space.errors > 0) {
		if (was.errors > 0)
			return;
		tell_errors(s->d, ct);
	} else if (ct->space.held && !was.held) {
		tell_held(s->d, ct, &s->look.hosts[v->host]);
	} else if (!ct->space.held && was.held) {
		text_clear(&ct->volume_trouble);
		tell_released(s->d, ct);
	} else {
		return;
	}
	troubles_write(ct);
}

static void take_host(struct space *s, const struct space_host *h, bool was_low)
{
	struct daemon *d = s->d;
	char text[400];

	if (h->low == was_low)
		return;
	if (!h->low) {
		log_line(LOG_LV_INFO, 0, "space: %s has room again", d->paths.lib);
		event_emit(d, 0, "space_ok", NULL);
		return;
	}
	(void)snprintf(
		text, sizeof(text),
		"%llu MiB are left at %.80s, and %llu MiB of these are the host's own "
		"(SPACE_RESERVE); %u running CTs were promised more: those that grow most will "
		"be held; free some (df -h)",
		mib(h->avail), d->paths.lib, mib(h->reserve), h->n);
	log_line(LOG_LV_WARNING, 0, "space: %s", text);
	event_emit(d, 0, "space_low", text);
}

/* ---- when to look ---- */

static bool is_looked_at(const struct ct *ct)
{
	return (ct->status == CT_RUNNING || ct->status == CT_STOPPING) && ct->run.monitor.pid > 0;
}

static bool is_of_this_run(const struct ct *ct)
{
	return ct->space.init.pid == ct->run.init.pid &&
	       ct->space.init.start_time == ct->run.init.start_time;
}

/* Nothing of the last run is the next one's. */
static void forget_ended(struct daemon *d)
{
	for (size_t i = 0; i < d->n_cts; i++)
		if (!is_looked_at(d->cts[i]) || !is_of_this_run(d->cts[i])) {
			d->cts[i]->space = (struct ct_space){.init = d->cts[i]->run.init};
			text_clear(&d->cts[i]->volume_trouble);
		}
}

static void fill_look(struct space *s)
{
	struct space_look *l = &s->look;
	struct daemon *d = s->d;

	l->paths = d->paths;
	l->policy = d->host;
	l->elapsed_ms = ev_now_ms() - s->last_ms;
	l->n = 0;
	free(l->volumes);
	l->volumes = calloc(d->n_cts + 1, sizeof(*l->volumes));
	if (l->volumes == NULL)
		abort();
	for (size_t i = 0; i < d->n_cts; i++) {
		const struct ct *ct = d->cts[i];
		struct space_volume *v = &l->volumes[l->n];

		if (!is_looked_at(ct))
			continue;
		v->ctid = ct->ctid;
		v->monitor = ct->run.monitor;
		v->s = ct->space;
		memcpy(v->driver, ct->facts.driver, sizeof(v->driver));
		l->n++;
	}
}

static void *run_look(void *data)
{
	struct space *s = data;
	const uint64_t one = 1;

	space_look_run(&s->look);
	(void)fd_write_all(s->done_fd, &one, sizeof(one));
	return NULL;
}

static int start_thread(struct space *s)
{
	pthread_attr_t a;
	int r = pthread_attr_init(&a);

	if (r != 0)
		return -r;
	(void)pthread_attr_setstacksize(&a, STACK_BYTES);
	r = pthread_create(&s->thread, &a, run_look, s);
	(void)pthread_attr_destroy(&a);
	return -r;
}

static void on_timer(struct ev_source *timer, void *data)
{
	struct space *s = data;
	int r;

	if (s->looking) {
		s->slow = true;
		log_line(LOG_LV_ERROR, 0,
			 "space: a look at the volumes takes longer than %d s: the disk below %s "
			 "does "
			 "not answer (dmesg); CTs keep the shares that they have",
			 SLOW_MS / 1000, s->d->paths.lib);
		return; /* on_done goes on */
	}
	forget_ended(s->d);
	fill_look(s);
	s->last_ms = ev_now_ms();
	if (s->look.n == 0) {
		s->look.n_hosts = 0;
		(void)ev_timer_set(timer, IDLE_MS);
		return;
	}
	r = start_thread(s);
	if (r < 0) {
		log_line(LOG_LV_WARNING, 0, "space: start a thread: %s", strerror(-r));
		(void)ev_timer_set(timer, IDLE_MS);
		return;
	}
	s->looking = true;
	(void)ev_timer_set(timer, SLOW_MS);
}

static void on_done(struct ev_source *source, uint32_t events, void *data)
{
	struct space *s = data;
	struct space_look *l = &s->look;
	uint64_t n;

	(void)source;
	(void)events;
	if (read(s->done_fd, &n, sizeof(n)) < 0)
		return;
	(void)pthread_join(s->thread, NULL);
	s->looking = false;
	if (s->slow)
		log_line(LOG_LV_INFO, 0, "space: the disk below %s answers again", s->d->paths.lib);
	s->slow = false;
	for (unsigned int i = 0; i < l->n_hosts; i++)
		take_host(s, &l->hosts[i], l->hosts[i].was_low);
	for (size_t i = 0; i < l->n; i++)
		take_volume(s, &l->volumes[i]);
	(void)ev_timer_set(s->timer, s->soon ? 1 : l->wait_ms);
	s->soon = false;
}

void space_soon(void)
{
	if (only.timer != NULL && !only.looking)
		(void)ev_timer_set(only.timer, 1);
	only.soon = only.looking;
}

void space_begin(struct daemon *d)
{
	struct space *s = &only;
	struct ev_source *unused;

	s->d = d;
	s->last_ms = ev_now_ms();
	s->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->done_fd < 0 || ev_add_io(d->ev, s->done_fd, EPOLLIN, on_done, s, &unused) < 0 ||
	    ev_add_timer(d->ev, 1, on_timer, s, &s->timer) < 0)
		abort();
}
