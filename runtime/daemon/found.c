/* found.c - CTs whose files an admin has put back while berthd runs. */
#include "runtime/daemon/found.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/log.h"

static void take(struct daemon *d, uint32_t ctid)
{
	struct ct *ct = registry_add(d, ctid);
	struct berth_error err;

	/* Of a destroy that did not come to its end: who puts the config back wants the CT. */
	store_intent_clear(&d->paths, ctid, true);
	if (registry_reload(d, ct, &err) < 0)
		log_line(LOG_LV_WARNING, ctid, "its config has appeared; broken: %s", err.msg);
	else
		log_line(LOG_LV_INFO, ctid, "its config has appeared: it is a CT (again)");
	ct_ends_load(&d->paths, ctid, &ct->ends);
	event_emit(d, ctid, "created", NULL);
	if (!cg_ct_exists(d->cg, ctid))
		return;
	ct->status = CT_UNKNOWN; /* as after a start of berthd: something of it may run */
	(void)ct_event(ct, LIFE_T_LOOK, NULL, NULL);
}

void found_rescan(struct daemon *d)
{
	auto_free uint32_t *list = NULL;
	int n = ct_info_list(&d->paths, &list, NULL);

	for (int i = 0; i < n; i++) {
		struct ct *ct = registry_find(d, list[i]);

		if (ct == NULL)
			take(d, list[i]);
		else if (ct->status == CT_BROKEN)
			found_reread(ct);
	}
}

void found_reread(struct ct *ct)
{
	bool rests = ct->status == CT_STOPPED || ct->status == CT_BROKEN;

	if (rests && ct->job == NULL && !ct->unsettled && !ct->being_created)
		(void)registry_reload(ct->d, ct, NULL);
}

struct ct *found_lookup(struct daemon *d, const char *word, struct berth_error *err)
{
	struct ct *ct = registry_lookup(d, word, err);

	if (ct != NULL)
		return ct;
	found_rescan(d);
	return registry_lookup(d, word, err);
}
