/*
 * daemon.h - berthd's own state: the registry of CTs, the jobs under way, the parts they share.
 *
 * One thread, one event loop. Nothing here blocks, mounts or reads a tenant's bytes: long work goes to
 * berth-worker, whose report is the only thing that comes back.
 */
#pragma once

#include "cgroups/cg.h"
#include "runtime/base/ev.h"
#include "runtime/base/paths.h"
#include "runtime/config/ct_config.h"
#include "runtime/ct/info.h"
#include "runtime/ct/store.h"
#include "runtime/rpc/rpc.h"

#include <stdbool.h>
#include <stdint.h>

struct job;
struct monitor_conn;
struct boot_waiter;
struct ct;
struct daemon;

/* One CT. */
struct ct {
	struct daemon *d;
	uint32_t ctid;
	char name[64]; /* "" when it has none */
	char *addrs; /* addresses of its config and of what is in effect; malloc'ed or NULL */
	enum ct_status status;
	struct ct_facts facts;
	struct ct_run run;
	bool booted;
	bool being_created; /* or being removed after a crash: nobody is shown it */
	bool unsettled; /* a worker of an earlier berthd still holds it: see recover.c */
	enum store_intent intent; /* of an earlier berthd; INTENT_NONE: none */
	/* What a create makes, or what is to be destroyed: all that may be removed (destroy.h). */
	struct area_id going;
	enum store_intent going_by;
	void (*judged)(struct daemon *d, struct ct *ct); /* lost.c: goes on when it is found */
	uint64_t destroy_wait_ms; /* destroy.c: before a destroy is tried again; 0: it was not */
	int init_pidfd; /* -EBADF when not running */
	struct ev_source *init_watch; /* on init_pidfd: readable when init has ended */
	struct monitor_conn *monitor;
	int kept[2]; /* console master and notify socket, should the monitor be killed; -EBADF */
	struct job *job; /* the operation under way, or NULL */
	struct boot_waiter *waiters; /* calls of start --wait */
	uint64_t started_ms; /* ev_now_ms at the last start, for the reboot backoff */
	unsigned int quick_reboots;
	struct ev_source *retry; /* job_retry_later */
	struct ev_source *reboot; /* backoff before a CT that reboots in a loop is started */
};

struct event_subscriber {
	struct rpc_call *call;
	struct event_subscriber *next;
};

struct daemon {
	struct berth_paths paths;
	struct conf_file *host_conf;
	struct host_config host;
	struct ev *ev;
	struct rpc_server *rpc;
	struct cg_host *cg;
	struct ct **cts; /* ascending CTIDs */
	size_t n_cts, room;
	struct event_subscriber *subscribers;
	const struct rpc_call *waited; /* method_wait.c: it is called again, and waits no more */
	char worker_path[BERTH_PATH_MAX];
	bool keep_spare; /* a spare worker is kept (spare.h) */
	int spare_fd; /* where it waits; 0: there is none */
};

/* ---- registry.c ---- */

struct ct *registry_find(struct daemon *d, uint32_t ctid);
/* A CTID in decimal or a name. BERTH_ERR_NO_CONFIG. */
struct ct *registry_lookup(struct daemon *d, const char *word, struct berth_error *err);
struct ct *registry_add(struct daemon *d, uint32_t ctid);
/* Forgets the CT and everything that refers to it. No job may hold it. */
void registry_remove(struct daemon *d, struct ct *ct);
/* The lowest CTID of which nothing is there (obstacle.h). */
uint32_t registry_free_ctid(const struct daemon *d);
/* The lowest range of ids that no CT has; BERTH_ERR_RESOURCES when there is none left. */
int registry_free_id_base(const struct daemon *d, uint32_t *ret, struct berth_error *err);
/* Rereads name and addresses from the config. */
int registry_refresh(struct daemon *d, struct ct *ct, struct berth_error *err);
/*
 * Rereads all of a CT of which nothing runs; its status becomes what its files say. A negative value
 * and the reason when that is CT_BROKEN.
 */
int registry_reload(struct daemon *d, struct ct *ct, struct berth_error *err);
/* As registry_reload, at the end of a run: what is wrong is logged. */
void registry_settled(struct daemon *d, struct ct *ct);
/* Refuses a name or an address that another CT has. conf: what ct would become. */
int registry_check_unique(struct daemon *d, const struct ct *ct, const struct conf_file *conf,
			  struct berth_error *err);

/* ---- events.c ---- */

void event_emit(struct daemon *d, uint32_t ctid, const char *event, const char *detail);
void event_subscribe(struct daemon *d, struct rpc_call *call);
