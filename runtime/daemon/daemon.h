/*
 * daemon.h - berthd's own state: the registry of CTs, the jobs under way, the parts they share.
 *
 * One event loop, in one thread that owns all of this. It does not wait, mount or read a tenant's bytes: long
 * work goes to berth-worker, whose report is the only thing that comes back; what may wait for a disk (each
 * write that must be durable, removals, volumes looked at) or for a lock of the kernel's goes to a thread
 * (base/offload.h, job_disk), which works on what its job holds, or on copies, and on d->paths, which do not
 * change. What the loop does read by itself: /run, which is memory, and small files of /etc and of private areas
 * that a thread has read just before (read_ahead.h).
 *
 * The life of a CT goes by one table (runtime/ct/life_table.def) and through one door, ct_event(). Whoever learns
 * something about a CT reports it there and decides nothing: no file calls back and forth with another.
 */
#pragma once

#include "cgroups/cg.h"
#include "runtime/base/ev.h"
#include "runtime/base/offload.h"
#include "runtime/base/paths.h"
#include "runtime/base/text.h"
#include "runtime/config/ct_config.h"
#include "runtime/ct/end.h"
#include "runtime/ct/info.h"
#include "runtime/ct/ledger.h"
#include "runtime/ct/store.h"
#include "runtime/daemon/call_list.h"
#include "runtime/rpc/rpc.h"

#include <stdbool.h>
#include <stdint.h>

struct job;
struct monitor_conn;
struct boot_waiter;
struct come_back;
struct ct;
struct daemon;
struct seen_conf;
struct worker_result;

/* What space.c knows of a running CT's volume. Bytes. */
struct ct_space {
	struct pidref init; /* of which run */
	bool known; /* it was looked at in this run */
	bool held; /* it may take nothing more until there is room on the host */
	uint64_t used, grown, may; /* see space_share.h */
	uint32_t errors;
	int cause; /* of these, as an errno; 0: not known */
};

/* Counters at the sampler's last look, and what they say of the time before. */
struct ct_rate {
	struct pidref init; /* of which run */
	uint64_t at_ms; /* ev_now_ms */
	uint64_t cpu_usec, io_stalled_usec;
	struct cg_io io;
	uint32_t cpu_percent; /* of one CPU */
};

/* One CT. A host has thousands: what most never have is a pointer (base/text.h). */
struct ct {
	struct daemon *d;
	uint32_t ctid;
	char name[64]; /* "" when it has none */
	char *claimed_name; /* what a set under way makes of it; NULL: the same */
	char *old_name; /* that comes back to it when a temporary change is over; NULL: none */
	/* Addresses of its config, of what is in effect, and that come back; malloc'ed or NULL. */
	char *addrs;
	enum ct_status status;
	struct ct_facts facts;
	struct ct_run run;
	bool booted;
	bool being_created; /* or being removed after a crash: nobody is shown it */
	bool unsettled; /* a worker of an earlier berthd still holds it: see life_look.c */
	enum store_intent intent; /* of an earlier berthd; INTENT_NONE: none */
	/* What a create makes, or what is to be destroyed: all that may be removed (destroy.h). */
	struct area_id going;
	enum store_intent going_by;
	char *why; /* why it is unknown, or not released yet; NULL otherwise */
	uint64_t destroy_wait_ms; /* destroy.c: before a destroy is tried again; 0: it was not */
	int init_pidfd; /* -EBADF when not running */
	struct ev_source *init_watch; /* on init_pidfd: readable when init has ended */
	struct monitor_conn *monitor;
	int kept[2]; /* console master and notify socket, should the monitor be killed; -EBADF */
	struct job *job; /* the operation under way, or NULL */
	struct boot_waiter *waiters; /* calls of start --wait */
	uint64_t started_ms; /* ev_now_ms at the last start, for the reboot backoff */
	unsigned int quick_reboots;
	struct ev_source *timers[LIFE_TIMERS]; /* ct_timer_set */
	uint64_t pending; /* events that wait until the CT can be taken: 1 << event */
	struct ev_source *again; /* when they are tried again */
	void (*go_on)(struct ct *ct); /* destroy.c: what T_DESTROY is for */
	uint64_t look_wait_ms, clean_wait_ms; /* the last waits of T_LOOK, T_CLEAN */
	uint32_t resume_wait_ms; /* of T_RESUME */
	bool kill_ordered; /* its admin ordered to kill what there is of it, found or not */
	bool ran_with_old; /* this run has the config of the run before: its own is broken */
	uint64_t oom_kills; /* of its cgroup, when last looked at */
	struct ct_ends ends; /* how its runs ended */
	struct ct_space space;
	char *volume_trouble; /* what list and status show of its volume; NULL: none */
	struct ledger ledger; /* as ledger_watch.c has last seen it */
	bool ledger_known;
	struct ct_rate rate;
	uint8_t level[LEDGER_MAX]; /* how near each limit was, see use_level() */
	struct pidref limit_init; /* which run the next two are of */
	bool at_cgroup_limit;
	char *limit_trouble; /* what list and status show of it; NULL: none */
	int64_t until; /* when something of its config comes back (come_back.h); 0: nothing does */
	struct come_back *back; /* come_back.c; NULL: nothing was refused */
	char *back_trouble; /* what list and status show of it; NULL: none */
	struct seen_conf *seen; /* what list has last read of its config, or NULL */
};

/* What comes along with an event; all of it may be missing. */
struct life_info {
	/* with an order */
	struct rpc_call *call; /* NULL: berthd's own */
	struct job *job; /* goes on with this one, instead of a new one */
	bool wait, hold, fast;
	bool moves; /* LIFE_STOP: it is to be moved, or else to start again */
	unsigned int timeout; /* seconds of a clean stop */
	void (*go)(struct job *j,
		   void *data); /* ACT_GO: the first step of an operation of its own */
	void *data;
	/* with a fact */
	const struct worker_result *result;
	const struct berth_error *why;
};

struct event_subscriber {
	struct rpc_call *call;
	struct event_subscriber *next;
};

struct daemon {
	struct berth_paths paths;
	struct conf_file *host_conf;
	unsigned int host_conf_gen; /* changes with it */
	struct host_config host;
	struct ev *ev;
	struct offload *disk; /* threads for what may wait for a disk */
	struct rpc_server *rpc;
	struct audit *audit; /* audit.c; NULL: not yet */
	struct cg_host *cg;
	struct ct **cts; /* ascending CTIDs */
	size_t n_cts, room;
	struct event_subscriber *subscribers;
	struct ev_source *come_back; /* come_back.c; NULL: not yet */
	struct ev_source *on_start_ended; /* a timer that is due when a start has ended, or NULL */
	const struct rpc_call *waited; /* method_wait.c: it is called again, and waits no more */
	const struct rpc_call *read_ahead; /* disk_first.c: the same */
	struct found_scan {
		struct timespec changed;
		dev_t dev;
		ino_t ino;
	} scanned; /* found.c: the directory of configs as it was then; zeros: to be read */
	struct call_list doctor; /* who waits for the one that runs */
	bool doctor_runs;
	char worker_path[BERTH_PATH_MAX];
	bool keep_spare; /* a spare worker is kept (spare.h) */
	int spare_fd; /* where it waits; 0: there is none */
	int spare_pidfd; /* 0: none */
};

/* ---- life.c ---- */

/*
 * The one door: what happened to the CT, or what somebody wants of it. An order that is not taken is a negative
 * value with *err for the caller to answer; one that is taken is answered when it has ended. A fact is never
 * refused. The CT may be gone from the registry afterwards. info and err may be NULL.
 */
int ct_event(struct ct *ct, enum life_event event, const struct life_info *info,
	     struct berth_error *err);

/* ---- ct_timer.c: each timer its own slot, and its event when it is time ---- */

void ct_timer_set(struct ct *ct, enum life_event timer, uint64_t ms);
void ct_timer_clear(struct ct *ct, enum life_event timer);
bool ct_timer_is_set(const struct ct *ct, enum life_event timer);
void ct_timers_clear(struct ct *ct);
/* The event is told (again) when the CT can be taken by an operation. */
void ct_pend(struct ct *ct, enum life_event event);
/* An operation has ended: what waits need not wait for its time. */
void ct_pend_hurry(struct ct *ct);

/* ---- registry.c ---- */

struct ct *registry_find(struct daemon *d, uint32_t ctid);
/* A CTID in decimal or a name. BERTH_ERR_NO_CONFIG. */
struct ct *registry_lookup(struct daemon *d, const char *word, struct berth_error *err);
struct ct *registry_add(struct daemon *d, uint32_t ctid);
/* Forgets the CT and everything that refers to it. No job may hold it. */
void registry_remove(struct daemon *d, struct ct *ct);
/* The lowest CTID of which nothing is there (obstacle.h). */
uint32_t registry_free_ctid(const struct daemon *d);
/*
 * ids.c: the lowest range of ids that nobody has, living or lying in a private area; BERTH_ERR_RESOURCES
 * when none is left, BERTH_ERR_BROKEN when one is in use of which nobody knows.
 */
int registry_free_id_base(struct daemon *d, uint32_t *ret, struct berth_error *err);
/* What ct is about to become is taken from now on, beside what it has; until registry_refresh. */
void registry_claim(struct ct *ct, const struct conf_file *next);
/* Rereads name and addresses from the config. */
int registry_refresh(struct daemon *d, struct ct *ct, struct berth_error *err);
/*
 * Rereads all of a CT of which nothing runs; its status becomes what its files say: the one place beside
 * ct_event that sets it. A negative value and the reason when that is CT_BROKEN or CT_UNKNOWN.
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
