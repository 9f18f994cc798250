/* life_suspend.c - actions of a suspend and of a resume. What is on disk decides which of the two a CT is. */
#include "runtime/base/log.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/life_actions.h"
#include "runtime/daemon/monitor_conn.h"
#include "runtime/daemon/reboot.h"

#include <errno.h>

enum {
	TRIES = 3 /* of a worker that is killed */
};

int act_suspend(const struct life_call *c)
{
	job_life_worker(c->j, "suspend", NULL);
	return 0;
}

/* Its processes are in the images, and gone: what it had is released as after any end. */
int act_suspended(const struct life_call *c)
{
	struct ct *ct = c->ct;

	reboot_unmark(c->d, ct);
	attach_drop(ct);
	monitor_forget_kept(ct);
	c->j->suspends = true;
	job_life_worker(c->j, "cleanup", NULL);
	return 0;
}

/* It has been taken back: the CT goes on, unless it has ended meanwhile, when nobody minded. */
int act_not_suspended(const struct life_call *c)
{
	struct berth_error err = c->info->result->error;
	struct ct *ct = c->ct;

	job_fail(c->j, &err);
	if (attach_init_has_ended(ct))
		return ct_event(ct, LIFE_INIT_GONE, NULL, NULL);
	if (ct->monitor == NULL)
		return ct_event(ct, LIFE_MONITOR_GONE, NULL, NULL);
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

	job_life_worker(c->j, "cleanup", args);
	return 0;
}
