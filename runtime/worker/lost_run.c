/*
 * lost_run.c - finds a running CT again without its state file.
 *
 * Its init is the one process in its cgroup that is process 1 of a pid namespace right below ours and
 * has exec'd: what a killed start leaves waiting has not. Nothing of the CT's own files is looked at:
 * they may hang.
 */
#include "runtime/worker/lost_run.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/ct/mounted.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/record.h"
#include "runtime/worker/proc_text.h"
#include "templates/guest.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

enum {
	PROCS_MAX = 4 << 20, /* bytes of a cgroup.procs */
	STATUS_MAX = 1 << 20, /* a tenant's init may have very many groups */
	STAT_MAX = 4096,
	CMDLINE_MAX = 4096, /* a monitor's is shorter */
	CGROUP_DEPTH_MAX = 64,
	MONITOR_ANSWER_S = 2,
	MONITOR_END_MS = 5000,
};

/* ---- init ---- */

static int proc_open(pid_t pid)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	return dir_open_at(AT_FDCWD, path);
}

/* Gone meanwhile: for certain no init (any more). */
static bool is_gone(int r)
{
	return r == -ENOENT || r == -ESRCH;
}

/* 1, 0, or -errno when that cannot be told. */
static int is_init(pid_t pid, struct pidref *ret)
{
	auto_free char *status = NULL, *stat = NULL;
	auto_close int dir = proc_open(pid);
	uint64_t start;
	int r = dir < 0 ? dir : file_read_at(dir, "status", STATUS_MAX, &status, NULL);

	if (r == 0)
		r = file_read_at(dir, "stat", STAT_MAX, &stat, NULL);
	if (r == 0)
		r = pidref_parse_stat(stat, &start);
	if (r < 0)
		return is_gone(r) ? 0 : r;
	if (!proc_is_first(status) || !proc_has_execed(stat))
		return 0;
	*ret = (struct pidref){.pid = pid, .start_time = start};
	return 1;
}

/* Among the processes of one cgroup; those of another pid namespace than ours are 0. */
static int find_in_procs(int dir, struct pidref *ret)
{
	auto_free char *text = NULL;
	char *p, *line;
	int r = file_read_at(dir, "cgroup.procs", PROCS_MAX, &text, NULL);

	/* EOPNOTSUPP: threaded, its processes are listed above. */
	if (r < 0)
		return r == -ENODEV || r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
	for (p = text, r = 0; r == 0 && (line = strsep(&p, "\n")) != NULL;) {
		int pid;

		if (parse_int(line, &pid) == 0 && pid > 0)
			r = is_init(pid, ret);
	}
	return r;
}

static bool is_subdir(const struct dirent *e)
{
	return e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* 1, 0, or -errno when that cannot be told of one of the processes. */
static int find_below(int dirfd, unsigned int depth, struct pidref *ret)
{
	auto_closedir DIR *d = dir_stream_at(dirfd, ".");
	struct dirent *e;
	int r = d == NULL ? -errno : find_in_procs(dirfd, ret);

	while (r == 0 && depth < CGROUP_DEPTH_MAX && (e = readdir(d)) != NULL) {
		auto_close int sub = -EBADF;

		if (!is_subdir(e))
			continue;
		sub = dir_open_at(dirfd, e->d_name);
		if (sub < 0)
			r = is_gone(sub) ? 0 : sub;
		else
			r = find_below(sub, depth + 1, ret);
	}
	return r;
}

/*
 * Without a cgroup here its processes may be in one elsewhere: CGROUP_PARENT was another when it started. All of
 * them have its volume mounted. -ESRCH: the kernel says that nothing uses that.
 */
static int check_volume(struct worker *w, struct berth_error *err)
{
	const struct volume_driver *d;
	struct berth_error why;
	struct ct_facts facts;
	int dir, r = ct_facts_load(&w->paths, w->ctid, &facts, &why);

	d = r < 0 ? NULL : volume_driver_find(facts.driver);
	dir = r < 0 ? r : worker_private_dir(w, &why);
	if (dir >= 0 && d != NULL)
		r = volume_in_use(d, dir, &why);
	else if (dir >= 0)
		r = berth_error_set(&why, BERTH_ERR_BROKEN, EINVAL,
				    "its volume is of no known kind");
	if (r == 0 && dir >= 0)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH,
				       "CT %u: it has no cgroup, and nothing uses its volume",
				       w->ctid);
	if (r > 0)
		return berth_error_set(
			err, BERTH_ERR_UNKNOWN, EBUSY,
			"CT %u: it has no cgroup here, but its volume is in use; did CGROUP_PARENT "
			"in %s/berth.conf change since it was started?",
			w->ctid, w->paths.etc);
	return berth_error_set(
		err, BERTH_ERR_UNKNOWN, why.sys,
		"CT %u: it has no cgroup, and cannot find out whether its volume is in use: %.200s",
		w->ctid, why.msg);
}

int lost_run_init(struct worker *w, struct cg_host *cg, struct pidref *ret, struct berth_error *err)
{
	auto_close int dir = cg_ct_dir(cg, w->ctid);
	int found = dir < 0 ? dir : find_below(dir, 0, ret);

	if (found == 1)
		return 0;
	if (dir == -ENOENT)
		return check_volume(w, err);
	if (found < 0 && found != -ENOENT)
		return berth_error_set(err, BERTH_ERR_UNKNOWN, -found,
				       "CT %u: look at the processes in its cgroup: %s", w->ctid,
				       strerror(-found));
	return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ESRCH,
			       "CT %u: no process in its cgroup is its init", w->ctid);
}

/* ---- what init tells by itself ---- */

static uint64_t started_at(const struct pidref *init)
{
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK), now = (uint64_t)time(NULL), age;

	age = clock_uptime_s() - init->start_time / ticks;
	return age < now ? now - age : now;
}

/* What it runs now; without links and files of the CT being followed. */
static enum guest_init kind_of_init(int proc_dir)
{
	static const char deleted[] = " (deleted)"; /* an upgrade inside replaces the file */
	char path[PATH_MAX];
	ssize_t n = readlinkat(proc_dir, "exe", path, sizeof(path) - 1);
	size_t tail = sizeof(deleted) - 1;

	if (n < 0)
		return GUEST_INIT_OTHER;
	path[n] = '\0';
	if ((size_t)n > tail && strcmp(path + (size_t)n - tail, deleted) == 0)
		path[(size_t)n - tail] = '\0';
	return guest_init_kind_named(path);
}

static void learn_from_init(struct ct_run *run)
{
	auto_close int dir = proc_open(run->init.pid);
	auto_free char *cmdline = NULL;
	enum guest_init kind = dir < 0 ? GUEST_INIT_OTHER : kind_of_init(dir);
	int sig = guest_init_stop_signal(kind);
	size_t len;

	run->started = started_at(&run->init);
	run->notifies = kind == GUEST_INIT_SYSTEMD;
	/* A waiting shell (runscript) takes no signal: it is killed. */
	if (dir >= 0 && file_read_at(dir, "cmdline", CMDLINE_MAX, &cmdline, &len) == 0 &&
	    proc_is_shell_command(cmdline, len))
		return;
	run->stop_signal = sig > 0 ? sig : 0;
	if (guest_init_stop_command(kind) != NULL)
		(void)snprintf(run->stop_command, sizeof(run->stop_command), "%s",
			       guest_init_stop_command(kind));
}

/* ---- its monitor ---- */

static int monitor_socket(struct worker *w)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = MONITOR_ANSWER_S};
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[BERTH_PATH_MAX];

	path_monitor_socket(&w->paths, w->ctid, path);
	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return fd < 0 ? -errno : -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path) + 1);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return take_fd(&fd);
}

/* One that does not answer is busy, but lives: what it would say is in the files as well. */
static void ask_booted(struct worker *w, int fd, bool *ret)
{
	char buf[sizeof(struct mon_record) + 1], path[BERTH_PATH_MAX];
	struct mon_record rec;
	ssize_t n;

	mon_record_init(&rec, MON_HELLO);
	n = send(fd, &rec, sizeof(rec), MSG_NOSIGNAL) < 0 ? -1 : recv(fd, buf, sizeof(buf), 0);
	if (n > 0 && mon_record_check(buf, (size_t)n, &rec) == 0 && rec.type == MON_STATE)
		*ret = rec.b == 1;
	else
		*ret = access(path_below(w->ct_path, "booted", path), F_OK) == 0;
}

/* 1 when the monitor is there, 0 when nobody listens. */
static int ask_monitor(struct worker *w, struct lost_run *f, struct berth_error *err)
{
	auto_close int fd = monitor_socket(w);
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);
	int r = fd;

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return 0;
	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		r = -errno;
	if (r >= 0)
		r = peer.pid > 0 && peer.uid == 0 ? pidref_get(peer.pid, &f->run.monitor) : -EPERM;
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: ask its monitor", w->ctid);
	ask_booted(w, fd, &f->booted);
	return 1;
}

/* A descriptor of another process, -EBADF when it has none. */
static int fd_of(int pidfd, int number)
{
	int fd = number < 0 ? -1 : pidfd_getfd(pidfd, number, 0);

	return fd < 0 ? -EBADF : fd;
}

/* 1, 0, or -errno when that cannot be told. */
static int is_monitor(struct worker *w, pid_t pid, struct proc_monitor *ret)
{
	auto_free char *cmdline = NULL, *status = NULL;
	auto_close int dir = proc_open(pid);
	size_t len;
	int r = dir < 0 ? dir : file_read_at(dir, "status", STATUS_MAX, &status, NULL);

	if (r == 0)
		r = file_read_at(dir, "cmdline", CMDLINE_MAX, &cmdline, &len);
	if (r == -EFBIG)
		return 0; /* longer than a monitor's */
	if (r < 0)
		return is_gone(r) ? 0 : r;
	return proc_is_root(status) && proc_is_monitor(cmdline, len, w->ctid, w->ct_path, ret);
}

/* Its socket's name is gone, so nobody can ever reach it; a second one beside it would make two. */
static int end_monitor(struct worker *w, pid_t pid, struct lost_run *f, struct berth_error *err)
{
	auto_close int pidfd = pid_open(pid);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	struct proc_monitor m;
	int r = pidfd < 0 ? pidfd : is_monitor(w, pid, &m);

	/* Looked at while we hold it: the number may be another process's by now. */
	if (r == 0 || r == -ESRCH || (r == 1 && pidfd_send_signal(pidfd, 0, NULL, 0) < 0))
		return 0;
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: look at its old monitor (pid %d)", w->ctid,
				       pid);
	f->console_fd = fd_of(pidfd, m.console);
	f->notify_fd = fd_of(pidfd, m.notify);
	(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	if (poll(&p, 1, MONITOR_END_MS) == 1)
		return 0;
	fd_close(&f->console_fd);
	fd_close(&f->notify_fd);
	return berth_error_set(err, BERTH_ERR_STUCK, EBUSY,
			       "CT %u: its old monitor (pid %d) does not end; see /proc/%d/stack",
			       w->ctid, pid, pid);
}

static int end_unreachable(struct worker *w, struct lost_run *f, struct berth_error *err)
{
	auto_closedir DIR *d = opendir("/proc");
	struct proc_monitor m;
	struct dirent *e;
	int pid, r = 0;

	if (d == NULL)
		return berth_error_sys(err, errno, "CT %u: look for its monitor in /proc", w->ctid);
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (parse_int(e->d_name, &pid) < 0 || pid <= 0)
			continue;
		r = is_monitor(w, pid, &m);
		if (r == 1)
			r = end_monitor(w, pid, f, err);
		else if (r < 0)
			return berth_error_sys(err, r, "CT %u: is process %d its monitor", w->ctid,
					       pid);
	}
	return r;
}

/* The volume is mounted where the monitor is, and there only. */
static dev_t volume_dev(struct worker *w, const struct pidref *monitor)
{
	auto_close int fd = ct_mounted_volume_open(&w->paths, w->ctid, monitor);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_dev : 0;
}

int lost_run_find(struct worker *w, struct cg_host *cg, struct lost_run *ret,
		  struct berth_error *err)
{
	struct lost_run f = {.run = {.launched = true}, .console_fd = -EBADF, .notify_fd = -EBADF};
	int r = lost_run_init(w, cg, &f.run.init, err);

	if (r < 0)
		return r;
	r = boot_id_read(f.run.boot_id);
	if (r < 0)
		return berth_error_sys(err, r, "read the boot id");
	learn_from_init(&f.run);
	r = ask_monitor(w, &f, err);
	if (r < 0)
		return r;
	f.served = r == 1;
	if (f.served) {
		f.run.volume_dev = volume_dev(w, &f.run.monitor);
	} else {
		/* READY=1 is said once, and nobody is left who has heard it. */
		f.booted = true;
		r = end_unreachable(w, &f, err);
		if (r < 0)
			return r;
	}
	*ret = f;
	return 0;
}
