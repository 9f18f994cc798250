/* life_end.c - actions of an end: how init ended, and the release of what the CT had. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/config_check.h"
#include "runtime/daemon/end_note.h"
#include "runtime/daemon/life_actions.h"
#include "runtime/daemon/monitor_conn.h"
#include "runtime/daemon/reboot.h"

enum {
	EXIT_RECORD_MS = 5000, /* a monitor hangs up as a rule at once */
};

/* ---- how did it end? ---- */

static int tell_how(struct ct *ct)
{
	enum ct_end_reason how;

	ct_timer_clear(ct, LIFE_T_RECORD);
	monitor_disconnect(ct); /* it had its time to write the record */
	how = end_record_judge(ct);
	return ct_event(ct,
			how == END_REBOOTED ? LIFE_REBOOT
			: how == END_HALTED ? LIFE_HALT
					    : LIFE_NOT_KNOWN,
			NULL, NULL);
}

/* The pidfd of init may tell before the monitor has written how. */
int act_await_record(const struct life_call *c)
{
	if (c->ct->monitor == NULL)
		return tell_how(c->ct);
	ct_timer_set(c->ct, LIFE_T_RECORD, EXIT_RECORD_MS);
	return 0;
}

int act_read_record(const struct life_call *c)
{
	return tell_how(c->ct);
}

/* The monitor of a CT that is being stopped has gone: as a rule because init has. */
int act_record_if_ended(const struct life_call *c)
{
	return attach_init_has_ended(c->ct) ? tell_how(c->ct) : 0;
}

/* ---- the release ---- */

static void release(const struct life_call *c)
{
	struct ct *ct = c->ct;

	ct_timer_clear(ct, LIFE_T_STOP);
	config_keep_old(c->d, ct->ctid);
	if (c->j->restart)
		reboot_mark(c->d, ct);
	attach_drop(ct);
	monitor_forget_kept(ct);
	job_life_worker(c->j, "cleanup", NULL);
}

/* Nobody asked for this end. */
int act_release(const struct life_call *c)
{
	end_note(c->ct, NULL);
	/* The mark: a restart was asked for, and the berthd that was to do it died. */
	c->j->restart = c->event == LIFE_REBOOT || reboot_is_marked(c->d, c->ct);
	release(c);
	return 0;
}

/* By order. */
int act_release_stopped(const struct life_call *c)
{
	end_note(c->ct, &(struct ct_end_facts){
				.ordered = true, .restart = c->j->restart, .killed = c->j->killed});
	release(c);
	return 0;
}
