/*
 * berthd.c - the daemon: knows every CT, takes calls, runs workers.
 *
 * berthd [--root DIR] [--log FILE] [--version]
 *
 * Crash-only: SIGKILL at any moment loses nothing, SIGTERM just ends it. CTs, their monitors and exec
 * sessions go on.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/lock.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/base/spawn.h"
#include "runtime/ct/bounds.h"
#include "runtime/ct/store.h"
#include "runtime/daemon/audit.h"
#include "runtime/daemon/autostart.h"
#include "runtime/daemon/come_back.h"
#include "runtime/daemon/guard.h"
#include "runtime/daemon/hangup.h"
#include "runtime/daemon/hurry.h"
#include "runtime/daemon/ledger_watch.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/pool_watch.h"
#include "runtime/daemon/recover.h"
#include "runtime/daemon/space.h"
#include "runtime/daemon/worker_client.h"
#include "runtime/rpc/interfaces.h"
#include "runtime/wire/order.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

enum {
	DISK_THREADS = 8,
	GIVE_BACK = 131072, /* bytes; glibc begins with this, and raises it */
	ONLY_ONE_TRIES = 20,
	ORPHAN_TRIES = 200,
	ONLY_ONE_PAUSE_MS = 50,
};

static void on_terminate(struct ev_source *s, int sig, void *data)
{
	struct daemon *d = data;

	(void)s;
	log_line(LOG_LV_INFO, 0, "signal %d: ending; the CTs go on", sig);
	ev_stop(d->ev, 0);
}

static void on_hangup(struct ev_source *s, int sig, void *data)
{
	(void)s;
	(void)sig;
	hangup(data);
}

/* Workers report on their pipe; here their remains are only collected. */
static void on_child(struct ev_source *s, int sig, void *data)
{
	(void)s;
	(void)sig;
	(void)data;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* systemd's Type=notify contract (sd_notify(3)); nothing without NOTIFY_SOCKET. */
static void notify_ready(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	auto_close int fd = -EBADF;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t len;

	if (path == NULL || strlen(path) >= sizeof(a.sun_path) || path[0] == '\0')
		return;
	memcpy(a.sun_path, path, strlen(path));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (a.sun_path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&a, len);
}

static int listen_socket(struct daemon *d, struct berth_error *err)
{
	const struct rpc_interface interfaces[] = {
		{"io.berth", varlink_errors},
		{"io.berth.Container", varlink_container},
		{"io.berth.Template", varlink_template},
		{"io.berth.Host", varlink_host},
	};
	char path[BERTH_PATH_MAX];
	int r;

	r = rpc_server_new(d->ev, path_daemon_socket(&d->paths, path), d->host.group,
			   daemon_methods, daemon_methods_n, interfaces,
			   sizeof(interfaces) / sizeof(interfaces[0]), d, &d->rpc, err);
	if (r == 0)
		audit_begin(d);
	return r;
}

/* After the set-up worker has made PARENT/berth: what is open before it would be missing. */
static int open_cgroups(struct daemon *d, struct berth_error *err)
{
	const char *parent = d->host.cgroup_parent;
	int r = cg_host_open(parent[0] != '\0' ? parent : NULL, &d->cg, err);

	return r < 0 ? r : cg_host_claim(d->cg, d->paths.root, err);
}

/* The host is ready (or is not, and `berth doctor` says why): open for business. */
static void host_ready(const struct worker_result *result, void *data)
{
	struct daemon *d = data;
	struct berth_error err;

	if (!result->ok)
		log_line(LOG_LV_ERROR, 0, "host set-up: %s", result->error.msg);
	if (open_cgroups(d, &err) < 0 || recover_all(d, &err) < 0 || listen_socket(d, &err) < 0) {
		log_line(LOG_LV_ERROR, 0, "%s", err.msg);
		ev_stop(d->ev, 1);
		return;
	}
	guard_begin(d);
	ledger_watch_begin(d);
	pool_watch_begin(d);
	come_back_begin(d);
	hurry_begin(d);
	space_begin(d);
	autostart_begin(d);
	notify_ready();
	log_line(LOG_LV_INFO, 0, "berthd %s: %zu CTs", BERTH_VERSION, d->n_cts);
}

/* berth-worker: beside the monitor in libexec/berth, or beside this program in a build tree. */
static int find_worker(struct daemon *d, struct berth_error *err)
{
	static const char *const places[] = {"berth-worker", "../libexec/berth/berth-worker",
					     "../lib/berth/berth-worker"};
	char exe[BERTH_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 40);

	if (n < 0)
		return berth_error_sys(err, errno, "read /proc/self/exe");
	exe[n] = '\0';
	*(strrchr(exe, '/') + 1) = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		(void)snprintf(d->worker_path, sizeof(d->worker_path), "%.460s%s", exe, places[i]);
		if (access(d->worker_path, X_OK) == 0)
			return 0;
	}
	return berth_error_set(err, BERTH_ERR_HELPER, ENOENT,
			       "berth-worker is not installed (looked near %s)", exe);
}

/* For `berth log`, also when berthd is down: where its lines are. */
static void note_log(const struct daemon *d)
{
	auto_close int run = dir_open_at(AT_FDCWD, d->paths.run);
	char place[512], now[512];

	if (run < 0)
		return;
	if (log_place(place, sizeof(place)) < 0)
		(void)file_unlink_at(run, "log");
	else if (file_read_line_at(run, "log", now, sizeof(now)) < 0 || strcmp(now, place) != 0)
		(void)file_replace_at(run, "log", place, strlen(place), 0644, false);
}

/* Who has named itself in the lock is there. */
static bool holder_lives(int run)
{
	char text[16];
	int pid;

	if (file_read_line_at(run, "berthd.lock", text, sizeof(text)) < 0)
		return true;
	text[strcspn(text, "\n")] = '\0';
	return parse_int(text, &pid) < 0 || kill(pid, 0) == 0 || errno != ESRCH;
}

/* One berthd for one set of paths. The lock is held until the process ends. */
static int only_one(struct daemon *d, struct berth_error *err)
{
	auto_close int run = dir_open_at(AT_FDCWD, d->paths.run);
	struct berth_error why;
	int fd = -EWOULDBLOCK;

	if (run < 0)
		return berth_error_sys(err, run, "open %s", d->paths.run);
	/* A child that the last berthd forked holds its lock until the exec, on a busy host a while after its end. */
	for (int i = 0; i < (holder_lives(run) ? ONLY_ONE_TRIES : ORPHAN_TRIES); i++) {
		fd = lock_take(run, "berthd.lock", "berthd", &why);
		if (fd != -EWOULDBLOCK)
			break;
		(void)poll(NULL, 0, ONLY_ONE_PAUSE_MS);
	}
	if (fd < 0)
		return berth_error_set(err, BERTH_ERR_LOCKED, why.sys,
				       "berthd runs already on %s: %.200s", d->paths.run, why.msg);
	return 0;
}

/* Workers go by what berthd has begun with, whatever becomes of berth.conf. */
static int hand_down(const struct host_config *h, struct berth_error *err)
{
	static char fixed[HOST_FIXED_SIZE];
	int r = host_config_fixed_format(h, fixed);

	if (r < 0)
		return berth_error_sys(err, r, "keep the settings of berth.conf for workers");
	spawn_own_env_add(fixed);
	spawn_own_env_add(ORDER_VERSION_ENV "=" ORDER_VERSION);
	return 0;
}

static int daemon_init(struct daemon *d, const char *root, struct berth_error *err)
{
	int r = berth_paths_init(&d->paths, root, err);

	if (r == 0)
		r = berth_paths_make(&d->paths, err);
	if (r == 0)
		r = only_one(d, err);
	if (r == 0)
		note_log(d);
	if (r == 0)
		r = store_host_conf_load(&d->paths, &d->host_conf, err);
	if (r == 0)
		r = host_config_from(d->host_conf, &d->host, err);
	if (r == 0)
		r = hand_down(&d->host, err);
	if (r == 0)
		r = find_worker(d, err);
	if (r < 0)
		return r;
	r = ev_new(&d->ev);
	if (r == 0)
		r = offload_new(d->ev, DISK_THREADS, &d->disk);
	return r < 0 ? berth_error_sys(err, r, "make the event loop") : 0;
}

static int watch_signals(struct daemon *d)
{
	int r = ev_add_signal(d->ev, SIGTERM, on_terminate, d, NULL);

	if (r == 0)
		r = ev_add_signal(d->ev, SIGINT, on_terminate, d, NULL);
	if (r == 0)
		r = ev_add_signal(d->ev, SIGHUP, on_hangup, d, NULL);
	if (r == 0)
		r = ev_add_signal(d->ev, SIGCHLD, on_child, d, NULL);
	return r;
}

static int daemon_run(struct daemon *d, struct berth_error *err)
{
	static const char *const argv[] = {"host-setup", NULL};
	int r = watch_signals(d);

	if (r < 0)
		return berth_error_sys(err, r, "watch signals");
	d->keep_spare = true;
	r = worker_start(d, argv, NULL, 0, NULL, host_ready, d, err);
	if (r < 0)
		return r;
	r = ev_run(d->ev);
	ledger_watch_end();
	return r > 0 ? berth_error_set(err, BERTH_ERR_SYSTEM, EIO, "ended with an error") : r;
}

/* With a closed 0, 1 or 2 the next file opened would take that place and be written to. */
static void stdio_setup(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* Where so many are not to be had (fs.nr_open, an admin's limit), as many as are: not what was inherited. */
static void take_descriptors(void)
{
	struct rlimit files = {BERTHD_NOFILE, BERTHD_NOFILE}, now;
	struct bounds_host h;

	if (setrlimit(RLIMIT_NOFILE, &files) == 0 || getrlimit(RLIMIT_NOFILE, &now) < 0)
		return;
	bounds_read(now.rlim_cur, false, 0, &h);
	files.rlim_cur = files.rlim_max = h.nr_open;
	if (h.nr_open > now.rlim_cur && h.nr_open < BERTHD_NOFILE &&
	    setrlimit(RLIMIT_NOFILE, &files) == 0)
		return;
	now.rlim_cur = now.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &now);
}

/*
 * What a long answer took is given back: glibc would by itself keep as much as the longest, in each thread's arena.
 * One arena for the loop, whose memory stays, and one for all threads, whose does not: five kept 300 KiB more.
 */
static void give_memory_back(void)
{
	(void)mallopt(M_ARENA_MAX, 2);
	(void)mallopt(M_MMAP_THRESHOLD, GIVE_BACK);
	(void)mallopt(M_TRIM_THRESHOLD, GIVE_BACK);
}

static void process_setup(void)
{
	give_memory_back();
	stdio_setup();
	(void)signal(SIGPIPE, SIG_IGN);
	/* A slip of a script's must not end the daemon without a line. Programs run from here get the defaults. */
	(void)signal(SIGUSR1, SIG_IGN);
	(void)signal(SIGUSR2, SIG_IGN);
	(void)signal(SIGALRM, SIG_IGN);
	/* Until it is watched, a SIGHUP of a terminal or of logrotate does not end a start. */
	(void)signal(SIGHUP, SIG_IGN);
	(void)umask(0022);
	take_descriptors();
	/* When the host runs out of memory a tenant goes first (security.md 2.8). */
	(void)file_write_value_at(AT_FDCWD, "/proc/self/oom_score_adj", "-900");
}

static bool take_options(int argc, char **argv, const char **ret_root, const char **ret_log)
{
	int i = 1;

	for (; i + 1 < argc; i += 2) {
		const char **to = strcmp(argv[i], "--root") == 0  ? ret_root
				  : strcmp(argv[i], "--log") == 0 ? ret_log
								  : NULL;

		if (to == NULL || *to != NULL)
			return false;
		*to = argv[i + 1];
	}
	return i == argc;
}

int main(int argc, char **argv)
{
	static struct daemon d;
	struct berth_error err = {0};
	const char *root = NULL, *log = NULL;

	log_init("berthd", LOG_LV_INFO);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("berthd %s\n", BERTH_VERSION);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "points") == 0) {
		fault_list(stdout);
		return 0;
	}
	if (fault_init("berthd") < 0)
		log_line(LOG_LV_WARNING, 0, FAULT_ENV " names no fault table of root's: not used");
	if (!take_options(argc, argv, &root, &log)) {
		(void)fprintf(stderr, "usage: berthd [--root DIR] [--log FILE] [--version]\n");
		return berth_error_exit_status(BERTH_ERR_OPTION);
	}
	process_setup();
	if (log != NULL && log_to_file(log) < 0) {
		log_line(LOG_LV_ERROR, 0, "open the log file %s: %s", log, strerror(errno));
		return berth_error_exit_status(BERTH_ERR_VALUE);
	}
	if (daemon_init(&d, root, &err) < 0 || daemon_run(&d, &err) < 0) {
		log_line(LOG_LV_ERROR, 0, "%s", err.msg);
		return berth_error_exit_status(err.code);
	}
	return 0;
}
