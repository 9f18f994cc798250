/*
 * space_look.h - one look at the volumes of all running CTs and the host's file systems that hold them; then each
 * volume is told what it may take until the next one (volume_keep).
 *
 * In a thread of its own, on copies: a disk that does not answer hangs the look, never berthd.
 */
#pragma once

#include "runtime/daemon/daemon.h"
#include "runtime/daemon/space_share.h"
#include "runtime/storage/volume.h"

enum {
	SPACE_HOSTS_MAX = 16
};

struct space_volume {
	uint32_t ctid;
	char driver[16];
	struct pidref monitor; /* its mount namespace has the volume */
	struct ct_space s; /* in: of the last look; out: of this one */
	bool seen;
	/* of the look itself */
	struct volume_room room;
	int host; /* index; -1: not known */
	uint64_t taken; /* since the last look */
};

/* A file system of the host with volumes on it. */
struct space_host {
	dev_t dev;
	int fd; /* something on it */
	uint64_t total, avail; /* as df says */
	uint64_t reserve; /* of berth.conf: what CTs do not get */
	uint64_t room; /* what they still get, all together */
	uint64_t floor;
	unsigned int n; /* volumes */
	bool low, was_low; /* it ends soon; at the last look */
};

struct space_look {
	struct berth_paths paths;
	struct host_config policy;
	uint64_t elapsed_ms; /* since the last look */
	struct space_volume *volumes;
	size_t n;
	struct space_host hosts[SPACE_HOSTS_MAX]; /* in: `low` and `dev` of the last look */
	unsigned int n_hosts;
	uint64_t wait_ms; /* out: until the next one */
};

void space_look_run(struct space_look *l);
