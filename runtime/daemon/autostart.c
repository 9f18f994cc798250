/* autostart.c - once a boot of the host: starts the CTs that want it, a few at a time. */
#include "runtime/daemon/autostart.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/daemon/daemon.h"
#include "runtime/daemon/job.h"
#include "runtime/daemon/reboot.h"

#include <fcntl.h>
#include <string.h>

enum {
	LOOK_MS = 1000
};

struct boot_entry {
	uint32_t ctid;
	int order;
};

struct autostart {
	struct daemon *d;
	struct boot_entry *list;
	size_t n, next;
	size_t n_later; /* of those before next, kept at the list's beginning */
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
		n += d->cts[i]->status == CT_STARTING || d->cts[i]->status == CT_RESUMING;
	return n;
}

/* Only now: a berthd that dies before is followed by one that goes on. RUN is a tmpfs. */
static void autostart_over(struct daemon *d)
{
	auto_close int run = dir_open_at(AT_FDCWD, d->paths.run);

	if (run >= 0)
		(void)file_replace_at(run, BOOT_OVER_MARK, "", 0, 0644, false);
}

/* Not known yet, or berthd itself still cleans up after its last run. */
static bool is_settling(const struct ct *ct)
{
	return ct->status == CT_UNKNOWN ||
	       (ct->status == CT_RELEASING && (ct->job == NULL || ct->job->own));
}

/* From now on it is resumed until it runs, also by a berthd that comes later. */
static void resume_on_boot(struct ct *ct)
{
	struct berth_error err;
	int r = 0;

	if (!boot_is_marked(ct))
		r = boot_mark(ct);
	if (r < 0)
		log_line(LOG_LV_WARNING, ct->ctid,
			 "note that it is to be resumed on boot: %s; it is tried once",
			 strerror(-r));
	if (ct_event(ct, LIFE_RESUME, NULL, &err) < 0)
		log_line(LOG_LV_ERROR, ct->ctid, "resume on boot: %s", err.msg);
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

		if (ct != NULL && is_settling(ct))
			a->list[a->n_later++] = a->list[a->next - 1];
		if (ct != NULL && ct->status == CT_SUSPENDED)
			resume_on_boot(ct);
		if (ct == NULL || ct->status != CT_STOPPED)
			continue;
		if (ct_event(ct, LIFE_START, NULL, &err) < 0)
			log_line(LOG_LV_ERROR, ct->ctid, "start on boot: %s", err.msg);
	}
	/* The end of a start is told at once; what else takes a CT out of starting may not be. */
	if (a->next < a->n) {
		(void)ev_timer_set(s, LOOK_MS);
		return;
	}
	/* Those that cannot be started yet come after all others. */
	if (a->n_later > 0) {
		a->n = a->n_later;
		a->next = a->n_later = 0;
		(void)ev_timer_set(s, LOOK_MS);
		return;
	}
	d->on_start_ended = NULL;
	ev_remove(s);
	autostart_over(d);
	free(a->list);
	free(a);
}

static size_t collect_onboot(struct daemon *d, struct boot_entry *list)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_cts; i++) {
		struct berth_error err;
		struct ct_config c;

		if (store_config(&d->paths, d->cts[i]->ctid, d->host_conf, &c, &err) < 0) {
			log_line(LOG_LV_ERROR, d->cts[i]->ctid, "not started on boot: %s", err.msg);
			continue;
		}
		if (c.disabled || !c.onboot)
			continue;
		list[n].ctid = d->cts[i]->ctid;
		list[n++].order = c.bootorder;
	}
	return n;
}

void autostart_begin(struct daemon *d)
{
	struct autostart *a;

	if (access(d->paths.run, F_OK) < 0 || boot_is_over(d))
		return;
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
	d->on_start_ended = a->timer;
}
