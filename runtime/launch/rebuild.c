/*
 * rebuild.c - programs of the host's that take a CT down to images, and make it anew from them.
 *
 * The dumper has the ids of the CT's mapped root and some capabilities of the host: as the owner of the CT's user
 * namespace it has every capability in it, also one that the host's own root has not got. It sits in the CT's UTS and
 * network namespaces, which count as its own then, and are not dumped: berth makes them itself.
 *
 * The rebuilder has no privilege of the host's. It is root of the CT's user namespace, in namespaces that belong to
 * that, and sees of the host's files what any user sees. What the CT's root must not be able to change is made
 * before (cage.c) and stands in its /run/ct, where it takes it from.
 */
#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/spawn.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	SOCK = LAUNCH_REBUILD_SOCK,
	CONSOLE = LAUNCH_REBUILD_CONSOLE,
	ABOVE = 10,
	START_MS = 60000
};

/* What the child says before it becomes the program: one write on a socket; with the console's master. */
struct rebuild_report {
	int32_t r;
	struct berth_error err;
};

static int fail(struct berth_error *err, const char *what)
{
	return berth_error_sys(err, errno, "%s", what);
}

/* ---- both ---- */

/* 0 and 1 lead nowhere, 2 is the caller's log; sock becomes SOCK and console (or -1) CONSOLE. */
static int place_fds(int sock, int console, int say)
{
	int keep[] = {0, 1, 2, SOCK, CONSOLE, say};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int high[2] = {fcntl(sock, F_DUPFD_CLOEXEC, ABOVE),
		       console < 0 ? -1 : fcntl(console, F_DUPFD_CLOEXEC, ABOVE)};

	if (null < 0 || high[0] < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return -errno;
	if (dup2(high[0], SOCK) < 0 || dup2(console < 0 ? null : high[1], CONSOLE) < 0)
		return -errno;
	return process_close_others(keep, 6);
}

static void run(const char *const *argv, const char *const *env)
{
	(void)execve(argv[0], (char *const *)(size_t)argv, (char *const *)(size_t)env);
}

static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
	"XDG_RUNTIME_DIR=/run", NULL};

static _Noreturn void end_child(int say, int r, const struct berth_error *err, int fd)
{
	struct rebuild_report rep = {.r = r};

	if (r < 0)
		rep.err = *err;
	(void)fd_send_message(say, &rep, sizeof(rep), &fd, fd >= 0 ? 1 : 0);
	_exit(1);
}

/* -ETIMEDOUT, -errno, 0 at the end of the file. */
static ssize_t next_report(int sock, struct rebuild_report *ret, int *ret_fd)
{
	unsigned int n_fds = 0;
	int r = fd_wait(sock, POLLIN, START_MS);

	if (r <= 0)
		return r < 0 ? r : -ETIMEDOUT;
	return fd_recv_message(sock, ret, sizeof(*ret), ret_fd, ret_fd != NULL, &n_fds);
}

/* A child that was killed closes its end, too. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == pid;
}

/* The child has said that all is ready (and perhaps a descriptor); the end of the file is the exec. */
static int collect(int sock, pid_t pid, int *ret_fd, struct berth_error *err)
{
	struct rebuild_report rep;
	ssize_t n = next_report(sock, &rep, ret_fd);

	if (n == (ssize_t)sizeof(rep) && rep.r == 0)
		n = next_report(sock, &rep, NULL);
	if (n == 0 && !has_ended(pid))
		return 0;
	process_end(pid);
	if (n == -ETIMEDOUT)
		return berth_error_set(err, BERTH_ERR_TIMEOUT, ETIMEDOUT,
				       "the process that runs it was not ready within %d s",
				       START_MS / 1000);
	if (n != (ssize_t)sizeof(rep))
		return berth_error_set(err, BERTH_ERR_RESOURCES, ECHILD,
				       "the process that runs it died (too little memory?)");
	*err = rep.err;
	return rep.r;
}

/* ---- what both ask of the kernel ---- */

static int new_mounts(struct berth_error *err)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(err, "make a mount namespace");
	return 0;
}

static int stage_tmpfs(const char *path, const char *options)
{
	return mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0 ? -errno : 0;
}

/*
 * What it asks of the kernel as root is in /run/criu.kdat then: without privilege it believes that, and asks nothing.
 * One of the questions is a TCP connection to 127.0.0.1 (criu/kerndat.c, kerndat_tcp_repair): in a network whose root
 * has set lo down, or whose packet filter drops there, that one takes two minutes. So: in the host's network.
 */
static int stage_warm(const char *const *probe, struct berth_error *err)
{
	struct berth_error why;

	(void)spawn_run(probe, &why); /* what it finds missing is no matter here */
	if (chmod("/run/criu.kdat", 0644) < 0)
		return berth_error_sys(err, errno, "run %s %s", probe[0], probe[1]);
	return 0;
}

/* ---- the dumper ---- */

/*
 * To stop processes and read their memory (ptrace, also of what its owner may not dump), their files, whoever has
 * them, their sockets (repair mode), and to signal them. As the owner of the CT's user namespace it has them all in
 * there.
 */
static const uint64_t dumper_caps =
	UINT64_C(1) << CAP_SYS_PTRACE | UINT64_C(1) << CAP_SYS_ADMIN |
	UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_DAC_READ_SEARCH |
	UINT64_C(1) << CAP_FOWNER | UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_KILL |
	UINT64_C(1) << CAP_SYS_RESOURCE | UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID |
	UINT64_C(1) << CAP_SYS_CHROOT | UINT64_C(1) << CAP_IPC_OWNER;

static int dumper_stage(const struct launch_dumper *d, struct berth_error *err)
{
	int r = new_mounts(err);

	if (r == 0 && (r = stage_tmpfs("/run", "mode=0755,size=1m")) < 0)
		(void)berth_error_sys(err, r, "make the dumper's /run");
	return r == 0 ? stage_warm(d->probe, err) : r;
}

static int dumper_join(const struct launch_dumper *d, struct berth_error *err)
{
	int r;

	(void)umask(077); /* what it writes is the CT's memory */
	if (setns(d->init_pidfd, CLONE_NEWUTS | CLONE_NEWNET) < 0)
		return fail(err, "join the container's network namespace");
	if (setgroups(0, NULL) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
	    setresgid(d->id_base, d->id_base, d->id_base) < 0 ||
	    setresuid(d->id_base, d->id_base, d->id_base) < 0)
		return fail(err, "become the owner of the container's user namespace");
	r = caps_keep(dumper_caps);
	if (r < 0)
		return berth_error_sys(err, r, "keep the capabilities");
	if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){d->file_max, d->file_max}) < 0)
		return fail(err, "limit what it writes");
	return 0;
}

int launch_dumper(const struct launch_dumper *d, pid_t *ret, struct berth_error *err)
{
	struct berth_error why = {0};
	int sv[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return fail(err, "socketpair");
	pid = sys_clone3(0, SIGCHLD, -1);
	if (pid == 0) {
		r = dumper_stage(d, &why);
		if (r == 0)
			r = dumper_join(d, &why);
		if (r == 0 && place_fds(d->sock, -1, sv[1]) < 0)
			r = fail(&why, "place descriptors");
		if (r == 0) {
			sys_reset_signals();
			(void)signal(SIGXFSZ, SIG_IGN); /* an error of write(2), and no end */
			run(d->argv, environment);
			r = fail(&why, d->argv[0]);
		}
		end_child(sv[1], r, &why, -EBADF);
	}
	(void)close(sv[1]);
	r = pid < 0 ? berth_error_sys(err, -pid, "clone3") : collect(sv[0], pid, NULL, err);
	(void)close(sv[0]);
	if (r == 0)
		*ret = pid;
	return r;
}

/* ---- the rebuilder's /run/ct ---- */

/* Clones of mounts that its own mount namespace will hide, or not have. */
struct stage {
	int root, images;
};

static int stage_take(const struct launch_rebuild *b, struct stage *s, struct berth_error *err)
{
	s->root = open_tree(b->root_fd, "",
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (s->root < 0)
		return fail(err, "take the container's root mount");
	s->images =
		open_tree(b->images_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	return s->images < 0 ? fail(err, "take the images' directory") : 0;
}

static int put_dir(int mount_fd, const char *path)
{
	if (mkdir(path, 0755) < 0)
		return -errno;
	return move_mount(mount_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

static int put_file(int mount_fd, const char *path)
{
	if (mknod(path, S_IFREG | 0644, 0) < 0)
		return -errno;
	return move_mount(mount_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

static int put_nodes(const struct launch_spec *spec, int nodes_fd)
{
	int nodes[NODE_MAX], r;

	for (int i = 0; i < NODE_MAX; i++)
		nodes[i] = -EBADF;
	r = put_dir(nodes_fd, "/run/ct/nodes");
	if (r == 0)
		r = devices_clone(spec, nodes_fd, nodes);
	for (int i = 0; i < NODE_MAX && r == 0; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/run/ct/%s", device_file(i));
		if (nodes[i] >= 0)
			r = put_file(nodes[i], path);
	}
	return r;
}

/* In a mount namespace of our own, as the host's root. */
static int stage_make(const struct launch_spec *spec, struct stage *s, struct cage *cage,
		      struct berth_error *err)
{
	int r = stage_tmpfs("/run", "mode=0755,size=1m");

	if (r == 0)
		r = stage_tmpfs("/tmp", "mode=1777,size=16m");
	if (r == 0 && mkdir("/run/ct", 0755) < 0)
		r = -errno;
	if (r == 0)
		r = put_dir(s->root, "/run/ct/root");
	if (r == 0)
		r = put_dir(s->images, "/run/ct/images");
	if (r == 0)
		r = put_dir(cage->sys, "/run/ct/sys");
	if (r == 0)
		r = put_dir(cage->pts, "/run/ct/pts");
	if (r == 0 && cage->view >= 0)
		r = put_dir(cage->view, "/run/ct/view");
	if (r == 0)
		r = put_file(cage->console, "/run/ct/console");
	if (r == 0)
		r = put_nodes(spec, cage->nodes);
	if (r == 0 && (mkdir("/run/ct/cgroup", 0755) < 0 || mkdir("/run/ct/proc", 0755) < 0))
		r = -errno;
	return r < 0 ? berth_error_sys(err, r, "make the rebuilder's /run") : 0;
}

/* ---- the rebuilder ---- */

static int join_host(const struct launch_rebuild *b, struct berth_error *err)
{
	int r = process_join_cgroups(b->cgroup, true);

	if (r == 0) {
		process_settle_oom(true);
		r = process_settle_host();
	}
	if (r == 0)
		r = process_new_keyring();
	return r < 0 ? berth_error_sys(err, r, "join the container's cgroups") : 0;
}

/* The CT's clocks go on where they were. They are those of what is made from here on, not ours. */
static int set_clocks(const struct launch_rebuild *b)
{
	char text[128];

	if (unshare(CLONE_NEWTIME) < 0)
		return -errno;
	(void)snprintf(text, sizeof(text), "monotonic %lld %ld\nboottime %lld %ld",
		       (long long)b->monotonic.tv_sec, b->monotonic.tv_nsec,
		       (long long)b->boottime.tv_sec, b->boottime.tv_nsec);
	return file_write_value_at(AT_FDCWD, "/proc/self/timens_offsets", text);
}

static int join_ct(const struct launch_rebuild *b, struct berth_error *err)
{
	auto_close int cgroup = -EBADF;
	int r;

	if (setns(b->userns_fd, CLONE_NEWUSER) < 0)
		return fail(err, "join the container's user namespace");
	r = process_become_root();
	if (r < 0)
		return berth_error_sys(err, r, "become root of the container's user namespace");
	if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0)
		return fail(err, "make namespaces of the container's");
	if (sethostname(b->hostname, strlen(b->hostname)) < 0)
		return fail(err, "set the host name");
	/* The dumpable flag, which /proc/self belongs to the host's root without, went with the ids. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return fail(err, "prctl");
	r = set_clocks(b);
	if (r < 0)
		return berth_error_sys(err, r, "make a time namespace");
	cgroup =
		fs_mount("cgroup2", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (cgroup < 0 ||
	    move_mount(cgroup, "", AT_FDCWD, "/run/ct/cgroup", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail(err, "mount the container's cgroups");
	return 0;
}

static int warm_in_host_net(const struct launch_rebuild *b, int host_net, struct berth_error *err)
{
	int r;

	if (setns(host_net, CLONE_NEWNET) < 0)
		return fail(err, "go back to the host's network namespace");
	r = stage_warm(b->probe, err);
	if (r == 0 && setns(b->netns_fd, CLONE_NEWNET) < 0)
		r = fail(err, "join the container's network namespace");
	return r;
}

static int rebuilder_make(const struct launch_rebuild *b, struct cage *cage,
			  struct berth_error *err)
{
	const struct launch_spec spec = {.id_base = b->id_base,
					 .dev_tun = b->dev_tun,
					 .dev_fuse = b->dev_fuse,
					 .pts_fd = b->pts_fd,
					 .view_fd = b->view_fd};
	auto_close int host_net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct stage s = {-EBADF, -EBADF};
	int r = host_net < 0 ? fail(err, "open the host's network namespace") : join_host(b, err);

	if (r == 0)
		r = stage_take(b, &s, err);
	if (r == 0 && setns(b->netns_fd, CLONE_NEWNET) < 0)
		r = fail(err, "join the container's network namespace");
	if (r == 0)
		r = cage_make(&spec, cage, err);
	if (r == 0)
		r = new_mounts(err);
	if (r == 0 && b->host_covered)
		r = mounts_uncover_host(err);
	if (r == 0)
		r = stage_make(&spec, &s, cage, err);
	if (r == 0)
		r = warm_in_host_net(b, host_net, err);
	return r == 0 ? join_ct(b, err) : r;
}

static _Noreturn void rebuilder_run(const struct launch_rebuild *b, int say)
{
	struct rebuild_report ready = {0};
	struct berth_error why = {0};
	struct cage cage;
	int console, r;

	cage_init(&cage);
	r = rebuilder_make(b, &cage, &why);
	console = r < 0 ? -EBADF : open("/run/ct/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (r == 0 && console < 0)
		r = fail(&why, "open the container's console");
	if (r == 0 && fd_send_message(say, &ready, sizeof(ready), &cage.master, 1) < 0)
		_exit(1);
	if (r == 0 && place_fds(b->sock, console, say) < 0)
		r = fail(&why, "place descriptors");
	if (r == 0) {
		sys_reset_signals();
		run(b->argv, environment);
		r = fail(&why, b->argv[0]);
	}
	end_child(say, r, &why, -EBADF);
}

int launch_rebuild(const struct launch_rebuild *b, pid_t *ret_pid, int *ret_master,
		   struct berth_error *err)
{
	int sv[2], r, master = -EBADF;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return fail(err, "socketpair");
	pid = sys_clone3(0, SIGCHLD, -1);
	if (pid == 0) {
		(void)close(sv[0]);
		rebuilder_run(b, sv[1]);
	}
	(void)close(sv[1]);
	r = pid < 0 ? berth_error_sys(err, -pid, "clone3") : collect(sv[0], pid, &master, err);
	(void)close(sv[0]);
	if (r < 0) {
		fd_close(&master);
		return r;
	}
	*ret_pid = pid;
	*ret_master = master;
	return 0;
}
