/* become.c - how a worker turns into the monitor of a CT. */
#include "runtime/worker/become.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fault.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/wire/report.h"

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
	MONITOR_BACKLOG = 512,
	MONITOR_ARGS = 20
};

int monitor_listen(struct worker *w, int *ret_fd, struct berth_error *err)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[BERTH_PATH_MAX];

	path_below(w->ct_path, "monitor.sock", path);
	if (fd < 0)
		return berth_error_sys(err, errno, "make a socket");
	if (strlen(path) >= sizeof(a.sun_path))
		return berth_error_set(
			err, BERTH_ERR_VALUE, ENAMETOOLONG,
			"socket path %s is longer than %zu bytes; use a shorter --root", path,
			sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || chmod(path, 0600) < 0 ||
	    listen(fd, MONITOR_BACKLOG) < 0)
		return berth_error_sys(err, errno, "CT %u: listen on %s", w->ctid, path);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The filter travels in a sealed memfd: nobody can change it behind the monitor's back. */
static int seccomp_memfd(const struct seccomp_program *p)
{
	auto_close int fd = memfd_create("berth-seccomp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, p, sizeof(*p));
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return take_fd(&fd);
}

/* An argument list in one buffer. */
struct args {
	char text[1024];
	size_t used;
	char *argv[MONITOR_ARGS];
	int argc;
};

__attribute__((format(printf, 2, 3))) static void args_add(struct args *a, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(a->text + a->used, sizeof(a->text) - a->used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(a->text) - a->used || a->argc >= MONITOR_ARGS - 1)
		return;
	a->argv[a->argc++] = a->text + a->used;
	a->used += (size_t)n + 1;
}

/* NAME=FD, and FD survives the exec. */
static void args_add_fd(struct args *a, const char *name, int fd)
{
	if (fd < 0)
		return;
	(void)fcntl(fd, F_SETFD, 0);
	args_add(a, "%s=%d", name, fd);
}

static void args_add_list(struct args *a, const char *name, const int *fds, unsigned int n_fds)
{
	char list[192] = "";
	size_t n = 0;

	for (unsigned int i = 0; i < n_fds; i++) {
		(void)fcntl(fds[i], F_SETFD, 0);
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%d", i > 0 ? "," : "", fds[i]);
	}
	if (n_fds > 0)
		args_add(a, "%s=%s", name, list);
}

static void args_add_view(struct args *a, const struct worker *w, const struct view_fds *v)
{
	int fds[1 + VIEW_SOURCES];

	if (v == NULL || v->fuse < 0)
		return;
	fds[0] = v->fuse;
	memcpy(fds + 1, v->source, sizeof(v->source));
	args_add_list(a, "view", fds, 1 + VIEW_SOURCES);
	args_add(a, "viewuid=%u", w->host.id_base_first);
}

static void build_args(struct args *a, struct worker *w, const struct become *b)
{
	args_add(a, "berth-monitor");
	args_add(a, "%u", w->ctid);
	args_add(a, "%s", w->ct_path);
	args_add_fd(a, "init", b->init_pidfd);
	args_add(a, "initpid=%d", b->init_pid);
	args_add_fd(a, "listen", b->listen_fd);
	args_add_fd(a, "dir", w->ct_fd);
	args_add_fd(a, "console", b->console_fd);
	args_add_fd(a, "devpts", b->devpts_fd);
	args_add_fd(a, "notify", b->notify_fd);
	args_add_fd(a, "seccomp", b->kit->filter_fd);
	args_add_fd(a, "exec", b->kit->attach.unified);
	args_add_list(a, "v1", b->kit->attach.v1, b->kit->attach.n_v1);
	args_add_view(a, w, b->view);
	args_add(a, "child=%d", b->is_parent ? 1 : 0);
	args_add(a, "booted=%d", b->booted ? 1 : 0);
}

int become_prepare(struct worker *w, struct cg_host *cg, const struct seccomp_program *seccomp,
		   struct become_kit *ret, struct berth_error *err)
{
	int r = cg_ct_attach(cg, w->ctid, true, &ret->attach, err);

	if (r < 0)
		return r;
	ret->filter_fd = r = seccomp_memfd(seccomp);
	if (r >= 0) {
		ret->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		r = ret->null_fd < 0
			    ? -errno
			    : worker_sibling("berth-monitor", ret->path, sizeof(ret->path));
	}
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: prepare its monitor", w->ctid);
	if (access(ret->path, X_OK) < 0)
		return berth_error_set(err, BERTH_ERR_HELPER, errno, "CT %u: its monitor %s: %s",
				       w->ctid, ret->path, strerror(errno));
	return 0;
}

int become_monitor(struct worker *w, const struct become *b, struct berth_error *err)
{
	const char *env[3] = {log_environment(), fault_environment(), NULL};
	struct args a = {0};

	if (env[0] == NULL) {
		env[0] = env[1];
		env[1] = NULL;
	}
	(void)FAULT_POINT("become.done");
	build_args(&a, w, b);
	fd_close(&w->lock_fd); /* berthd has its own copy until it has answered */
	/* The CT runs, whatever comes of the exec: it takes a while, and a monitor that fails is replaced. */
	report_done();
	(void)sched_yield(); /* who waits for it goes first */
	(void)dup2(b->kit->null_fd, STDIN_FILENO);
	(void)dup2(b->kit->null_fd, STDOUT_FILENO);
	(void)FAULT_POINT("become.exec");
	(void)execve(b->kit->path, a.argv, (char *const *)(size_t)env);
	log_line(LOG_LV_ERROR, w->ctid, "run %s: %s", b->kit->path, strerror(errno));
	return berth_error_set(err, BERTH_ERR_HELPER, EIO, "CT %u: run its monitor", w->ctid);
}
