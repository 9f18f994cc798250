/* worker_client.c - starts a berth-worker and reads its report. */
#include "runtime/daemon/worker_client.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/spawn.h"
#include "runtime/daemon/spare.h"
#include "runtime/wire/order.h"
#include "runtime/wire/report.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>

enum {
	WORKER_ARGS = 16,
	WORKER_LINE = 1024,
	WORKER_VALUES = 65536
};

struct worker_run {
	struct daemon *d;
	int fd; /* its report */
	struct ev_source *watch;
	int pidfd; /* -EBADF when none could be had: then it cannot be ended */
	struct ev_source
		*death; /* on pidfd, once it was ended: a child of its may hold the report open */
	struct ev_source *limit; /* it says something before that */
	char op[24];
	worker_progress_fn *progress;
	worker_done_fn *tell;
	void *data;
	char line[WORKER_LINE];
	size_t line_len;
	char *values;
	size_t values_len;
	bool ended; /* a done or error line was the last */
	bool done; /* nothing will follow, whenever the process ends */
	struct worker_result result;
};

static void take_value(struct worker_run *w, const char *text)
{
	size_t len = strlen(text);
	char *bigger;

	if (w->values_len + len + 2 > WORKER_VALUES)
		return;
	bigger = realloc(w->values, w->values_len + len + 2);
	if (bigger == NULL)
		abort();
	w->values = bigger;
	memcpy(w->values + w->values_len, text, len);
	w->values_len += len;
	w->values[w->values_len++] = '\n';
	w->values[w->values_len] = '\0';
}

static void take_line(struct worker_run *w)
{
	struct report_line l;

	if (w->done || report_parse(w->line, &l) < 0)
		return;
	switch (l.kind) {
	case REPORT_PROGRESS:
		if (w->progress != NULL)
			w->progress(l.text, l.percent, w->data);
		break;
	case REPORT_RESULT:
		take_value(w, l.text);
		break;
	case REPORT_ERROR:
		w->ended = true;
		w->result.ok = false;
		w->result.error = l.error;
		break;
	case REPORT_DONE:
		w->ended = w->done = true;
		w->result.ok = true;
		break;
	}
}

static void take_bytes(struct worker_run *w, const char *buf, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (buf[i] != '\n') {
			if (w->line_len + 1 < sizeof(w->line))
				w->line[w->line_len++] = buf[i];
			continue;
		}
		w->line[w->line_len] = '\0';
		w->line_len = 0;
		take_line(w);
	}
}

static void worker_ended(struct worker_run *w)
{
	ev_remove(w->watch);
	ev_remove(w->death);
	ev_remove(w->limit);
	(void)close(w->fd);
	fd_close(&w->pidfd);
	if (!w->ended) {
		w->result.ok = false;
		w->result.died = true;
		(void)berth_error_set(&w->result.error, BERTH_ERR_HELPER, ECHILD,
				      "the worker died before it had finished; see berthd's log");
	}
	w->result.values = w->values != NULL ? w->values : "";
	w->tell(&w->result, w->data);
	spare_keep(w->d);
	free(w->values);
	free(w);
}

static void on_limit(struct ev_source *s, void *data)
{
	struct worker_run *w = data;
	char why[120];

	(void)s;
	(void)snprintf(why, sizeof(why), "no progress for %u s (WORKER_TIMEOUT in berth.conf)",
		       w->d->host.worker_timeout);
	worker_end(w, why);
}

/* Anew with each word of it. */
static void limit_begin(struct worker_run *w)
{
	(void)ev_timer_set(w->limit, (uint64_t)w->d->host.worker_timeout * 1000);
}

static void on_report(struct ev_source *s, uint32_t events, void *data)
{
	struct worker_run *w = data;
	char buf[4096];
	ssize_t n = read(w->fd, buf, sizeof(buf));

	(void)s;
	(void)events;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		limit_begin(w);
		take_bytes(w, buf, (size_t)n);
	}
	if (n <= 0 || w->done)
		worker_ended(w);
}

static void on_death(struct ev_source *s, uint32_t events, void *data)
{
	struct worker_run *w = data;
	char buf[4096];
	ssize_t n;

	(void)s;
	(void)events;
	while (!w->done && (n = read(w->fd, buf, sizeof(buf))) > 0)
		take_bytes(w, buf, (size_t)n);
	worker_ended(w);
}

void worker_end(struct worker_run *w, const char *why)
{
	if (w->pidfd < 0 || w->death != NULL)
		return;
	log_line(LOG_LV_WARNING, 0, "the worker of %s is ended: %s", w->op, why);
	(void)snprintf(w->result.ended_for, sizeof(w->result.ended_for), "%s", why);
	(void)pidfd_send_signal(w->pidfd, SIGKILL, NULL, 0);
	(void)ev_add_io(w->d->ev, w->pidfd, EPOLLIN, on_death, w, &w->death);
}

static int worker_order(struct daemon *d, const char *const *argv, const int *keep,
			unsigned int n_keep, int report_fd, int *ret_pidfd)
{
	int r = spare_order(d, argv, report_fd, keep, n_keep, ret_pidfd);

	/* The next one is loaded meanwhile. A start needs all cores itself: then at its end. */
	if (r == 0 && strcmp(argv[0], "start") != 0)
		spare_keep(d);
	return r;
}

static int worker_spawn(struct daemon *d, const char *const *argv, const int *keep,
			unsigned int n_keep, int report_fd, int *ret_pidfd, struct berth_error *err)
{
	const char *full[WORKER_ARGS];
	char lock[12], list[ORDER_LIST_SIZE];
	int n = 0;
	pid_t pid;

	if (n_keep > 1 + ORDER_PASS_MAX)
		return berth_error_set(err, BERTH_ERR_SYSTEM, E2BIG,
				       "more descriptors than a worker is given");
	full[n++] = d->worker_path;
	if (n_keep > 0) {
		(void)snprintf(lock, sizeof(lock), "%d", keep[0]);
		full[n++] = "--lock";
		full[n++] = lock;
	}
	if (n_keep > 1) {
		order_list_format(keep + 1, n_keep - 1, list);
		full[n++] = "--fds";
		full[n++] = list;
	}
	if (d->paths.root[0] != '\0') {
		full[n++] = "--root";
		full[n++] = d->paths.root;
	}
	while (*argv != NULL && n < WORKER_ARGS - 1)
		full[n++] = *argv++;
	full[n] = NULL;
	return spawn_program(full, spawn_own_env(),
			     &(struct spawn_fds){.in = -1,
						 .out = report_fd,
						 .err = STDERR_FILENO,
						 .keep = keep,
						 .n_keep = n_keep},
			     &pid, ret_pidfd, err);
}

static struct worker_run *run_new(struct daemon *d, const char *op, int fd, int pidfd)
{
	struct worker_run *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	w->d = d;
	w->fd = fd;
	w->pidfd = pidfd;
	(void)snprintf(w->op, sizeof(w->op), "%s", op);
	if (ev_add_timer(d->ev, 0, on_limit, w, &w->limit) < 0)
		abort();
	limit_begin(w);
	return w;
}

int worker_start_run(struct daemon *d, const char *const *argv, const int *keep,
		     unsigned int n_keep, worker_progress_fn *progress, worker_done_fn *done,
		     void *data, struct worker_run **ret, struct berth_error *err)
{
	struct worker_run *w;
	int fds[2], r, pidfd = -EBADF;

	r = FAULT_POINT("worker.pipe");
	if (r == 0 && pipe2(fds, O_CLOEXEC) < 0)
		r = -errno;
	if (r < 0)
		return berth_error_sys(err, r, "pipe to a worker");
	w = run_new(d, argv[0], fds[0], -EBADF);
	/* Before it is started: one that nobody could listen to must not begin. */
	r = ev_add_io(d->ev, w->fd, EPOLLIN, on_report, w, &w->watch);
	if (r < 0)
		(void)berth_error_sys(err, r, "listen to a worker");
	else if (worker_order(d, argv, keep, n_keep, fds[1], &pidfd) < 0)
		r = worker_spawn(d, argv, keep, n_keep, fds[1], &pidfd, err);
	(void)close(fds[1]);
	if (r < 0) {
		ev_remove(w->watch);
		ev_remove(w->limit);
		(void)close(fds[0]);
		free(w);
		return r;
	}
	w->pidfd = pidfd < 0 ? -EBADF : pidfd;
	w->progress = progress;
	w->tell = done;
	w->data = data;
	if (ret != NULL)
		*ret = w;
	return 0;
}

int worker_start(struct daemon *d, const char *const *argv, const int *keep, unsigned int n_keep,
		 worker_progress_fn *progress, worker_done_fn *done, void *data,
		 struct berth_error *err)
{
	return worker_start_run(d, argv, keep, n_keep, progress, done, data, NULL, err);
}
