/*
 * life_actions.h - what the actions of the life table do. For life.c alone: nobody else calls them, and they call
 * one another only through ct_event().
 */
#pragma once

#include "runtime/daemon/job.h"

/* One event that the table has an action for. */
struct life_call {
	struct ct *ct;
	struct daemon *d;
	enum life_event event;
	enum ct_status from; /* the state before; ct->status is the next one already */
	struct job *
		j; /* that holds the CT, begun for this event when the action needs one; NULL: none */
	const struct life_info *info; /* never NULL */
	struct berth_error *err; /* for an order that the action itself refuses */
};

typedef int life_action_fn(const struct life_call *c);

/* An order to stop came over a restart: the last word counts. What j's client hears is set. */
void life_unpromise(const struct life_call *c, struct job *j);

/* life_start.c */
life_action_fn act_start, act_started, act_end_start, act_mount, act_mounted, act_umount,
	act_umounted;
/* life_stop.c */
life_action_fn act_stop, act_stop_on, act_hurry, act_stuck, act_unpromise, act_kill_unknown;
/* life_suspend.c */
life_action_fn act_suspend, act_suspended, act_not_suspended, act_goes_on, act_end_suspend,
	act_suspend_again, act_finish, act_resume, act_forget;
/* Has it images of a suspend or a resume that was cut short? Then it may be held, or frozen. */
bool life_has_half_images(const struct ct *ct);
/* life_end.c */
life_action_fn act_await_record, act_read_record, act_record_if_ended, act_release,
	act_release_stopped;
/* life_release.c */
life_action_fn act_released, act_clean, act_clean_now, act_clean_again, act_clean_later,
	act_clean_failure;
/* life_monitor.c */
life_action_fn act_monitor, act_adopted, act_not_adopted;
/* life_look.c */
life_action_fn act_look, act_look_later, act_looked, act_take, act_settle, act_incoming;
