/* ended.c - the end of a CT that nobody asked for. */
#include "runtime/daemon/ended.h"

#include "runtime/base/log.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/lifecycle.h"
#include "runtime/daemon/monitor_conn.h"
#include "runtime/daemon/reboot.h"

enum {
	RETRY_MS = 500, /* while another operation holds the CT */
	EXIT_RECORD_MS = 5000, /* a monitor hangs up as a rule at once */
};

/* ---- a reboot, later and later for a CT that does nothing else ---- */

static void reboot_now(struct ev_source *s, void *data)
{
	struct ct *ct = data;
	struct berth_error err;
	struct job *j;

	if (ct->status != CT_STOPPED) {
		(void)ended_cancel_reboot(ct);
		return;
	}
	j = job_begin(ct->d, ct, "restart", NULL, &err);
	if (j == NULL) {
		(void)ev_timer_set(s, RETRY_MS);
		return;
	}
	ev_remove(ct->reboot);
	ct->reboot = NULL;
	lifecycle_start(j);
}

bool ended_cancel_reboot(struct ct *ct)
{
	if (ct->reboot == NULL)
		return false;
	ev_remove(ct->reboot);
	ct->reboot = NULL;
	reboot_unmark(ct->d, ct);
	return true;
}

/* Its admin can stop it meanwhile. */
static void rebooted_cleaned(struct job *j, const struct worker_result *result)
{
	struct ct *ct = j->ct;
	uint64_t wait = reboot_backoff(ev_now_ms() - ct->started_ms, &ct->quick_reboots);

	if (wait > 0 && result->ok) {
		log_line(LOG_LV_WARNING, ct->ctid, "reboots in a loop: started again in %llu ms",
			 (unsigned long long)wait);
		if (ev_add_timer(j->d->ev, wait, reboot_now, ct, &ct->reboot) < 0)
			abort();
		j->restart = false;
	}
	lifecycle_stopped(j, result);
}

/* ---- the end ---- */

static void ended_retry(struct ev_source *s, void *data)
{
	struct ct *ct = data;

	(void)s;
	job_retry_cancel(ct);
	monitor_disconnect(ct); /* it had its time to write the exit record */
	ended_now(ct->d, ct);
}

/* j holds a CT of which nothing runs any more. */
static void release(struct job *j)
{
	struct ct *ct = j->ct;

	ct->status = CT_STOPPING;
	if (j->restart)
		reboot_mark(j->d, ct);
	attach_drop(ct);
	monitor_forget_kept(ct);
	job_worker(j, "cleanup", NULL, j->restart ? rebooted_cleaned : lifecycle_stopped);
}

void ended_now(struct daemon *d, struct ct *ct)
{
	struct berth_error err;
	struct job *j;

	job_retry_cancel(ct);
	if (ct->job != NULL && ct->status == CT_STOPPING) {
		lifecycle_stop_ended(ct->job);
		return;
	}
	/* Another operation that is under way notices the end; then we go on. */
	j = job_begin(d, ct, "stop", NULL, &err);
	if (j == NULL) {
		job_retry_later(ct, RETRY_MS, ended_retry);
		return;
	}
	/* The mark: a restart was asked for, and the berthd that was to do it died. */
	j->restart = reboot_was_asked(d, ct) || reboot_is_marked(d, ct);
	release(j);
}

void ended_init(struct ct *ct)
{
	if (ct->monitor == NULL)
		ended_now(ct->d, ct);
	else
		job_retry_later(ct, EXIT_RECORD_MS, ended_retry);
}

void ended_clean(struct daemon *d, struct ct *ct)
{
	struct berth_error err;
	struct job *j = job_begin(d, ct, "clean", NULL, &err);

	if (j == NULL) {
		log_line(LOG_LV_ERROR, ct->ctid, "clean: %s", err.msg);
		return;
	}
	j->restart = reboot_was_asked(d, ct) || reboot_is_marked(d, ct);
	release(j);
}
