/* test_rpc_limits.c - clients that misbehave, against a server stepped in this process. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/rpc/impl.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

static char dir[64];
static char path[128];
static struct ev *ev;
static struct rpc_server *server;

static struct rpc_call *held; /* by io.berth.Test.Hold */
static int n_gone, n_pokes;

static void on_gone(struct rpc_call *c, void *data)
{
	CHECK(c == held && data == &n_gone);
	held = NULL;
	n_gone++;
}

static void hold(struct rpc_call *c, json_t *parameters, void *data)
{
	(void)parameters;
	(void)data;
	held = c;
	rpc_call_on_gone(c, on_gone, &n_gone);
}

static void hold_deaf(struct rpc_call *c, json_t *parameters, void *data)
{
	(void)parameters;
	(void)data;
	held = c;
}

static void echo(struct rpc_call *c, json_t *parameters, void *data)
{
	(void)data;
	rpc_reply(c, json_incref(parameters));
}

static void poke(struct rpc_call *c, json_t *parameters, void *data)
{
	(void)parameters;
	(void)data;
	n_pokes++;
	rpc_reply(c, NULL);
}

static int taken[RPC_FDS_MAX];
static unsigned int n_taken;
static bool leaves_them;

/* Takes what came, or leaves it to the end of the call. */
static void take(struct rpc_call *c, json_t *parameters, void *data)
{
	(void)parameters;
	(void)data;
	if (!leaves_them)
		n_taken = rpc_call_take_fds(c, taken);
	held = c;
}

static const struct rpc_method methods[] = {
	{"io.berth.Test.Take", take, RPC_WRITE_FDS},  {"io.berth.Test.Hold", hold, false},
	{"io.berth.Test.HoldDeaf", hold_deaf, false}, {"io.berth.Test.Echo", echo, false},
	{"io.berth.Test.Poke", poke, false},
};

static void step(void)
{
	int idle = 0;

	while (idle < 2)
		idle = ev_run_once(ev, idle == 0 ? 0 : 5) > 0 ? 0 : idle + 1;
}

static int dial(void)
{
	int fd = socket_connect(path);

	CHECK(fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	step();
	return fd;
}

static void say(int fd, const char *text)
{
	CHECK(send(fd, text, strlen(text) + 1, MSG_NOSIGNAL) == (ssize_t)strlen(text) + 1);
	step();
}

/* What has arrived, NULs as newlines; "EOF" when the server has closed. */
static const char *hear(int fd)
{
	static char buf[65536];
	ssize_t n;

	step();
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return "EOF";
	if (n < 0)
		return "";
	buf[n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] == '\0')
			buf[i] = '\n';
	return buf;
}

#define HOLD "{\"method\":\"io.berth.Test.Hold\"}"
#define HOLD_MORE "{\"method\":\"io.berth.Test.Hold\",\"more\":true}"

static void hang_up(int fd)
{
	(void)close(fd);
	step();
	CHECK(server->n_conns == 0);
}

static void pipelined_calls_are_answered_in_order(void)
{
	static const char text[] = "{\"method\":\"io.berth.Test.Echo\",\"parameters\":{\"a\":1}}\0"
				   "{\"method\":\"io.berth.Test.Echo\",\"parameters\":{\"a\":2}}";
	int fd = dial();

	/* The second message comes in two parts. */
	CHECK(send(fd, text, sizeof(text) - 9, MSG_NOSIGNAL) == (ssize_t)sizeof(text) - 9);
	CHECK(strcmp(hear(fd), "{\"parameters\":{\"a\":1}}\n") == 0);
	CHECK(send(fd, text + sizeof(text) - 9, 9, MSG_NOSIGNAL) == 9);
	CHECK(strcmp(hear(fd), "{\"parameters\":{\"a\":2}}\n") == 0);
	CHECK(send(fd, text, sizeof(text), MSG_NOSIGNAL) == (ssize_t)sizeof(text));
	CHECK(strcmp(hear(fd), "{\"parameters\":{\"a\":1}}\n{\"parameters\":{\"a\":2}}\n") == 0);
	hang_up(fd);
}

static void a_call_waits_for_the_one_before_it(void)
{
	int fd = dial();

	say(fd, HOLD);
	say(fd, "{\"method\":\"io.berth.Test.Echo\",\"parameters\":{\"a\":2}}");
	CHECK(held != NULL && hear(fd)[0] == '\0');
	rpc_reply(held, json_pack("{s:i}", "a", 1));
	held = NULL;
	CHECK(strcmp(hear(fd), "{\"parameters\":{\"a\":1}}\n{\"parameters\":{\"a\":2}}\n") == 0);
	hang_up(fd);
}

static void continues_marks_all_but_the_last(void)
{
	int fd = dial();

	say(fd, HOLD_MORE);
	rpc_reply_more(held, json_pack("{s:i}", "a", 1));
	CHECK(strcmp(hear(fd), "{\"parameters\":{\"a\":1},\"continues\":true}\n") == 0);
	rpc_reply(held, NULL);
	held = NULL;
	CHECK(strcmp(hear(fd), "{\"parameters\":{}}\n") == 0);
	hang_up(fd);
}

static void oneway_gets_no_reply_even_of_an_error(void)
{
	int fd = dial();

	n_pokes = 0;
	say(fd, "{\"method\":\"io.berth.Test.Poke\",\"oneway\":true}");
	say(fd, "{\"method\":\"io.berth.Test.None\",\"oneway\":true}");
	CHECK(hear(fd)[0] == '\0' && n_pokes == 1);
	hang_up(fd);
}

static void oneway_calls_of_a_client_that_is_gone_are_run(void)
{
	static const char text[] = "{\"method\":\"io.berth.Test.Poke\",\"oneway\":true}";
	int fd = dial();

	n_pokes = 0;
	for (int i = 0; i < 100; i++)
		CHECK(send(fd, text, sizeof(text), MSG_NOSIGNAL) == (ssize_t)sizeof(text));
	hang_up(fd);
	CHECK(n_pokes == 100);
}

static void a_client_that_goes_is_told_once(void)
{
	int fd = dial();

	n_gone = 0;
	say(fd, HOLD);
	hang_up(fd);
	CHECK(n_gone == 1 && held == NULL);
}

static void a_call_without_callback_outlives_its_client(void)
{
	int fd = dial();

	say(fd, "{\"method\":\"io.berth.Test.HoldDeaf\",\"more\":true}");
	hang_up(fd);
	CHECK(held != NULL && rpc_call_peer(held)->pid == getpid());
	rpc_reply_more(held, json_object());
	rpc_reply(held, json_object());
	held = NULL;
}

static void a_half_closed_client_still_hears_its_reply(void)
{
	int fd = dial();

	say(fd, HOLD);
	(void)shutdown(fd, SHUT_WR);
	step();
	CHECK(held != NULL);
	rpc_reply(held, NULL);
	held = NULL;
	CHECK(strcmp(hear(fd), "{\"parameters\":{}}\n") == 0);
	CHECK(strcmp(hear(fd), "EOF") == 0);
	hang_up(fd);
}

static void garbage_closes_the_connection(void)
{
	static const char *const bad[] = {"hello", "[]",
					  "{}",	   "{\"method\":\"a\",\"method\":\"b\"}",
					  "",	   "{\"method\":\"a.b\",\"parameters\":7}"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = dial();

		say(fd, bad[i]);
		CHECK(strcmp(hear(fd), "EOF") == 0);
		hang_up(fd);
	}
}

static void a_message_without_end_closes_the_connection(void)
{
	static char junk[65536];
	int fd = dial();
	size_t sent = 0;

	memset(junk, ' ', sizeof(junk));
	while (sent < 2 * (size_t)RPC_MESSAGE_MAX) {
		ssize_t n = send(fd, junk, sizeof(junk), MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		step();
	}
	CHECK(sent >= RPC_MESSAGE_MAX / 2 && sent < RPC_MESSAGE_MAX + (1 << 20));
	CHECK(server->n_conns == 0);
	(void)close(fd);
}

static void unanswered_calls_are_bounded(void)
{
	int fd = dial();
	int sent = 0;

	say(fd, HOLD);
	for (int i = 0; i < 20000; i++) {
		ssize_t n = send(fd, HOLD, sizeof(HOLD), MSG_NOSIGNAL);

		if (n < 0)
			break;
		sent++;
		if (i % 100 == 0)
			step();
	}
	/* The rest waits in the client's socket: the server has stopped reading. */
	CHECK(sent > 64 && sent < 20000);
	CHECK(server->conns->n_waiting >= RPC_CALLS_MAX);
	CHECK(server->conns->in.size <= 65536);
	n_gone = 0;
	hang_up(fd);
	CHECK(n_gone == 1);
}

static void a_reader_too_slow_is_dropped(void)
{
	int fd = dial();
	char *text = calloc(1, 256 << 10);
	int queued = 0;

	memset(text, 'x', (256 << 10) - 1);
	n_gone = 0;
	say(fd, HOLD_MORE);
	while (held != NULL && queued < 1000) {
		rpc_reply_more(held, json_pack("{s:s}", "t", text));
		queued++;
		step();
	}
	CHECK(n_gone == 1 && queued >= 32 && queued < 50);
	free(text);
	(void)close(fd);
	step();
	CHECK(server->n_conns == 0);
}

static void replies_that_nobody_reads_stop_further_calls(void)
{
	int fd = dial();
	char *text = calloc(1, 512 << 10);
	int n;

	n = snprintf(text, 512 << 10,
		     "{\"method\":\"io.berth.Test.Echo\",\"parameters\":{\"t\":\"");
	memset(text + n, 'x', 400 << 10);
	memcpy(text + n + (400 << 10), "\"}}", 4);
	for (int i = 0; i < 40; i++) {
		size_t len = strlen(text) + 1, at = 0;

		for (int tries = 0; at < len && tries < 50; tries++) {
			ssize_t sent = send(fd, text + at, len - at, MSG_NOSIGNAL);

			at += sent > 0 ? (size_t)sent : 0;
			step();
		}
		if (at < len)
			break;
	}
	CHECK(server->n_conns == 1);
	CHECK(buffer_pending(&server->conns->out) <= 2 * (size_t)RPC_MESSAGE_MAX);
	free(text);
	hang_up(fd);
}

static void descriptors_sent_along_are_closed(void)
{
	int fd = dial();
	int ends[2];
	char byte;

	CHECK(pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	CHECK(fd_send_message(fd, "{\"method\":\"io.berth.Test.Poke\"}", 32, &ends[1], 1) >= 0);
	(void)close(ends[1]);
	step();
	CHECK(read(ends[0], &byte, 1) == 0); /* end of file: no writer is left */
	CHECK(strstr(hear(fd), "takes no descriptors") != NULL);
	(void)close(ends[0]);
	hang_up(fd);
}

/* ---- descriptors ---- */

static unsigned int n_open(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 1000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

#define TAKE "{\"method\":\"io.berth.Test.Take\"}"

/* n of them, all the same, with the first len bytes of text. */
static int send_with(int fd, const char *text, size_t len, unsigned int n)
{
	int fds[RPC_FDS_MAX + 1];

	for (unsigned int i = 0; i < n; i++)
		fds[i] = STDERR_FILENO;
	return fd_send_message(fd, text, len, fds, n);
}

static void end_take(int fd)
{
	for (unsigned int i = 0; i < n_taken; i++)
		fd_close(&taken[i]);
	n_taken = 0;
	if (held != NULL)
		rpc_reply(held, NULL);
	held = NULL;
	CHECK(strstr(hear(fd), "{\"parameters\":{}}") != NULL);
}

static void descriptors_are_the_methods_that_takes_them(void)
{
	unsigned int before = n_open();
	int fd = dial();

	for (unsigned int n = 1; n <= RPC_FDS_MAX; n++) {
		CHECK(send_with(fd, TAKE, sizeof(TAKE), n) == 0);
		step();
		CHECK(held != NULL && n_taken == n && (fcntl(taken[n - 1], F_GETFD) & FD_CLOEXEC));
		end_take(fd);
	}
	/* A call in pieces, and one without after it. */
	CHECK(send_with(fd, TAKE, 1, 2) == 0);
	step();
	CHECK(held == NULL);
	say(fd, &TAKE[1]);
	CHECK(n_taken == 2);
	end_take(fd);
	say(fd, TAKE);
	CHECK(held != NULL && n_taken == 0);
	end_take(fd);
	hang_up(fd);
	CHECK(n_open() == before);
}

static void what_nobody_takes_is_closed_with_the_call(void)
{
	unsigned int before = n_open();
	int fd = dial();

	leaves_them = true;
	CHECK(send_with(fd, TAKE, sizeof(TAKE), 3) == 0);
	step();
	CHECK(held != NULL && n_open() == before + 2 + 3);
	end_take(fd);
	CHECK(n_open() == before + 2);
	/* The client goes: told, or not. */
	CHECK(send_with(fd, TAKE, sizeof(TAKE), 3) == 0);
	step();
	rpc_call_on_gone(held, on_gone, &n_gone);
	hang_up(fd);
	CHECK(held == NULL && n_open() == before);
	fd = dial();
	CHECK(send_with(fd, TAKE, sizeof(TAKE), 3) == 0);
	step();
	hang_up(fd);
	rpc_reply(held, NULL);
	held = NULL;
	/* Half a call, or nonsense. */
	fd = dial();
	CHECK(send_with(fd, TAKE, 5, 3) == 0);
	hang_up(fd);
	fd = dial();
	CHECK(send_with(fd, "nonsense", 9, 3) == 0);
	CHECK(strcmp(hear(fd), "EOF") == 0);
	hang_up(fd);
	leaves_them = false;
	CHECK(n_open() == before);
}

static void too_many_descriptors_are_refused(void)
{
	unsigned int before = n_open();
	int fd = dial();

	CHECK(send_with(fd, TAKE, sizeof(TAKE), RPC_FDS_MAX + 1) == 0);
	CHECK(strstr(hear(fd), "more than 8 descriptors") != NULL && held == NULL);
	say(fd, TAKE);
	CHECK(held != NULL && n_taken == 0);
	end_take(fd);
	hang_up(fd);
	CHECK(n_open() == before);
}

/* Nobody could tell whose they are. */
static void descriptors_that_may_be_anothers_close_the_connection(void)
{
	static const char two[] = TAKE "\0" TAKE;
	unsigned int before = n_open();
	int fd = dial();

	CHECK(send_with(fd, two, sizeof(two), 1) == 0);
	CHECK(strcmp(hear(fd), "EOF") == 0 && held == NULL);
	hang_up(fd);
	fd = dial();
	CHECK(send(fd, TAKE, 5, MSG_NOSIGNAL) == 5);
	step();
	CHECK(send_with(fd, &TAKE[5], 1, 1) == 0);
	CHECK(strcmp(hear(fd), "EOF") == 0 && held == NULL);
	hang_up(fd);
	/* While another is unanswered: that one ends with the connection. */
	fd = dial();
	n_gone = 0;
	say(fd, HOLD);
	CHECK(send_with(fd, TAKE, sizeof(TAKE), 1) == 0);
	CHECK(strcmp(hear(fd), "EOF") == 0 && n_gone == 1);
	hang_up(fd);
	CHECK(n_open() == before && n_taken == 0);
}

static void only_roots_calls_may_carry_descriptors(void)
{
	unsigned int before = n_open();
	int fd = dial();

	CHECK(server->conns != NULL);
	server->conns->peer.uid = 65534;
	CHECK(send_with(fd, HOLD, sizeof(HOLD), 2) == 0);
	CHECK(strstr(hear(fd), "only root's calls may carry descriptors") != NULL && held == NULL);
	CHECK(send_with(fd, TAKE, sizeof(TAKE), 2) == 0);
	CHECK(strstr(hear(fd), "PermissionDenied") != NULL && held == NULL);
	hang_up(fd);
	CHECK(n_open() == before);
}

static void without_room_for_descriptors_the_call_says_so(void)
{
	struct rlimit saved = {0}, low;
	unsigned int before = n_open();
	int fd = dial(), probe = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	CHECK(probe >= 0 && getrlimit(RLIMIT_NOFILE, &saved) == 0);
	(void)close(probe);
	low = saved;
	low.rlim_cur = (rlim_t)probe + 1;
	CHECK(send_with(fd, TAKE, sizeof(TAKE), 3) == 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
	CHECK(strstr(hear(fd), "no room for them") != NULL && held == NULL);
	CHECK(setrlimit(RLIMIT_NOFILE, &saved) == 0);
	hang_up(fd);
	CHECK(n_open() == before);
}

static void five_hundred_idle_connections_cost_little(void)
{
	static int fds[500];
	int fd;

	for (int i = 0; i < 500; i++) {
		fds[i] = socket_connect(path);
		CHECK(fds[i] >= 0);
		if (i % 50 == 0)
			step();
	}
	step();
	CHECK(server->n_conns == 500);
	fd = dial();
	say(fd, "{\"method\":\"io.berth.Test.Poke\"}");
	CHECK(strcmp(hear(fd), "{\"parameters\":{}}\n") == 0);
	for (const struct rpc_conn *c = server->conns; c != NULL; c = c->next)
		CHECK(c->in.data == NULL && c->out.data == NULL);
	(void)close(fd);
	for (int i = 0; i < 500; i++)
		(void)close(fds[i]);
	step();
	CHECK(server->n_conns == 0);
}

/* Nobody steps the server meanwhile. */
static void a_server_that_is_silent_is_given_up_if_so_asked(void)
{
	struct rpc_client *c = NULL;
	struct berth_error err = {0};

	CHECK(rpc_client_open_within(path, 1, &c, &err) == 0);
	CHECK(rpc_client_call(c, "io.berth.Test.Poke", NULL, NULL, NULL, NULL, &err) < 0);
	CHECK(err.code == BERTH_ERR_TIMEOUT && strstr(err.msg, "io.berth.Test.Poke") != NULL);
	rpc_client_free(c);
	step();
	CHECK(server->n_conns == 0);
}

static void connections_beyond_the_limit_wait(void)
{
	static int fds[RPC_CONNECTIONS_MAX + 1];

	for (int i = 0; i <= RPC_CONNECTIONS_MAX; i++) {
		fds[i] = socket_connect(path);
		CHECK(fds[i] >= 0);
		if (i % 50 == 0)
			step();
	}
	step();
	CHECK(server->n_conns == RPC_CONNECTIONS_MAX && server->paused);
	(void)close(fds[0]);
	say(fds[RPC_CONNECTIONS_MAX], "{\"method\":\"io.berth.Test.Poke\"}");
	CHECK(server->n_conns == RPC_CONNECTIONS_MAX);
	for (int i = 1; i <= RPC_CONNECTIONS_MAX; i++)
		(void)close(fds[i]);
	step();
	CHECK(server->n_conns == 0 && !server->paused);
}

static void without_descriptors_accept_waits_and_recovers(void)
{
	struct rlimit saved, low;
	int fd = socket_connect(path);
	int probe = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the first free number */

	CHECK(getrlimit(RLIMIT_NOFILE, &saved) == 0 && probe >= 0);
	(void)close(probe);
	low = saved;
	low.rlim_cur = (rlim_t)probe;
	CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
	(void)ev_run_once(ev, 0);
	CHECK(server->paused && server->n_conns == 0);
	CHECK(ev_run_once(ev, 20) == 0); /* and the loop does not spin */
	CHECK(setrlimit(RLIMIT_NOFILE, &saved) == 0);
	CHECK(ev_run_once(ev, 1000) > 0);
	step();
	CHECK(!server->paused && server->n_conns == 1);
	hang_up(fd);
}

static void the_end_of_the_server_tells_open_calls(void)
{
	struct berth_error err = {0};
	int fd = dial();

	n_gone = 0;
	say(fd, HOLD);
	rpc_server_free(server);
	CHECK(n_gone == 1);
	CHECK(strcmp(hear(fd), "EOF") == 0);
	(void)close(fd);
	CHECK(rpc_server_new(ev, path, NULL, methods, sizeof(methods) / sizeof(methods[0]), NULL, 0,
			     NULL, &server, &err) == 0);
}

int main(void)
{
	struct berth_error err = {0};

	if (getuid() != 0) {
		(void)printf("skipped: the socket's owner is root; run as root\n");
		return 77;
	}
	(void)snprintf(dir, sizeof(dir), "/tmp/test-rpc-XXXXXX");
	if (mkdtemp(dir) == NULL || ev_new(&ev) < 0)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	if (rpc_server_new(ev, path, NULL, methods, sizeof(methods) / sizeof(methods[0]), NULL, 0,
			   NULL, &server, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	RUN(pipelined_calls_are_answered_in_order);
	RUN(a_call_waits_for_the_one_before_it);
	RUN(continues_marks_all_but_the_last);
	RUN(oneway_gets_no_reply_even_of_an_error);
	RUN(oneway_calls_of_a_client_that_is_gone_are_run);
	RUN(a_client_that_goes_is_told_once);
	RUN(a_call_without_callback_outlives_its_client);
	RUN(a_half_closed_client_still_hears_its_reply);
	RUN(garbage_closes_the_connection);
	RUN(a_message_without_end_closes_the_connection);
	RUN(unanswered_calls_are_bounded);
	RUN(a_reader_too_slow_is_dropped);
	RUN(replies_that_nobody_reads_stop_further_calls);
	RUN(descriptors_sent_along_are_closed);
	RUN(descriptors_are_the_methods_that_takes_them);
	RUN(what_nobody_takes_is_closed_with_the_call);
	RUN(too_many_descriptors_are_refused);
	RUN(descriptors_that_may_be_anothers_close_the_connection);
	RUN(only_roots_calls_may_carry_descriptors);
	RUN(without_room_for_descriptors_the_call_says_so);
	RUN(five_hundred_idle_connections_cost_little);
	RUN(a_server_that_is_silent_is_given_up_if_so_asked);
	RUN(connections_beyond_the_limit_wait);
	RUN(without_descriptors_accept_waits_and_recovers);
	RUN(the_end_of_the_server_tells_open_calls);
	rpc_server_free(server);
	ev_free(ev);
	(void)rmdir(dir);
	return check_failures != 0;
}
