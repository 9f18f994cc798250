/* test_ev.c - the event loop: removal while it runs, order, timers, signals. */
#include "runtime/base/cleanup.h"
#include "runtime/base/ev.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>

struct probe {
	struct ev *ev;
	struct ev_source *self, *other;
	int calls;
};

static struct ev *new_loop(void)
{
	struct ev *ev = NULL;

	CHECK(ev_new(&ev) == 0);
	return ev;
}

/* A pipe that is readable. */
static void ready_pipe(int p[2])
{
	CHECK(pipe2(p, O_CLOEXEC) == 0 && write(p[1], "x", 1) == 1);
}

static void close_pipe(const int p[2])
{
	(void)close(p[0]);
	(void)close(p[1]);
}

static void count_io(struct ev_source *s, uint32_t events, void *data)
{
	struct probe *p = data;

	(void)s;
	CHECK((events & EPOLLIN) != 0);
	p->calls++;
}

static void remove_both(struct ev_source *s, uint32_t events, void *data)
{
	struct probe *p = data;

	(void)events;
	p->calls++;
	ev_remove(p->other);
	ev_remove(s);
}

static void a_ready_descriptor_is_told_until_it_is_removed(void)
{
	struct probe p = {.ev = new_loop()};
	int fds[2];

	ready_pipe(fds);
	CHECK(ev_add_io(p.ev, fds[0], EPOLLIN, count_io, &p, &p.self) == 0);
	CHECK(ev_run_once(p.ev, 1000) == 1 && p.calls == 1);
	CHECK(ev_io_set_events(p.self, 0) == 0);
	CHECK(ev_run_once(p.ev, 0) == 0 && p.calls == 1);
	ev_remove(p.self);
	CHECK(ev_run_once(p.ev, 0) == 0);
	ev_remove(NULL);
	ev_free(p.ev);
	close_pipe(fds);
}

/* Both are ready in one epoll_wait; whichever runs first removes both. */
static void a_source_removed_by_another_is_not_called(void)
{
	struct probe a = {.ev = new_loop()}, b = {0};
	int x[2], y[2];

	ready_pipe(x);
	ready_pipe(y);
	CHECK(ev_add_io(a.ev, x[0], EPOLLIN, remove_both, &a, &a.self) == 0);
	CHECK(ev_add_io(a.ev, y[0], EPOLLIN, remove_both, &b, &b.self) == 0);
	a.other = b.self;
	b.other = a.self;
	CHECK(ev_run_once(a.ev, 1000) == 2);
	CHECK(a.calls + b.calls == 1);
	CHECK(ev_run_once(a.ev, 0) == 0);
	ev_free(a.ev);
	close_pipe(x);
	close_pipe(y);
}

static void run_again(struct ev_source *s, uint32_t events, void *data)
{
	struct probe *p = data;

	(void)events;
	ev_remove(s);
	if (p->calls++ == 0)
		CHECK(ev_run_once(p->ev, 0) >= 0);
}

static void a_callback_may_run_the_loop_itself(void)
{
	struct probe p = {.ev = new_loop()};
	int x[2], y[2];

	ready_pipe(x);
	ready_pipe(y);
	CHECK(ev_add_io(p.ev, x[0], EPOLLIN, run_again, &p, NULL) == 0);
	CHECK(ev_add_io(p.ev, y[0], EPOLLIN, run_again, &p, NULL) == 0);
	CHECK(ev_run_once(p.ev, 1000) == 2);
	CHECK(p.calls == 2);
	ev_free(p.ev);
	close_pipe(x);
	close_pipe(y);
}

static void stop_on_timer(struct ev_source *s, void *data)
{
	struct probe *p = data;

	p->calls++;
	if (p->calls == 2)
		ev_stop(p->ev, 7);
	else
		CHECK(ev_timer_set(s, 1) == 0);
}

static void a_timer_fires_once_for_each_arming(void)
{
	struct probe p = {.ev = new_loop()};
	uint64_t begin = ev_now_ms();

	CHECK(ev_add_timer(p.ev, 20, stop_on_timer, &p, &p.self) == 0);
	CHECK(ev_run(p.ev) == 7 && p.calls == 2);
	CHECK(ev_now_ms() - begin >= 20);
	CHECK(ev_run_once(p.ev, 5) == 0);
	CHECK(ev_timer_set(p.self, 1) == 0 && ev_timer_set(p.self, 0) == 0);
	CHECK(ev_run_once(p.ev, 10) == 0 && p.calls == 2);
	ev_free(p.ev);
}

static void count_signal(struct ev_source *s, int sig, void *data)
{
	struct probe *p = data;

	(void)s;
	CHECK(sig == SIGUSR1);
	p->calls++;
}

static void a_signal_is_an_event(void)
{
	struct probe p = {.ev = new_loop()};

	CHECK(ev_add_signal(p.ev, SIGUSR1, count_signal, &p, NULL) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(ev_run_once(p.ev, 1000) == 1 && p.calls == 1);
	ev_free(p.ev);
}

static void freeing_a_loop_frees_what_is_in_it(void)
{
	struct ev *ev = new_loop();
	struct probe p = {.ev = ev};
	int fds[2];

	ready_pipe(fds);
	for (int i = 0; i < 5; i++)
		CHECK(ev_add_timer(ev, 1000, stop_on_timer, &p, NULL) == 0);
	CHECK(ev_add_io(ev, fds[0], EPOLLIN, count_io, &p, NULL) == 0);
	ev_free(ev);
	ev_free(NULL);
	CHECK(p.calls == 0);
	close_pipe(fds);
}

static void a_bad_descriptor_is_refused(void)
{
	struct ev *ev = new_loop();

	CHECK(ev_add_io(ev, -1, EPOLLIN, count_io, NULL, NULL) == -EBADF);
	ev_free(ev);
}

int main(void)
{
	RUN(a_ready_descriptor_is_told_until_it_is_removed);
	RUN(a_source_removed_by_another_is_not_called);
	RUN(a_callback_may_run_the_loop_itself);
	RUN(a_timer_fires_once_for_each_arming);
	RUN(a_signal_is_an_event);
	RUN(freeing_a_loop_frees_what_is_in_it);
	RUN(a_bad_descriptor_is_refused);
	return check_failures != 0;
}
