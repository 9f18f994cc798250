/* test_offload.c - threads that wait, while the loop does not. */
#include "runtime/base/offload.h"

#include "tests/unit/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

enum {
	WAIT_MS = 15000
};

static struct ev *ev;
static struct offload *o;

/* A piece of work that waits until it is let go. */
struct work {
	int gate[2];
	pthread_t where;
	bool done;
	int order;
};

static int n_done;

static void wait_at_gate(void *data)
{
	struct work *w = data;
	char c;

	w->where = pthread_self();
	CHECK(read(w->gate[0], &c, 1) == 1);
}

static void pass(void *data)
{
	((struct work *)data)->where = pthread_self();
}

static void mark(void *data)
{
	struct work *w = data;

	w->done = true;
	w->order = n_done++;
}

static void begin(unsigned int max)
{
	n_done = 0;
	CHECK(ev_new(&ev) == 0 && offload_new(ev, max, &o) == 0);
}

static void end(void)
{
	offload_free(o);
	ev_free(ev);
}

static void gate_open(struct work *w)
{
	CHECK(pipe(w->gate) == 0);
}

static void let_go(struct work *w)
{
	CHECK(write(w->gate[1], "x", 1) == 1);
}

static void gate_close(struct work *w)
{
	(void)close(w->gate[0]);
	(void)close(w->gate[1]);
}

static void run_until(const bool *what)
{
	uint64_t until = ev_now_ms() + WAIT_MS;

	while (!*what && ev_now_ms() < until)
		(void)ev_run_once(ev, 100);
	CHECK(*what);
}

static void the_loop_goes_on_while_a_work_waits(void)
{
	struct work slow = {0}, quick = {0};

	begin(2);
	gate_open(&slow);
	CHECK(offload_run(o, wait_at_gate, mark, &slow) == 0);
	CHECK(offload_run(o, pass, mark, &quick) == 0);
	run_until(&quick.done);
	CHECK(!slow.done && offload_pending(o) == 1);
	let_go(&slow);
	run_until(&slow.done);
	CHECK(!pthread_equal(slow.where, pthread_self()) &&
	      !pthread_equal(quick.where, pthread_self()));
	CHECK(offload_pending(o) == 0);
	gate_close(&slow);
	end();
}

static void one_thread_does_one_after_the_other(void)
{
	struct work w[50] = {0};

	begin(1);
	gate_open(&w[0]);
	CHECK(offload_run(o, wait_at_gate, mark, &w[0]) == 0);
	for (int i = 1; i < 50; i++)
		CHECK(offload_run(o, pass, mark, &w[i]) == 0);
	(void)ev_run_once(ev, 0);
	CHECK(n_done == 0 && offload_pending(o) == 50);
	let_go(&w[0]);
	run_until(&w[49].done);
	for (int i = 0; i < 50; i++)
		CHECK(w[i].order == i && pthread_equal(w[i].where, w[0].where));
	gate_close(&w[0]);
	end();
}

/* As at berthd's end with a disk that hangs: nobody waits, and nothing is told any more. */
static void what_hangs_at_the_end_is_left_behind(void)
{
	static struct work w[3]; /* they outlive this function */

	begin(2);
	for (int i = 0; i < 3; i++) {
		gate_open(&w[i]);
		CHECK(offload_run(o, wait_at_gate, mark, &w[i]) == 0);
	}
	end();
	for (int i = 0; i < 3; i++)
		let_go(&w[i]);
	CHECK(n_done == 0);
}

static void nothing(void *data)
{
	(void)data;
}

static void free_it(void *data)
{
	mark(data);
	offload_free(o);
	o = NULL;
}

static void it_may_be_freed_from_a_done(void)
{
	struct work w = {0}, never = {0};

	begin(1);
	CHECK(offload_run(o, pass, free_it, &w) == 0);
	CHECK(offload_run(o, nothing, mark, &never) == 0);
	run_until(&w.done);
	(void)ev_run_once(ev, 0);
	CHECK(!never.done);
	end();
}

static void signals_stay_with_the_loop(void *data)
{
	sigset_t now;

	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
	*(bool *)data = sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGCHLD) == 1;
}

static void threads_take_no_signals(void)
{
	bool blocked = false;

	begin(1);
	CHECK(offload_run(o, signals_stay_with_the_loop, nothing, &blocked) == 0);
	while (offload_pending(o) > 0)
		(void)ev_run_once(ev, 100);
	CHECK(blocked);
	end();
}

int main(void)
{
	RUN(the_loop_goes_on_while_a_work_waits);
	RUN(one_thread_does_one_after_the_other);
	RUN(what_hangs_at_the_end_is_left_behind);
	RUN(it_may_be_freed_from_a_done);
	RUN(threads_take_no_signals);
	return check_failures != 0;
}
