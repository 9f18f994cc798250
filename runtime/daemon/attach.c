/* attach.c - berthd's hold on a running CT. */
#include "runtime/daemon/attach.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/daemon/monitor_conn.h"

#include <poll.h>
#include <sys/epoll.h>

static void init_exited(struct ev_source *s, uint32_t events, void *data)
{
	struct ct *ct = data;

	(void)events;
	ev_remove(s);
	ct->init_watch = NULL;
	(void)ct_event(ct, LIFE_INIT_GONE, NULL, NULL);
}

void attach_drop(struct ct *ct)
{
	ct_timer_clear(ct, LIFE_T_RECORD);
	ct_timer_clear(ct, LIFE_T_MONITOR);
	ev_remove(ct->init_watch);
	ct->init_watch = NULL;
	monitor_disconnect(ct);
	fd_close(&ct->init_pidfd);
}

static int load_run(struct ct *ct, struct ct_run *ret, bool *ret_booted, struct berth_error *err)
{
	int r = ct_run_load(&ct->d->paths, ct->ctid, ret, ret_booted);

	if (r == -ESRCH || (r == 0 && !ret->launched))
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH,
				       "CT %u ended at once; see: berth console %u --log", ct->ctid,
				       ct->ctid);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: read its state", ct->ctid);
	return 0;
}

int attach_take(struct daemon *d, struct ct *ct, struct berth_error *err)
{
	auto_close int pidfd = -EBADF;
	struct ev_source *watch;
	struct ct_run run;
	bool booted;
	int r = load_run(ct, &run, &booted, err);

	if (r < 0)
		return r;
	pidfd = pidref_open(&run.init);
	if (pidfd == -ESRCH)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH,
				       "CT %u ended at once; see: berth console %u --log", ct->ctid,
				       ct->ctid);
	if (fd_is_reserve(pidfd))
		return berth_error_sys(err, EMFILE, "CT %u: hold its init, process %d", ct->ctid,
				       run.init.pid);
	r = pidfd < 0 ? pidfd : ev_add_io(d->ev, pidfd, EPOLLIN, init_exited, ct, &watch);
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: open its init, process %d", ct->ctid,
				       run.init.pid);
	attach_drop(ct);
	ct->run = run;
	ct->booted = booted;
	ct->init_pidfd = take_fd(&pidfd);
	ct->init_watch = watch;
	(void)monitor_connect(d, ct, err);
	return 0;
}

bool attach_init_has_ended(const struct ct *ct)
{
	struct pollfd p = {.fd = ct->init_pidfd, .events = POLLIN};

	return ct->init_pidfd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}
