/*
 * bring_up.h - the one way up: what a start and a restore of a CT share, as one plan. Load, make (volume and
 * root beside cgroups and namespaces), limits, network, monitor, state. What differs, how its init comes to
 * be, is the ignition.
 *
 * The volume and the root are mounted in this process's own mount namespace and nowhere else. The state file
 * is written before init is let go: a crash at any step leaves either a state file that says launched=0 or
 * nothing, and both are cleaned up. A plan that fails undoes what it made, nothing else.
 */
#pragma once

#include "runtime/ct/info.h"
#include "runtime/launch/launch.h"
#include "runtime/worker/become.h"
#include "runtime/worker/view_up.h"
#include "runtime/worker/volume_mount.h"
#include "runtime/worker/worker.h"

#include <semaphore.h>

struct bring_up;

struct ignition {
	/*
	 * Makes init: a child of this process, of which nothing of the CT has run yet, or held where it was
	 * (frozen). Fills b->child (pid and pidfd) and what it knows of b->run. What it made it takes back when it
	 * fails. The root is mounted then, cgroups and namespaces are there; the root is verified, and the
	 * network comes up, after it.
	 */
	int (*prepare)(struct bring_up *b, struct berth_error *err);
	/*
	 * Lets init go, when its admin may be told that the CT runs; may wait to be told itself. Fills the rest of
	 * b->child: console, devpts, notify socket. After a failure abort is called.
	 */
	int (*go)(struct bring_up *b, struct berth_error *err);
	/* Ends what prepare has made, and closes it. */
	void (*abort)(struct bring_up *b);
	/* Prepare finds the network up, as sockets that are restored need their addresses; else it comes up meanwhile. */
	bool network_first;
	/* A CT that goes on where it was: its guest's files are as it left them. */
	bool goes_on;
};

struct bring_up {
	/* Set by the caller. */
	struct worker *w;
	const struct ignition *ignition;
	void *data; /* the ignition's own */
	struct conf_file *
		conf; /* in effect instead of the CT's own config; NULL: that one. Freed by bring_up */

	/* There when the ignition is called. */
	struct ct_facts facts;
	struct ct_config config;
	char hostname[65];
	struct ct_mounts mounts;
	struct launch_ns ns;
	struct cg_host *cg;
	struct cg_attach attach; /* where init starts */
	const struct seccomp_program *seccomp;
	int pts_fd; /* the CT's devpts, a detached mount */
	struct ct_view view;
	bool host_covered; /* of launch_host_covered */
	struct net_ct net; /* held, if it comes first: go lets it loose */

	/* Filled by the ignition. */
	struct launch_child child;
	struct ct_run run;
	bool booted; /* it goes on, and had said READY=1 before */

	/* Private to bring_up. */
	struct guest_config guest;
	struct net_addr addrs[CT_ADDR_MAX];
	struct cg_limits limits;
	struct become_kit kit;
	sem_t lower_made; /* or will not be: no_lower */
	bool no_lower;
	int listen_fd;
};

/*
 * All of it: returns when this process has become the CT's monitor, which is never, or with the error of the step
 * that failed.
 */
int bring_up(struct bring_up *b, struct berth_error *err);
