/*
 * test_life.c - start, stop and restart on order: what is told, what is killed, what is left.
 *
 * covers: runtime/daemon/life_start.c runtime/daemon/life_stop.c runtime/daemon/config_check.c
 * covers: runtime/daemon/halt_inside.c
 */
#include "tests/unit/daemon_fixture.h"

#include "runtime/base/child.h"
#include "runtime/daemon/reboot.h"

#include <poll.h>

static const char method_names[][24] = {"Start", "Stop", "Restart"};

static void order(struct client *c, int method, json_t *parameters)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "io.berth.Container.%s", method_names[method]);
	client_open(c);
	client_send(c, name, parameters, false);
}

/* Reaped as a monitor does it; then it hangs up. */
static void init_has_ended(struct running *r)
{
	bool reaped = false;

	WAIT_FOR(reaped || (reaped = waitpid(r->init, NULL, WNOHANG) == r->init));
	fd_close(&r->conn);
}

static void a_start_that_fails_says_why_and_is_cleaned_up(void)
{
	struct client c;
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	on_worker("start", "echo error io.berth.BadTemplate 2 CT 101: no init; exit 1\n");
	order(&c, 0, ct_parameter(101));
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_BAD_TEMPLATE);
	CHECK(strcmp(err.msg, "CT 101: no init") == 0);
	CHECK(strcmp(worker_calls(), "start 101,cleanup 101,") == 0);
	CHECK(ct->status == CT_STOPPED && ct->job == NULL && ct->init_pidfd < 0);
	client_close(&c);
	host_end();
}

/* The first error is the cause; the second is only logged. */
static void a_clean_up_that_fails_too_does_not_hide_the_cause(void)
{
	struct client c;

	host_begin("");
	(void)add_ct(101, "");
	on_worker("start", "kill -9 $$\n");
	on_worker("cleanup", "echo error io.berth.Stuck 16 stuck; exit 1\n");
	order(&c, 0, ct_parameter(101));
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_HELPER && strstr(err.msg, "start") != NULL);
	client_close(&c);
	host_end();
}

static void an_init_that_ended_at_once_is_no_start(void)
{
	struct client c;
	struct ct *ct;

	host_begin("");
	ct = add_ct(101, "");
	order(&c, 0, ct_parameter(101)); /* the worker says done, and no init is there */
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_NOT_RUNNING);
	CHECK(strcmp(worker_calls(), "start 101,cleanup 101,") == 0 && ct->status == CT_STOPPED);
	client_close(&c);
	host_end();
}

static void hold_is_handed_on(void)
{
	struct client c;

	host_begin("");
	(void)add_ct(101, "");
	order(&c, 0, json_pack("{s:s, s:b}", "ct", "101", "hold", true));
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_NOT_RUNNING);
	CHECK(strncmp(worker_calls(), "start 101 hold,", 15) == 0);
	client_close(&c);
	host_end();
}

static void a_stop_asks_init_and_ends_when_all_is_released(void)
{
	struct running r;
	struct client c;

	host_begin("");
	running_begin(&r, 101, "");
	order(&c, 1, ct_parameter(101));
	CHECK(r.ct->status == CT_STOPPING && client_take(&c) == NULL);
	init_has_ended(&r); /* by stop_signal */
	CHECK(code_of(client_wait(&c)) == BERTH_OK);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0);
	CHECK(r.ct->init_pidfd < 0 && r.ct->monitor == NULL && r.ct->job == NULL);
	client_close(&c);
	host_end();
	running_end(&r);
}

/* An init that ignores the signal. */
static void make_deaf(struct running *r)
{
	int status = 0;

	/* Until it has stopped a signal could still reach it. */
	CHECK(kill(r->init, SIGSTOP) == 0);
	CHECK(waitpid(r->init, &status, WUNTRACED) == r->init && WIFSTOPPED(status));
}

static void after_the_timeout_it_is_killed(void)
{
	struct running r;
	struct client c;
	uint64_t begun = ev_now_ms();

	host_begin("");
	running_begin(&r, 101, "");
	make_deaf(&r);
	order(&c, 1, json_pack("{s:s, s:i}", "ct", "101", "timeout", 1));
	init_has_ended(&r);
	CHECK(code_of(client_wait(&c)) == BERTH_OK && ev_now_ms() - begun >= 1000);
	client_close(&c);
	host_end();
	running_end(&r);
}

static void fast_kills_at_once(void)
{
	struct running r;
	struct client c;

	host_begin("");
	running_begin(&r, 101, "");
	make_deaf(&r);
	order(&c, 1, json_pack("{s:s, s:b}", "ct", "101", "fast", true));
	init_has_ended(&r);
	CHECK(code_of(client_wait(&c)) == BERTH_OK);
	client_close(&c);
	host_end();
	running_end(&r);
}

static void an_init_that_knows_no_signal_is_killed_too(void)
{
	struct running r;
	struct client c;

	host_begin("");
	running_begin(&r, 101, "");
	make_deaf(&r);
	r.ct->run.stop_signal = 0;
	order(&c, 1, ct_parameter(101));
	init_has_ended(&r);
	CHECK(code_of(client_wait(&c)) == BERTH_OK);
	client_close(&c);
	host_end();
	running_end(&r);
}

/* The next order that the CT's monitor gets; its command line without the environment. */
static int take_exec(struct running *r, char *words, size_t size)
{
	struct mon_record rec;
	int fds[4] = {-1, -1, -1, -1}, conn = -1;
	unsigned int n_fds = 0;
	char args[128] = "";
	ssize_t n = -1;

	WAIT_FOR(fd_wait(r->listener, POLLIN, 0) == 1); /* accepting would wait */
	conn = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	WAIT_FOR(n == sizeof(rec) ||
		 (n = fd_recv_message(conn, &rec, sizeof(rec), fds, 4, &n_fds)) == sizeof(rec));
	CHECK(rec.type == MON_EXEC && rec.a == 0 && n_fds == 4);
	n = pread(fds[0], args, sizeof(args) - 1, 0);
	CHECK(n > 8 && args[0] == 2 && args[4] == 0);
	(void)snprintf(words, size, "%s %s", args + 8, args + 8 + strlen(args + 8) + 1);
	for (int i = 0; i < 4; i++)
		fd_close(&fds[i]);
	return conn;
}

static void an_init_without_a_signal_is_told_by_a_command_until_it_was(void)
{
	const struct mon_record failed = {.version = MON_VERSION, .type = MON_EXIT, .a = 256};
	const struct mon_record done = {.version = MON_VERSION, .type = MON_EXIT};
	struct running r;
	struct client c;
	char words[128];
	int conn, halt_fd;

	host_begin("");
	running_begin(&r, 101, "");
	r.ct->run.stop_signal = 0;
	(void)snprintf(r.ct->run.stop_command, sizeof(r.ct->run.stop_command), "telinit 0");
	order(&c, 1, ct_parameter(101));
	conn = take_exec(&r, words, sizeof(words));
	CHECK(strcmp(words, "telinit 0") == 0 && r.ct->status == CT_STOPPING);
	CHECK(fd_send_message(conn, &failed, sizeof(failed), NULL, 0) == 0);
	CHECK(close(conn) == 0);
	conn = take_exec(&r, words, sizeof(words)); /* some seconds later */
	/* On its way into a busy CT: neither cut off nor asked twice. */
	halt_fd = r.ct->job->halt_fd;
	(void)ct_event(r.ct, LIFE_T_STOP, NULL, NULL);
	CHECK(r.ct->job->halt_fd == halt_fd && fd_wait(r.listener, POLLIN, 0) == 0);
	CHECK(fd_send_message(conn, &done, sizeof(done), NULL, 0) == 0);
	WAIT_FOR(r.ct->job->asked);
	CHECK(kill(r.init, SIGTERM) == 0);
	init_has_ended(&r);
	CHECK(code_of(client_wait(&c)) == BERTH_OK);
	CHECK(close(conn) == 0);
	client_close(&c);
	host_end();
	running_end(&r);
}

static void a_restart_is_marked_until_it_runs_again(void)
{
	struct running r;
	struct client c;

	host_begin("");
	running_begin(&r, 101, "");
	make_deaf(&r);
	on_worker("cleanup", "rm -f $TOP/run/berth/ct/$ctid/state; say_done\n");
	order(&c, 2, json_pack("{s:s, s:b}", "ct", "101", "fast", true));
	CHECK(reboot_is_marked(&d, r.ct));
	init_has_ended(&r);
	CHECK(code_of(client_wait(&c)) == BERTH_ERR_NOT_RUNNING); /* there is no new init here */
	CHECK(strcmp(worker_calls(), "cleanup 101,start 101,cleanup 101,") == 0);
	CHECK(!reboot_is_marked(&d, r.ct) && r.ct->status == CT_STOPPED);
	client_close(&c);
	host_end();
	running_end(&r);
}

/* A plain stop of a CT that was to be restarted: the last word counts. */
static void a_stop_takes_the_mark_away(void)
{
	struct running r;
	struct client c;

	host_begin("");
	running_begin(&r, 101, "");
	reboot_mark(&d, r.ct);
	order(&c, 1, json_pack("{s:s, s:b}", "ct", "101", "fast", true));
	CHECK(!reboot_is_marked(&d, r.ct));
	init_has_ended(&r);
	CHECK(code_of(client_wait(&c)) == BERTH_OK);
	CHECK(strcmp(worker_calls(), "cleanup 101,") == 0);
	client_close(&c);
	host_end();
	running_end(&r);
}

int main(void)
{
	int r = daemon_begin();

	if (r != 0)
		return r;
	RUN(a_start_that_fails_says_why_and_is_cleaned_up);
	RUN(a_clean_up_that_fails_too_does_not_hide_the_cause);
	RUN(an_init_that_ended_at_once_is_no_start);
	RUN(hold_is_handed_on);
	RUN(a_stop_asks_init_and_ends_when_all_is_released);
	RUN(after_the_timeout_it_is_killed);
	RUN(fast_kills_at_once);
	RUN(an_init_without_a_signal_is_told_by_a_command_until_it_was);
	RUN(an_init_that_knows_no_signal_is_killed_too);
	RUN(a_restart_is_marked_until_it_runs_again);
	RUN(a_stop_takes_the_mark_away);
	return check_failures != 0;
}
