/*
 * daemon_fixture.h - all of berthd but its main: a host below a temporary directory, a Varlink socket
 * that the test itself calls, shell scripts as workers, sleeping children as inits.
 *
 * One thread: whoever waits for something runs the event loop of the daemon meanwhile.
 */
#pragma once

#include "cgroups/host.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/job.h"
#include "runtime/daemon/methods.h"
#include "runtime/wire/record.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define FACTS_UUID "01234567-89ab-4cde-8f01-23456789abcd"

enum {
	ID_FIRST = 655425536, /* the range of CT 101 */
	WAIT_MS = 15000
};

static char top[64], cgroup_parent[64];
static struct daemon d;
static struct berth_error err;

/* Runs the daemon until something is so. */
#define WAIT_FOR(cond)                                 \
	do {                                           \
		uint64_t end_ = ev_now_ms() + WAIT_MS; \
		while (!(cond) && ev_now_ms() < end_)  \
			(void)ev_run_once(d.ev, 10);   \
		CHECK(cond);                           \
	} while (0)

/* Lets everything happen that is ready to happen. */
static inline void settle_down(void)
{
	for (int i = 0; i < 5; i++)
		(void)ev_run_once(d.ev, 2);
}

/* ---- files ---- */

static inline void put_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	auto_close int fd = -EBADF;

	CHECK(dir_make(dir, 0755) == 0);
	fd = dir_open_at(AT_FDCWD, dir);
	CHECK(file_replace_at(fd, name, text, strlen(text), mode, false) == 0);
}

static inline bool is_there(const char *base, const char *name)
{
	char path[BERTH_PATH_MAX];

	return access(path_below(base, name, path), F_OK) == 0;
}

static inline const char *run_dir(uint32_t ctid)
{
	static char path[BERTH_PATH_MAX];

	return path_run_ct(&d.paths, ctid, path);
}

static inline void put_config(uint32_t ctid, const char *text)
{
	char dir[BERTH_PATH_MAX], name[24];

	(void)snprintf(name, sizeof(name), "%u.conf", ctid);
	put_file(path_below(d.paths.etc, "ct", dir), name, text, 0644);
}

static inline void put_facts(uint32_t ctid)
{
	struct ct_facts f = {
		.ctid = ctid, .id_base = ID_FIRST + (ctid - 101) * 65536, .created = 1};
	char dir[BERTH_PATH_MAX], text[2048];

	(void)snprintf(f.uuid, sizeof(f.uuid), "01234567-89ab-4cde-8f01-%012u", ctid);
	(void)snprintf(f.template_name, sizeof(f.template_name), "tiny");
	(void)memset(f.template_hash, 'a', 64);
	(void)snprintf(f.layout, sizeof(f.layout), "overlay");
	(void)snprintf(f.driver, sizeof(f.driver), "image");
	CHECK(ct_facts_format(&f, text, sizeof(text)) == 0);
	put_file(path_private(&d.paths, ctid, dir), "facts", text, 0600);
}

static inline bool has_config_file(uint32_t ctid)
{
	char path[BERTH_PATH_MAX];

	return access(path_ct_config(&d.paths, ctid, path), F_OK) == 0;
}

/* A stopped CT, on disk and in the registry. */
static inline struct ct *add_ct(uint32_t ctid, const char *conf)
{
	struct ct *ct = registry_add(&d, ctid);

	put_config(ctid, conf);
	put_facts(ctid);
	CHECK(registry_reload(&d, ct, &err) == 0);
	CHECK(dir_make(run_dir(ctid), 0755) == 0);
	return ct;
}

/* ---- workers ---- */

/*
 * What the worker does when it is started for op; without it: say_done, which gives the CT's lock back first, as
 * a worker has to. $TOP, $op, $ctid are set, and $fds, what is passed on to it.
 */
static inline void on_worker(const char *op, const char *script)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "on-%s", op);
	put_file(top, name, script, 0644);
}

static inline void write_worker(void)
{
	char text[1024];

	(void)snprintf(
		text, sizeof(text),
		"#!/bin/bash\n"
		"say_done() { for f in /proc/$$/fd/*; do f=${f##*/};\n"
		"case $f in 0|1|2|255) ;; *) eval \"exec $f>&-\" ;; esac; done; echo done; }\n"
		"[ \"$1\" != --lock ] || shift 2; fds=; [ \"$1\" != --fds ] || { fds=$2; shift 2; "
		"}; TOP=%s; shift 2; op=$1; ctid=$2\n"
		"if [ $op = destroy ]; then echo $op $ctid $3; else echo \"$*\"; fi >>$TOP/calls\n"
		"if [ -e $TOP/on-$op ]; then . $TOP/on-$op; else say_done; fi\n",
		top);
	put_file(top, "worker", text, 0755);
	(void)snprintf(d.worker_path, sizeof(d.worker_path), "%s/worker", top);
}

/* What workers were started for since the last look, as "start 101,cleanup 101,"; of destroy's words the kind alone. */
static inline const char *worker_calls(void)
{
	static char text[2048];
	auto_close int dir = dir_open_at(AT_FDCWD, top);
	auto_close int fd = openat(dir, "calls", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : fd_read_all(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ',';
	(void)unlinkat(dir, "calls", 0);
	return text;
}

/* ---- calls ---- */

struct client {
	int fd;
	size_t len;
	char buf[65536];
};

static inline void client_open(struct client *c)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[BERTH_PATH_MAX];

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%.100s",
		       path_daemon_socket(&d.paths, path));
	c->len = 0;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(connect(c->fd, (struct sockaddr *)&a, sizeof(a)) == 0);
}

/* parameters is stolen. */
static inline void client_send(struct client *c, const char *method, json_t *parameters, bool more)
{
	json_t *m = json_pack("{s:s, s:o, s:b}", "method", method, "parameters",
			      parameters != NULL ? parameters : json_object(), "more", more);
	char *text = json_dumps(m, JSON_COMPACT);

	CHECK(fd_write_all(c->fd, text, strlen(text) + 1) == 0);
	free(text);
	json_decref(m);
	settle_down();
}

/* The next reply, or NULL when none is there. */
static inline json_t *client_take(struct client *c)
{
	ssize_t n = read(c->fd, c->buf + c->len, sizeof(c->buf) - c->len);
	json_t *reply;
	size_t end;

	if (n > 0)
		c->len += (size_t)n;
	if (c->len == 0 || memchr(c->buf, '\0', c->len) == NULL)
		return NULL;
	end = strlen(c->buf) + 1;
	reply = json_loads(c->buf, 0, NULL);
	memmove(c->buf, c->buf + end, c->len - end);
	c->len -= end;
	return reply;
}

static inline json_t *client_wait(struct client *c)
{
	json_t *reply = NULL;

	WAIT_FOR(reply != NULL || (reply = client_take(c)) != NULL);
	return reply;
}

static inline void client_close(struct client *c)
{
	fd_close(&c->fd);
	settle_down();
}

/* One call and its last reply. */
static inline json_t *call(const char *method, json_t *parameters)
{
	struct client c;
	json_t *reply;

	client_open(&c);
	client_send(&c, method, parameters, false);
	reply = client_wait(&c);
	client_close(&c);
	return reply;
}

static inline json_t *ct_parameter(uint32_t ctid)
{
	char word[16];

	(void)snprintf(word, sizeof(word), "%u", ctid);
	return json_pack("{s:s}", "ct", word);
}

static inline json_t *parameters_of(json_t *reply)
{
	return json_object_get(reply, "parameters");
}

/* The code of an error reply; BERTH_OK for success. Frees the reply; the text goes to err.msg. */
static inline enum berth_errcode code_of(json_t *reply)
{
	const char *name = json_string_value(json_object_get(reply, "error"));
	const char *msg = json_string_value(json_object_get(parameters_of(reply), "message"));
	enum berth_errcode code = name == NULL ? BERTH_OK : berth_error_from_name(name);

	(void)snprintf(err.msg, sizeof(err.msg), "%s", msg != NULL ? msg : "");
	CHECK(reply != NULL);
	json_decref(reply);
	return code;
}

/* ---- CTs that run ---- */

/* A process that only a deadly signal ends. */
static inline pid_t init_begin(void)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int sig = 1; sig < 32; sig++)
		(void)signal(sig, SIG_DFL);
	(void)close_range(3, ~0U, 0);
	for (;;)
		(void)pause();
}

static inline void init_end(pid_t pid, int sig)
{
	CHECK(kill(pid, sig) == 0);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

/* The state file of this boot. monitor 0: one that has died. */
static inline void put_state(uint32_t ctid, pid_t init, pid_t monitor, bool launched)
{
	struct ct_run run = {.started = 1, .launched = launched, .stop_signal = SIGTERM};
	char text[1024];

	CHECK(boot_id_read(run.boot_id) == 0 && pidref_get(init, &run.init) == 0);
	if (monitor != 0)
		CHECK(pidref_get(monitor, &run.monitor) == 0);
	else
		run.monitor = (struct pidref){init, 1}; /* the pid is another's now */
	run.notifies = true;
	CHECK(ct_run_format(&run, text, sizeof(text)) == 0);
	put_file(run_dir(ctid), "state", text, 0644);
}

/* How init ended. */
static inline void put_exit(uint32_t ctid, int wait_status)
{
	struct ct_exit e = {.wait_status = wait_status, .known = true};
	char text[256];

	CHECK(ct_exit_format(&e, text, sizeof(text)) == 0);
	put_file(run_dir(ctid), "exit", text, 0644);
}

/* The monitor's listening socket; the test is the monitor. */
static inline int monitor_socket(uint32_t ctid)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[BERTH_PATH_MAX];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%.100s",
		       path_monitor_socket(&d.paths, ctid, path));
	(void)unlink(a.sun_path);
	CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 5) == 0);
	return fd;
}

/* A CT that runs and whose monitor the test is. */
struct running {
	struct ct *ct;
	pid_t init;
	int listener, conn; /* the monitor's ends */
};

static inline void running_begin(struct running *r, uint32_t ctid, const char *conf)
{
	r->ct = add_ct(ctid, conf);
	r->init = init_begin();
	r->listener = monitor_socket(ctid);
	put_state(ctid, r->init, getpid(), true);
	CHECK(attach_take(&d, r->ct, &err) == 0 && r->ct->monitor != NULL);
	r->ct->status = CT_RUNNING;
	r->conn = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
	CHECK(r->conn >= 0);
}

static inline void running_end(struct running *r)
{
	fd_close(&r->conn);
	fd_close(&r->listener);
}

/* The monitor says something. */
static inline void monitor_says(const struct running *r, struct mon_record rec, const int *fds,
				unsigned int n_fds)
{
	rec.version = MON_VERSION;
	CHECK(fd_send_message(r->conn, &rec, sizeof(rec), fds, n_fds) == 0);
	settle_down();
}

/* ---- the daemon ---- */

/* host_conf: the text of berth.conf. */
static inline void host_begin(const char *host_conf)
{
	char path[BERTH_PATH_MAX];

	(void)snprintf(top, sizeof(top), "/tmp/berth-test-daemon.XXXXXX");
	CHECK(mkdtemp(top) != NULL && berth_paths_init(&d.paths, top, NULL) == 0);
	CHECK(berth_paths_make(&d.paths, NULL) == 0 && ev_new(&d.ev) == 0);
	CHECK(offload_new(d.ev, 2, &d.disk) == 0);
	put_file(d.paths.etc, "berth.conf", host_conf, 0644);
	CHECK(store_host_conf_load(&d.paths, &d.host_conf, &err) == 0);
	CHECK(host_config_from(d.host_conf, &d.host, &err) == 0);
	(void)snprintf(cgroup_parent, sizeof(cgroup_parent), "/berth-unit-%d", (int)getpid());
	CHECK(cg_host_open(cgroup_parent, &d.cg, &err) == 0);
	CHECK(rpc_server_new(d.ev, path_daemon_socket(&d.paths, path), NULL, daemon_methods,
			     daemon_methods_n, NULL, 0, &d, &d.rpc, &err) == 0);
	write_worker();
}

/* After cg_host_setup and cg_ct_create: nothing is left of them. */
static inline void cgroups_end(uint32_t ctid)
{
	CHECK(cg_ct_remove(d.cg, ctid, 3000, &err) == 0 && cg_host_teardown(d.cg, &err) == 0);
	for (unsigned int i = 0; i < d.cg->n_hier; i++)
		CHECK(unlinkat(d.cg->hier[i].root, cgroup_parent + 1, AT_REMOVEDIR) == 0);
}

static inline bool all_idle(void)
{
	for (size_t i = 0; i < d.n_cts; i++)
		if (d.cts[i]->job != NULL)
			return false;
	return true;
}

static inline void host_end(void)
{
	WAIT_FOR(all_idle());
	while (d.n_cts > 0) {
		struct ct *ct = d.cts[0];

		if (ct->init_pidfd >= 0)
			(void)pidfd_send_signal(ct->init_pidfd, SIGKILL, NULL, 0);
		registry_remove(&d, ct);
	}
	settle_down();
	rpc_server_free(d.rpc);
	CHECK(d.subscribers == NULL);
	offload_free(d.disk);
	ev_free(d.ev);
	cg_host_free(d.cg);
	conf_free(d.host_conf);
	free(d.cts);
	memset(&d, 0, sizeof(d));
	while (waitpid(-1, NULL, 0) > 0)
		;
	CHECK(tree_remove_at(AT_FDCWD, top) == 0);
}

/* 77 when this cannot be tried here. Call it first in main. */
static inline int daemon_begin(void)
{
	if (geteuid() != 0) {
		(void)printf("skipped: the daemon's socket is root's; run as root\n");
		return 77;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	log_init("test", LOG_LV_ERROR);
	return 0;
}
