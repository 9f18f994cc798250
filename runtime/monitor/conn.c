/* conn.c - the table of connections and exec sessions. No system call in here. */
#include "runtime/monitor/conn.h"

#include <stddef.h>

struct mon_conn *conn_add(struct conn_table *t, int fd)
{
	for (unsigned int i = 0; i < MON_CONNS; i++) {
		if (t->conns[i].in_use)
			continue;
		t->conns[i] = (struct mon_conn){.fd = fd, .reply = -1, .in_use = true};
		return &t->conns[i];
	}
	return NULL;
}

void conn_release(struct conn_table *t, struct mon_conn *c)
{
	(void)t;
	if (c->fd < 0 && c->pid == 0)
		c->in_use = false;
}

struct mon_conn *conn_by_pid(struct conn_table *t, pid_t pid)
{
	for (unsigned int i = 0; i < MON_CONNS; i++)
		if (t->conns[i].in_use && t->conns[i].pid == pid)
			return &t->conns[i];
	return NULL;
}

unsigned int conn_slot(const struct conn_table *t, const struct mon_conn *c)
{
	return (unsigned int)(c - t->conns);
}

bool conn_may_exec(const struct conn_table *t, const struct mon_conn *c)
{
	return !c->ran && t->n_sessions < MON_SESSIONS;
}

void conn_session_begun(struct conn_table *t, struct mon_conn *c, pid_t pid, int reply)
{
	c->pid = pid;
	c->reply = reply;
	c->ran = true;
	t->n_sessions++;
}

void conn_session_ended(struct conn_table *t, struct mon_conn *c)
{
	c->pid = 0;
	t->n_sessions--;
	if (c->fd < 0)
		t->n_doomed--;
}

void conn_client_gone(struct conn_table *t, struct mon_conn *c, uint64_t kill_at)
{
	c->fd = -1;
	c->hello = false;
	c->log = false;
	if (c->pid == 0)
		return;
	c->kill_at = kill_at;
	t->n_doomed++;
}
