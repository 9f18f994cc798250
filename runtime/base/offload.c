/* offload.c - a queue, some threads, and an eventfd that wakes the loop. */
#include "runtime/base/offload.h"

#include "runtime/base/cleanup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	STACK_SIZE = 512 * 1024
};

struct item {
	struct item *next;
	offload_work_fn *work;
	offload_done_fn *done;
	void *data;
};

/* First in, first out. */
struct fifo {
	struct item *first, **end;
};

struct offload {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct fifo todo, finished;
	unsigned int threads, idle, max;
	unsigned int queued; /* in todo */
	unsigned int pending; /* not told as done */
	unsigned int refs; /* the owner and each thread */
	bool ending;
	int fd; /* counts what is finished */
	struct ev_source *watch;
};

static void fifo_init(struct fifo *f)
{
	f->first = NULL;
	f->end = &f->first;
}

static void fifo_add(struct fifo *f, struct item *i)
{
	i->next = NULL;
	*f->end = i;
	f->end = &i->next;
}

static struct item *fifo_take(struct fifo *f)
{
	struct item *i = f->first;

	if (i != NULL) {
		f->first = i->next;
		if (f->first == NULL)
			f->end = &f->first;
	}
	return i;
}

static void fifo_drop(struct fifo *f)
{
	struct item *i;

	while ((i = fifo_take(f)) != NULL)
		free(i);
}

/* With the lock held, which it gives back. */
static void unref(struct offload *o)
{
	bool last = --o->refs == 0;

	(void)pthread_mutex_unlock(&o->lock);
	if (!last)
		return;
	fifo_drop(&o->todo);
	fifo_drop(&o->finished);
	(void)close(o->fd);
	(void)pthread_cond_destroy(&o->more);
	(void)pthread_mutex_destroy(&o->lock);
	free(o);
}

/* With the lock held. */
static void finish(struct offload *o, struct item *i)
{
	const uint64_t one = 1;

	fifo_add(&o->finished, i);
	(void)!write(o->fd, &one, sizeof(one)); /* fails only when it has been told often enough */
}

static void *run(void *arg)
{
	struct offload *o = arg;
	struct item *i;

	(void)pthread_mutex_lock(&o->lock);
	while (!o->ending) {
		i = fifo_take(&o->todo);
		if (i == NULL) {
			o->idle++;
			(void)pthread_cond_wait(&o->more, &o->lock);
			o->idle--;
			continue;
		}
		o->queued--;
		(void)pthread_mutex_unlock(&o->lock);
		i->work(i->data);
		(void)pthread_mutex_lock(&o->lock);
		finish(o, i);
	}
	unref(o);
	return NULL;
}

/* Signals are for the loop's thread. With the lock held; -errno. */
static int thread_start(struct offload *o)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t id;
	int r;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&id, &attr, run, o);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	if (r == 0) {
		o->threads++;
		o->refs++;
	}
	return -r;
}

static void on_finished(struct ev_source *s, uint32_t events, void *data)
{
	struct offload *o = data;
	struct item *i;
	uint64_t count;

	(void)s;
	(void)events;
	/* One at a time: its done may free all of this. The rest is told again. */
	(void)pthread_mutex_lock(&o->lock);
	i = fifo_take(&o->finished);
	o->pending -= i != NULL;
	if (o->finished.first == NULL)
		(void)!read(o->fd, &count, sizeof(count));
	(void)pthread_mutex_unlock(&o->lock);
	if (i == NULL)
		return;
	i->done(i->data);
	free(i);
}

int offload_new(struct ev *ev, unsigned int max, struct offload **ret)
{
	struct offload *o = calloc(1, sizeof(*o));
	int r;

	if (o == NULL)
		return -ENOMEM;
	o->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = o->fd < 0 ? -errno : ev_add_io(ev, o->fd, EPOLLIN, on_finished, o, &o->watch);
	if (r < 0) {
		if (o->fd >= 0)
			(void)close(o->fd);
		free(o);
		return r;
	}
	(void)pthread_mutex_init(&o->lock, NULL);
	(void)pthread_cond_init(&o->more, NULL);
	fifo_init(&o->todo);
	fifo_init(&o->finished);
	o->max = max;
	o->refs = 1;
	*ret = o;
	return 0;
}

int offload_run(struct offload *o, offload_work_fn *work, offload_done_fn *done, void *data)
{
	struct item *i = malloc(sizeof(*i));

	if (i == NULL)
		return -ENOMEM;
	*i = (struct item){.work = work, .done = done, .data = data};
	(void)pthread_mutex_lock(&o->lock);
	o->pending++;
	/* Those that are idle may be woken for earlier ones already. */
	if (o->threads < o->max && o->idle <= o->queued)
		(void)thread_start(o);
	if (o->threads > 0) {
		fifo_add(&o->todo, i);
		o->queued++;
		(void)pthread_cond_signal(&o->more);
		(void)pthread_mutex_unlock(&o->lock);
		return 0;
	}
	/* Not one thread to be had: better late than never. */
	(void)pthread_mutex_unlock(&o->lock);
	work(data);
	(void)pthread_mutex_lock(&o->lock);
	finish(o, i);
	(void)pthread_mutex_unlock(&o->lock);
	return 0;
}

unsigned int offload_pending(struct offload *o)
{
	unsigned int n;

	(void)pthread_mutex_lock(&o->lock);
	n = o->pending;
	(void)pthread_mutex_unlock(&o->lock);
	return n;
}

void offload_free(struct offload *o)
{
	if (o == NULL)
		return;
	ev_remove(o->watch);
	(void)pthread_mutex_lock(&o->lock);
	o->ending = true;
	(void)pthread_cond_broadcast(&o->more);
	unref(o);
}
