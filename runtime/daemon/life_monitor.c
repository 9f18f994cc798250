/* life_monitor.c - actions for a CT whose monitor has gone while its init lives: it gets another, and never two. */
#include "runtime/base/log.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/life_actions.h"
#include "runtime/daemon/monitor_conn.h"

#include <errno.h>

enum {
	RETRY_MS = 500, /* another operation holds the CT, or the monitor lives after all */
	UNSURE_MS = 2000, /* no descriptor, no memory */
	FAILED_RETRY_MS = 10000,
};

static void adopt(const struct life_call *c)
{
	const char *args[3] = {NULL};
	struct ct *ct = c->ct;
	struct job *j = job_begin(c->d, ct, "adopt", NULL, NULL);
	int n = 0;

	if (j == NULL) {
		ct_timer_set(ct, LIFE_T_MONITOR, RETRY_MS);
		return;
	}
	log_line(LOG_LV_WARNING, ct->ctid, "its monitor died: a new one takes over");
	if (ct->kept[0] >= 0)
		args[n++] = "console";
	if (ct->kept[1] >= 0)
		args[n++] = "notify";
	j->give_kept = true;
	job_life_worker(j, "adopt", args);
}

int act_monitor(const struct life_call *c)
{
	struct ct *ct = c->ct;
	int lives;

	if (ct->monitor != NULL)
		return 0;
	if (attach_init_has_ended(ct))
		return ct_event(ct, LIFE_T_RECORD, NULL, NULL);
	lives = pidref_runs(&ct->run.monitor);
	if (lives == 0) {
		adopt(c);
		return 0;
	}
	/* A monitor that is busy hangs up on us; a second one beside it would make two. */
	if (lives < 0 || monitor_connect(c->d, ct, NULL) < 0)
		ct_timer_set(ct, LIFE_T_MONITOR, lives < 0 ? UNSURE_MS : RETRY_MS);
	return 0;
}

/* Without a monitor there is no exec and no console; whatever was in the way may go. */
static int not_adopted(const struct life_call *c, const struct berth_error *err)
{
	struct ct *ct = c->ct;

	job_fail(c->j, err);
	if (attach_init_has_ended(ct))
		return ct_event(ct, LIFE_T_RECORD, NULL, NULL);
	ct_timer_set(ct, LIFE_T_MONITOR, FAILED_RETRY_MS);
	return 0;
}

int act_adopted(const struct life_call *c)
{
	struct berth_error err;
	int r = attach_take(c->d, c->ct, &err);

	if (r < 0 || c->ct->monitor == NULL)
		return not_adopted(c, &err);
	job_done(c->j, NULL);
	return 0;
}

int act_not_adopted(const struct life_call *c)
{
	struct berth_error err = c->info->result->error;

	return not_adopted(c, &err);
}
