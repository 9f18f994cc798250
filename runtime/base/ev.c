/* ev.c - the event loop. */
#include "runtime/base/ev.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

enum ev_kind {
	EV_IO,
	EV_TIMER,
	EV_SIGNAL
};

struct ev_source {
	struct ev *ev;
	struct ev_source *next;
	enum ev_kind kind;
	int fd; /* ours for signals, the caller's for io, -EBADF for timers */
	uint64_t due_ms; /* timers: as ev_now_ms; 0: not armed */
	bool removed;
	void *data;
	ev_io_fn *io;
	ev_timer_fn *timer;
	ev_signal_fn *signal;
};

struct ev {
	int epfd;
	bool stopping;
	int status;
	unsigned int dispatching; /* depth: a callback may run the loop itself */
	bool swept; /* no removed source is left: thousands need not be looked at */
	struct ev_source *sources; /* live and removed ones; removed are freed between dispatches */
	struct ev_source *timers; /* the same of timers: few, and looked at each time */
};

int ev_new(struct ev **ret)
{
	auto_free struct ev *ev = calloc(1, sizeof(*ev));

	if (ev == NULL)
		return -ENOMEM;
	ev->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (ev->epfd < 0)
		return -errno;
	*ret = take_ptr(ev);
	return 0;
}

/* Frees the sources that were removed while callbacks ran. */
static void sweep_list(struct ev_source **p)
{
	while (*p != NULL) {
		struct ev_source *s = *p;

		if (s->removed) {
			*p = s->next;
			free(s);
		} else {
			p = &s->next;
		}
	}
}

static void ev_sweep(struct ev *ev)
{
	if (ev->swept)
		return;
	ev->swept = true;
	sweep_list(&ev->sources);
	sweep_list(&ev->timers);
}

void ev_free(struct ev *ev)
{
	if (ev == NULL)
		return;
	ev->dispatching = 1; /* ev_remove must not free what is walked here */
	for (struct ev_source *s = ev->sources; s != NULL; s = s->next)
		ev_remove(s);
	for (struct ev_source *s = ev->timers; s != NULL; s = s->next)
		ev_remove(s);
	ev_sweep(ev);
	(void)close(ev->epfd);
	free(ev);
}

static int source_add(struct ev *ev, struct ev_source proto, uint32_t events,
		      struct ev_source **ret)
{
	struct ev_source *s = malloc(sizeof(*s));
	struct epoll_event e = {.events = events};
	int r = FAULT_POINT("ev.add");

	if (s == NULL || r < 0) {
		free(s);
		return r < 0 ? r : -ENOMEM;
	}
	*s = proto;
	s->ev = ev;
	e.data.ptr = s;
	if (epoll_ctl(ev->epfd, EPOLL_CTL_ADD, s->fd, &e) < 0) {
		free(s);
		return -errno;
	}
	s->next = ev->sources;
	ev->sources = s;
	if (ret != NULL)
		*ret = s;
	return 0;
}

int ev_add_io(struct ev *ev, int fd, uint32_t events, ev_io_fn *fn, void *data,
	      struct ev_source **ret)
{
	return source_add(ev, (struct ev_source){.kind = EV_IO, .fd = fd, .data = data, .io = fn},
			  events, ret);
}

int ev_io_set_events(struct ev_source *s, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = s};

	return epoll_ctl(s->ev->epfd, EPOLL_CTL_MOD, s->fd, &e) < 0 ? -errno : 0;
}

int ev_timer_set(struct ev_source *s, uint64_t after_ms)
{
	s->due_ms = after_ms == 0 ? 0 : ev_now_ms() + after_ms;
	return 0;
}

/* No descriptor: a timer is what is left to a process that has run out of them. */
int ev_add_timer(struct ev *ev, uint64_t after_ms, ev_timer_fn *fn, void *data,
		 struct ev_source **ret)
{
	struct ev_source *s = malloc(sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	*s = (struct ev_source){.ev = ev,
				.kind = EV_TIMER,
				.fd = -EBADF,
				.data = data,
				.timer = fn,
				.next = ev->timers};
	ev->timers = s;
	if (ret != NULL)
		*ret = s;
	return ev_timer_set(s, after_ms);
}

int ev_add_signal(struct ev *ev, int sig, ev_signal_fn *fn, void *data, struct ev_source **ret)
{
	auto_close int fd = -EBADF;
	sigset_t set;
	int r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, sig);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = source_add(ev,
		       (struct ev_source){.kind = EV_SIGNAL, .fd = fd, .data = data, .signal = fn},
		       EPOLLIN, ret);
	if (r == 0)
		(void)take_fd(&fd);
	return r;
}

void ev_remove(struct ev_source *s)
{
	if (s == NULL || s->removed)
		return;
	if (s->kind != EV_TIMER)
		(void)epoll_ctl(s->ev->epfd, EPOLL_CTL_DEL, s->fd, NULL);
	if (s->kind == EV_SIGNAL)
		(void)close(s->fd);
	s->due_ms = 0;
	s->removed = true;
	s->ev->swept = false;
	if (s->ev->dispatching == 0)
		ev_sweep(s->ev);
}

static void dispatch(struct ev_source *s, uint32_t events)
{
	switch (s->kind) {
	case EV_IO:
		s->io(s, events, s->data);
		break;
	case EV_TIMER:
		s->timer(s, s->data);
		break;
	case EV_SIGNAL: {
		struct signalfd_siginfo info;

		if (read(s->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
			s->signal(s, (int)info.ssi_signo, s->data);
		break;
	}
	}
}

/* How long to sleep: no longer than to the next timer. */
static int time_left(const struct ev *ev, int timeout_ms)
{
	uint64_t next = UINT64_MAX, now, left;

	for (const struct ev_source *s = ev->timers; s != NULL; s = s->next)
		if (s->due_ms != 0 && s->due_ms < next)
			next = s->due_ms;
	if (next == UINT64_MAX)
		return timeout_ms;
	now = ev_now_ms();
	left = next > now ? next - now : 0;
	if (timeout_ms >= 0 && left > (uint64_t)timeout_ms)
		return timeout_ms;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Each at most once: one that arms itself again waits for the next round. */
static int run_timers(struct ev *ev)
{
	uint64_t now = ev_now_ms();
	int n = 0;

	for (struct ev_source *s = ev->timers; s != NULL; s = s->next) {
		if (s->removed || s->due_ms == 0 || s->due_ms > now)
			continue;
		s->due_ms = 0;
		dispatch(s, 0);
		n++;
	}
	return n;
}

int ev_run_once(struct ev *ev, int timeout_ms)
{
	struct epoll_event events[32];
	int n = epoll_wait(ev->epfd, events, 32, time_left(ev, timeout_ms));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	ev->dispatching++;
	for (int i = 0; i < n; i++) {
		struct ev_source *s = events[i].data.ptr;

		if (!s->removed)
			dispatch(s, events[i].events);
	}
	n += run_timers(ev);
	if (--ev->dispatching == 0)
		ev_sweep(ev);
	return n;
}

int ev_run(struct ev *ev)
{
	ev->stopping = false;
	while (!ev->stopping) {
		int r = ev_run_once(ev, -1);

		if (r < 0)
			return r;
	}
	return ev->status;
}

void ev_stop(struct ev *ev, int status)
{
	ev->stopping = true;
	ev->status = status;
}
