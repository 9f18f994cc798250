/*
 * op_cleanup.c - after a CT's init has ended, or on what a crash left: network, cgroups, mounts, volume
 * and the files of this run are released, in that order. Every step works on what is there, so it
 * may run any number of times.
 */
#include "netsetup/net.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/ct/store.h"
#include "runtime/storage/volume.h"
#include "runtime/worker/worker.h"

#include <fcntl.h>
#include <string.h>

enum {
	CGROUP_WAIT_MS = 10000,
	VOLUME_WAIT_MS = 20000
};

static int release_cgroup(struct worker *w, struct berth_error *err)
{
	struct cg_host *cg;
	int r = worker_cg_open(w, &cg, err);

	if (r < 0)
		return r;
	if (cg_ct_exists(cg, w->ctid)) {
		(void)cg_ct_kill(cg, w->ctid, NULL);
		r = cg_ct_remove(cg, w->ctid, CGROUP_WAIT_MS, err);
	}
	cg_host_free(cg);
	return r;
}

/* The kernel lets go of the volume when the last mount namespace that has it is gone. */
static int release_volume(struct worker *w, struct berth_error *err)
{
	const struct volume_driver *d;
	struct ct_facts facts;
	auto_close int private_fd = -EBADF;

	if (worker_facts(w, &facts, NULL) < 0)
		return 0;
	d = volume_driver_find(facts.driver);
	private_fd = worker_private_open(w, NULL);
	if (d == NULL || private_fd < 0)
		return 0;
	return volume_wait_unused(d, private_fd, VOLUME_WAIT_MS, err);
}

static void remove_run_files(int run_fd)
{
	/* The console's log stays until the next start: it says why a CT went down. */
	static const char *const files[] = {"state",	      "booted", "monitor.sock",
					    "candidate.conf", "exit",	"live.conf"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlinkat(run_fd, files[i], 0);
	(void)unlinkat(run_fd, "root", AT_REMOVEDIR);
	(void)unlinkat(run_fd, "volume", AT_REMOVEDIR);
}

int op_cleanup(struct worker *w, struct berth_error *err)
{
	auto_close int run_fd = worker_run_open(w, err);
	struct berth_error first = {0}, next;
	int r;

	if (run_fd < 0)
		return run_fd;
	r = net_ct_down(w->ctid, w->host.nft_table, &first);
	/* Each is tried whatever the others did; the first failure is the one told. */
	if (release_cgroup(w, &next) < 0 && r >= 0) {
		first = next;
		r = -next.sys;
	}
	if (release_volume(w, &next) < 0 && r >= 0) {
		first = next;
		r = -next.sys;
	}
	if (r < 0) {
		if (err != NULL)
			*err = first;
		return r;
	}
	remove_run_files(run_fd);
	return 0;
}
