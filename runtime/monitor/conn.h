/*
 * conn.h - the table of connections and of the exec sessions that they own: one session each. A slot
 * outlives its connection until the session's processes are reaped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	MON_CONNS = 576,
	MON_SESSIONS = 512
};

struct mon_conn {
	int fd; /* -1: the client has gone, its process not yet */
	int reply; /* hears of the session until its exec, else -1 */
	int enter; /* hears whether the session has come into the CT, else -1 */
	pid_t helper; /* brings it in, 0: none */
	pid_t pid; /* the session's process, 0: none (yet) */
	bool in_use;
	bool hello; /* wants MON_STATE at every change */
	bool ran; /* has had its session */
	bool failed; /* MON_ERROR was sent for it: no MON_EXIT */
	bool log; /* MON_CONSOLE_LOG is being answered */
	uint64_t log_cursor, log_end;
	uint64_t enter_until; /* given up then (ms) */
	int early_signal; /* for the session as soon as there is one */
	uint64_t kill_at; /* the session is to be gone by then (ms), 0: no hurry */
};

struct conn_table {
	unsigned int n_sessions, n_doomed; /* doomed: client gone, process left */
	unsigned int n_entering; /* sessions whose process is not known yet */
	struct mon_conn conns[MON_CONNS];
};

/* The lowest free slot for a connection that is fd, or NULL. */
struct mon_conn *conn_add(struct conn_table *t, int fd);
/* Frees the slot when neither connection nor process is left. */
void conn_release(struct conn_table *t, struct mon_conn *c);
unsigned int conn_slot(const struct conn_table *t, const struct mon_conn *c);

/* False when MON_SESSIONS are running already or the connection has had its session. */
bool conn_may_exec(const struct conn_table *t, const struct mon_conn *c);
/*
 * A session: its helper begins, and says over enter (taken) with which process it goes on, 0 for none. Helper and
 * process end in any order; with the last of them the session is over.
 */
void conn_session_begun(struct conn_table *t, struct mon_conn *c, pid_t helper, int enter,
			int reply);
void conn_session_entered(struct conn_table *t, struct mon_conn *c, pid_t pid);
void conn_helper_ended(struct conn_table *t, struct mon_conn *c);
void conn_session_ended(struct conn_table *t, struct mon_conn *c);
/* The client has gone; its process, if any, is doomed. */
void conn_client_gone(struct conn_table *t, struct mon_conn *c, uint64_t kill_at);
