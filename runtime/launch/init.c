/*
 * init.c - the life of a CT's init up to execve. All is made ready at once, next to what the caller
 * does; only execve waits for the caller's go.
 */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/child.h"
#include "runtime/launch/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct init_state {
	struct ct_dirs dirs;
	int notify;
};

static void send_message(int sock, enum launch_msg_type type, const struct berth_error *err)
{
	struct launch_msg m = {.type = type};

	if (err != NULL)
		m.err = *err;
	(void)fd_send_message(sock, &m, sizeof(m), NULL, 0);
}

/* READY=1 of the CT's systemd arrives here; the CT sees a socket that the host reads. */
static int open_notify(int *ret, struct berth_error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/run/host/notify"};
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return berth_error_sys(err, errno, "make /run/host/notify of the container");
	*ret = take_fd(&fd);
	return 0;
}

static int set_hostname(const char *name, struct berth_error *err)
{
	if (name != NULL && sethostname(name, strlen(name)) < 0)
		return berth_error_sys(err, errno, "set the host name '%s'", name);
	return 0;
}

/*
 * Lets every user ping. The kernel starts with nobody, and the range that systemd would set reaches beyond
 * the ids of a CT, which the kernel refuses.
 */
static int open_ping(struct berth_error *err)
{
	int r = file_write_value_at(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", "0 65534");

	return r < 0 && r != -ENOENT ? berth_error_sys(err, -r, "set net.ipv4.ping_group_range")
				     : 0;
}

/*
 * What is mounted later is to reach the mount namespaces that services of the CT have, as on every other
 * system: systemd hands a unit its credentials that way. Nothing of the host's is in this tree.
 */
static int share_mounts(struct berth_error *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		return berth_error_sys(err, errno, "make the container's mounts shared");
	return 0;
}

static int init_prepare(const struct launch_spec *spec, const struct cage *cage,
			struct init_state *st, struct berth_error *err)
{
	struct mount_set set;
	int r;

	mounts_init(&set);
	if (setsid() < 0)
		return berth_error_sys(err, errno, "setsid");
	(void)umask(022);
	r = set_hostname(spec->hostname, err);
	if (r == 0)
		r = mounts_prepare(&set, spec, cage, err);
	if (r == 0)
		r = mounts_enter_root(&set, err);
	if (r == 0)
		r = mounts_attach(&set, spec, cage, &st->dirs, err);
	mounts_close(&set);
	if (r == 0)
		r = share_mounts(err);
	if (r == 0)
		r = open_notify(&st->notify, err);
	if (r == 0)
		r = open_ping(err);
	return r;
}

static int send_descriptors(int sock, const struct cage *cage, const struct init_state *st,
			    struct berth_error *err)
{
	struct launch_msg m = {.type = LAUNCH_MSG_FDS};
	const int fds[] = {cage->master, cage->pts, st->notify};
	int r = fd_send_message(sock, &m, sizeof(m), fds, 3);

	return r < 0 ? berth_error_sys(err, -r, "send the container's descriptors") : 0;
}

static int wait_go(int sock)
{
	char c;
	ssize_t n;

	do
		n = read(sock, &c, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 && c == 'G' ? 0 : -ECANCELED;
}

static int init_settle(const struct launch_spec *spec, const struct init_state *st, int sock,
		       struct berth_error *err)
{
	int keep[] = {0, 1, 2, sock};
	int r = process_new_keyring();

	if (r < 0)
		return berth_error_sys(err, -r, "make a session keyring");
	r = caps_settle(err);
	if (r < 0)
		return r;
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(st->dirs.slave, fd) < 0)
			return berth_error_sys(err, errno, "put the console on descriptor %d", fd);
	/*
	 * sock tells our parent by closing at the exec; the others go at once and not by the exec, which releases
	 * what it closes in no useful order: whoever hears of it may need the CT's lock.
	 */
	r = process_close_others(keep, 4);
	if (r < 0)
		return berth_error_sys(err, r, "close all descriptors");
	sys_reset_signals();
	/* Last: from here on only what the policy allows. */
	r = seccomp_program_load(spec->seccomp);
	if (r < 0)
		return berth_error_sys(err, -r, "install the system call filter");
	return 0;
}

static void run_program(const char *const *argv, const char *const *env)
{
	/* execve does not write through its arguments. */
	(void)execve(argv[0], (char *const *)(size_t)argv, (char *const *)(size_t)env);
}

static int exec_init(const struct launch_spec *spec, int sock, struct berth_error *err)
{
	static const char *const candidates[] = {"/sbin/init", "/etc/init", "/bin/init"};
	char uuid[64];
	const char *env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=linux",
		"container=berth", "NOTIFY_SOCKET=/run/host/notify",
		/* A pressure trigger does not survive a migration: systemd must not set one. */
		"MEMORY_PRESSURE_WATCH=/dev/null", NULL, NULL};

	if (spec->uuid != NULL) {
		(void)snprintf(uuid, sizeof(uuid), "container_uuid=%s", spec->uuid);
		env[5] = uuid;
	}
	send_message(sock, LAUNCH_MSG_READY, NULL);
	if (spec->init_argv != NULL) {
		run_program(spec->init_argv, env);
		return berth_error_set(err, BERTH_ERR_BAD_TEMPLATE, errno,
				       "run %s in the container: %s", spec->init_argv[0],
				       strerror(errno));
	}
	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
		run_program((const char *const[]){candidates[i], NULL}, env);
		if (errno != ENOENT)
			return berth_error_set(err, BERTH_ERR_BAD_TEMPLATE, errno,
					       "run %s in the container: %s", candidates[i],
					       strerror(errno));
	}
	return berth_error_set(
		err, BERTH_ERR_BAD_TEMPLATE, ENOENT,
		"no init in the container's root can run: /sbin/init, /etc/init and /bin/init are "
		"missing, or their loader is");
}

/* What only systemd needs: it would ignore the rest in silence, and freeze where it cannot boot. */
static int settle_systemd(const struct launch_spec *spec, const struct init_state *st,
			  struct berth_error *err)
{
	struct berth_error why = {0};
	int r;

	if (spec->init_argv != NULL || guest_init_kind(st->dirs.root) != GUEST_INIT_SYSTEMD)
		return 0;
	r = guest_systemd_check(st->dirs.root, &why);
	if (r < 0)
		return berth_error_set(err, why.code, -r, "CT %u cannot boot: %.400s", spec->ctid,
				       why.msg);
	return guest_run_dropins(st->dirs.run, guest_systemd_version(st->dirs.root), err);
}

_Noreturn void init_run(const struct launch_spec *spec, struct cage *cage, int sock)
{
	struct init_state st = {{-EBADF, -EBADF, -EBADF, -EBADF}, -EBADF};
	struct berth_error err = {0};
	int r = init_prepare(spec, cage, &st, &err);

	if (r == 0)
		r = send_descriptors(sock, cage, &st, &err);
	if (r == 0)
		r = settle_systemd(spec, &st, &err);
	if (r == 0)
		r = init_settle(spec, &st, sock, &err);
	/* A failure waits too: until then the parent looks at us in /proc. */
	if (wait_go(sock) < 0)
		_exit(1); /* the parent has given up */
	if (r == 0)
		(void)exec_init(spec, sock, &err);
	send_message(sock, LAUNCH_MSG_ERROR, &err);
	_exit(1);
}
