/* found.c - CTs whose files an admin has put back while berthd runs. */
#include "runtime/daemon/found.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"

#include <sys/stat.h>
#include <time.h>

enum {
	SETTLES_S = 2
};

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

/*
 * Which directory it is, and when it was changed last; zeros when that cannot be told, or not without a disk. By ctime,
 * as a backup that is put back sets mtime to what it was.
 */
static struct found_scan changed_at(const struct daemon *d)
{
	char path[BERTH_PATH_MAX];
	struct stat st;

	if (!file_is_cached(path_below(d->paths.etc, "ct", path)) || stat(path, &st) < 0)
		return (struct found_scan){0};
	return (struct found_scan){st.st_ctim, st.st_dev, st.st_ino};
}

bool found_is_current(const struct daemon *d)
{
	struct found_scan now = changed_at(d);
	const struct found_scan *then = &d->scanned;

	return now.changed.tv_sec != 0 && now.changed.tv_sec == then->changed.tv_sec &&
	       now.changed.tv_nsec == then->changed.tv_nsec && now.dev == then->dev &&
	       now.ino == then->ino;
}

static void reread_broken(struct daemon *d)
{
	for (size_t i = 0; i < d->n_cts; i++)
		if (d->cts[i]->status == CT_BROKEN)
			found_reread(d->cts[i]);
}

void found_rescan(struct daemon *d)
{
	auto_free uint32_t *list = NULL;
	struct found_scan at = changed_at(d);
	int n;

	if (found_is_current(d)) {
		reread_broken(d);
		return;
	}
	n = ct_info_list(&d->paths, &list, NULL);
	for (int i = 0; i < n; i++)
		if (registry_find(d, list[i]) == NULL)
			take(d, list[i]);
	reread_broken(d);
	/* Times are as coarse as a tick, or a second: a change right after the look might have the same. */
	if (n < 0 || at.changed.tv_sec == 0 || time(NULL) - at.changed.tv_sec < SETTLES_S)
		at = (struct found_scan){0};
	d->scanned = at;
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
