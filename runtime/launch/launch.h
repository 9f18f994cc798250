/*
 * launch.h - the path from clone3(2) to the CT's init, and the path of an exec session into a CT.
 *
 * Start, in the worker (root, initial namespaces, own private mount namespace):
 *
 *	launch_ns_*     a user namespace with the CT's mapping, made with euid = the CT's mapped root
 *	                (so that ucounts are the CT's own), for idmapped mounts and for the clone; and
 *	                its network namespace. The caller sets up the root meanwhile. Then the guest's
 *	                files, beside all of the following
 *	launch_clone    stage 1 joins the CT's cgroups, becomes the mapped root, joins the network
 *	                namespace and clones init with CLONE_PARENT into all other new ones. Init builds
 *	                /proc /sys /dev /run, pivots into the root and drops its privilege (keyring,
 *	                capabilities, seccomp). Meanwhile the caller sets up the network
 *	launch_go       init execs. Returns when the exec has happened, or with the error of the step that
 *	                failed.
 *
 * Exec, in the monitor, without allocation or a wait: launch_enter_*. A function of ours inside: launch_visit.
 */
#pragma once

#include "cgroups/cg.h"
#include "runtime/base/error.h"
#include "templates/guest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum {
	IDMAP_SIZE = 65536,
	IDMAP_BASE_MIN = 100000
};
enum {
	SECCOMP_PROGRAM_MAX = 4096
}; /* BPF instructions: the kernel's limit */

/* A loadable filter: an array of struct sock_filter. */
struct seccomp_program {
	uint16_t len;
	uint64_t filter[SECCOMP_PROGRAM_MAX]; /* sizeof(struct sock_filter) is 8 */
};

/* Rows of the table that a CT may have lifted. */
enum {
	SECCOMP_NESTING =
		1, /* nested namespaces and clone3: containers inside, no live migration */
	SECCOMP_SOCKETCALL =
		2, /* i386 programs with old socket calls, which no filter can look into */
	SECCOMP_CAPTURE = 4, /* packet rings and fan-out groups, whose memory nobody counts */
};

/*
 * The filter, built by libseccomp from the table in seccomp_table.def: x86-64 and i386 get the same
 * policy, x32 is killed. flags: SECCOMP_*. It is taken from the cache file
 * "seccomp-FLAGS.bpf" below cache_dirfd when its key (table hash, libseccomp version) matches,
 * else built and saved there. cache_dirfd may be -1.
 */
int seccomp_program_get(int cache_dirfd, unsigned int flags, struct seccomp_program *ret,
			struct berth_error *err);

/* Installs it on the calling process (needs CAP_SYS_ADMIN in its user namespace). -errno. */
int seccomp_program_load(const struct seccomp_program *p);

/* The capability bounding set as a mask (bit N = capability N), for init and every exec. */
uint64_t launch_capability_mask(void);

struct launch_spec {
	uint32_t ctid;
	uint32_t id_base; /* host uid and gid of the CT's root */
	const char *hostname;
	const char *uuid; /* container_uuid, 36 characters */
	int root_fd; /* root of the CT: a mount in the caller's mount namespace, or a detached one */
	int userns_fd, netns_fd; /* from launch_ns_user and launch_ns_net */
	const struct cg_attach *cgroup; /* where init starts (inner) */
	const struct seccomp_program *seccomp;
	const char *const *init_argv; /* NULL: the first of /sbin/init, /etc/init, /bin/init */
	uint64_t
		memory; /* the CT's, in bytes: its tmpfs are born with a share of it; 0: no limit */
	bool dev_tun, dev_fuse;
	bool nesting; /* containers inside find a /proc that nothing covers */
	int pts_fd; /* from launch_pts; 0: one is made, for LAUNCH_PTYS */
	int view_fd; /* from launch_view, answered for already; <= 0: the CT sees the host's numbers */
	bool host_covered; /* from launch_host_covered */
};

enum {
	LAUNCH_PTYS = 256 /* pseudo terminals of a CT by default */
};

/*
 * The devpts of a CT as a detached mount. Made in the host's initial mount namespace it may use what
 * kernel.pty.reserve keeps from all other instances, those that tenants mount; so call it before there is a
 * private one.
 */
int launch_pts(uint32_t id_base, unsigned int max, int *ret, struct berth_error *err);

/*
 * A new file system for a CT's view of its machine (runtime/view/view.h): its connection, and it as a detached mount.
 * With the host's privilege. BERTH_ERR_UNSUPPORTED without FUSE in this kernel.
 */
int launch_view(int *ret_fuse, int *ret_mount, struct berth_error *err);

/*
 * Has the host a mount over a part of its /proc? Then the kernel refuses a new proc to a user namespace
 * (mount_too_revealing in its fs/namespace.c), and the start goes round it.
 */
int launch_host_covered(bool *ret, struct berth_error *err);

struct launch_child {
	pid_t pid; /* init, a child of the caller */
	int pidfd;
	int go_fd; /* private to launch_*, like stage */
	pid_t stage;
	/* Set by launch_go: */
	int console_fd; /* pty master of the CT's /dev/console */
	int devpts_fd; /* root directory of the CT's devpts: open "ptmx" below it for a new pty */
	int notify_fd; /* datagram socket bound to the CT's /run/host/notify (READY=1) */
};

/*
 * The namespaces that are needed before there is an init, and the guest's files. A child makes them at its own
 * pace: no function with begin in its name waits, the others do. In the order of the functions; another thread
 * may call launch_ns_files_begin. The namespaces' descriptors are the caller's.
 */
struct launch_ns {
	uint32_t id_base;
	int userns_fd, netns_fd; /* -EBADF: not yet */
	bool single; /* private to launch_ns_*: no user namespace around it */
	int sock; /* private to launch_ns_* */
	pid_t pid; /* 0: ended, or never begun */
};
/* The child works with guest as it is now; NULL: no files will be asked for. */
int launch_ns_begin(uint32_t id_base, const struct guest_config *guest, struct launch_ns *ret,
		    struct berth_error *err);
int launch_ns_user(struct launch_ns *ns, struct berth_error *err);
void launch_ns_net_begin(struct launch_ns *ns);
int launch_ns_net(struct launch_ns *ns, struct berth_error *err);
/*
 * root_fd: the CT's mounted root. A failure to write is the guest's doing, as of launch_write_files. launch_ns_files
 * comes before launch_go: init is to find them.
 */
void launch_ns_files_begin(struct launch_ns *ns, int root_fd);
int launch_ns_files(struct launch_ns *ns, struct berth_error *err);
/* Ends the child, whatever it is doing. Nothing to do after a failed begin, or twice. */
void launch_ns_end(struct launch_ns *ns);
/* A user namespace alone. */
int launch_userns(uint32_t id_base, int *ret_userns_fd, struct berth_error *err);
int launch_clone(const struct launch_spec *spec, struct launch_child *ret, struct berth_error *err);
int launch_go(const struct launch_spec *spec, struct launch_child *child, struct berth_error *err);
/* Kills and reaps a child that launch_go has not released or that failed; closes descriptors. */
void launch_abort(struct launch_child *child);

/*
 * Runs fn for a CT that does not run, in a child that is its root and has a minute; root_fd: its mounted root. fn returns 0,
 * or -errno with an error, which is what comes back.
 */
struct launch_in_root {
	int userns_fd, root_fd;
	int (*fn)(void *data, int root_fd, struct berth_error *err);
	void *data;
};
int launch_in_root(const struct launch_in_root *f, struct berth_error *err);

/*
 * Writes the guest's files of a CT that does not run, as its root. root_fd: its mounted root. A failure is
 * the guest's doing: a directory in the way, a full disk.
 */
int launch_write_files(int userns_fd, int root_fd, const struct guest_config *g,
		       struct berth_error *err);

struct launch_enter {
	int init_pidfd; /* namespaces to join */
	const struct cg_attach *cgroup; /* the exec leaf */
	const struct seccomp_program *seccomp;
	int devpts_fd; /* for a pty */
	bool pty; /* a fresh pty of the CT is the controlling terminal */
	uint16_t rows, cols;
	int stdio[3]; /* without pty: the command's stdin, stdout, stderr */
	int args_fd; /* memfd: argc u32, envc u32, then argc + envc NUL-terminated strings */
	int reply_fd; /* the child sends the pty master there (SCM_RIGHTS), or "E" + errno i32 + step */
};

/*
 * Runs a command in the CT as its root: same cgroup subtree, namespaces, bounding set, filter and
 * keyring policy as init. Calls no malloc; safe in a process that must not grow.
 *
 * It takes a helper, which the CT's limits, its freezer or the kernel may hold for any time, so nothing waits for
 * it here: begin starts it, and as soon as sock can be read finish says what has come of it. Both processes, the
 * helper and the session, are the caller's children, to be reaped; the session runs once finish has taken notice
 * of it, and ends by itself when sock is closed before. The descriptors of e may be closed after begin.
 */
struct launch_entering {
	pid_t helper;
	int sock; /* the caller's, to close after finish or to give up: then the helper is to be killed */
};
/* 0 or -errno: -ENOENT when the CT has removed the exec leaf. */
int launch_enter_begin(const struct launch_enter *e, struct launch_entering *ret);
/* The session's pid or -errno; -EINPROGRESS: not yet known; -EAGAIN: numproc is used up. Never waits. */
pid_t launch_enter_finish(const struct launch_entering *n);

struct launch_visit {
	int init_pidfd; /* namespaces to join */
	const struct cg_attach *cgroup; /* the exec leaf */
	unsigned int timeout_ms;
	/* 0 or -errno with an error; *ret_fd may be set to a descriptor to bring out. */
	int (*fn)(void *data, int *ret_fd, struct berth_error *err);
	void *data;
};

/*
 * Runs fn as the CT's root, in the CT's cgroups and namespaces (but outside its pid namespace, so the
 * tenant cannot see it), in a child with no descriptor of the caller's. Whatever the tenant does it
 * returns within timeout_ms and a second: a child that cannot be killed is left behind, counted
 * and ended with the CT. What came out (ret_fd may be NULL) is what fn has checked, no more.
 */
int launch_visit(const struct launch_visit *v, int *ret_fd, struct berth_error *err);

/* ---- rebuild.c: CRIU, beside a CT and inside ---- */

enum {
	LAUNCH_REBUILD_SOCK = 3, /* where the program finds its socket */
	LAUNCH_REBUILD_CONSOLE = 4 /* and, when it rebuilds, the CT's console */
};

struct launch_dumper {
	int init_pidfd;
	uint32_t id_base;
	uint64_t file_max; /* bytes of the largest file that it may write */
	const char *const *probe; /* as launch_rebuild's; in the host's network */
	const char *const *argv; /* argv[0] is a path */
	int sock;
};
/* Starts the program; it is a child of the caller. Waits until it runs, or a minute. */
int launch_dumper(const struct launch_dumper *d, pid_t *ret, struct berth_error *err);

/*
 * What it sees in /run/ct: root, images, sys, pts, view, cgroup, console, and each device node under its last name.
 */
struct launch_rebuild {
	uint32_t id_base;
	const char *hostname;
	int root_fd; /* the CT's root, mounted */
	int images_fd; /* the directory of the images, which belong to the CT's mapped root */
	int userns_fd, netns_fd; /* from launch_ns_user and launch_ns_net */
	const struct cg_attach *cgroup; /* inner */
	int pts_fd; /* from launch_pts */
	int view_fd; /* from launch_view, answered for already */
	bool dev_tun, dev_fuse;
	bool host_covered;
	struct timespec monotonic, boottime; /* what the CT's clocks are ahead of the host's */
	const char *const
		*probe; /* is run first, as root: it leaves what it learned of the kernel in /run */
	const char *const *argv;
	int sock;
};
/* Starts the program; it is a child of the caller, and what it makes with CLONE_PARENT is so too. */
int launch_rebuild(const struct launch_rebuild *b, pid_t *ret_pid, int *ret_master,
		   struct berth_error *err);

/*
 * Runs fn as root of the user namespace, in that network namespace, without any privilege of the host's, in a
 * child that is given these descriptors only, and so much time. What fn returns is 0 or -errno with an error.
 */
struct launch_in_net {
	int userns_fd, netns_fd;
	const int *fds;
	unsigned int n_fds; /* at most 4 */
	unsigned int timeout_ms;
	int (*fn)(void *data, struct berth_error *err);
	void *data;
};
int launch_in_net(const struct launch_in_net *n, struct berth_error *err);
