/* lost.c - a CT that runs although its state file does not say so. */
#include "runtime/daemon/lost.h"

#include "runtime/base/log.h"
#include "runtime/daemon/job.h"

enum {
	LOOK_AGAIN_MS = 10000
};

bool lost_may_run(struct daemon *d, const struct ct *ct)
{
	struct ct_run run;

	return ct_run_load(&d->paths, ct->ctid, &run, NULL) < 0 && cg_ct_exists(d->cg, ct->ctid) &&
	       cg_ct_populated(d->cg, ct->ctid, NULL) == 1;
}

static void look_again(struct ev_source *s, void *data)
{
	struct ct *ct = data;
	lost_judged_fn *judged = ct->judged;

	(void)s;
	job_retry_cancel(ct);
	if (ct->job != NULL)
		job_retry_later(ct, LOOK_AGAIN_MS, look_again);
	else if (ct->status == CT_RUNNING && lost_may_run(ct->d, ct))
		lost_find(ct->d, ct, judged);
	else if (ct->status == CT_RUNNING && ct->init_pidfd < 0)
		judged(ct->d, ct);
}

static void looked(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	struct berth_error err = result->error;

	if (result->ok || err.code == BERTH_ERR_NOT_RUNNING) {
		if (!result->ok)
			log_line(LOG_LV_WARNING, ct->ctid, "what is left of it is no CT: %s",
				 err.msg);
		job_done(j, NULL);
		ct->judged(d, ct);
		return;
	}
	job_fail(j, &err);
	ct->being_created = false; /* whatever it is, its admin must see it */
	log_line(LOG_LV_ERROR, ct->ctid,
		 "it runs, but its state file is lost: no exec, no console; end it with: "
		 "berth stop %u --fast",
		 ct->ctid);
	job_retry_later(ct, LOOK_AGAIN_MS, look_again);
}

void lost_find(struct daemon *d, struct ct *ct, lost_judged_fn *judged)
{
	struct berth_error err;
	struct job *j;

	ct->judged = judged;
	ct->status = CT_RUNNING; /* nobody may start a second one beside it */
	log_line(LOG_LV_WARNING, ct->ctid,
		 "it has processes, but %s/ct/%u/state is damaged or gone: looking for its init",
		 d->paths.run, ct->ctid);
	j = job_begin(d, ct, "adopt", NULL, &err);
	if (j != NULL) {
		job_worker(j, "adopt", NULL, looked);
		return;
	}
	log_line(LOG_LV_ERROR, ct->ctid, "adopt: %s", err.msg);
	job_retry_later(ct, LOOK_AGAIN_MS, look_again);
}
