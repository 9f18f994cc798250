/* life_start.c - actions of a start, a mount and an unmount. */
#include "runtime/base/log.h"
#include "runtime/base/value.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/boot_wait.h"
#include "runtime/daemon/config_check.h"
#include "runtime/daemon/life_actions.h"
#include "runtime/daemon/reboot.h"
#include "runtime/daemon/space.h"

#include <errno.h>
#include <string.h>

/*
 * A restart is not to end with a CT that is down because its config was broken meanwhile: it runs with what it
 * ran with before. A plain start is refused by the worker, which says what is wrong.
 */
static bool needs_old_config(const struct life_call *c)
{
	struct berth_error err;

	if (!c->j->restart && !c->j->own)
		return false;
	if (config_check(c->d, c->ct->ctid, &err) == 0 || !config_has_old(c->d, c->ct->ctid))
		return false;
	log_line(LOG_LV_WARNING, c->ct->ctid,
		 "it starts with the config of its last run, as its own is broken: %s", err.msg);
	event_emit(c->d, c->ct->ctid, "config", err.msg);
	return true;
}

int act_start(const struct life_call *c)
{
	struct job *j = c->j;
	struct ct *ct = c->ct;
	const char *args[3] = {NULL};
	int n = 0;

	ct_timer_clear(ct, LIFE_T_REBOOT);
	if (c->info->job == NULL) { /* else the job has them already */
		j->wait = c->info->wait;
		j->hold = c->info->hold;
	}
	ct->booted = false;
	ct->oom_kills = 0;
	ct->ran_with_old = needs_old_config(c);
	if (j->hold)
		args[n++] = "hold";
	if (ct->ran_with_old)
		args[n++] = "old";
	job_life_worker(j, "start", args);
	return 0;
}

static void start_has_succeeded(struct job *j)
{
	struct berth_error late;
	struct rpc_call *waiting;
	struct ct *ct = j->ct;

	ct->started_ms = ev_now_ms();
	reboot_unmark(j->d, ct);
	resume_unmark(ct);
	boot_unmark(ct);
	ct->resume_wait_ms = 0;
	event_emit(j->d, ct->ctid, "started", NULL);
	space_soon();
	(void)berth_error_set(&late, BERTH_ERR_LOCKED, EBUSY,
			      "CT %u had started before the start could be cancelled; stop it: "
			      "berth stop %u --fast",
			      ct->ctid, ct->ctid);
	job_answer_joined(j, &late);
	/* A CT that boots is not locked: its admin may stop it meanwhile. */
	if (j->wait && ct->run.notifies && !ct->booted && (waiting = job_take_call(j)) != NULL)
		boot_wait_add(j->d, ct, waiting);
	if (j->failed) { /* of a move: it goes on here */
		struct berth_error why = j->error;

		job_fail(j, &why);
		return;
	}
	job_done(j, json_pack("{s:i, s:O*}", "init_pid", ct->run.init.pid, "notes", j->notes));
}

/* It runs, or may: whatever keeps berthd from it is no reason to end it. */
static void start_cannot_be_followed(struct job *j, const struct berth_error *why)
{
	struct berth_error err, cause = *why;
	struct ct *ct = j->ct;

	(void)berth_error_set(&err, BERTH_ERR_UNKNOWN, cause.sys,
			      "CT %u has started, but berthd cannot watch it yet (%.200s) and "
			      "keeps trying; see: berth status %u",
			      ct->ctid, cause.msg, ct->ctid);
	reboot_unmark(j->d, ct);
	job_fail(j, &err);
	(void)ct_event(ct, LIFE_CANNOT_TELL, &(struct life_info){.why = &cause}, NULL);
}

int act_started(const struct life_call *c)
{
	struct berth_error err;
	struct ct *ct = c->ct;
	int r = attach_take(c->d, ct, &err);

	if (r == -ESRCH) {
		(void)ct_event(ct, LIFE_DEAD, &(struct life_info){.job = c->j, .why = &err}, NULL);
		return 0;
	}
	if (r < 0) {
		start_cannot_be_followed(c->j, &err);
		return 0;
	}
	start_has_succeeded(c->j);
	if (ct->monitor == NULL)
		(void)ct_event(ct, LIFE_MONITOR_GONE, NULL, NULL);
	return 0;
}

/* stop --fast under a start: whoever started it hears that it was ended. */
int act_end_start(const struct life_call *c)
{
	boot_unmark(c->ct); /* of a resume: its images stay */
	job_join(c->j, c->info->call);
	job_end_worker(c->j, "ordered by stop --fast");
	return 0;
}

/* ---- mount and unmount ---- */

int act_mount(const struct life_call *c)
{
	/* A reboot that waited for its time: who mounts it does not want it to start. */
	ct_timer_clear(c->ct, LIFE_T_REBOOT);
	reboot_unmark(c->d, c->ct);
	job_life_worker(c->j, "mount", NULL);
	return 0;
}

int act_mounted(const struct life_call *c)
{
	char path[BERTH_PATH_MAX] = "";

	(void)value_get(c->info->result->values, "path", path, sizeof(path));
	job_done(c->j, json_pack("{s:s}", "path", path));
	return 0;
}

int act_umount(const struct life_call *c)
{
	c->j->then_start = c->event != LIFE_UMOUNT;
	c->j->wait = c->info->wait;
	c->j->hold = c->info->hold;
	job_life_worker(c->j, "umount", NULL);
	return 0;
}

int act_umounted(const struct life_call *c)
{
	if (c->j->then_start)
		return ct_event(c->ct, LIFE_START, &(struct life_info){.job = c->j}, NULL);
	job_done(c->j, NULL);
	return 0;
}
