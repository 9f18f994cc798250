/*
 * op_cleanup.c - after a CT's init has ended, or on what a crash left: cgroups, then network and volume
 * side by side, then the files of this run are released. Every step works on what is there, so it
 * may run any number of times.
 *
 * Nothing is touched before it is proved that the CT does not run, whatever whoever called believes. The word
 * "kill" is its admin's explicit order and takes the place of the proof.
 */
#include "netsetup/net.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/ct/addresses.h"
#include "runtime/ct/look.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/store.h"
#include "runtime/storage/volume.h"
#include "runtime/worker/criu_run.h"
#include "runtime/worker/lost_run.h"
#include "runtime/worker/volume_mount.h"
#include "runtime/worker/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	CGROUP_WAIT_MS = 10000,
	VOLUME_WAIT_MS = 20000,
	NET_LINGER_MS = 100
};

/* Processes without a record of their init: only when none of them is one, are they a leftover. */
static int check_lost(struct worker *w, struct cg_host *cg, struct berth_error *err)
{
	struct pidref init;
	int r = lost_run_init(w, cg, &init, err);

	if (r == -ESRCH)
		return 0;
	if (r < 0)
		return r;
	return berth_error_set(err, BERTH_ERR_RUNNING, EBUSY,
			       "CT %u runs (init is %d), but %s/ct/%u/state does not say so: "
			       "nothing of it was cleaned up; end it: berth stop %u --fast",
			       w->ctid, init.pid, w->paths.run, w->ctid, w->ctid);
}

/* May what is left of the CT be killed and removed? */
static int check_proof(struct worker *w, struct cg_host *cg, struct berth_error *err)
{
	struct ct_run run;
	enum evidence_found found;

	if (w->n_args > 0 && strcmp(w->args[0], "kill") == 0)
		return 0;
	found = ct_look(&w->paths, cg, w->ctid, &run, err);
	if (evidence_allows(found))
		return 0;
	if (found == FOUND_LOST)
		return check_lost(w, cg, err);
	if (found == FOUND_ALIVE)
		return berth_error_set(err, BERTH_ERR_RUNNING, EBUSY,
				       "CT %u runs (init is %d): nothing of it was cleaned up; end "
				       "it: berth stop %u",
				       w->ctid, run.init.pid, w->ctid);
	err->code = BERTH_ERR_UNKNOWN;
	return -err->sys;
}

/*
 * The criu of a resume whose worker was killed. What it was making has been killed and cannot end before it does: it
 * traces them, so only it can reap them, and it may be waiting for their init, which waits for them.
 */
static void end_restorer(const struct worker *w)
{
	auto_close int pidfd = criu_noted_open(w, RESTORER_FILE);

	if (pidfd >= 0)
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	else if (pidfd != -ESRCH)
		log_line(LOG_LV_WARNING, w->ctid, "find the criu of a resume that died: %s",
			 strerror(-pidfd));
}

static int release_cgroup(struct worker *w, struct cg_host *cg, struct berth_error *err)
{
	int r = FAULT_STEP("cleanup.cgroup", err);

	if (r < 0 || !cg_ct_exists(cg, w->ctid))
		return r;
	(void)cg_ct_kill(cg, w->ctid, NULL);
	end_restorer(w);
	return cg_ct_remove(cg, w->ctid, CGROUP_WAIT_MS, err);
}

/* The kernel lets go of the volume when the last mount namespace that has it is gone. */
static int release_volume(struct worker *w, struct berth_error *err)
{
	const struct volume_driver *d;
	struct ct_facts facts;
	int private_fd, sealed, r = FAULT_STEP("cleanup.volume", err);

	if (r < 0)
		return r;
	if (ct_facts_load(&w->paths, w->ctid, &facts, NULL) < 0)
		return 0;
	d = volume_driver_find(facts.driver);
	private_fd = worker_private_dir(w, NULL);
	if (d == NULL || private_fd < 0)
		return 0;
	volume_was_used(d, private_fd);
	r = volume_wait_unused(d, private_fd, VOLUME_WAIT_MS, err);
	sealed = r < 0 ? 0 : criu_volume_seal(w, d);
	if (sealed < 0)
		log_line(LOG_LV_WARNING, w->ctid,
			 "a change of its volume while it is suspended may not be seen: %s",
			 strerror(-sealed));
	return r;
}

/* What the network's process says. */
struct net_report {
	int r;
	struct berth_error err;
};

/* What the CT may have; NULL when that cannot be told, which is not "nothing". */
static struct ct_addresses *read_addresses(int run_fd)
{
	struct ct_addresses *a = malloc(sizeof(*a));

	if (a != NULL && ct_addresses_load(run_fd, a) == 0)
		return a;
	free(a);
	return NULL;
}

static int net_down(struct worker *w, const struct ct_addresses *known, struct berth_error *err)
{
	const struct net_owner owner = spec_net_owner(&w->host, w->paths.root);

	return known != NULL ? net_ct_down_known(w->ctid, &owner, known->v, known->n, err)
			     : net_ct_down(w->ctid, &owner, err);
}

/*
 * In a process of its own, while the volume is flushed. Only the answer's descriptor is kept: not the CT's lock,
 * not berthd's report. The answer comes before the close of the netfilter socket, which is the end of this
 * process: the kernel holds that back, and with it every change of any table, until RCU has freed what was
 * removed, 5 to 20 ms. A moment later there is nothing to wait for.
 */
static _Noreturn void net_run(struct worker *w, const struct ct_addresses *known, pid_t parent,
			      int fd)
{
	struct net_report rep = {0};

	/* Never without the worker: the lock is the worker's, and the next start would lose its network. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	(void)prctl(PR_SET_NAME, "berth-release");
	if (dup2(fd, STDOUT_FILENO) < 0 || close_range(3, ~0U, 0) < 0)
		_exit(1);
	rep.r = FAULT_STEP("cleanup.network", &rep.err);
	if (rep.r == 0)
		rep.r = net_down(w, known, &rep.err);
	(void)prctl(PR_SET_PDEATHSIG, 0); /* from here on it touches nothing */
	(void)fd_write_all(STDOUT_FILENO, &rep, sizeof(rep));
	(void)close(STDOUT_FILENO);
	clock_pause_us(NET_LINGER_MS * 1000);
	_exit(0);
}

/* -EBADF when there was no process to be had: then it is done already, here. */
static int net_begin(struct worker *w, const struct ct_addresses *known, struct net_report *rep)
{
	pid_t parent = getpid(), pid;
	int fds[2];

	if (FAULT_POINT("cleanup.fork") == 0 && pipe2(fds, O_CLOEXEC) == 0) {
		pid = fork();
		if (pid == 0)
			net_run(w, known, parent, fds[1]);
		(void)close(fds[1]);
		if (pid > 0)
			return fds[0];
		(void)close(fds[0]);
	}
	rep->r = net_down(w, known, &rep->err);
	return -EBADF;
}

static int net_end(struct worker *w, int fd, struct net_report *rep, struct berth_error *err)
{
	if (fd >= 0 && fd_read_all(fd, rep, sizeof(*rep)) != (ssize_t)sizeof(*rep))
		return berth_error_set(err, BERTH_ERR_NET, ECHILD,
				       "CT %u: the process that releases its network died; see "
				       "berthd's log",
				       w->ctid);
	*err = rep->err;
	return rep->r;
}

/* What a killed `mount` left in the host's own mount table; a CT that runs has its mounts elsewhere. */
static void release_mounts(struct worker *w)
{
	char path[BERTH_PATH_MAX];

	(void)umount2(worker_mount_path(w, path), MNT_DETACH | UMOUNT_NOFOLLOW);
	(void)rmdir(path);
	ct_mounts_detach(w);
}

static void remove_run_files(int run_fd)
{
	/* The console's log stays until the next start: it says why a CT went down. */
	static const char *const files[] = {
		"booted",     "monitor.sock",  "candidate.conf", "exit",
		"live.conf",  "exit.tmp",      "booted.tmp",	 "state.tmp",
		"trouble",    "trouble.tmp",   "old.conf.tmp",	 "mounted.tmp",
		"addresses",  "addresses.tmp", "dumper",	 "dumper.tmp",
		"asked.conf", "pending.conf",  RESTORER_FILE,	 RESTORER_FILE ".tmp",
		"view",	      "view.tmp"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)file_unlink_at(run_fd, files[i]);
	(void)unlinkat(run_fd, "root", AT_REMOVEDIR);
	(void)unlinkat(run_fd, "volume", AT_REMOVEDIR);
	(void)file_unlink_at(run_fd, "state"); /* last: while it is there, the CT is not down yet */
}

/* Of a suspend that did not come to its end before the CT did: memory that nobody can use, and much of it. */
static void remove_half_images(struct worker *w)
{
	int private_fd = worker_private_dir(w, NULL);
	int r = private_fd < 0 ? 0 : tree_remove_at(private_fd, DUMP_NEW);

	if (r < 0 && !ct_is_absent(r))
		log_line(LOG_LV_WARNING, w->ctid, "remove " DUMP_NEW " in its private area: %s",
			 strerror(-r));
}

/* Its admin gives up what a suspend has saved. The record first: without it the rest is nothing. */
static int forget_images(struct worker *w, struct berth_error *err)
{
	int private_fd = worker_private_dir(w, err), r;

	if (private_fd < 0)
		return private_fd;
	r = file_unlink_at(private_fd, DUMP_DIR "/" DUMP_RECORD);
	if (r == 0)
		r = tree_remove_at(private_fd, DUMP_DIR);
	return ct_is_absent(r) || r == 0
		       ? 0
		       : berth_error_sys(err, r, "CT %u: remove the images of its memory", w->ctid);
}

int op_cleanup(struct worker *w, struct berth_error *err)
{
	int run_fd = worker_ct_dir(w, err);
	auto_free struct ct_addresses *known = NULL;
	auto_close int net_fd = -EBADF;
	struct berth_error errors[3], refused;
	struct net_report rep = {0};
	struct cg_host *cg;
	int r[3], proof;

	if (run_fd < 0)
		return run_fd;
	proof = worker_cg_open(w, &cg, err);
	if (proof < 0)
		return proof;
	proof = check_proof(w, cg, &refused);
	if (proof < 0) {
		cg_host_free(cg);
		if (err != NULL)
			*err = refused;
		return proof;
	}
	(void)FAULT_POINT("cleanup.mounts");
	/* Each is tried whatever the others did; the first failure is the one told. */
	release_mounts(w);
	r[0] = release_cgroup(w, cg, &errors[0]);
	cg_host_free(cg);
	known = read_addresses(run_fd);
	net_fd = net_begin(w, known, &rep);
	r[1] = release_volume(w, &errors[1]);
	r[2] = net_end(w, net_fd, &rep, &errors[2]);
	for (int i = 0; i < 3; i++) {
		if (r[i] >= 0)
			continue;
		if (err != NULL)
			*err = errors[i];
		return r[i];
	}
	remove_run_files(run_fd);
	remove_half_images(w);
	if (worker_has_word(w, "forget") && (r[0] = forget_images(w, err)) < 0)
		return r[0];
	(void)FAULT_POINT("cleanup.end");
	return 0;
}
