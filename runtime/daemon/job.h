/*
 * job.h - one operation on one CT: its lock, its call, its workers.
 *
 * A job holds the CT from job_begin to job_done or job_fail. Its steps are continuations: each starts
 * something and names what goes on when that has ended.
 */
#pragma once

#include "runtime/daemon/daemon.h"
#include "runtime/daemon/worker_client.h"
#include "runtime/wire/login.h"

typedef void job_next_fn(struct job *j, const struct worker_result *result);

struct job {
	struct daemon *d;
	struct ct *ct;
	const char *what; /* "start", "stop", ... */
	struct rpc_call *call; /* NULL: nobody waits (any more) */
	struct call_list joined; /* later orders that made it hurry: see job_join */
	int lock_fd;
	job_next_fn *next; /* after the worker that runs now */
	struct worker_run *worker; /* the one that runs now */
	int (*disk)(struct job *j, struct berth_error *err); /* what a thread does now */
	struct worker_result disk_result;
	bool running; /* set: the CT runs, when it was last looked */
	struct area_id area; /* destroy: what is ordered to go */
	bool left; /* its client has gone before it was answered */
	bool own; /* nobody asked for it: berthd began it by itself */
	bool ends_with_client; /* what it makes is nobody's when its client goes: LIFE_CANCEL */
	unsigned int died; /* workers of it that died in the middle */
	unsigned int resumes; /* that have failed, of a CT that was suspended to be moved */
	bool asked; /* the command of halt_fd has told init */
	bool fast, restart, killed, save, wait, hold;
	bool then_start; /* after the unmount; of one that was made: when it stands */
	bool moves; /* a stop, for a move: see reboot.h */
	const char *event; /* of one that was made: what tells of it */
	bool suspends; /* what is released is in images */
	bool failed; /* error says why; what is under way only cleans up */
	bool give_kept; /* its workers get the CT's console and notify socket, as far as they are kept */
	int fds[RPC_FDS_MAX]; /* its workers get them, behind those: see job_take_fds */
	unsigned int n_fds;
	unsigned int n_held; /* of fds, while they are not for its workers; n_fds is 0 then */
	/* What goes on when it is suspended (LIFE_SEND); move is freed with the job. */
	void (*suspended)(struct job *j, void *data);
	void *move;
	unsigned int timeout; /* seconds to wait for a clean stop */
	int halt_fd; /* the session that tells init to power off (halt_inside.h), or -EBADF */
	uint64_t deadline_ms; /* of the clean stop, as ev_now_ms */
	struct berth_error error; /* of an earlier step, told at the end */
	struct job *source; /* of a copy: holds the CT that is copied, and ends with this one */
	struct conf_file *conf; /* create, set: what is to be saved */
	struct conf_file *live; /* set: what is to be in effect */
	struct conf_file *before; /* set: what was in effect */
	struct conf_file *was; /* set: what was saved; NULL where nobody needs it */
	bool dry; /* set: only say what would be done */
	bool comes_back; /* set: it takes back what was temporary */
	char *back_key; /* of it this alone; NULL: all that is due */
	const char *login[LOGIN_MAX + 1]; /* create: what its descriptors are */
	json_t *notes; /* create, set, stop */
	json_t *findings; /* send: what is in its way, told with an error of it */
	json_t *reply; /* send: its receipt, when what is left here is removed */
};

/*
 * Takes the CT's lock. BERTH_ERR_LOCKED names the operation that holds it. call may be NULL; when
 * its client goes, the job goes on, unless it ends_with_client.
 */
struct job *job_begin(struct daemon *d, struct ct *ct, const char *what, struct rpc_call *call,
		      struct berth_error *err);

/* The answer to who comes second. */
int job_refuse_busy(const struct ct *ct, struct berth_error *err);

/* The descriptors of its call are for its workers from now on, in the client's order, until the job ends. */
void job_take_fds(struct job *j);

/* argv: OP and arguments after the CTID. Failure to start it is a result like any other. */
void job_worker(struct job *j, const char *op, const char *const *args, job_next_fn *next);

/*
 * Does work in a thread, as it may wait for a disk, then goes on as after a worker: ok, or its error. The job holds
 * the CT meanwhile, and nobody but work touches what it looks at of j. Nothing of the registry.
 */
typedef int job_disk_fn(struct job *j, struct berth_error *err);
void job_disk(struct job *j, job_disk_fn *work, job_next_fn *next);

/* As job_worker; how it ends is an event of the CT: LIFE_DONE, LIFE_FAILED or LIFE_DIED. */
void job_life_worker(struct job *j, const char *op, const char *const *args);

/* Ends the worker that runs now; it counts as one that died. why: for whoever waits. */
void job_end_worker(struct job *j, const char *why);

/* One line more of what the client is told beside the reply: j->notes, which must be there. */
void job_note(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The caller answers from now on; NULL when nobody waits. */
struct rpc_call *job_take_call(struct job *j);

/* An order that the job fulfils as well, only faster; it is answered with it. */
void job_join(struct job *j, struct rpc_call *call);
/* Answers those that have joined before the job ends: err NULL is success. */
void job_answer_joined(struct job *j, const struct berth_error *err);

/* Releases the CT, then replies. parameters is stolen. */
void job_done(struct job *j, json_t *parameters);
void job_fail(struct job *j, const struct berth_error *err);
