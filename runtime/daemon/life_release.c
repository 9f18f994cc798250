/* life_release.c - actions around the cleanup: it is done, or tried again until it is. */
#include "runtime/base/log.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/boot_wait.h"
#include "runtime/daemon/config_check.h"
#include "runtime/daemon/life_actions.h"
#include "runtime/daemon/monitor_conn.h"
#include "runtime/daemon/reboot.h"

#include <errno.h>

enum {
	TRIES_AT_ONCE = 3, /* of a worker that is killed */
	WAIT_FIRST_MS = 10000,
	WAIT_MAX_MS = 600000,
	RESUME_FIRST_MS = 2000,
	RESUME_MAX_MS = 300000,
};

static void clean(struct job *j)
{
	static const char *const kill[] = {"kill", NULL};

	job_life_worker(j, "cleanup", j->ct->kill_ordered ? kill : NULL);
}

/* ---- it is done ---- */

/* Its admin can stop it meanwhile. */
static bool reboots_later(struct job *j)
{
	struct ct *ct = j->ct;
	uint64_t wait;

	if (!j->own)
		return false;
	wait = reboot_backoff(ev_now_ms() - ct->started_ms, &ct->quick_reboots);
	if (wait == 0)
		return false;
	log_line(LOG_LV_WARNING, ct->ctid, "reboots in a loop: started again in %llu ms",
		 (unsigned long long)wait);
	ct_timer_set(ct, LIFE_T_REBOOT, wait);
	return true;
}

/* It was suspended to be moved: that goes on, or the CT does, here. */
static int move_on(struct job *j)
{
	const struct life_info send = {.job = j, .go = j->suspended};

	j->suspended = NULL;
	if (send.go != NULL && j->call != NULL)
		return ct_event(j->ct, LIFE_SEND, &send, NULL);
	j->ends_with_client = false;
	return ct_event(j->ct, LIFE_RESUME, &(struct life_info){.job = j}, NULL);
}

/* What can never be otherwise: the volume, the record or the kernel is another than the images are of. */
static bool never_fits(const struct berth_error *why)
{
	return why->sys == ESTALE;
}

/* What a boot wanted resumed; its cleanup runs, or has ended. */
static bool boot_resume_fails(const struct job *j)
{
	return j->failed && boot_is_marked(j->ct);
}

/* On boot. Its memory is never given up for that: an admin had suspended it. */
static int boot_resume_failed(struct job *j)
{
	struct berth_error err = j->error;
	struct ct *ct = j->ct;
	uint32_t wait = ct->resume_wait_ms * 2;

	text_set(&ct->why, "%.300s", err.msg);
	if (never_fits(&err)) {
		boot_unmark(ct);
		log_line(LOG_LV_ERROR, ct->ctid, "not resumed on boot: %s", err.msg);
	} else {
		wait = wait < RESUME_FIRST_MS ? RESUME_FIRST_MS : wait;
		ct->resume_wait_ms = wait < RESUME_MAX_MS ? wait : RESUME_MAX_MS;
		log_line(LOG_LV_ERROR, ct->ctid, "not resumed on boot: %s; tried again in %u s",
			 err.msg, ct->resume_wait_ms / 1000);
		ct_timer_set(ct, LIFE_T_RESUME, ct->resume_wait_ms);
	}
	event_emit(j->d, ct->ctid, "resume_failed", err.msg);
	job_fail(j, &err);
	return 0;
}

int act_released(const struct life_call *c)
{
	struct job *j = c->j;
	struct ct *ct = c->ct;
	struct berth_error err = j->error;
	bool again, goes_on;

	ct->kill_ordered = false;
	ct->clean_wait_ms = 0;
	text_clear(&ct->why);
	ct_timer_clear(ct, LIFE_T_CLEAN);
	boot_wait_fail(ct);
	registry_settled(c->d, ct);
	if (j->killed &&
	    ct->status == CT_SUSPENDED) /* stop --fast: what was in its memory is given up */
		return ct_event(ct, LIFE_KILL, &(struct life_info){.job = j}, NULL);
	goes_on = resume_is_due(ct);
	again = j->restart && !j->failed && config_can_restart(ct) && !reboots_later(j);
	if (j->suspends)
		event_emit(c->d, ct->ctid, "suspended", NULL);
	else if (!goes_on && (!j->failed || j->killed))
		event_emit(c->d, ct->ctid, j->restart ? "rebooted" : "stopped",
			   ct_end_word(ct->ends.last));
	job_answer_joined(j, NULL);
	if (goes_on)
		return move_on(j);
	if (j->moves && !j->failed && reboot_is_marked(c->d, ct))
		ct_timer_set(ct, LIFE_T_REBOOT, REBOOT_MOVES_MS);
	if (ct->status == CT_SUSPENDED && boot_resume_fails(j))
		return boot_resume_failed(j);
	if (boot_resume_is_due(ct))
		return move_on(j);
	if (again)
		return ct_event(ct, LIFE_T_REBOOT, &(struct life_info){.job = j}, NULL);
	if (j->failed)
		job_fail(j, &err);
	else
		job_done(j, j->notes != NULL ? json_pack("{s:O}", "notes", j->notes) : NULL);
	return 0;
}

/* ---- it is not ---- */

static void clean_later(struct ct *ct, const struct berth_error *why)
{
	uint64_t wait = ct->clean_wait_ms * 2;

	wait = wait < WAIT_FIRST_MS ? WAIT_FIRST_MS : wait;
	ct->clean_wait_ms = wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
	text_set(&ct->why, "%s", why->msg);
	log_line(LOG_LV_WARNING, ct->ctid,
		 "its resources are not all released; tried again in %llu s",
		 (unsigned long long)ct->clean_wait_ms / 1000);
	ct_timer_set(ct, LIFE_T_CLEAN, ct->clean_wait_ms);
}

/* The first error is the cause; one of the cleanup is only logged. */
static void clean_failed(struct job *j, const struct berth_error *err)
{
	struct berth_error cause = j->failed ? j->error : *err;

	if (j->failed)
		log_line(LOG_LV_WARNING, j->ct->ctid, "clean up after a failed %s: %s", j->what,
			 err->msg);
	boot_wait_fail(j->ct);
	job_fail(j, &cause);
}

int act_clean_later(const struct life_call *c)
{
	struct berth_error err = c->info->result->error;
	struct ct *ct = c->ct;

	clean_failed(c->j, &err);
	/* The cleanup looked for itself, and has touched nothing. */
	if (err.code == BERTH_ERR_RUNNING)
		return ct_event(ct, LIFE_ALIVE, NULL, NULL);
	if (err.code == BERTH_ERR_UNKNOWN)
		return ct_event(ct, LIFE_CANNOT_TELL, &(struct life_info){.why = &err}, NULL);
	clean_later(ct, &err);
	return 0;
}

/* A worker that is killed leaves the rest to another. */
int act_clean_again(const struct life_call *c)
{
	struct berth_error err = c->info->result->error;

	if (++c->j->died < TRIES_AT_ONCE) {
		log_line(LOG_LV_WARNING, c->ct->ctid,
			 "the worker that cleans up died: another one continues");
		clean(c->j);
		return 0;
	}
	clean_failed(c->j, &err);
	clean_later(c->ct, &err);
	return 0;
}

/* It is time, or somebody says stop once more. */
int act_clean(const struct life_call *c)
{
	if (c->info->call != NULL)
		reboot_unmark(c->d, c->ct);
	c->j->restart = reboot_is_marked(c->d, c->ct);
	clean(c->j);
	return 0;
}

/* stop --fast: with the cleanup that is under way, or with one of its own. */
int act_clean_now(const struct life_call *c)
{
	struct job *j = c->j;

	if (j != NULL) {
		job_join(j, c->info->call);
		life_unpromise(c, j);
		/* Neither here nor there does it go on. */
		if (j->suspended != NULL || j->resumes > 0 || boot_resume_fails(j)) {
			resume_unmark(c->ct);
			boot_unmark(c->ct);
			j->suspended = NULL;
			j->killed = true;
			j->failed = true;
			(void)berth_error_set(&j->error, BERTH_ERR_TIMEOUT, ECANCELED,
					      "CT %u: %s was ended: ordered by stop --fast",
					      c->ct->ctid, j->what);
		}
		return 0;
	}
	j = job_begin(c->d, c->ct, "stop", c->info->call, c->err);
	if (j == NULL)
		return -EWOULDBLOCK;
	ct_timer_clear(c->ct, LIFE_T_CLEAN);
	reboot_unmark(c->d, c->ct);
	clean(j);
	return 0;
}

/*
 * One that ran, and was suspended to be moved, is not left so by what may be otherwise a moment later: its worker died,
 * memory or a device was short.
 */
static bool resumes_again(struct job *j, const struct worker_result *result)
{
	const struct berth_error *why = result != NULL ? &result->error : NULL;

	if (why == NULL || j->joined.first != NULL || !resume_is_marked(j->ct) ||
	    (!result->died && (why->code == BERTH_ERR_BROKEN || why->sys == ESTALE ||
			       why->code == BERTH_ERR_UNSUPPORTED)) ||
	    ++j->resumes >= TRIES_AT_ONCE)
		return false;
	log_line(LOG_LV_WARNING, j->ct->ctid, "resume it after its move: %s; tried again",
		 why->msg);
	return true;
}

/* A start or a mount has failed. A worker that was killed half-way has undone nothing. */
int act_clean_failure(const struct life_call *c)
{
	struct job *j = c->j;

	reboot_unmark(c->d, c->ct);
	if (c->from != CT_RESUMING || !resumes_again(j, c->info->result)) {
		j->failed = true;
		j->error = c->info->result != NULL ? c->info->result->error : *c->info->why;
		resume_unmark(c->ct); /* it stays suspended */
	}
	attach_drop(c->ct);
	monitor_forget_kept(c->ct);
	clean(j);
	return 0;
}
