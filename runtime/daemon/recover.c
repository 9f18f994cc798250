/*
 * recover.c - start-up of berthd: what is on disk becomes the registry again. Of each CT nothing is known at first;
 * life_look.c finds out.
 */
#include "runtime/daemon/recover.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/log.h"
#include "runtime/daemon/made.h"
#include "runtime/daemon/strays.h"

#include <string.h>

/* What was on its way keeps its name and addresses, as before: see made_claim. */
static void claim(struct ct *ct)
{
	struct conf_file *f;
	struct berth_error why;

	if (store_candidate_load(&ct->d->paths, ct->ctid, &f, &why) < 0)
		return;
	made_claim(ct, f);
	conf_free(f);
}

static void take_intent(uint32_t ctid, const struct store_intent_record *rec, void *data)
{
	struct daemon *d = data;
	struct ct *ct = registry_find(d, ctid);

	if (ct == NULL) {
		ct = registry_add(d, ctid);
		ct->being_created = true;
		if (rec->what == INTENT_CREATE)
			claim(ct);
	}
	ct->intent = rec->what;
	ct->going = rec->area;
	if (ct->facts.id_base == 0)
		ct->facts.id_base = rec->id_base;
}

/* The file keeps its CTID from being taken (obstacle.c). */
static void tell_unreadable(uint32_t ctid, int error, void *data)
{
	struct daemon *d = data;

	log_line(LOG_LV_WARNING, ctid,
		 "read %s/state/%u.intent: %s: the operation that it describes stays unfinished; "
		 "make the file readable or move it away, then restart berthd",
		 d->paths.lib, ctid, strerror(error));
}

/* Looking may take a CT out of the registry: by CTID, not by place. */
static void look_at_all(struct daemon *d)
{
	auto_free uint32_t *list = calloc(d->n_cts + 1, sizeof(*list));
	size_t n = d->n_cts;

	if (list == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		list[i] = d->cts[i]->ctid;
	for (size_t i = 0; i < n; i++) {
		struct ct *ct = registry_find(d, list[i]);

		if (ct == NULL)
			continue;
		ct->status = CT_UNKNOWN; /* whatever its files say: nobody has looked yet */
		ct_timer_clear(ct, LIFE_T_LOOK);
		(void)ct_event(ct, LIFE_T_LOOK, NULL, NULL);
	}
}

int recover_all(struct daemon *d, struct berth_error *err)
{
	auto_free uint32_t *list = NULL;
	int n = ct_info_list(&d->paths, &list, err), r;

	if (n < 0)
		return n;
	/* Before any is settled: ids, names and addresses of all of them are taken. */
	for (int i = 0; i < n; i++) {
		struct ct *ct = registry_add(d, list[i]);

		(void)registry_reload(d, ct, NULL);
		ct_ends_load(&d->paths, ct->ctid, &ct->ends);
	}
	r = store_intent_each(&d->paths, take_intent, tell_unreadable, d, err);
	if (r < 0)
		return r;
	strays_collect(d);
	strays_report(d);
	look_at_all(d);
	return 0;
}
