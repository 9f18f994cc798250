/*
 * life_stop.c - actions of a stop by order. The one place in berthd that kills a CT that runs: its admin has
 * ordered it, with --fast or with a timeout that is over.
 */
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/end_note.h"
#include "runtime/daemon/halt_inside.h"
#include "runtime/daemon/life_actions.h"
#include "runtime/daemon/monitor_conn.h"
#include "runtime/daemon/reboot.h"

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>

enum {
	KILL_WAIT_MS = 30000, /* SIGKILL takes longer only for tasks in D state */
	STOP_AGAIN_MS = 2000, /* between two asks to power off */
};

static void stop_kill(struct job *j)
{
	struct ct *ct = j->ct;

	j->killed = true;
	fd_close(&j->halt_fd);
	(void)cg_ct_kill(j->d->cg, ct->ctid, NULL);
	(void)pidfd_send_signal(ct->init_pidfd, SIGKILL, NULL, 0);
	ct_timer_set(ct, LIFE_T_STOP, KILL_WAIT_MS);
}

/* For the log, and for whoever ordered the stop. */
static void note_kill(struct job *j)
{
	char text[160];

	log_line(LOG_LV_WARNING, j->ct->ctid, "did not stop in %u s: killed", j->timeout);
	(void)snprintf(text, sizeof(text),
		       "CT %u did not stop in %u s and was killed: its stop scripts may not have "
		       "ended; --timeout gives it more time",
		       j->ct->ctid, j->timeout);
	if (j->notes == NULL)
		j->notes = json_array();
	(void)json_array_append_new(j->notes, json_string(text));
}

/* Again when the command did not get there: init may not listen yet, the CT may have no room for a process. */
static void ask_inside(struct job *j)
{
	struct berth_error err;

	if (j->asked)
		return;
	switch (halt_inside_state(j->halt_fd)) {
	case HALT_DONE:
		j->asked = true;
		return;
	case HALT_UNDER_WAY:
		return;
	case HALT_FAILED:
		break;
	}
	fd_close(&j->halt_fd);
	j->halt_fd = halt_inside_begin(j->ct, &err);
	if (j->halt_fd < 0)
		log_line(LOG_LV_WARNING, j->ct->ctid, "stop: %s", err.msg);
}

/* An init that has not installed its handlers yet loses the signal (pid_namespaces(7)): say it again. */
static void stop_ask(struct job *j)
{
	uint64_t now = ev_now_ms(), left = j->deadline_ms > now ? j->deadline_ms - now : 1;

	if (j->ct->run.stop_command[0] != '\0')
		ask_inside(j);
	else
		(void)pidfd_send_signal(j->ct->init_pidfd, j->ct->run.stop_signal, NULL, 0);
	ct_timer_set(j->ct, LIFE_T_STOP, left < STOP_AGAIN_MS ? left : STOP_AGAIN_MS);
}

static bool can_ask(const struct ct *ct)
{
	return ct->run.stop_signal != 0 || ct->run.stop_command[0] != '\0';
}

int act_stop(const struct life_call *c)
{
	struct job *j = c->j;
	struct ct *ct = c->ct;

	j->fast = c->info->fast || c->event == LIFE_KILL;
	j->wait = c->info->wait;
	j->restart = c->event == LIFE_RESTART;
	j->timeout = c->info->timeout;
	j->moves = c->info->moves;
	if (j->restart || j->moves)
		reboot_mark(c->d, ct);
	else
		reboot_unmark(c->d, ct);
	j->deadline_ms = ev_now_ms() + (uint64_t)j->timeout * 1000;
	if (j->fast || !can_ask(ct)) {
		stop_kill(j); /* a waiting shell can be asked nothing */
	} else {
		/* A frozen CT could not act on what it is asked. */
		(void)cg_ct_thaw(c->d->cg, ct->ctid, NULL);
		stop_ask(j);
	}
	(void)cg_ct_thaw(c->d->cg, ct->ctid, NULL);
	return 0;
}

int act_stop_on(const struct life_call *c)
{
	struct job *j = c->j;

	if (j == NULL)
		return 0;
	if (j->killed)
		return ct_event(c->ct, LIFE_FAILED, &(struct life_info){.job = j}, NULL);
	if (ev_now_ms() < j->deadline_ms) {
		stop_ask(j);
		return 0;
	}
	note_kill(j);
	stop_kill(j);
	return 0;
}

void life_unpromise(const struct life_call *c, struct job *j)
{
	reboot_unmark(c->d, c->ct);
	if (!j->restart)
		return;
	j->restart = false;
	j->failed = true;
	(void)berth_error_set(&j->error, BERTH_ERR_LOCKED, ECANCELED,
			      "CT %u: a later order stopped it: it is not started again",
			      c->ct->ctid);
}

/* stop --fast over a stop that waits. */
int act_hurry(const struct life_call *c)
{
	struct job *j = c->j;

	job_join(j, c->info->call);
	life_unpromise(c, j);
	if (!j->killed)
		stop_kill(j);
	return 0;
}

/* The CT is as alive as before; when its init can die after all, that is noticed. */
int act_stuck(const struct life_call *c)
{
	struct ct *ct = c->ct;
	struct berth_error err;

	(void)berth_error_set(
		&err, BERTH_ERR_STUCK, EBUSY,
		"CT %u: init (pid %d) does not die; see /proc/%d/stack for what in the "
		"kernel holds it",
		ct->ctid, ct->run.init.pid, ct->run.init.pid);
	reboot_unmark(c->d, ct);
	job_fail(c->j, &err);
	/* Its monitor may have died meanwhile, when nobody minded. */
	if (ct->monitor == NULL)
		(void)ct_event(ct, LIFE_MONITOR_GONE, NULL, NULL);
	return 0;
}

/* A stop of what is stopped: a reboot that waits for its time is taken back. */
int act_unpromise(const struct life_call *c)
{
	struct ct *ct = c->ct;

	if (job_refuse_busy(ct, c->err) < 0)
		return -EWOULDBLOCK;
	reboot_unmark(c->d, ct);
	if (!ct_timer_is_set(ct, LIFE_T_REBOOT))
		return berth_error_set(c->err, BERTH_ERR_NOT_RUNNING, EBUSY,
				       "CT %u is stopped already", ct->ctid);
	ct_timer_clear(ct, LIFE_T_REBOOT);
	if (c->info->call != NULL)
		rpc_reply(c->info->call, NULL);
	return 0;
}

/* Nobody knows its init: the cleanup kills by its cgroup. */
int act_kill_unknown(const struct life_call *c)
{
	static const char *const args[] = {"kill", NULL};
	struct ct *ct = c->ct;

	ct->kill_ordered = true;
	text_clear(&ct->why);
	ct_timer_clear(ct, LIFE_T_LOOK);
	reboot_unmark(c->d, ct);
	attach_drop(ct);
	monitor_forget_kept(ct);
	end_note(ct, &(struct ct_end_facts){.ordered = true, .killed = true});
	job_life_worker(c->j, "cleanup", args);
	return 0;
}
