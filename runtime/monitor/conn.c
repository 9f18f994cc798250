/* conn.c - the table of connections and exec sessions. No system call in here. */
#include "runtime/monitor/conn.h"

#include <stddef.h>

/* Something of a session is left: a process, or the report of one. */
static bool is_session(const struct mon_conn *c)
{
	return c->enter >= 0 || c->helper > 0 || c->pid > 0;
}

struct mon_conn *conn_add(struct conn_table *t, int fd)
{
	for (unsigned int i = 0; i < MON_CONNS; i++) {
		if (t->conns[i].in_use)
			continue;
		t->conns[i] = (struct mon_conn){.fd = fd, .reply = -1, .enter = -1, .in_use = true};
		return &t->conns[i];
	}
	return NULL;
}

void conn_release(struct conn_table *t, struct mon_conn *c)
{
	(void)t;
	if (c->fd < 0 && !is_session(c))
		c->in_use = false;
}

unsigned int conn_slot(const struct conn_table *t, const struct mon_conn *c)
{
	return (unsigned int)(c - t->conns);
}

bool conn_may_exec(const struct conn_table *t, const struct mon_conn *c)
{
	return !c->ran && t->n_sessions < MON_SESSIONS;
}

void conn_session_begun(struct conn_table *t, struct mon_conn *c, pid_t helper, int enter,
			int reply)
{
	c->helper = helper;
	c->enter = enter;
	c->reply = reply;
	c->ran = true;
	t->n_sessions++;
	t->n_entering++;
}

static void settle(struct conn_table *t, const struct mon_conn *c)
{
	if (is_session(c))
		return;
	t->n_sessions--;
	if (c->fd < 0)
		t->n_doomed--;
}

void conn_session_entered(struct conn_table *t, struct mon_conn *c, pid_t pid)
{
	c->enter = -1;
	c->pid = pid;
	t->n_entering--;
	settle(t, c);
}

void conn_helper_ended(struct conn_table *t, struct mon_conn *c)
{
	c->helper = 0;
	settle(t, c);
}

void conn_session_ended(struct conn_table *t, struct mon_conn *c)
{
	c->pid = 0;
	settle(t, c);
}

void conn_client_gone(struct conn_table *t, struct mon_conn *c, uint64_t kill_at)
{
	c->fd = -1;
	c->hello = false;
	c->log = false;
	if (!is_session(c))
		return;
	c->kill_at = kill_at;
	t->n_doomed++;
}
