/* lifecycle.c - start, stop, restart, and what happens when a CT's init ends by itself. */
#include "runtime/daemon/lifecycle.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/ct/store.h"
#include "runtime/daemon/monitor_conn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

enum {
	BOOT_WAIT_MS = 300000, /* start --wait gives up, the CT goes on */
	KILL_WAIT_MS = 30000, /* SIGKILL takes longer only for tasks in D state */
	STOP_AGAIN_MS = 2000, /* between two asks to power off */
	RETRY_MS = 500, /* while an orphaned worker holds the CT's lock */
	QUICK_REBOOT_MS = 10000, /* a CT that lived shorter than this is rebooting in a loop */
	BACKOFF_MAX_MS = 60000,
};

struct boot_waiter {
	struct rpc_call *call;
	struct ct *ct;
	struct ev_source *timer;
	struct boot_waiter *next;
};

/* ---- start --wait ---- */

static void waiter_remove(struct boot_waiter *w)
{
	struct boot_waiter **p = &w->ct->waiters;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	ev_remove(w->timer);
	free(w);
}

static void waiter_gone(struct rpc_call *call, void *data)
{
	(void)call;
	waiter_remove(data);
}

static struct rpc_call *waiter_take(struct boot_waiter *w)
{
	struct rpc_call *call = w->call;

	rpc_call_on_gone(call, NULL, NULL);
	waiter_remove(w);
	return call;
}

static void waiter_timeout(struct ev_source *s, void *data)
{
	struct boot_waiter *w = data;
	struct berth_error err;
	uint32_t ctid = w->ct->ctid;

	(void)s;
	(void)berth_error_set(&err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
			      "CT %u runs but has not said within %d s that it has booted; see: "
			      "berth console %u --log",
			      ctid, BOOT_WAIT_MS / 1000, ctid);
	rpc_reply_error(waiter_take(w), &err);
}

void lifecycle_wait_boot(struct daemon *d, struct ct *ct, struct rpc_call *call)
{
	struct boot_waiter *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->call = call;
	w->ct = ct;
	w->next = ct->waiters;
	ct->waiters = w;
	rpc_call_on_gone(call, waiter_gone, w);
	if (ev_add_timer(d->ev, BOOT_WAIT_MS, waiter_timeout, w, &w->timer) < 0)
		abort();
}

void lifecycle_booted(struct daemon *d, struct ct *ct)
{
	if (ct->booted)
		return;
	ct->booted = true;
	event_emit(d, ct->ctid, "booted", NULL);
	while (ct->waiters != NULL)
		rpc_reply(waiter_take(ct->waiters),
			  json_pack("{s:i}", "init_pid", ct->run.init.pid));
}

static void waiters_fail(struct ct *ct)
{
	struct berth_error err;

	(void)berth_error_set(&err, BERTH_ERR_NOT_RUNNING, ESRCH,
			      "CT %u stopped before it had booted; see: berth console %u --log",
			      ct->ctid, ct->ctid);
	while (ct->waiters != NULL)
		rpc_reply_error(waiter_take(ct->waiters), &err);
}

/* ---- attach ---- */

static void init_exited(struct ev_source *s, uint32_t events, void *data);

static void detach(struct ct *ct)
{
	ev_remove(ct->init_watch);
	ct->init_watch = NULL;
	monitor_disconnect(ct);
	fd_close(&ct->init_pidfd);
}

int lifecycle_attach(struct daemon *d, struct ct *ct, struct berth_error *err)
{
	struct ct_info info;
	int r = ct_info_load(&d->paths, ct->ctid, &info, err);

	if (r < 0)
		return r;
	if (info.status != CT_RUNNING)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH,
				       "CT %u ended at once; see: "
				       "berth console %u --log",
				       ct->ctid, ct->ctid);
	detach(ct);
	ct->run = info.run;
	ct->init_pidfd = pidref_open(&info.run.init);
	if (ct->init_pidfd < 0)
		return berth_error_sys(err, ct->init_pidfd, "CT %u: open its init", ct->ctid);
	ct->status = CT_RUNNING;
	ct->booted = info.booted;
	if (ev_add_io(d->ev, ct->init_pidfd, EPOLLIN, init_exited, ct, &ct->init_watch) < 0)
		abort();
	return monitor_connect(d, ct, err);
}

static bool init_is_dead(const struct ct *ct)
{
	struct pollfd p = {.fd = ct->init_pidfd, .events = POLLIN};

	return ct->init_pidfd < 0 || (poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0);
}

/* ---- start ---- */

static void start_failed_clean(struct job *j, const struct worker_result *result)
{
	(void)result;
	j->ct->status = CT_STOPPED;
	waiters_fail(j->ct);
	job_fail(j, &j->error);
}

static void start_fail(struct job *j, const struct berth_error *err)
{
	j->error = *err;
	detach(j->ct);
	monitor_forget_kept(j->ct);
	/* A worker that was killed half-way has undone nothing. */
	job_worker(j, "cleanup", NULL, start_failed_clean);
}

static void start_ended(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct rpc_call *waiting = NULL;
	struct berth_error err;

	if (!result->ok) {
		start_fail(j, &result->error);
		return;
	}
	ct->booted = false;
	if (lifecycle_attach(d, ct, &err) < 0) {
		start_fail(j, &err);
		return;
	}
	ct->started_ms = ev_now_ms();
	event_emit(d, ct->ctid, "started", NULL);
	/* A CT that boots is not locked: its admin may stop it meanwhile. */
	if (j->wait && ct->run.notifies && !ct->booted) {
		waiting = j->call;
		j->call = NULL;
	}
	if (waiting != NULL)
		lifecycle_wait_boot(d, ct, waiting);
	job_done(j, json_pack("{s:i}", "init_pid", ct->run.init.pid));
}

void lifecycle_start(struct job *j)
{
	j->ct->status = CT_STARTING;
	job_worker(j, "start", NULL, start_ended);
}

/* ---- stop ---- */

static void stop_cleaned(struct job *j, const struct worker_result *result)
{
	struct ct *ct = j->ct;

	ct->status = CT_STOPPED;
	ct->booted = false;
	waiters_fail(ct);
	event_emit(j->d, ct->ctid, j->restart ? "rebooted" : "stopped", NULL);
	if (!result->ok)
		job_fail(j, &result->error);
	else if (j->restart)
		lifecycle_start(j);
	else
		job_done(j, NULL);
}

static void stop_ended(struct job *j)
{
	ev_remove(j->timer);
	j->timer = NULL;
	detach(j->ct);
	monitor_forget_kept(j->ct);
	job_worker(j, "cleanup", NULL, stop_cleaned);
}

static void stop_kill(struct job *j)
{
	j->killed = true;
	(void)cg_ct_kill(j->d->cg, j->ct->ctid, NULL);
	(void)pidfd_send_signal(j->ct->init_pidfd, SIGKILL, NULL, 0);
	(void)ev_timer_set(j->timer, KILL_WAIT_MS);
}

/* An init that has not installed its handlers yet loses the signal (pid_namespaces(7)): say it again. */
static void stop_ask(struct job *j)
{
	uint64_t now = ev_now_ms(), left = j->deadline_ms > now ? j->deadline_ms - now : 1;

	(void)pidfd_send_signal(j->ct->init_pidfd, j->ct->run.stop_signal, NULL, 0);
	(void)ev_timer_set(j->timer, left < STOP_AGAIN_MS ? left : STOP_AGAIN_MS);
}

static void stop_timeout(struct ev_source *s, void *data)
{
	struct job *j = data;
	struct berth_error err;

	(void)s;
	if (!j->killed && ev_now_ms() < j->deadline_ms) {
		stop_ask(j);
		return;
	}
	if (!j->killed) {
		log_line(LOG_LV_WARNING, j->ct->ctid, "did not stop in %u s: killed", j->timeout);
		stop_kill(j);
		return;
	}
	j->ct->status = CT_RUNNING;
	(void)berth_error_set(
		&err, BERTH_ERR_STUCK, EBUSY,
		"CT %u: init (pid %d) does not die; see /proc/%d/stack for what in the "
		"kernel holds it",
		j->ct->ctid, j->ct->run.init.pid, j->ct->run.init.pid);
	job_fail(j, &err);
}

void lifecycle_stop(struct job *j)
{
	struct ct *ct = j->ct;

	ct->status = CT_STOPPING;
	j->deadline_ms = ev_now_ms() + (uint64_t)j->timeout * 1000;
	if (ev_add_timer(j->d->ev, 0, stop_timeout, j, &j->timer) < 0)
		abort();
	if (j->fast || ct->run.stop_signal == 0)
		stop_kill(j);
	else
		stop_ask(j);
	/* A frozen CT could not act on the signal. */
	(void)cg_ct_freeze(j->d->cg, ct->ctid, false, NULL);
}

/* ---- an end that nobody asked for ---- */

static void ct_ended(struct daemon *d, struct ct *ct);

static void retry_later(struct ct *ct, uint64_t ms, ev_timer_fn *fn)
{
	ev_remove(ct->retry);
	ct->retry = NULL;
	if (ev_add_timer(ct->d->ev, ms, fn, ct, &ct->retry) < 0)
		abort();
}

static void retry_stop(struct ct *ct)
{
	ev_remove(ct->retry);
	ct->retry = NULL;
}

/* Init killed by SIGHUP is how the kernel reports a reboot(2) inside (pid_namespaces(7)). */
static bool exit_was_reboot(struct daemon *d, const struct ct *ct)
{
	char path[BERTH_PATH_MAX], text[256];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(&d->paths, ct->ctid, path));
	struct ct_exit e;

	if (dir < 0 || file_read_line_at(dir, "exit", text, sizeof(text)) < 0 ||
	    ct_exit_parse(text, &e) < 0 || !e.known)
		return false;
	return WIFSIGNALED(e.wait_status) && WTERMSIG(e.wait_status) == SIGHUP;
}

static uint64_t reboot_backoff(struct ct *ct)
{
	uint64_t ms;

	if (ev_now_ms() - ct->started_ms > QUICK_REBOOT_MS) {
		ct->quick_reboots = 0;
		return 0;
	}
	/* One quick reboot is an admin's; the second in a row is the beginning of a loop. */
	if (ct->quick_reboots++ == 0)
		return 0;
	ms = 500ULL << (ct->quick_reboots < 8 ? ct->quick_reboots : 8);
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static void reboot_now(struct ev_source *s, void *data)
{
	struct ct *ct = data;
	struct berth_error err;
	struct job *j;

	ev_remove(s);
	ct->reboot = NULL;
	if (ct->status != CT_STOPPED)
		return;
	j = job_begin(ct->d, ct, "restart", NULL, &err);
	if (j != NULL)
		lifecycle_start(j);
}

bool lifecycle_cancel_reboot(struct ct *ct)
{
	if (ct->reboot == NULL)
		return false;
	ev_remove(ct->reboot);
	ct->reboot = NULL;
	return true;
}

/* A CT that reboots in a loop is started later and later; its admin can stop it meanwhile. */
static void rebooted_cleaned(struct job *j, const struct worker_result *result)
{
	struct ct *ct = j->ct;
	uint64_t wait = reboot_backoff(ct);

	if (wait == 0 || !result->ok) {
		stop_cleaned(j, result);
		return;
	}
	log_line(LOG_LV_WARNING, ct->ctid, "reboots in a loop: started again in %llu ms",
		 (unsigned long long)wait);
	if (ev_add_timer(j->d->ev, wait, reboot_now, ct, &ct->reboot) < 0)
		abort();
	j->restart = false;
	stop_cleaned(j, result);
}

static void ended_retry(struct ev_source *s, void *data)
{
	struct ct *ct = data;

	(void)s;
	retry_stop(ct);
	monitor_disconnect(ct); /* it had its time to write the exit record */
	ct_ended(ct->d, ct);
}

/* Init has ended and its exit record is written, or will not be. */
static void ct_ended(struct daemon *d, struct ct *ct)
{
	struct job *j = ct->job;
	struct berth_error err;

	retry_stop(ct);
	if (j != NULL && ct->status == CT_STOPPING) {
		stop_ended(j);
		return;
	}
	if (j == NULL)
		j = job_begin(d, ct, "stop", NULL, &err);
	else
		j = NULL; /* another operation is under way: it notices, then we go on */
	if (j == NULL) {
		retry_later(ct, RETRY_MS, ended_retry);
		return;
	}
	ct->status = CT_STOPPING;
	j->restart = exit_was_reboot(d, ct);
	detach(ct);
	monitor_forget_kept(ct);
	job_worker(j, "cleanup", NULL, j->restart ? rebooted_cleaned : stop_cleaned);
}

static void init_exited(struct ev_source *s, uint32_t events, void *data)
{
	struct ct *ct = data;

	(void)events;
	ev_remove(s);
	ct->init_watch = NULL;
	if (ct->monitor == NULL)
		ct_ended(ct->d, ct);
	else
		retry_later(ct, 5000, ended_retry); /* its monitor hangs up as a rule at once */
}

/* ---- a dead monitor ---- */

static void adopted(struct job *j, const struct worker_result *result)
{
	struct berth_error err = result->error;

	if (result->ok && lifecycle_attach(j->d, j->ct, &err) == 0)
		job_done(j, NULL);
	else
		job_fail(j, &err);
}

static void adopt_retry(struct ev_source *s, void *data)
{
	struct ct *ct = data;

	(void)s;
	retry_stop(ct);
	if (ct->monitor == NULL)
		lifecycle_monitor_gone(ct->d, ct);
}

void lifecycle_monitor_gone(struct daemon *d, struct ct *ct)
{
	char console[16], notify[16];
	const char *const args[] = {console, notify, NULL};
	struct berth_error err;
	struct job *j;

	if (init_is_dead(ct)) {
		ev_remove(ct->init_watch);
		ct->init_watch = NULL;
		ct_ended(d, ct);
		return;
	}
	if (ct->status == CT_STOPPING)
		return; /* init's pidfd tells */
	log_line(LOG_LV_WARNING, ct->ctid, "its monitor died: a new one takes over");
	j = job_begin(d, ct, "adopt", NULL, &err);
	if (j == NULL) {
		retry_later(ct, RETRY_MS, adopt_retry);
		return;
	}
	(void)snprintf(console, sizeof(console), "%d", ct->kept[0]);
	(void)snprintf(notify, sizeof(notify), "%d", ct->kept[1]);
	job_worker(j, "adopt", args, adopted);
}

/* ---- leftovers ---- */

static void clean_done(struct job *j, const struct worker_result *result)
{
	j->ct->status = CT_STOPPED;
	if (result->ok)
		job_done(j, NULL);
	else
		job_fail(j, &result->error);
}

static void clean_retry(struct ev_source *s, void *data)
{
	struct ct *ct = data;
	struct ct_info info;

	(void)s;
	retry_stop(ct);
	/* The orphan that held the lock may have finished a start. */
	if (ct_info_load(&ct->d->paths, ct->ctid, &info, NULL) == 0 && info.status == CT_RUNNING &&
	    lifecycle_attach(ct->d, ct, NULL) == 0)
		return;
	lifecycle_clean(ct->d, ct);
}

void lifecycle_clean(struct daemon *d, struct ct *ct)
{
	struct berth_error err;
	struct job *j = job_begin(d, ct, "clean", NULL, &err);

	if (j == NULL)
		retry_later(ct, RETRY_MS, clean_retry);
	else
		job_worker(j, "cleanup", NULL, clean_done);
}
