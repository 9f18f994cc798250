/* attach.c - berthd's hold on a running CT. */
#include "runtime/daemon/attach.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/daemon/boot_wait.h"
#include "runtime/daemon/ended.h"
#include "runtime/daemon/job.h"
#include "runtime/daemon/monitor_conn.h"

#include <poll.h>
#include <sys/epoll.h>

static void init_exited(struct ev_source *s, uint32_t events, void *data)
{
	struct ct *ct = data;

	(void)events;
	ev_remove(s);
	ct->init_watch = NULL;
	ended_init(ct);
}

void attach_drop(struct ct *ct)
{
	job_retry_cancel(ct);
	ev_remove(ct->init_watch);
	ct->init_watch = NULL;
	monitor_disconnect(ct);
	fd_close(&ct->init_pidfd);
}

int attach_take(struct daemon *d, struct ct *ct, struct berth_error *err)
{
	struct ct_run run;
	bool booted;

	if (ct_run_load(&d->paths, ct->ctid, &run, &booted) < 0 || !run.launched)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH,
				       "CT %u ended at once; see: berth console %u --log", ct->ctid,
				       ct->ctid);
	attach_drop(ct);
	ct->run = run;
	ct->booted = booted;
	ct->status = CT_RUNNING;
	ct->init_pidfd = pidref_open(&run.init);
	if (ct->init_pidfd < 0)
		return berth_error_sys(err, ct->init_pidfd, "CT %u: open its init", ct->ctid);
	if (ev_add_io(d->ev, ct->init_pidfd, EPOLLIN, init_exited, ct, &ct->init_watch) < 0)
		abort();
	return monitor_connect(d, ct, err);
}

bool attach_init_is_dead(const struct ct *ct)
{
	struct pollfd p = {.fd = ct->init_pidfd, .events = POLLIN};

	return ct->init_pidfd < 0 || (poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0);
}

void attach_booted(struct daemon *d, struct ct *ct)
{
	if (ct->booted)
		return;
	ct->booted = true;
	event_emit(d, ct->ctid, "booted", NULL);
	boot_wait_done(ct);
}
