/* life_suspend.c - actions of a suspend and of a resume. What is on disk decides which of the two a CT is. */
#include "runtime/base/log.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/ledger_watch.h"
#include "runtime/daemon/life_actions.h"
#include "runtime/daemon/monitor_conn.h"
#include "runtime/daemon/reboot.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	TRIES = 3, /* of a worker that is killed */
	AGAIN_FIRST_MS = 1000, /* of what could not be taken back */
	AGAIN_MAX_MS = 30000
};

bool life_has_half_images(const struct ct *ct)
{
	static const char *const names[] = {"dump.new", "dump"};
	char path[BERTH_PATH_MAX], file[BERTH_PATH_MAX];

	(void)path_private(&ct->d->paths, ct->ctid, path);
	for (size_t i = 0; i < 2; i++)
		if (access(path_below(path, names[i], file), F_OK) == 0)
			return true;
	return false;
}

int act_suspend(const struct life_call *c)
{
	if (c->j->suspended == NULL) { /* an admin's, that stays */
		resume_unmark(c->ct);
		boot_unmark(c->ct);
	}
	job_life_worker(c->j, "suspend", NULL);
	return 0;
}

/* Its processes are in the images, and gone: what it had is released as after any end. */
int act_suspended(const struct life_call *c)
{
	static const char *const forget[] = {"forget", NULL};
	struct ct *ct = c->ct;
	struct cg_stat st;

	if (cg_ct_stat(c->d->cg, ct->ctid, &st, NULL) == 0)
		ledger_watch_ended(ct, &st);
	reboot_unmark(c->d, ct);
	attach_drop(ct);
	monitor_forget_kept(ct);
	c->j->suspends = !c->j->killed;
	if (c->j->killed) { /* stop --fast came too late to take it back */
		c->j->failed = true;
		(void)berth_error_set(&c->j->error, BERTH_ERR_TIMEOUT, ECANCELED,
				      "CT %u: suspend was ended: ordered by stop --fast", ct->ctid);
	}
	job_life_worker(c->j, "cleanup", c->j->killed ? forget : NULL);
	return 0;
}

/* It has been taken back: the CT goes on, unless it has ended meanwhile, when nobody minded. */
int act_goes_on(const struct life_call *c)
{
	struct ct *ct = c->ct;

	ct_timer_clear(ct, LIFE_T_LOOK);
	ct->look_wait_ms = 0;
	text_clear(&ct->why);
	resume_unmark(ct);
	boot_unmark(ct);
	if (attach_init_has_ended(ct))
		return ct_event(ct, LIFE_INIT_GONE, NULL, NULL);
	if (ct->monitor == NULL)
		return ct_event(ct, LIFE_MONITOR_GONE, NULL, NULL);
	return 0;
}

/* It may be frozen still, and nobody hears it: so it is no CT that runs, and is looked after until it does. */
static void finish_later(struct ct *ct, const struct berth_error *why)
{
	uint64_t wait = ct->look_wait_ms * 2;

	wait = wait < AGAIN_FIRST_MS ? AGAIN_FIRST_MS : wait;
	ct->look_wait_ms = wait < AGAIN_MAX_MS ? wait : AGAIN_MAX_MS;
	text_set(&ct->why, "%s", why->msg);
	log_line(LOG_LV_ERROR, ct->ctid,
		 "its suspend is not taken back yet; tried again in %llu s; to end the CT: berth "
		 "stop %u --fast",
		 (unsigned long long)ct->look_wait_ms / 1000, ct->ctid);
	ct_timer_set(ct, LIFE_T_LOOK, ct->look_wait_ms);
}

/* Frozen or not: SIGKILL comes through. */
static int stop_now(struct ct *ct, struct rpc_call *call, struct berth_error *err)
{
	(void)ct_event(ct, LIFE_ALIVE, NULL, NULL);
	return ct_event(ct, LIFE_KILL, &(struct life_info){.call = call, .fast = true}, err);
}

int act_not_suspended(const struct life_call *c)
{
	struct berth_error why = c->info->result->error, err;
	struct ct *ct = c->ct;
	bool killed = c->j->killed;
	struct rpc_call *call = killed ? call_list_take(&c->j->joined) : NULL;

	job_fail(c->j, &why);
	if (killed && stop_now(ct, call, &err) < 0 && call != NULL)
		rpc_reply_error(call, &err);
	if (killed)
		return 0;
	if (!attach_init_has_ended(ct) && life_has_half_images(ct)) {
		finish_later(ct, &why);
		return 0;
	}
	return ct_event(ct, LIFE_ALIVE, NULL, NULL);
}

/* stop --fast: the suspend is ended and taken back, then the CT is stopped. */
int act_end_suspend(const struct life_call *c)
{
	struct job *j = c->j;

	if (j == NULL)
		return stop_now(c->ct, c->info->call, c->err);
	j->killed = true;
	job_join(j, c->info->call);
	job_end_worker(j, "ordered by stop --fast");
	return 0;
}

/* The next one finishes what is committed, or takes back what is not. */
int act_suspend_again(const struct life_call *c)
{
	static const char *const args[] = {"finish", NULL};

	if (c->j->died++ < TRIES) {
		log_line(LOG_LV_WARNING, c->ct->ctid,
			 "the worker that suspends it died: another goes on");
		job_life_worker(c->j, "suspend", args);
		return 0;
	}
	return ct_event(c->ct, LIFE_FAILED,
			&(struct life_info){.job = c->j, .result = c->info->result}, NULL);
}

/* Found after a crash in the middle of a suspend or a resume. */
int act_finish(const struct life_call *c)
{
	static const char *const args[] = {"finish", NULL};

	log_line(LOG_LV_WARNING, c->ct->ctid, "an unfinished suspend or resume is looked after");
	job_life_worker(c->j, "suspend", args);
	return 0;
}

int act_resume(const struct life_call *c)
{
	struct ct *ct = c->ct;

	ct_timer_clear(ct, LIFE_T_REBOOT);
	ct_timer_clear(ct, LIFE_T_RESUME);
	text_clear(&ct->why);
	ct->booted = false;
	ct->oom_kills = 0;
	ct->ran_with_old = false;
	job_life_worker(c->j, "resume", NULL);
	return 0;
}

/* stop --fast: a CT that starts from its disk next time. */
int act_forget(const struct life_call *c)
{
	static const char *const args[] = {"forget", NULL};

	ct_timer_clear(c->ct, LIFE_T_RESUME);
	job_life_worker(c->j, "cleanup", args);
	return 0;
}
