/*
 * monitor.h - the whole state of a berth-monitor: one static struct, no heap. What it does is in
 * serve.c (the loop and the requests), exec.c (sessions), init_exit.c (the end), console.c.
 */
#pragma once

#include "runtime/monitor/args.h"
#include "runtime/monitor/conn.h"
#include "runtime/monitor/console.h"
#include "runtime/monitor/notify.h"
#include "runtime/wire/record.h"

enum {
	MON_TICK_MS = 50,
	MON_KILL_MS = 3000,
	MON_ENTER_MS = 10000,
	MON_EXIT_WAIT_MS = 2000,
	MON_PROBE_MS = 5000
};

struct monitor {
	struct monitor_args args;
	int epoll, children; /* children: signalfd for SIGCHLD */
	uint64_t init_start; /* its start time: the pid may be another's once it is reaped */
	const struct seccomp_program *seccomp; /* mapped, read by the sessions' children only */
	uint64_t now; /* at the last wake-up */
	bool booted;
	bool exited, exit_known; /* init */
	int exit_status;
	bool exit_asked; /* init has gone: its status is being found out */
	uint64_t exit_deadline; /* of exit_asked, then of the last sessions' end */
	bool listen_paused, notify_paused; /* until the next tick */
	bool reap_again; /* a child that nobody knew may have been one of those on their way */
	pid_t view_pid; /* who serves the CT's view; 0: nobody now */
	uint64_t view_begun; /* and since when */
	unsigned int view_failures; /* in a row, each soon after it began */
	char guest_status[NOTIFY_STATUS_MAX];
	const struct mon_conn *console_owner; /* who has attached the console */
	struct conn_table table;
	struct console console;
};

/* Runs until init has exited and that is recorded. Returns 0 or -errno of setting up. */
int monitor_run(struct monitor *m);

/* ---- serve.c, for the other parts ---- */

/* Sends a record; a client that does not take it is dropped. fd -1: none goes along. */
void monitor_send(struct monitor *m, struct mon_conn *c, const struct mon_record *r, int fd);
void monitor_send_error(struct monitor *m, struct mon_conn *c, int sys, const char *text);
void monitor_drop(struct monitor *m, struct mon_conn *c);
/* MON_STATE to all who said MON_HELLO. */
void monitor_push_state(struct monitor *m);

/* ---- exec.c ---- */

/* MON_EXEC; closes fds. */
void exec_begin(struct monitor *m, struct mon_conn *c, const struct mon_record *r, int *fds,
		unsigned int n_fds);
/* The session has come into the CT, or has not. Nothing to do for one that is not on its way. */
void exec_entered(struct monitor *m, struct mon_conn *c);
/* Gives up those that have been on their way for too long, and hears those whose wake-up got lost. */
void exec_enter_overdue(struct monitor *m);
/* Nobody waits for it any more: it will not run. */
void exec_enter_drop(struct monitor *m, struct mon_conn *c);
/* The child being started says something. */
void exec_reply(struct monitor *m, struct mon_conn *c);
void exec_signal(struct mon_conn *c, int sig);
/* Reaps every child that has ended, init included. */
void exec_reap(struct monitor *m);
/* SIGKILL to what did not heed the SIGHUP when its client went. */
void exec_kill_overdue(struct monitor *m);

/* Pure: the "E" reply of launch_enter. -EBADMSG. text is NUL-terminated. */
int exec_parse_failure(const char *buf, size_t len, int *ret_errno, char *text, size_t size);

/* ---- seen.c ---- */

/* Begins the process that answers for the CT's view, when there is to be one and it is not there. */
void seen_begin(struct monitor *m);
/* It has ended: it is begun anew, at once or at the next tick, unless nothing is mounted any more. */
void seen_ended(struct monitor *m, int status);
/* Is it to be begun at the next tick? */
bool seen_is_due(const struct monitor *m);

/* ---- init_exit.c ---- */

/* init's pidfd fired, or it is time to ask again. */
void init_exit_probe(struct monitor *m);
/*
 * Pure: the wait status of a zombie out of the text of its /proc/PID/stat. -EAGAIN: it is none (yet),
 * -ESRCH: the pid is another's by now, -EINVAL.
 */
int init_exit_parse_stat(const char *stat, uint64_t start_time, int *ret_status);
/* It is known, or given up: records it and tells everybody. */
void init_exit_record(struct monitor *m, bool known, int wait_status);

/* ---- harden.c ---- */

/* Closes what was not named, stdio to /dev/null, CLOEXEC, non-blocking. -errno. */
int harden_fds(const struct monitor_args *a);
/* Not dumpable, spared by the OOM killer, only the capabilities it needs. -errno. */
int harden_self(void);
