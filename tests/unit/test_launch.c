/*
 * test_launch.c - really starts containers from a busybox root and looks at them from both sides.
 * Needs root, a busybox and a cgroup2 mount.
 *
 * covers: runtime/launch/cage.c runtime/launch/clone.c runtime/launch/devices.c runtime/launch/enter.c
 * covers: runtime/launch/init.c runtime/launch/namespaces.c runtime/launch/seccomp_load.c
 * covers: runtime/launch/files.c runtime/launch/visit.c
 */
#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

enum {
	ID_BASE = 1966080,
	OUT_MAX = 16384
};

static char root_dir[] = "/tmp/test_launch.XXXXXX";
static char cg_dir[256];
static struct cg_attach cg_inner, cg_exec;
static struct seccomp_program filter;
static struct launch_child ct;
static char out[OUT_MAX];
static char exec_error[128]; /* what a session said when it could not run its command */
static int exec_errno;

static const char init_script[] = "#!/bin/busybox sh\n"
				  "trap 'busybox poweroff -f' TERM\n"
				  "trap 'busybox reboot -f' HUP\n"
				  "busybox mount >/run/mounts\n"
				  "echo the console\n"
				  "while :; do busybox sleep 1000 & wait $!; done\n";

/* ---- the stage ---- */

static int copy_file(const char *from, const char *dir, const char *name)
{
	auto_close int dirfd = dir_open_at(AT_FDCWD, dir);
	auto_free char *text = NULL;
	size_t len = 0;
	int r = dirfd < 0 ? dirfd : file_read_at(AT_FDCWD, from, 64 << 20, &text, &len);

	return r < 0 ? r : file_replace_at(dirfd, name, text, len, 0755, false);
}

static void own(const char *path)
{
	char full[512];

	(void)snprintf(full, sizeof(full), "%s%s", root_dir, path);
	CHECK(lchown(full, ID_BASE, ID_BASE) == 0);
}

static void make_dir(const char *path)
{
	char full[512];

	(void)snprintf(full, sizeof(full), "%s%s", root_dir, path);
	CHECK(mkdir(full, 0755) == 0);
	own(path);
}

static bool make_root(void)
{
	static const char *const dirs[] = {"/bin", "/sbin", "/proc", "/root"};
	char path[512];
	auto_close int sbin = -EBADF;

	if (mkdtemp(root_dir) == NULL || chmod(root_dir, 0755) < 0)
		return false;
	own("");
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_dir(dirs[i]);
	(void)snprintf(path, sizeof(path), "%s/bin", root_dir);
	if (copy_file("/bin/busybox", path, "busybox") < 0)
		return false;
	own("/bin/busybox");
	(void)snprintf(path, sizeof(path), "%s/bin/sh", root_dir);
	CHECK(symlink("busybox", path) == 0);
	(void)snprintf(path, sizeof(path), "%s/sbin", root_dir);
	sbin = dir_open_at(AT_FDCWD, path);
	CHECK(file_replace_at(sbin, "init", init_script, strlen(init_script), 0755, false) == 0);
	own("/sbin/init");
	return true;
}

static void own_cgroup(const char *dir)
{
	static const char *const files[] = {"", "/cgroup.procs", "/cgroup.threads",
					    "/cgroup.subtree_control"};
	char path[512];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", dir, files[i]);
		CHECK(chown(path, ID_BASE, ID_BASE) == 0);
	}
}

static bool make_cgroups(void)
{
	static const char *const tops[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
	char path[512];

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/cgroup.procs", tops[i]);
		if (access(path, F_OK) < 0)
			continue;
		(void)snprintf(cg_dir, sizeof(cg_dir), "%s/berth-test-%d", tops[i], (int)getpid());
		break;
	}
	if (cg_dir[0] == '\0' || mkdir(cg_dir, 0755) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "%s/inner", cg_dir);
	CHECK(mkdir(path, 0755) == 0);
	own_cgroup(path);
	cg_inner.unified = dir_open_at(AT_FDCWD, path);
	(void)strncat(path, "/.berth", sizeof(path) - strlen(path) - 1);
	CHECK(mkdir(path, 0755) == 0);
	cg_exec.unified = dir_open_at(AT_FDCWD, path);
	return cg_inner.unified >= 0 && cg_exec.unified >= 0;
}

static void remove_stage(void)
{
	static const char *const dirs[] = {"/inner/.berth", "/inner", ""};
	char path[512];
	auto_close int tmp = dir_open_at(AT_FDCWD, "/tmp");

	for (size_t i = 0; i < 3 && cg_dir[0] != '\0'; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", cg_dir, dirs[i]);
		CHECK_SOON(rmdir(path) == 0 || errno != EBUSY);
	}
	(void)tree_remove_at(tmp, root_dir + strlen("/tmp/"));
}

/* ---- start, session, end ---- */

static int make_ns(struct launch_ns *ns, struct launch_spec *spec, struct berth_error *err)
{
	int r = launch_ns_begin(ID_BASE, NULL, ns, err);

	if (r == 0)
		r = launch_ns_user(ns, err);
	if (r == 0) {
		launch_ns_net_begin(ns);
		r = launch_ns_net(ns, err);
	}
	if (r == 0)
		r = launch_host_covered(&spec->host_covered, err);
	launch_ns_end(ns);
	spec->userns_fd = ns->userns_fd;
	spec->netns_fd = ns->netns_fd;
	return r;
}

static void drop_ns(struct launch_ns *ns)
{
	fd_close(&ns->userns_fd);
	fd_close(&ns->netns_fd);
}

static int start(const char *const *argv, struct berth_error *err)
{
	auto_close int root = dir_open_at(AT_FDCWD, root_dir);
	struct launch_ns ns = {.userns_fd = -EBADF, .netns_fd = -EBADF};
	struct launch_spec spec = {
		.ctid = 4711,
		.id_base = ID_BASE,
		.hostname = "vps",
		.uuid = "01234567-89ab-4cde-8f01-23456789abcd",
		.root_fd = root,
		.cgroup = &cg_inner,
		.seccomp = &filter,
		.init_argv = argv,
		.memory = 100 << 20,
	};
	int r = make_ns(&ns, &spec, err);

	if (r == 0)
		r = launch_clone(&spec, &ct, err);
	if (r == 0) {
		r = launch_go(&spec, &ct, err);
		if (r < 0)
			launch_abort(&ct);
	}
	drop_ns(&ns);
	return r;
}

/* Ends the CT by signal, 0: none needed; returns init's wait status. */
static int end(int sig)
{
	int status = -1;

	if (sig != 0)
		(void)kill(ct.pid, sig);
	if (child_wait(ct.pid, CHECK_PATIENCE_MS, &status) < 0)
		CHECK(child_end(ct.pid, CHECK_PATIENCE_MS, &status) == 0);
	ct.pid = -1;
	launch_abort(&ct);
	return status;
}

#include "tests/unit/launch_session.h" /* a part of this file, which would be too long */

static bool said(const char *text)
{
	if (strstr(out, text) != NULL)
		return true;
	(void)fprintf(stderr, "expected \"%s\" in:\n%s\n", text, out);
	return false;
}

/* ---- claims ---- */

static void ids_capabilities_and_filter_are_the_policys_in_init_and_sessions(void)
{
	char caps[64], path[64], *text = NULL;

	(void)snprintf(caps, sizeof(caps), "CapBnd:\t%016llx\n",
		       (unsigned long long)launch_capability_mask());
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)ct.pid);
	CHECK(file_read_at(AT_FDCWD, path, 65536, &text, NULL) == 0);
	(void)snprintf(out, sizeof(out), "%s", text != NULL ? text : "");
	free(text);
	for (int pass = 0; pass < 2; pass++) {
		CHECK(said(caps));
		CHECK(said("CapInh:\t0000000000000000\n"));
		CHECK(said("CapAmb:\t0000000000000000\n"));
		CHECK(said("Seccomp:\t2\n"));
		CHECK(said("NoNewPrivs:\t0\n"));
		CHECK(session("busybox cat /proc/self/status") == 0);
	}
	CHECK(session("busybox cat /proc/self/uid_map /proc/1/gid_map") == 0);
	CHECK(said("         0    1966080      65536\n         0    1966080      65536\n"));
}

static void a_session_has_its_own_three_descriptors_and_environment_only(void)
{
	CHECK(session("for f in /proc/self/fd/*; do echo ${f##*/}; done; busybox env; busybox "
		      "pwd") == 0);
	CHECK(strncmp(out, "0\n1\n2\n", 6) == 0);
	CHECK(said("TERM=linux\n"));
	CHECK(said("HOME=/root\n"));
	CHECK(strstr(out, "LANG") == NULL && strstr(out, "container") == NULL);
	CHECK(said("\n/\n"));
	CHECK(session("busybox cat /proc/self/cgroup | busybox tail -n 1") == 0);
	CHECK(strcmp(out, "0::/.berth\n") == 0);
}

static void init_has_systemds_container_environment(void)
{
	CHECK(session("busybox tr '\\0' '\\n' </proc/1/environ; busybox cat "
		      "/run/host/container-uuid "
		      "/run/host/container-manager; busybox hostname") == 0);
	CHECK(said("container=berth\n"));
	CHECK(said("container_uuid=01234567-89ab-4cde-8f01-23456789abcd\n"));
	CHECK(said("NOTIFY_SOCKET=/run/host/notify\n"));
	CHECK(said("MEMORY_PRESSURE_WATCH=/dev/null\n"));
	CHECK(said("\n01234567-89ab-4cde-8f01-23456789abcd\nberth\nvps\n"));
}

static void a_session_terminal_is_a_pty_of_the_ct(void)
{
	const char *const argv[] = {"/bin/busybox", "sh", "-c",
				    "busybox tty; busybox stty size; echo x >/dev/tty", NULL};

	CHECK(session_argv(argv, true) == 0);
	CHECK(said("/dev/pts/0\r\n33 111\r\nx\r\n"));
}

static void the_hosts_kernel_is_out_of_reach(void)
{
	CHECK(session("exec 2>&1; busybox mknod /d b 8 0; echo h >/proc/sysrq-trigger; "
		      "busybox cat /proc/kmsg; echo 1 >/proc/irq/default_smp_affinity; "
		      "busybox date -s 2000-01-01; busybox swapoff -a; busybox unshare -U true; "
		      "busybox unshare -p true; busybox mount -t debugfs d /root; "
		      "echo max >/sys/fs/cgroup/cgroup.max.depth; "
		      "v=$(busybox cat /proc/sys/kernel/printk); echo \"$v\" "
		      ">/proc/sys/kernel/printk; "
		      "echo -1000 >/proc/1/oom_score_adj; busybox sh -c 'ulimit -Hn 9999999'; "
		      "echo -n end") == 0);
	CHECK(said("mknod: /d: Operation not permitted\n"));
	CHECK(said("can't create /proc/irq/default_smp_affinity: "));
	CHECK(said("date: can't set date: Operation not permitted\n"));
	CHECK(said("unshare: unshare(0x10000000): Operation not permitted\n"));
	CHECK(said("unshare: unshare(0x20000000): Operation not permitted\n"));
	CHECK(said("mount: permission denied"));
	CHECK(said("can't create /sys/fs/cgroup/cgroup.max.depth: Permission denied\n"));
	CHECK(said("can't create /proc/sys/kernel/printk: Permission denied\n"));
	CHECK(said("error setting limit"));
	CHECK(said("end"));
}

static void a_tmpfs_fails_before_the_memory_ends(void)
{
	CHECK(session("busybox df -m /dev/shm /run") == 0);
	CHECK(said(" 50 ") && said(" 20 "));
}

static void no_path_of_the_host_shows_in_the_mounts(void)
{
	CHECK(session("busybox cat /proc/self/mountinfo; busybox readlink /proc/1/cwd; "
		      "busybox ls /proc/1/root/..") == 0);
	CHECK(said("/sys/fs/cgroup rw,nosuid,nodev,noexec"));
	CHECK(said(" /sys ro,nosuid,nodev,noexec"));
	CHECK(said("/boot-id /proc/sys/kernel/random/boot_id ro"));
	CHECK(said("\n/\nbin\n"));
	CHECK(strstr(out, "/dev/shm rw") != NULL && strstr(out, "/home") == NULL);
}

static void a_command_that_cannot_run_is_reported_with_its_errno(void)
{
	const char *const missing[] = {"no-such-command", NULL};
	const char *const plain[] = {"/run/mounts", NULL};

	CHECK(WEXITSTATUS(session_argv(missing, false)) == 127);
	CHECK(exec_errno == ENOENT && strcmp(exec_error, "exec") == 0);
	CHECK(WEXITSTATUS(session_argv(plain, false)) == 126);
	CHECK(exec_errno == EACCES);
}

/* ---- visits ---- */

static int look_inside(void *data, int *ret_fd, struct berth_error *err)
{
	char map[64] = "", path[64];
	int n = 0;

	(void)data;
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	if (n != 4)
		return berth_error_set(err, BERTH_ERR_SYSTEM, EBADF, "%d descriptors", n);
	if (geteuid() != 0 ||
	    file_read_line_at(AT_FDCWD, "/run/host/container-manager", map, sizeof(map)) < 0 ||
	    strcmp(map, "berth") != 0 || sethostname("visited", 7) < 0)
		return berth_error_set(err, BERTH_ERR_SYSTEM, EPERM, "not root of the CT");
	/* The tenant's view of us must not exist, nor may /proc there name us. */
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)getpid());
	if (access(path, F_OK) == 0)
		return berth_error_set(err, BERTH_ERR_SYSTEM, EEXIST, "seen by the CT");
	*ret_fd = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static int never_answer(void *data, int *ret_fd, struct berth_error *err)
{
	(void)data;
	(void)ret_fd;
	(void)err;
	(void)pause();
	return 0;
}

static int refuse(void *data, int *ret_fd, struct berth_error *err)
{
	(void)data;
	(void)ret_fd;
	return berth_error_set(err, BERTH_ERR_EXEC, EISDIR, "a folder in the way");
}

static struct launch_visit visit_of(int (*fn)(void *, int *, struct berth_error *))
{
	return (struct launch_visit){
		.init_pidfd = ct.pidfd, .cgroup = &cg_exec, .timeout_ms = 5000, .fn = fn};
}

static void a_visitor_is_the_cts_root_with_no_descriptor_of_ours(void)
{
	struct launch_visit v = visit_of(look_inside);
	auto_close int fd = -EBADF;
	struct berth_error err = {0};
	struct statfs fs;

	if (launch_visit(&v, &fd, &err) < 0) {
		(void)fprintf(stderr, "visit: %s\n", err.msg);
		check_failures++;
	}
	CHECK(fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC);
	CHECK(session("busybox hostname; ls -d /dev/pts") == 0 && said("visited\n"));
	v = visit_of(refuse);
	CHECK(launch_visit(&v, NULL, &err) == -EISDIR && err.code == BERTH_ERR_EXEC);
	CHECK(strcmp(err.msg, "a folder in the way") == 0);
}

static void a_visit_ends_at_its_deadline_whatever_the_ct_does(void)
{
	auto_close int dir = dir_open_at(AT_FDCWD, cg_dir);
	struct launch_visit v = visit_of(never_answer);
	struct berth_error err = {0};

	v.timeout_ms = 100;
	CHECK(launch_visit(&v, NULL, &err) == -ETIMEDOUT && err.code == BERTH_ERR_TIMEOUT);
	CHECK(file_write_value_at(dir, "cgroup.freeze", "1") == 0);
	v = visit_of(refuse);
	v.timeout_ms = 300;
	CHECK(launch_visit(&v, NULL, &err) == -ETIMEDOUT);
	CHECK(file_write_value_at(dir, "cgroup.freeze", "0") == 0);
	/* Nobody was left behind: all but init were killed and reaped. */
	CHECK(waitpid(-1, NULL, WNOHANG) == 0);
}

/* ---- the clock of a CT that has its own ---- */

enum {
	CLOCK_AHEAD = 7000000 /* seconds */
};

/* The number that a text begins with. */
static uint64_t number(const char *text)
{
	char digits[24];
	uint64_t n = 0;

	(void)snprintf(digits, sizeof(digits), "%.*s", (int)strspn(text, "0123456789"), text);
	CHECK(parse_u64(digits, &n) == 0);
	return n;
}

static uint64_t uptime(void)
{
	char line[64];

	CHECK(file_read_line_at(AT_FDCWD, "/proc/uptime", line, sizeof(line)) == 0);
	return number(line);
}

static int read_clock(void *data, int *ret_fd, struct berth_error *err)
{
	(void)data;
	(void)ret_fd;
	return uptime() < CLOCK_AHEAD ? 0 : berth_error_set(err, BERTH_ERR_SYSTEM, ERANGE, "late");
}

/* Its clocks begin with it, also where ours are not the host's; what we fork has ours, until it joins. */
static void sessions_and_visits_have_the_clock_of_the_ct(void)
{
	auto_close int own = open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC);
	struct launch_visit v;
	char offset[32];

	if (own < 0 || unshare(CLONE_NEWTIME) < 0)
		return; /* a kernel without time namespaces */
	(void)snprintf(offset, sizeof(offset), "boottime %d 0", (int)CLOCK_AHEAD);
	CHECK(file_write_value_at(AT_FDCWD, "/proc/self/timens_offsets", offset) == 0);
	CHECK(start(NULL, NULL) == 0);
	v = visit_of(read_clock);
	CHECK(launch_visit(&v, NULL, NULL) == 0);
	CHECK(session("read up rest </proc/uptime; echo \"up ${up%.*}\"") == 0);
	CHECK(strncmp(out, "up ", 3) == 0 && number(out + 3) < 600);
	CHECK(setns(own, CLONE_NEWTIME) == 0 && uptime() < CLOCK_AHEAD);
	(void)end(SIGKILL);
}

static void a_frozen_ct_holds_a_session_and_not_its_caller(void)
{
	auto_close int dir = dir_open_at(AT_FDCWD, cg_dir);

	CHECK(file_write_value_at(dir, "cgroup.freeze", "1") == 0);
	patience = 100;
	CHECK(session("echo hi") == -EINPROGRESS);
	patience = CHECK_PATIENCE_MS;
	CHECK(file_write_value_at(dir, "cgroup.freeze", "0") == 0);
	CHECK(session("echo hi") == 0);
}

static void a_session_comes_to_the_root_of_the_ct_and_not_of_the_host(void)
{
	CHECK(session("cd /; echo *") == 0);
	CHECK(said("bin dev proc root run sbin sys\n"));
	CHECK(session("cd /dev; echo *") == 0);
	CHECK(said("console fd full mqueue net null ptmx pts random shm stderr stdin stdout tty "
		   "urandom zero\n"));
}

static void the_console_and_the_notify_socket_reach_the_parent(void)
{
	char buf[256] = "";

	CHECK(read(ct.console_fd, buf, sizeof(buf) - 1) > 0);
	CHECK(strstr(buf, "the console") != NULL);
	CHECK(session("echo back >/dev/console") == 0);
	memset(buf, 0, sizeof(buf));
	CHECK(read(ct.console_fd, buf, sizeof(buf) - 1) > 0 && strstr(buf, "back") != NULL);
	CHECK(recv(ct.notify_fd, buf, sizeof(buf), MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

static void poweroff_and_reboot_are_seen_as_signals(void)
{
	struct berth_error err;
	int status = end(SIGTERM);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	CHECK(start(NULL, &err) == 0);
	CHECK(session("busybox sleep 0.2") == 0);
	status = end(SIGHUP);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
}

static void a_root_without_init_is_a_bad_template(void)
{
	const char *const argv[] = {"/sbin/none", NULL};
	struct berth_error err = {0};

	CHECK(start(argv, &err) < 0);
	CHECK(err.code == BERTH_ERR_BAD_TEMPLATE && err.sys == ENOENT);
	CHECK(strncmp(err.msg, "CT 4711: run /sbin/none", 23) == 0);
}

/* Docker's hosts and such: the kernel refuses a new proc to a user namespace then. */
static void a_host_whose_proc_is_covered_serves_too(void)
{
	struct berth_error err = {0};

	CHECK(mount("tmpfs", "/proc/fs", "tmpfs", MS_RDONLY, NULL) == 0);
	CHECK(start(NULL, &err) == 0);
	CHECK(session("busybox test -e /proc/1/status") == 0);
	(void)end(SIGTERM);
	CHECK(umount("/proc/fs") == 0);
}

/* A22: a link in place of a directory that we mount on. */
static void planted_links_do_not_lead_anywhere(void)
{
	static const char *const names[] = {"/dev", "/run", "/sys", "/proc"};
	struct berth_error err = {0};
	char path[512], saved[512];

	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", root_dir, names[i]);
		(void)snprintf(saved, sizeof(saved), "%s/saved", root_dir);
		CHECK(rename(path, saved) == 0 && symlink("../../../tmp", path) == 0);
		CHECK(start(NULL, &err) < 0);
		CHECK(err.code == BERTH_ERR_MOUNT && err.sys == ELOOP);
		CHECK(strstr(err.msg, names[i]) != NULL);
		CHECK(unlink(path) == 0 && rename(saved, path) == 0);
	}
}

static void ids_of_the_host_are_refused(void)
{
	struct berth_error err;
	int fd = -1;

	CHECK(launch_userns(0, &fd, &err) == -ERANGE);
	CHECK(launch_userns(99999, &fd, &err) == -ERANGE);
	CHECK(launch_userns(UINT32_MAX - 65535, &fd, &err) == -ERANGE);
	CHECK(fd == -1);
}

static void an_aborted_start_leaves_no_process(void)
{
	auto_close int root = dir_open_at(AT_FDCWD, root_dir);
	struct launch_spec spec = {.ctid = 4712, .root_fd = root, .seccomp = &filter};
	struct launch_child c;
	struct launch_ns ns;
	pid_t pid;

	CHECK(make_ns(&ns, &spec, NULL) == 0);
	CHECK(launch_clone(&spec, &c, NULL) == 0);
	drop_ns(&ns);
	pid = c.pid;
	launch_abort(&c);
	CHECK(c.pid == -1 && c.pidfd < 0 && kill(pid, 0) < 0 && errno == ESRCH);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

/* A caller that is killed between clone and go: nobody is left to undo it. */
static void a_killed_caller_leaves_no_process(void)
{
	auto_close int root = dir_open_at(AT_FDCWD, root_dir);
	struct launch_spec spec = {.ctid = 4713, .root_fd = root, .seccomp = &filter};
	struct pollfd p = {.events = POLLIN};
	struct launch_child c;
	struct launch_ns ns;
	int said[2];
	pid_t caller, init = 0;

	CHECK(make_ns(&ns, &spec, NULL) == 0 && pipe2(said, O_CLOEXEC) == 0);
	(void)fflush(stdout);
	caller = fork();
	if (caller == 0) {
		if (launch_clone(&spec, &c, NULL) == 0)
			(void)fd_write_all(said[1], &c.pid, sizeof(c.pid));
		(void)pause();
		_exit(1);
	}
	CHECK(fd_read_all(said[0], &init, sizeof(init)) == sizeof(init));
	p.fd = pidfd_open(init, 0);
	CHECK(p.fd >= 0 && kill(caller, SIGKILL) == 0 && waitpid(caller, NULL, 0) == caller);
	CHECK(poll(&p, 1, CHECK_PATIENCE_MS) == 1);
	(void)close(p.fd);
	(void)close(said[0]);
	(void)close(said[1]);
	drop_ns(&ns);
}

static void namespaces_that_were_not_asked_for_are_not_made(void)
{
	struct launch_ns ns = {.pid = 0};

	CHECK(launch_ns_begin(0, NULL, &ns, NULL) == -ERANGE);
	CHECK(launch_ns_begin(ID_BASE, NULL, &ns, NULL) == 0);
	launch_ns_end(&ns);
	launch_ns_end(&ns);
	CHECK(ns.pid == 0 && ns.userns_fd < 0 && ns.netns_fd < 0);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void guest_files_are_written_as_the_cts_root(void)
{
	const struct guest_config g = {.hostname = "vps"};
	auto_close int root = dir_open_at(AT_FDCWD, root_dir);
	auto_close int userns = -EBADF;
	struct berth_error err = {0};
	char text[64] = "";
	struct stat st;

	make_dir("/etc");
	CHECK(launch_userns(ID_BASE, &userns, NULL) == 0);
	CHECK(launch_write_files(userns, root, &g, &err) == 0);
	CHECK(file_read_line_at(root, "etc/hostname", text, sizeof(text)) == 0);
	CHECK(strcmp(text, "vps") == 0);
	CHECK(fstatat(root, "etc/hostname", &st, 0) == 0 && st.st_uid == ID_BASE);
	/* Not the CT's: its root may not write there, whoever we are. */
	CHECK(fchownat(root, "etc", 0, 0, 0) == 0 && unlinkat(root, "etc/hostname", 0) == 0);
	CHECK(launch_write_files(userns, root, &g, &err) == -EACCES && err.sys == EACCES);
	CHECK(fstatat(root, "etc/hostname", &st, 0) < 0 && errno == ENOENT);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	CHECK(tree_remove_at(root, "etc") == 0);
}

/* Begins with guest, up to the network namespace; the rest is the test's. */
static bool begin_with(const struct guest_config *guest, struct launch_ns *ns)
{
	if (launch_ns_begin(ID_BASE, guest, ns, NULL) < 0 || launch_ns_user(ns, NULL) < 0)
		return false;
	launch_ns_net_begin(ns);
	return true;
}

static void the_child_of_the_namespaces_writes_the_guest_files(void)
{
	const struct guest_config g = {.hostname = "beside"};
	auto_close int root = dir_open_at(AT_FDCWD, root_dir);
	struct launch_ns ns;
	struct berth_error err = {0};
	char text[64] = "";

	make_dir("/etc");
	/* Before anybody has asked for the network namespace, which must not be lost by that. */
	CHECK(begin_with(&g, &ns));
	launch_ns_files_begin(&ns, root);
	CHECK(waitid(P_PID, (id_t)ns.pid, &(siginfo_t){0}, WEXITED | WNOWAIT) == 0);
	CHECK(launch_ns_net(&ns, &err) == 0 && ns.netns_fd >= 0);
	CHECK(launch_ns_files(&ns, &err) == 0 && err.sys == 0);
	launch_ns_end(&ns);
	CHECK(file_read_line_at(root, "etc/hostname", text, sizeof(text)) == 0);
	CHECK(strcmp(text, "beside") == 0);
	drop_ns(&ns);
	/* A guest that does not want them. */
	CHECK(fchownat(root, "etc", 0, 0, 0) == 0 && unlinkat(root, "etc/hostname", 0) == 0);
	CHECK(begin_with(&g, &ns) && launch_ns_net(&ns, NULL) == 0);
	launch_ns_files_begin(&ns, root);
	CHECK(launch_ns_files(&ns, &err) == -EACCES && err.sys == EACCES);
	launch_ns_end(&ns);
	drop_ns(&ns);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	CHECK(tree_remove_at(root, "etc") == 0);
}

static void a_dead_child_of_the_namespaces_is_told(void)
{
	auto_close int root = dir_open_at(AT_FDCWD, root_dir);
	struct berth_error err = {0};
	struct launch_ns ns;

	CHECK(begin_with(&(struct guest_config){0}, &ns) && launch_ns_net(&ns, NULL) == 0);
	CHECK(kill(ns.pid, SIGKILL) == 0);
	CHECK(waitid(P_PID, (id_t)ns.pid, &(siginfo_t){0}, WEXITED | WNOWAIT) == 0);
	launch_ns_files_begin(&ns, root);
	CHECK(launch_ns_files(&ns, &err) == -ECHILD &&
	      strstr(err.msg, "own files was killed") != NULL);
	launch_ns_end(&ns);
	drop_ns(&ns);
	CHECK(launch_ns_begin(ID_BASE, NULL, &ns, NULL) == 0 && kill(ns.pid, SIGKILL) == 0);
	CHECK(waitid(P_PID, (id_t)ns.pid, &(siginfo_t){0}, WEXITED | WNOWAIT) == 0);
	(void)launch_ns_user(&ns, NULL); /* it may have been quicker */
	launch_ns_net_begin(&ns);
	CHECK(launch_ns_net(&ns, &err) < 0 && strstr(err.msg, "net namespace") != NULL);
	CHECK(ns.netns_fd < 0);
	launch_ns_end(&ns);
	drop_ns(&ns);
}

static void run_all(void)
{
	struct berth_error err = {0};

	if (start(NULL, &err) < 0) {
		(void)fprintf(stderr, "start: %s\n", err.msg);
		check_failures++;
		return;
	}
	RUN(a_session_comes_to_the_root_of_the_ct_and_not_of_the_host);
	RUN(the_console_and_the_notify_socket_reach_the_parent);
	RUN(ids_capabilities_and_filter_are_the_policys_in_init_and_sessions);
	RUN(a_session_has_its_own_three_descriptors_and_environment_only);
	RUN(init_has_systemds_container_environment);
	RUN(a_session_terminal_is_a_pty_of_the_ct);
	RUN(the_hosts_kernel_is_out_of_reach);
	RUN(a_tmpfs_fails_before_the_memory_ends);
	RUN(no_path_of_the_host_shows_in_the_mounts);
	RUN(a_command_that_cannot_run_is_reported_with_its_errno);
	RUN(a_frozen_ct_holds_a_session_and_not_its_caller);
	RUN(a_visitor_is_the_cts_root_with_no_descriptor_of_ours);
	RUN(a_visit_ends_at_its_deadline_whatever_the_ct_does);
	RUN(poweroff_and_reboot_are_seen_as_signals);
	RUN(sessions_and_visits_have_the_clock_of_the_ct);
	RUN(a_root_without_init_is_a_bad_template);
	RUN(a_host_whose_proc_is_covered_serves_too);
	RUN(planted_links_do_not_lead_anywhere);
	RUN(ids_of_the_host_are_refused);
	RUN(guest_files_are_written_as_the_cts_root);
	RUN(the_child_of_the_namespaces_writes_the_guest_files);
	RUN(a_dead_child_of_the_namespaces_is_told);
	RUN(an_aborted_start_leaves_no_process);
	RUN(a_killed_caller_leaves_no_process);
	RUN(namespaces_that_were_not_asked_for_are_not_made);
}

int main(void)
{
	bool staged;

	if (geteuid() != 0 || access("/bin/busybox", X_OK) < 0) {
		(void)fprintf(stderr,
			      "SKIPPED: test_launch needs root and a static /bin/busybox\n");
		return 77;
	}
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    seccomp_program_get(-1, 0, &filter, NULL) < 0)
		return 1;
	staged = make_root() && make_cgroups();
	CHECK(staged);
	if (staged)
		run_all();
	remove_stage();
	return check_failures != 0;
}
