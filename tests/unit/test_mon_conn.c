/* test_mon_conn.c - the table of connections and sessions. */
#include "runtime/monitor/conn.h"

#include "tests/unit/check.h"

#include <string.h>

static struct conn_table table;

static void a_slot_lives_as_long_as_its_process(void)
{
	struct mon_conn *c;

	memset(&table, 0, sizeof(table));
	c = conn_add(&table, 9);
	CHECK(c != NULL && conn_slot(&table, c) == 0);
	conn_session_begun(&table, c, 1234, 5);
	CHECK(conn_by_pid(&table, 1234) == c && table.n_sessions == 1);
	conn_client_gone(&table, c, 99);
	conn_release(&table, c);
	CHECK(c->in_use && c->kill_at == 99 && table.n_doomed == 1);
	CHECK(conn_add(&table, 10) != c);
	conn_session_ended(&table, c);
	conn_release(&table, c);
	CHECK(!c->in_use && table.n_doomed == 0 && table.n_sessions == 0);
	CHECK(conn_by_pid(&table, 1234) == NULL);
	CHECK(conn_add(&table, 11) == c);
}

static void a_connection_has_one_session(void)
{
	struct mon_conn *c;

	memset(&table, 0, sizeof(table));
	c = conn_add(&table, 9);
	CHECK(conn_may_exec(&table, c));
	conn_session_begun(&table, c, 1, 5);
	CHECK(!conn_may_exec(&table, c));
	conn_session_ended(&table, c);
	CHECK(!conn_may_exec(&table, c));
}

static void sessions_and_connections_are_bounded(void)
{
	struct mon_conn *c = NULL;

	memset(&table, 0, sizeof(table));
	for (int i = 0; i < MON_SESSIONS; i++) {
		c = conn_add(&table, i);
		CHECK(c != NULL && conn_may_exec(&table, c));
		conn_session_begun(&table, c, i + 1, -1);
	}
	c = conn_add(&table, 1);
	CHECK(c != NULL && !conn_may_exec(&table, c));
	while (conn_add(&table, 1) != NULL)
		;
	conn_client_gone(&table, c, 5);
	CHECK(table.n_doomed == 0);
	conn_release(&table, c);
	CHECK(conn_add(&table, 2) == c);
}

int main(void)
{
	RUN(a_slot_lives_as_long_as_its_process);
	RUN(a_connection_has_one_session);
	RUN(sessions_and_connections_are_bounded);
	return check_failures != 0;
}
