/* suspend_finish.c - a suspend whose worker died: the dumper that it left, and what is taken back. */
#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/checkpoint/mend.h"
#include "runtime/ct/look.h"
#include "runtime/ct/spec.h"
#include "runtime/worker/suspend.h"

#include "cgroups/tree.h"
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

enum {
	ORPHAN_MS = 30000, /* until a dumper whose worker died has let go by itself */
	KILLED_MS = 10000
};

/* Sockets first: one in repair mode resets its connection when a packet comes. */
int suspend_thaw(struct suspend *s, struct berth_error *err)
{
	auto_close int dir = cg_ct_dir(s->cg, s->w->ctid);
	struct cg_tree_pids pids = {0};
	int r = dir < 0 ? dir : cg_tree_processes(dir, &pids);

	for (size_t i = 0; r == 0 && i < pids.n; i++)
		if (mend_sockets(pids.v[i].pid) > 0)
			log_line(LOG_LV_WARNING, s->w->ctid,
				 "process %d had sockets in repair mode", pids.v[i].pid);
	free(pids.v);
	if (r < 0)
		log_line(LOG_LV_WARNING, s->w->ctid,
			 "suspend: sockets of its processes may be in repair mode: %s",
			 strerror(-r));
	r = FAULT_STEP("suspend.thaw.undo", err);
	return r < 0 ? r : cg_ct_freeze(s->cg, s->w->ctid, false, err);
}

/*
 * It lets go by itself when it next speaks to its worker, which is the gentle way; and until it has ended it may
 * freeze the CT once more. One that writes for ever is killed.
 */
static int end_dumper(struct suspend *s, struct berth_error *err)
{
	auto_close int pidfd = criu_noted_open(s->w, DUMPER_FILE);

	if (pidfd == -ESRCH)
		return 0;
	if (pidfd < 0)
		return suspend_fail(s, pidfd, "find the criu of a worker that died", err);
	if (fd_wait(pidfd, POLLIN, ORPHAN_MS) == 1)
		return 0;
	log_line(LOG_LV_WARNING, s->w->ctid,
		 "suspend: the criu of a worker that died goes on: it is killed");
	(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	if (fd_wait(pidfd, POLLIN, KILLED_MS) == 1)
		return 0;
	return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
			       "CT %u: suspend: the criu of a worker that died does not end",
			       s->w->ctid);
}

/* Of what runs: no config and no CRIU is needed to let it go. */
static int look_again(struct suspend *s, struct berth_error *err)
{
	struct worker *w = s->w;
	const struct ct_config none = {0};
	int r = ct_run_load(&w->paths, w->ctid, &s->run, &s->booted);

	if (r < 0 || !s->run.launched)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH, "CT %u does not run",
				       w->ctid);
	return spec_net(w->ctid, &none, &w->host, w->paths.root, s->addrs, &s->net, err);
}

/* The CT lives, and goes on: of a suspend that is taken back, or of a resume behind its commit. */
static int take_back(struct suspend *s, struct berth_error *err)
{
	int r = suspend_thaw(s, err);

	if (r == 0)
		r = net_ct_hold(&s->net, false, err);
	if (r < 0)
		return r;
	(void)unlinkat(s->w->ct_fd, DUMPER_FILE, 0);
	(void)tree_remove_at(s->w->private_fd, DUMP_NEW);
	(void)tree_remove_at(s->w->private_fd, DUMP_DIR);
	return berth_error_set(err, BERTH_ERR_HELPER, ECANCELED,
			       "CT %u: suspend: it was cut short and taken back: the CT goes on",
			       s->w->ctid);
}

/* The cleanup, which comes next, ends what is left of the CT. */
int suspend_finish(struct suspend *s, struct berth_error *err)
{
	struct worker *w = s->w;
	enum evidence_found found;
	int r = worker_cg_open(w, &s->cg, err);

	if (r >= 0)
		r = worker_private_dir(w, err);
	if (r >= 0)
		r = worker_ct_dir(w, err);
	if (r >= 0)
		r = end_dumper(s, err);
	if (r < 0)
		return r;
	found = ct_look(&w->paths, s->cg, w->ctid, NULL, err);
	if (evidence_allows(found) && ct_is_suspended(&w->paths, w->ctid))
		return 0;
	r = look_again(s, err);
	return r < 0 ? r : take_back(s, err);
}
