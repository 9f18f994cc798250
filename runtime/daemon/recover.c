/* recover.c - start-up of berthd. */
#include "runtime/daemon/recover.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/ct/store.h"
#include "runtime/daemon/job.h"
#include "runtime/daemon/lifecycle.h"

#include <fcntl.h>
#include <string.h>

/* Does a stopped CT still have something of a run: files, cgroup, network? */
static bool has_leftovers(struct daemon *d, const struct ct *ct)
{
	char path[BERTH_PATH_MAX];
	auto_close int dir = dir_open_at(AT_FDCWD, path_run_ct(&d->paths, ct->ctid, path));

	if (dir >= 0 &&
	    (faccessat(dir, "state", F_OK, 0) == 0 || faccessat(dir, "volume", F_OK, 0) == 0 ||
	     faccessat(dir, "exit", F_OK, 0) == 0))
		return true;
	return cg_ct_exists(d->cg, ct->ctid);
}

static void recover_ct(struct daemon *d, uint32_t ctid)
{
	struct ct *ct = registry_add(d, ctid);
	struct berth_error err = {0};
	struct ct_info info;

	if (ct_info_load(&d->paths, ctid, &info, &err) < 0 || info.status == CT_BROKEN ||
	    registry_refresh(d, ct, &err) < 0) {
		ct->status = CT_BROKEN;
		ct->facts = info.facts;
		log_line(LOG_LV_ERROR, ctid, "broken: %s", err.msg);
		return;
	}
	ct->status = info.status;
	ct->facts = info.facts;
	if (info.status == CT_RUNNING) {
		if (lifecycle_attach(d, ct, &err) == 0)
			log_line(LOG_LV_INFO, ctid, "adopted: init is %d", ct->run.init.pid);
		else
			lifecycle_monitor_gone(d, ct);
	} else if (info.status == CT_STARTING ||
		   (info.status == CT_STOPPED && has_leftovers(d, ct))) {
		lifecycle_clean(d, ct);
	}
}

static void destroyed_again(struct job *j, const struct worker_result *result)
{
	struct daemon *d = j->d;
	struct ct *ct = j->ct;

	if (!result->ok) {
		job_fail(j, &result->error);
		return;
	}
	store_intent_clear(&d->paths, ct->ctid);
	job_done(j, NULL);
	registry_remove(d, ct);
}

/* A create that had come to its commit point stands; all else is taken away. */
static void recover_intent(uint32_t ctid, enum store_intent what, void *data)
{
	struct daemon *d = data;
	struct ct *ct = registry_find(d, ctid);
	struct berth_error err;
	struct job *j;

	if (what == INTENT_CREATE && ct != NULL && ct->status != CT_BROKEN) {
		store_intent_clear(&d->paths, ctid);
		return;
	}
	if (ct == NULL)
		ct = registry_add(d, ctid);
	ct->being_created = true; /* nobody may touch it until it is gone */
	log_line(LOG_LV_WARNING, ctid, "an unfinished %s is %s",
		 what == INTENT_CREATE ? "create" : "destroy",
		 what == INTENT_CREATE ? "undone" : "finished");
	j = job_begin(d, ct, "recovery", NULL, &err);
	if (j == NULL) {
		log_line(LOG_LV_ERROR, ctid, "recovery: %s", err.msg);
		return;
	}
	job_worker(j, "destroy", NULL, destroyed_again);
}

int recover_all(struct daemon *d, struct berth_error *err)
{
	auto_free uint32_t *list = NULL;
	int n = ct_info_list(&d->paths, &list, err);

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		recover_ct(d, list[i]);
	return store_intent_each(&d->paths, recover_intent, d, err);
}

/* ---- autostart ---- */

struct boot_entry {
	uint32_t ctid;
	int order;
};

struct autostart {
	struct daemon *d;
	struct boot_entry *list;
	size_t n, next;
	struct ev_source *timer;
};

static int compare_order(const void *a, const void *b)
{
	const struct boot_entry *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? 1 : -1;
	return (x->ctid > y->ctid) - (x->ctid < y->ctid);
}

static unsigned int starting_now(const struct daemon *d)
{
	unsigned int n = 0;

	for (size_t i = 0; i < d->n_cts; i++)
		n += d->cts[i]->status == CT_STARTING;
	return n;
}

static void autostart_tick(struct ev_source *s, void *data)
{
	struct autostart *a = data;
	struct daemon *d = a->d;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int parallel = d->host.start_parallel;

	if (parallel == 0)
		parallel = cpus > 0 ? (unsigned int)cpus : 1;
	while (a->next < a->n && starting_now(d) < parallel) {
		struct ct *ct = registry_find(d, a->list[a->next++].ctid);
		struct berth_error err;
		struct job *j;

		if (ct == NULL || ct->status != CT_STOPPED)
			continue;
		j = job_begin(d, ct, "start on boot", NULL, &err);
		if (j != NULL)
			lifecycle_start(j);
	}
	if (a->next < a->n) {
		(void)ev_timer_set(s, 100);
		return;
	}
	ev_remove(s);
	free(a->list);
	free(a);
}

static size_t collect_onboot(struct daemon *d, struct boot_entry *list)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_cts; i++) {
		struct ct_config c;

		if (store_config(&d->paths, d->cts[i]->ctid, d->host_conf, &c, NULL) < 0 ||
		    !c.onboot || c.disabled)
			continue;
		list[n].ctid = d->cts[i]->ctid;
		list[n++].order = c.bootorder;
	}
	return n;
}

void recover_autostart(struct daemon *d)
{
	auto_close int run = dir_open_at(AT_FDCWD, d->paths.run);
	struct autostart *a;

	/* RUN is a tmpfs: the mark lasts for one boot. */
	if (run < 0 || faccessat(run, "autostarted", F_OK, 0) == 0)
		return;
	(void)file_replace_at(run, "autostarted", "", 0, 0644, false);
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		abort();
	a->d = d;
	a->list = calloc(d->n_cts + 1, sizeof(*a->list));
	if (a->list == NULL)
		abort();
	a->n = collect_onboot(d, a->list);
	qsort(a->list, a->n, sizeof(*a->list), compare_order);
	if (ev_add_timer(d->ev, 1, autostart_tick, a, &a->timer) < 0)
		abort();
}
