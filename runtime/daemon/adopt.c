/* adopt.c - a new monitor for a CT whose monitor has died while its init lives. */
#include "runtime/daemon/adopt.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/log.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/ended.h"
#include "runtime/daemon/job.h"
#include "runtime/daemon/monitor_conn.h"

#include <poll.h>

enum {
	RETRY_MS = 500, /* another operation holds the CT, or the monitor lives after all */
	FAILED_RETRY_MS = 10000,
};

static void adopt_retry(struct ev_source *s, void *data)
{
	struct ct *ct = data;

	(void)s;
	job_retry_cancel(ct);
	if (ct->monitor == NULL)
		adopt_monitor_gone(ct->d, ct);
}

static void adopted(struct job *j, const struct worker_result *result)
{
	struct ct *ct = j->ct;
	struct berth_error err = result->error;

	if (result->ok && attach_take(j->d, ct, &err) == 0) {
		job_done(j, NULL);
		return;
	}
	job_fail(j, &err);
	/* Without a monitor there is no exec and no console; whatever was in the way may go. */
	if (ct->retry == NULL)
		job_retry_later(ct, FAILED_RETRY_MS, adopt_retry);
}

/* A monitor that is busy hangs up on us; a second one beside it would make two. */
static bool monitor_lives(const struct ct *ct)
{
	auto_close int fd = pidref_open(&ct->run.monitor);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return fd >= 0 && poll(&p, 1, 0) == 0;
}

void adopt_monitor_gone(struct daemon *d, struct ct *ct)
{
	char console[16], notify[16];
	const char *const args[] = {console, notify, NULL};
	struct berth_error err;
	struct job *j;

	if (attach_init_is_dead(ct)) {
		ev_remove(ct->init_watch);
		ct->init_watch = NULL;
		ended_now(d, ct);
		return;
	}
	if (ct->status == CT_STOPPING)
		return; /* init's pidfd tells */
	if (monitor_lives(ct)) {
		if (monitor_connect(d, ct, &err) < 0)
			job_retry_later(ct, RETRY_MS, adopt_retry);
		return;
	}
	j = job_begin(d, ct, "adopt", NULL, &err);
	if (j == NULL) {
		job_retry_later(ct, RETRY_MS, adopt_retry);
		return;
	}
	log_line(LOG_LV_WARNING, ct->ctid, "its monitor died: a new one takes over");
	(void)snprintf(console, sizeof(console), "%d", ct->kept[0]);
	(void)snprintf(notify, sizeof(notify), "%d", ct->kept[1]);
	j->give_kept = true;
	job_worker(j, "adopt", args, adopted);
}
