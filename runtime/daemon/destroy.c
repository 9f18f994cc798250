/* destroy.c - the way out of a CT. */
#include "runtime/daemon/destroy.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/log.h"

static bool has_config(struct daemon *d, uint32_t ctid)
{
	char path[BERTH_PATH_MAX];

	return access(path_ct_config(&d->paths, ctid, path), F_OK) == 0;
}

static void destroy_failed(struct job *j, const struct berth_error *err)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;

	/*
	 * The config goes first: while it is there nothing is lost, and the CT lives on. An intent that
	 * stayed would have the next berthd destroy it, whatever has become of it by then.
	 */
	if (has_config(d, ct->ctid))
		store_intent_clear(&d->paths, ct->ctid, true);
	ct->being_created = false;
	registry_settled(d, ct);
	job_fail(j, err);
}

static void destroyed(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;
	uint32_t ctid = ct->ctid;

	if (!result->ok) {
		destroy_failed(j, &result->error);
		return;
	}
	store_intent_clear(&d->paths, ctid, false);
	job_done(j, NULL);
	registry_remove(d, ct);
	event_emit(d, ctid, "destroyed", NULL);
}

void destroy_run(struct job *j)
{
	job_worker(j, "destroy", NULL, destroyed);
}
