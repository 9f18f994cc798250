/*
 * test_berthd.c - the daemon as a program: one on a host, it ends when told and comes back after a kill.
 *
 * covers: runtime/daemon/berthd.c runtime/daemon/hangup.c runtime/daemon/spare.c
 */
#include "tests/unit/worker_fixture.h"

#include "runtime/base/ev.h"
#include "runtime/base/lock.h"
#include "runtime/rpc/rpc.h"

#include <sys/socket.h>
#include <sys/un.h>

static pid_t start(const char *const *argv)
{
	pid_t pid = -1;

	CHECK(spawn_program(argv, NULL, &(struct spawn_fds){.in = -1, .out = -1, .err = -1}, &pid,
			    NULL, &err) == 0);
	return pid;
}

static const char *program(void)
{
	return BERTH_BIN "/berthd";
}

static pid_t start_berthd(void)
{
	return start((const char *const[]){program(), "--root", top, NULL});
}

/* Its exit status, or -1 for a signal. */
static int end_of(pid_t pid)
{
	int status = 0;

	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Its answer to a call, waiting until it listens; NULL for none. The caller frees it. */
static json_t *ask(const char *method, json_t *parameters)
{
	char path[BERTH_PATH_MAX];
	uint64_t end = ev_now_ms() + 20000;
	struct rpc_client *c = NULL;
	json_t *reply = NULL;

	while (rpc_client_open(path_daemon_socket(&paths, path), &c, &err) < 0 && ev_now_ms() < end)
		(void)usleep(5000);
	CHECK(c != NULL);
	if (c == NULL) {
		json_decref(parameters);
		return NULL;
	}
	if (rpc_client_call(c, method, parameters, NULL, NULL, &reply, &err) < 0)
		reply = NULL;
	rpc_client_free(c);
	return reply;
}

static bool answers_as(pid_t pid)
{
	json_t *reply = ask("io.berth.Host.Ping", NULL);
	bool ok = json_integer_value(json_object_get(reply, "pid")) == pid;

	json_decref(reply);
	return ok;
}

static void what_it_is_asked_wrongly_is_refused(void)
{
	CHECK(end_of(start((const char *const[]){program(), "--nonsense", NULL})) ==
	      berth_error_exit_status(BERTH_ERR_OPTION));
	CHECK(end_of(start((const char *const[]){program(), "--root", NULL})) ==
	      berth_error_exit_status(BERTH_ERR_OPTION));
	CHECK(end_of(start((const char *const[]){program(), "--root", "relative", NULL})) != 0);
	CHECK(end_of(start((const char *const[]){program(), "--version", NULL})) == 0);
}

static void there_is_one_on_a_host_and_it_ends_when_told(void)
{
	pid_t pid = start_berthd();

	CHECK(answers_as(pid));
	CHECK(end_of(start_berthd()) == berth_error_exit_status(BERTH_ERR_LOCKED));
	CHECK(answers_as(pid));
	CHECK(kill(pid, SIGTERM) == 0 && end_of(pid) == 0);
}

/* The socket file of a killed one is still there, and so may be its lock for a moment. */
static void after_a_kill_it_is_simply_started_again(void)
{
	pid_t pid = start_berthd();

	CHECK(answers_as(pid));
	CHECK(kill(pid, SIGKILL) == 0 && end_of(pid) == -1);
	pid = start_berthd();
	CHECK(answers_as(pid));
	CHECK(kill(pid, SIGTERM) == 0 && end_of(pid) == 0);
}

/* As a killed berthd's child has it until its exec: on a busy host for long. */
static void a_lock_that_only_a_dead_ones_child_has_is_waited_for(void)
{
	pid_t dead = fork(), pid;

	if (dead == 0) {
		int run = dir_open_at(AT_FDCWD, paths.run);

		if (run < 0 || lock_take(run, "berthd.lock", "berthd", NULL) < 0)
			_exit(1);
		if (fork() == 0)
			(void)usleep(2500000);
		_exit(0);
	}
	CHECK(end_of(dead) == 0);
	pid = start_berthd();
	CHECK(answers_as(pid));
	CHECK(kill(pid, SIGTERM) == 0 && end_of(pid) == 0);
}

static void a_damaged_berth_conf_is_told_and_nothing_runs(void)
{
	put_file(paths.etc, "berth.conf", "CGROUP_PARENT=\"../x\"\n");
	CHECK(end_of(start_berthd()) != 0);
	put_file(paths.etc, "berth.conf", "no line\n");
	CHECK(end_of(start_berthd()) != 0);
	write_host_conf();
}

static bool log_says(const char *name, const char *what)
{
	auto_close int dir = dir_open_at(AT_FDCWD, top);
	auto_free char *text = NULL;

	return file_read_at(dir, name, 1 << 20, &text, NULL) == 0 && strstr(text, what) != NULL;
}

/* As logrotate does, and an admin who has changed berth.conf, or has made a slip in it. */
static void a_hangup_opens_the_log_and_reads_berth_conf(void)
{
	char file[100], moved[110];
	pid_t pid;

	(void)snprintf(file, sizeof(file), "%s/log", top);
	(void)snprintf(moved, sizeof(moved), "%s.1", file);
	pid = start((const char *const[]){program(), "--root", top, "--log", file, NULL});
	CHECK(answers_as(pid) && log_says("log", "berthd"));
	CHECK(rename(file, moved) == 0 && kill(pid, SIGHUP) == 0);
	CHECK_SOON(log_says("log", "SIGHUP: reopened the log"));
	CHECK(!log_says("log.1", "SIGHUP"));
	put_file(paths.etc, "berth.conf", "CGROUP_PARENT=\"../x\"\n");
	CHECK(kill(pid, SIGHUP) == 0);
	CHECK_SOON(log_says("log", "the old settings stay"));
	write_host_conf();
	/* Signals that mean nothing to it. */
	CHECK(kill(pid, SIGUSR1) == 0 && kill(pid, SIGUSR2) == 0 && kill(pid, SIGALRM) == 0);
	CHECK(answers_as(pid));
	CHECK(kill(pid, SIGTERM) == 0 && end_of(pid) == 0);
}

/* systemd's Type=notify: it is ready when it answers, not before. */
static void it_says_when_it_is_ready(void)
{
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = 20};
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char text[64] = "", env[160];
	const char *const envs[] = {env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	const char *const argv[] = {program(), "--root", top, NULL};
	pid_t pid = -1;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", top);
	(void)snprintf(env, sizeof(env), "NOTIFY_SOCKET=%s", a.sun_path);
	CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
	CHECK(spawn_program(argv, envs, &(struct spawn_fds){.in = -1, .out = -1, .err = -1}, &pid,
			    NULL, &err) == 0);
	CHECK(recv(fd, text, sizeof(text) - 1, 0) == 7 && strcmp(text, "READY=1") == 0);
	CHECK(answers_as(pid));
	CHECK(kill(pid, SIGINT) == 0 && end_of(pid) == 0);
}

static json_t *create_parameters(void)
{
	return json_pack("{s:i, s:[{s:s, s:s}]}", "ctid", 101, "settings", "option", "diskspace",
			 "value", "64M");
}

/* The whole way once: with the worker that waits in advance, and without it after a kill of it. */
static void a_ct_comes_and_goes_through_it(void)
{
	pid_t pid = start_berthd();
	json_t *reply;

	CHECK(have_template());
	for (int i = 0; i < 3; i++) {
		reply = ask("io.berth.Container.Create", create_parameters());
		CHECK(json_integer_value(json_object_get(reply, "ctid")) == 101);
		json_decref(reply);
		reply = ask("io.berth.Container.Destroy", json_pack("{s:s}", "ct", "101"));
		CHECK(reply != NULL);
		json_decref(reply);
		CHECK(!is_there(paths.lib, "private/101") && !is_there(paths.etc, "ct/101.conf"));
	}
	CHECK(kill(pid, SIGTERM) == 0 && end_of(pid) == 0);
}

int main(void)
{
	int r = worker_begin(false);

	if (r != 0)
		return r;
	RUN(what_it_is_asked_wrongly_is_refused);
	RUN(there_is_one_on_a_host_and_it_ends_when_told);
	RUN(after_a_kill_it_is_simply_started_again);
	RUN(a_lock_that_only_a_dead_ones_child_has_is_waited_for);
	RUN(a_damaged_berth_conf_is_told_and_nothing_runs);
	RUN(a_hangup_opens_the_log_and_reads_berth_conf);
	RUN(it_says_when_it_is_ready);
	RUN(a_ct_comes_and_goes_through_it);
	return worker_end();
}
