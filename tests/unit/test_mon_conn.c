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
	conn_session_begun(&table, c, 1234, 7, 5);
	CHECK(table.n_sessions == 1 && table.n_entering == 1 && c->pid == 0);
	conn_session_entered(&table, c, 1235);
	conn_helper_ended(&table, c);
	CHECK(table.n_sessions == 1 && table.n_entering == 0 && c->pid == 1235);
	conn_client_gone(&table, c, 99);
	conn_release(&table, c);
	CHECK(c->in_use && c->kill_at == 99 && table.n_doomed == 1);
	CHECK(conn_add(&table, 10) != c);
	conn_session_ended(&table, c);
	conn_release(&table, c);
	CHECK(!c->in_use && table.n_doomed == 0 && table.n_sessions == 0);
	CHECK(conn_add(&table, 11) == c);
}

/* Whatever ends first, the session is over with the last of helper, report and process. */
static void a_session_ends_with_the_last_of_its_parts(void)
{
	struct mon_conn *c;

	memset(&table, 0, sizeof(table));
	c = conn_add(&table, 9);
	conn_session_begun(&table, c, 1234, 7, 5);
	conn_helper_ended(&table, c); /* its report is still to be read */
	CHECK(table.n_sessions == 1);
	conn_session_entered(&table, c, 0);
	CHECK(table.n_sessions == 0 && table.n_entering == 0);
	c = conn_add(&table, 10);
	conn_session_begun(&table, c, 1234, 7, 5);
	conn_session_entered(&table, c, 0); /* given up: the helper hangs */
	conn_client_gone(&table, c, 99);
	conn_release(&table, c);
	CHECK(c->in_use && table.n_sessions == 1 && table.n_doomed == 1);
	conn_helper_ended(&table, c);
	conn_release(&table, c);
	CHECK(!c->in_use && table.n_sessions == 0 && table.n_doomed == 0);
	c = conn_add(&table, 11);
	conn_session_begun(&table, c, 1234, 7, 5);
	conn_session_entered(&table, c, 1235);
	conn_session_ended(&table, c);
	CHECK(table.n_sessions == 1);
	conn_helper_ended(&table, c);
	CHECK(table.n_sessions == 0);
}

static void a_connection_has_one_session(void)
{
	struct mon_conn *c;

	memset(&table, 0, sizeof(table));
	c = conn_add(&table, 9);
	CHECK(conn_may_exec(&table, c));
	conn_session_begun(&table, c, 1, 7, 5);
	CHECK(!conn_may_exec(&table, c));
	conn_session_entered(&table, c, 0);
	conn_helper_ended(&table, c);
	CHECK(!conn_may_exec(&table, c));
}

static void sessions_and_connections_are_bounded(void)
{
	struct mon_conn *c = NULL;

	memset(&table, 0, sizeof(table));
	for (int i = 0; i < MON_SESSIONS; i++) {
		c = conn_add(&table, i);
		CHECK(c != NULL && conn_may_exec(&table, c));
		conn_session_begun(&table, c, i + 1, i, -1);
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
	RUN(a_session_ends_with_the_last_of_its_parts);
	RUN(a_connection_has_one_session);
	RUN(sessions_and_connections_are_bounded);
	return check_failures != 0;
}
