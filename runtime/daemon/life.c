/* life.c - ct_event(): the one door through which the life of a CT goes on. */
#include "runtime/base/log.h"
#include "runtime/daemon/life_actions.h"
#include "runtime/daemon/reboot.h"
#include "runtime/daemon/room.h"

#include <assert.h>
#include <errno.h>

static_assert(LIFE_EVENT_MAX <= 64, "struct ct has a bit for each event");

/* ---- actions that are somebody else's ---- */

static int act_go(const struct life_call *c)
{
	if (c->ct->status == CT_DESTROYING) {
		ct_timer_clear(c->ct, LIFE_T_REBOOT);
		reboot_unmark(c->d, c->ct);
	}
	c->info->go(c->j, c->info->data);
	return 0;
}

static int act_go_on(const struct life_call *c)
{
	if (c->ct->go_on != NULL)
		c->ct->go_on(c->ct);
	return 0;
}

static int act_fail(const struct life_call *c)
{
	job_fail(c->j, &c->info->result->error);
	return 0;
}

static int act_end_worker(const struct life_call *c)
{
	if (c->ct->job != NULL)
		job_end_worker(c->ct->job, "the client that ordered it has gone");
	return 0;
}

/* ---- the table's actions ---- */

enum needs {
	NEEDS_NOTHING, /* takes the job that there is, if any */
	NEEDS_JOB /* its own, unless one comes along */
};

static const struct {
	life_action_fn *fn;
	enum needs needs;
	const char *what; /* the name of its job; NULL: the order's */
} actions[ACT_MAX] = {
	[ACT_GO] = {act_go, NEEDS_JOB, NULL},
	[ACT_GO_ON] = {act_go_on, NEEDS_NOTHING, NULL},
	[ACT_FAIL] = {act_fail, NEEDS_NOTHING, NULL},
	[ACT_END_WORKER] = {act_end_worker, NEEDS_NOTHING, NULL},
	[ACT_START] = {act_start, NEEDS_JOB, NULL},
	[ACT_START_AGAIN] = {act_start, NEEDS_JOB, "restart"},
	[ACT_STARTED] = {act_started, NEEDS_NOTHING, NULL},
	[ACT_END_START] = {act_end_start, NEEDS_NOTHING, NULL},
	[ACT_MOUNT] = {act_mount, NEEDS_JOB, NULL},
	[ACT_MOUNTED] = {act_mounted, NEEDS_NOTHING, NULL},
	[ACT_UMOUNT] = {act_umount, NEEDS_JOB, NULL},
	[ACT_UMOUNTED] = {act_umounted, NEEDS_NOTHING, NULL},
	[ACT_STOP] = {act_stop, NEEDS_JOB, NULL},
	[ACT_STOP_ON] = {act_stop_on, NEEDS_NOTHING, NULL},
	[ACT_HURRY] = {act_hurry, NEEDS_NOTHING, NULL},
	[ACT_STUCK] = {act_stuck, NEEDS_NOTHING, NULL},
	[ACT_UNPROMISE] = {act_unpromise, NEEDS_NOTHING, NULL},
	[ACT_SUSPEND] = {act_suspend, NEEDS_JOB, NULL},
	[ACT_SUSPENDED] = {act_suspended, NEEDS_NOTHING, NULL},
	[ACT_NOT_SUSPENDED] = {act_not_suspended, NEEDS_NOTHING, NULL},
	[ACT_GOES_ON] = {act_goes_on, NEEDS_NOTHING, NULL},
	[ACT_END_SUSPEND] = {act_end_suspend, NEEDS_NOTHING, NULL},
	[ACT_SUSPEND_AGAIN] = {act_suspend_again, NEEDS_NOTHING, NULL},
	[ACT_FINISH] = {act_finish, NEEDS_JOB, "suspend"},
	[ACT_RESUME] = {act_resume, NEEDS_JOB, NULL},
	[ACT_RESUME_AGAIN] = {act_resume, NEEDS_JOB, "resume"},
	[ACT_FORGET] = {act_forget, NEEDS_JOB, NULL},
	[ACT_AWAIT_RECORD] = {act_await_record, NEEDS_NOTHING, NULL},
	[ACT_READ_RECORD] = {act_read_record, NEEDS_NOTHING, NULL},
	[ACT_RECORD_IF_ENDED] = {act_record_if_ended, NEEDS_NOTHING, NULL},
	[ACT_RELEASE] = {act_release, NEEDS_JOB, "stop"},
	[ACT_RELEASE_STOPPED] = {act_release_stopped, NEEDS_NOTHING, NULL},
	[ACT_RELEASED] = {act_released, NEEDS_NOTHING, NULL},
	[ACT_CLEAN] = {act_clean, NEEDS_JOB, "clean"},
	[ACT_CLEAN_NOW] = {act_clean_now, NEEDS_NOTHING, NULL},
	[ACT_CLEAN_AGAIN] = {act_clean_again, NEEDS_NOTHING, NULL},
	[ACT_CLEAN_LATER] = {act_clean_later, NEEDS_NOTHING, NULL},
	[ACT_CLEAN_FAILURE] = {act_clean_failure, NEEDS_NOTHING, NULL},
	[ACT_KILL_UNKNOWN] = {act_kill_unknown, NEEDS_JOB, NULL},
	[ACT_MONITOR] = {act_monitor, NEEDS_NOTHING, NULL},
	[ACT_ADOPTED] = {act_adopted, NEEDS_NOTHING, NULL},
	[ACT_NOT_ADOPTED] = {act_not_adopted, NEEDS_NOTHING, NULL},
	[ACT_LOOK] = {act_look, NEEDS_NOTHING, NULL},
	[ACT_LOOK_LATER] = {act_look_later, NEEDS_NOTHING, NULL},
	[ACT_LOOKED] = {act_looked, NEEDS_NOTHING, NULL},
	[ACT_TAKE] = {act_take, NEEDS_NOTHING, NULL},
	[ACT_SETTLE] = {act_settle, NEEDS_NOTHING, NULL},
	[ACT_INCOMING] = {act_incoming, NEEDS_NOTHING, NULL},
};

/* ---- the door ---- */

/* What the state answers; or, when somebody is at work on the CT, that. */
static int refuse(struct ct *ct, enum life_event order, const struct life_cell *cell,
		  const struct berth_error *broken, struct berth_error *err)
{
	bool final = cell->code == BERTH_ERR_UNSUPPORTED || cell->code == BERTH_ERR_LOCKED;

	if (!final && job_refuse_busy(ct, err) < 0)
		return -EWOULDBLOCK;
	if (broken != NULL && cell->code == BERTH_ERR_BROKEN) {
		if (err != NULL)
			*err = *broken;
		return -broken->sys;
	}
	(void)life_refuse(ct->ctid, ct->status, order, err);
	/* In the sentence there was no room for it. */
	if (err != NULL && ct->status == CT_UNKNOWN && ct->why != NULL)
		(void)berth_error_set(
			err, BERTH_ERR_UNKNOWN, EBUSY,
			"CT %u is left alone: berthd cannot find out whether it runs (%.150s) and "
			"keeps trying; to kill whatever runs: berth stop %u --fast",
			ct->ctid, ct->why, ct->ctid);
	return -EBUSY;
}

/* An order to start a CT that is down; not one that has its job already: that was looked at before. */
static bool adds_one(const struct life_call *c)
{
	return (c->event == LIFE_START || c->event == LIFE_RESTART || c->event == LIFE_RESUME) &&
	       !ct_status_is_up(c->ct->status) && c->info->job == NULL;
}

/* The job that the action is to have. A fact waits for it, an order is told. */
static int take_job(struct life_call *c, const struct life_cell *cell)
{
	const char *what = actions[cell->action].what;
	struct ct *ct = c->ct;

	c->j = c->info->job != NULL ? c->info->job : ct->job;
	if (actions[cell->action].needs != NEEDS_JOB || c->info->job != NULL)
		return 0;
	if (what == NULL || life_is_order(c->event))
		what = life_event_name(c->event);
	c->j = job_begin(c->d, ct, what, c->info->call, c->err);
	if (c->j != NULL)
		return 0;
	if (life_is_order(c->event))
		return -EWOULDBLOCK;
	ct_pend(ct, c->event);
	return 1;
}

int ct_event(struct ct *ct, enum life_event event, const struct life_info *info,
	     struct berth_error *err)
{
	static const struct life_info none;
	struct berth_error unread, broken;
	struct life_call c = {.ct = ct,
			      .d = ct->d,
			      .event = event,
			      .info = info != NULL ? info : &none,
			      .err = err != NULL ? err : &unread};
	bool is_broken = false;
	struct life_cell cell;
	int r;

	/* Somebody may have mended it. */
	if (life_is_order(event) && ct->status == CT_BROKEN && ct->job == NULL && !ct->unsettled)
		is_broken = registry_reload(ct->d, ct, &broken) < 0;
	c.from = ct->status;
	cell = life_cell(ct->status, event);
	if (cell.action == ACT_NONE)
		return 0;
	if (cell.action == ACT_REFUSE)
		return refuse(ct, event, &cell, is_broken ? &broken : NULL, c.err);
	if (adds_one(&c) && (r = room_check(ct, c.err)) < 0)
		return r;
	r = take_job(&c, &cell);
	if (r != 0)
		return r < 0 ? r : 0;
	log_line(LOG_LV_DEBUG, ct->ctid, "%s: %s -> %s", life_event_name(event),
		 ct_status_name(ct->status), ct_status_name(cell.next));
	if ((c.from == CT_STARTING || c.from == CT_RESUMING) && cell.next != c.from &&
	    ct->d->on_start_ended != NULL)
		(void)ev_timer_set(ct->d->on_start_ended, 1);
	ct->status = cell.next;
	return actions[cell.action].fn(&c);
}
