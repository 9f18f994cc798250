/*
 * namespaces.c - the namespaces of a CT that are needed before there is an init, and the guest's files.
 *
 * A child does each when it is asked to, so that the caller can do something else meanwhile.
 *
 * There are two user namespaces, one in the other. The kernel counts namespaces, inotify instances and the like for
 * each user of a user namespace, and again for its owner in the namespace above, against the /proc/sys/user of that
 * one. Root in a CT may write its own /proc/sys/user, so the CT's limits stand in an outer namespace, in which it
 * has no privilege and where all its users are counted as one. Both are made with the effective ids of the CT's
 * mapped root: with root as the common owner one CT could use up what all others need.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

enum {
	ORDER_USER = 'u', /* once ids are mapped in the outer one */
	ORDER_NET = 'n',
	ORDER_FILES = 'f', /* with a descriptor of the CT's root */
	CHILD_TIMEOUT_SEC = 60
};

static void say(int sock, int32_t status)
{
	if (write(sock, &status, sizeof(status)) != (ssize_t)sizeof(status))
		_exit(1);
}

/*
 * What a CT may have of each, its own included. Not here: what the host's sysctl limits for each CT already
 * (inotify watches, fanotify). A network namespace holds 220 KiB that no cgroup is charged for, and a table of
 * connections of its own.
 */
static const struct {
	const char *file, *max;
} ns_limits[] = {
	{"max_net_namespaces", "128"},	   {"max_user_namespaces", "1024"},
	{"max_mnt_namespaces", "4096"},	   {"max_pid_namespaces", "1024"},
	{"max_uts_namespaces", "1024"},	   {"max_ipc_namespaces", "1024"},
	{"max_cgroup_namespaces", "1024"}, {"max_time_namespaces", "1024"},
	{"max_inotify_instances", "4096"},
};

/* Of the user namespace that we are in. A kernel without one of the files has no such pool. */
static int set_limits(void)
{
	auto_close int dir = dir_open_at(AT_FDCWD, "/proc/sys/user");

	if (dir < 0)
		return -dir;
	for (size_t i = 0; i < sizeof(ns_limits) / sizeof(ns_limits[0]); i++) {
		int r = file_write_value_at(dir, ns_limits[i].file, ns_limits[i].max);

		if (r < 0 && r != -ENOENT)
			return -r;
	}
	return 0;
}

static int write_map(pid_t pid, uint32_t first, uint32_t id_base)
{
	char path[32], map[64];
	auto_close int dir = -EBADF;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	(void)snprintf(map, sizeof(map), "%u %u %u\n", first, id_base, (unsigned int)IDMAP_SIZE);
	dir = dir_open_at(AT_FDCWD, path);
	r = dir < 0 ? dir : file_write_value_at(dir, "uid_map", map);
	return r < 0 ? r : file_write_value_at(dir, "gid_map", map);
}

/* Stays in the outer namespace, as only from there the inner one can get its ids. */
static _Noreturn void mapper(pid_t pid, int sock, uint32_t id_base)
{
	int32_t status;

	if (read(sock, &status, sizeof(status)) != (ssize_t)sizeof(status))
		_exit(1);
	status = write_map(pid, 0, id_base);
	say(sock, status);
	_exit(0);
}

static int unshare_mapped(int sock)
{
	int32_t status = 0;

	if (unshare(CLONE_NEWUSER) < 0)
		return errno;
	say(sock, status);
	if (read(sock, &status, sizeof(status)) != (ssize_t)sizeof(status))
		return ECHILD;
	return -status;
}

static int make_inner(uint32_t id_base)
{
	int r = set_limits(), sv[2];
	pid_t self = getpid(), pid;

	if (r != 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return errno;
	/* The files of a process that is not dumpable belong to the host's root. No tenant can see us yet. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return errno;
	pid = sys_clone3(0, SIGCHLD, -1);
	if (pid == 0) {
		(void)close(sv[0]);
		mapper(self, sv[1], id_base);
	}
	(void)close(sv[1]);
	r = pid < 0 ? (int)-pid : unshare_mapped(sv[0]);
	(void)close(sv[0]);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 && r == 0)
		r = errno;
	return r;
}

static int make_outer(uint32_t id_base)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	int r;

	/* A user namespace remembers it as a limit of all its processes; cgroups limit those of a CT. */
	(void)setrlimit(RLIMIT_NPROC, &none);
	if (setresgid((gid_t)-1, id_base, (gid_t)-1) < 0 ||
	    setresuid((uid_t)-1, id_base, (uid_t)-1) < 0)
		return errno;
	/* Hosts that forbid user namespaces to users still allow them to CAP_SYS_ADMIN. */
	r = caps_raise_effective();
	if (r < 0)
		return -r;
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

static int make_net(void)
{
	int r = process_become_root();

	if (r < 0)
		return -r;
	return unshare(CLONE_NEWNET) < 0 ? errno : 0;
}

/* The status comes with the namespace, as the child may be gone when it is heard. */
static void say_net(int sock)
{
	int32_t status = make_net();
	int fd = status == 0 ? open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) : -EBADF;

	if (status == 0 && fd < 0)
		status = errno;
	if (fd_send_message(sock, &status, sizeof(status), &fd, fd >= 0) < 0)
		_exit(1);
}

/* A full disk is the tenant's doing: the CT starts all the same. */
static void write_files(int root_fd, const struct guest_config *guest, int sock)
{
	struct berth_error err = {0};

	if (guest_setup(root_fd, guest, &err) == 0)
		(void)guest_check_resolver(root_fd, guest, &err);
	(void)fd_send_message(sock, &err, sizeof(err), NULL, 0);
}

/* The child: one order after the other, to the end of the file (a killed caller is one, too). */
static _Noreturn void ns_child(uint32_t id_base, const struct guest_config *guest, int sock)
{
	unsigned int n_fds;
	int root_fd;
	char c;

	/* Neither the CT's lock nor berthd's report: it may be killed, and stay for a while. */
	if (process_close_others(&sock, 1) < 0)
		_exit(1);
	say(sock, make_outer(id_base));
	while (fd_recv_message(sock, &c, 1, &root_fd, 1, &n_fds) == 1) {
		if (c == ORDER_USER)
			say(sock, make_inner(id_base));
		if (c == ORDER_NET)
			say_net(sock);
		if (c == ORDER_FILES && n_fds == 1)
			write_files(root_fd, guest, sock);
		if (c == ORDER_FILES)
			break; /* the last of all */
	}
	_exit(0);
}

/*
 * Debian's switch that forbids user namespaces to users. In the outer namespace we are one to it, so there is but
 * one namespace on such a host, and the limits are what the host's own /proc/sys/user says. Doctor tells.
 */
static bool users_are_refused(void)
{
	char value[8];

	return file_read_line_at(AT_FDCWD, "/proc/sys/kernel/unprivileged_userns_clone", value,
				 sizeof(value)) == 0 &&
	       strcmp(value, "0") == 0;
}

int launch_ns_begin(uint32_t id_base, const struct guest_config *guest, struct launch_ns *ret,
		    struct berth_error *err)
{
	struct launch_ns ns = {.id_base = id_base, .userns_fd = -EBADF, .netns_fd = -EBADF};
	const struct timeval limit = {.tv_sec = CHILD_TIMEOUT_SEC};
	int sv[2];

	if (id_base < IDMAP_BASE_MIN || id_base > UINT32_MAX - IDMAP_SIZE)
		return berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
				       "id base %u is outside %d..%u; lower ids are the host's own",
				       id_base, (int)IDMAP_BASE_MIN, UINT32_MAX - IDMAP_SIZE);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return berth_error_sys(err, errno, "make a user namespace: socketpair");
	(void)setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	ns.single = users_are_refused();
	ns.pid = sys_clone3(0, SIGCHLD, -1);
	if (ns.pid == 0) {
		(void)close(sv[0]);
		ns_child(id_base, guest, sv[1]);
	}
	(void)close(sv[1]);
	ns.sock = sv[0];
	if (ns.pid < 0) {
		(void)close(ns.sock);
		return berth_error_sys(err, -ns.pid, "make a user namespace: clone3");
	}
	*ret = ns;
	return 0;
}

/* What the child says of the namespace it was to make; ret_fd (may be NULL) gets what came with it. */
static int hear(const struct launch_ns *ns, const char *what, int *ret_fd, struct berth_error *err)
{
	int32_t status;
	unsigned int n_fds = 0;
	ssize_t n =
		fd_recv_message(ns->sock, &status, sizeof(status), ret_fd, ret_fd != NULL, &n_fds);

	if (n == -EAGAIN)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "making a %s namespace took more than %d seconds", what,
				       (int)CHILD_TIMEOUT_SEC);
	if (n != (ssize_t)sizeof(status) || (status == 0 && n_fds != (ret_fd != NULL)))
		return berth_error_sys(err, ECHILD,
				       "make a %s namespace: the helper process was killed", what);
	if (status != 0)
		return berth_error_sys(err, status,
				       "make a %s namespace as uid %u (see "
				       "/proc/sys/user/max_%s_namespaces)",
				       what, ns->id_base, what);
	return 0;
}

static int open_proc(const struct launch_ns *ns, struct berth_error *err)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)ns->pid);
	fd = dir_open_at(AT_FDCWD, path);
	return fd < 0 ? berth_error_sys(err, -fd, "open %s", path) : fd;
}

static void send_order(const struct launch_ns *ns, char order)
{
	(void)send(ns->sock, &order, 1, MSG_NOSIGNAL); /* to a dead child: hear tells */
}

int launch_ns_user(struct launch_ns *ns, struct berth_error *err)
{
	auto_close int proc_fd = -EBADF;
	int r = hear(ns, "user", NULL, err);

	if (r < 0)
		return r;
	r = write_map(ns->pid, ns->single ? 0 : ns->id_base, ns->id_base);
	if (r < 0)
		return berth_error_sys(err, -r, "map ids %u to %u in /proc/%d/uid_map", ns->id_base,
				       ns->id_base + IDMAP_SIZE - 1, (int)ns->pid);
	if (!ns->single) {
		send_order(ns, ORDER_USER);
		r = hear(ns, "user", NULL, err);
	}
	if (r == 0)
		r = proc_fd = open_proc(ns, err);
	if (r < 0)
		return r;
	ns->userns_fd = openat(proc_fd, "ns/user", O_RDONLY | O_CLOEXEC);
	return ns->userns_fd < 0
		       ? berth_error_sys(err, errno, "open the user namespace of a new container")
		       : 0;
}

void launch_ns_net_begin(struct launch_ns *ns)
{
	send_order(ns, ORDER_NET);
}

int launch_ns_net(struct launch_ns *ns, struct berth_error *err)
{
	return hear(ns, "net", &ns->netns_fd, err);
}

void launch_ns_files_begin(struct launch_ns *ns, int root_fd)
{
	const char order = ORDER_FILES;

	if (fd_send_message(ns->sock, &order, 1, &root_fd, 1) < 0)
		(void)shutdown(ns->sock, SHUT_WR); /* it ends, and launch_ns_files tells */
}

int launch_ns_files(struct launch_ns *ns, struct berth_error *err)
{
	struct berth_error said;
	unsigned int n_fds;
	ssize_t n = fd_recv_message(ns->sock, &said, sizeof(said), NULL, 0, &n_fds);

	if (n == -EAGAIN)
		return berth_error_set(
			err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
			"writing the container's own files took more than %d seconds",
			(int)CHILD_TIMEOUT_SEC);
	if (n != (ssize_t)sizeof(said))
		return berth_error_set(
			err, BERTH_ERR_RESOURCES, ECHILD,
			"the process that writes the container's own files was killed; is "
			"there too little memory? see dmesg");
	if (said.sys != 0 && err != NULL)
		*err = said;
	return -said.sys;
}

void launch_ns_end(struct launch_ns *ns)
{
	if (ns->pid <= 0)
		return;
	fd_close(&ns->sock);
	process_end(ns->pid);
	ns->pid = 0;
}

int launch_userns(uint32_t id_base, int *ret_userns_fd, struct berth_error *err)
{
	struct launch_ns ns;
	int r = launch_ns_begin(id_base, NULL, &ns, err);

	if (r < 0)
		return r;
	r = launch_ns_user(&ns, err);
	launch_ns_end(&ns);
	if (r == 0)
		*ret_userns_fd = ns.userns_fd;
	return r;
}
