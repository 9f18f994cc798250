/* lifecycle.c - start, stop and restart on somebody's order. */
#include "runtime/daemon/lifecycle.h"

#include "runtime/base/log.h"
#include "runtime/daemon/adopt.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/boot_wait.h"
#include "runtime/daemon/monitor_conn.h"
#include "runtime/daemon/reboot.h"

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>

enum {
	KILL_WAIT_MS = 30000, /* SIGKILL takes longer only for tasks in D state */
	STOP_AGAIN_MS = 2000, /* between two asks to power off */
};

/* ---- start ---- */

static void start_failed_clean(struct job *j, const struct worker_result *result)
{
	struct ct *ct = j->ct;
	struct berth_error err = j->error;

	if (!result->ok)
		log_line(LOG_LV_WARNING, ct->ctid, "clean up after a failed start: %s",
			 result->error.msg);
	boot_wait_fail(ct);
	reboot_unmark(j->d, ct);
	registry_settled(j->d, ct);
	job_fail(j, &err);
}

static void start_fail(struct job *j, const struct berth_error *err)
{
	j->error = *err;
	attach_drop(j->ct);
	monitor_forget_kept(j->ct);
	/* A worker that was killed half-way has undone nothing. */
	job_worker(j, "cleanup", NULL, start_failed_clean);
}

static void start_ended(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct rpc_call *waiting;
	struct berth_error err;

	if (!result->ok) {
		start_fail(j, &result->error);
		return;
	}
	if (attach_take(d, ct, &err) < 0) {
		start_fail(j, &err);
		return;
	}
	ct->started_ms = ev_now_ms();
	reboot_unmark(d, ct);
	event_emit(d, ct->ctid, "started", NULL);
	/* A CT that boots is not locked: its admin may stop it meanwhile. */
	if (j->wait && ct->run.notifies && !ct->booted && (waiting = job_take_call(j)) != NULL)
		boot_wait_add(d, ct, waiting);
	job_done(j, json_pack("{s:i}", "init_pid", ct->run.init.pid));
}

void lifecycle_start(struct job *j)
{
	static const char *const hold[] = {"hold", NULL};

	j->ct->status = CT_STARTING;
	j->ct->booted = false;
	job_worker(j, "start", j->hold ? hold : NULL, start_ended);
}

/* ---- stop ---- */

void lifecycle_stopped(struct job *j, const struct worker_result *result)
{
	struct ct *ct = j->ct;

	boot_wait_fail(ct);
	registry_settled(j->d, ct);
	event_emit(j->d, ct->ctid, j->restart ? "rebooted" : "stopped", NULL);
	if (!result->ok)
		job_fail(j, &result->error);
	else if (j->restart)
		lifecycle_start(j);
	else
		job_done(j, NULL);
}

void lifecycle_stop_ended(struct job *j)
{
	ev_remove(j->timer);
	j->timer = NULL;
	attach_drop(j->ct);
	monitor_forget_kept(j->ct);
	job_worker(j, "cleanup", NULL, lifecycle_stopped);
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

/* The CT is as alive as before; when its init can die after all, ended.c goes on. */
static void stop_stuck(struct job *j)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct berth_error err;

	(void)berth_error_set(
		&err, BERTH_ERR_STUCK, EBUSY,
		"CT %u: init (pid %d) does not die; see /proc/%d/stack for what in the "
		"kernel holds it",
		ct->ctid, ct->run.init.pid, ct->run.init.pid);
	ct->status = CT_RUNNING;
	reboot_unmark(d, ct);
	job_fail(j, &err);
	/* Its monitor may have died meanwhile, when nobody minded. */
	if (ct->monitor == NULL)
		adopt_monitor_gone(d, ct);
}

static void stop_timeout(struct ev_source *s, void *data)
{
	struct job *j = data;

	(void)s;
	if (j->killed) {
		stop_stuck(j);
	} else if (ev_now_ms() < j->deadline_ms) {
		stop_ask(j);
	} else {
		log_line(LOG_LV_WARNING, j->ct->ctid, "did not stop in %u s: killed", j->timeout);
		stop_kill(j);
	}
}

void lifecycle_stop(struct job *j)
{
	struct ct *ct = j->ct;

	ct->status = CT_STOPPING;
	if (j->restart)
		reboot_mark(j->d, ct);
	else
		reboot_unmark(j->d, ct);
	if (ct->init_pidfd < 0) { /* lost.c: nobody knows its init */
		(void)cg_ct_kill(j->d->cg, ct->ctid, NULL);
		lifecycle_stop_ended(j);
		return;
	}
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
