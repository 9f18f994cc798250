/*
 * child.h - inside launch: what stage 1, init and their parent share. Not for other modules.
 *
 * Step order of a start. Parent: clone stage 1, read its report, (network, state file), say go, collect.
 * Stage 1, host root in the CT's cgroups: settle what needs host privilege (limits, OOM score, login
 * uid), join the user namespace, become its root, join the network namespace, clone init with
 * CLONE_PARENT, end. Init: build the mounts, pivot, send its descriptors, drop, wait for go, exec.
 */
#pragma once

#include "runtime/launch/launch.h"

/* ---- messages of init on the go socket (SOCK_SEQPACKET); the end of file after READY is success */

enum launch_msg_type {
	LAUNCH_MSG_FDS = 'F', /* fds: console master, devpts root, notify socket */
	LAUNCH_MSG_READY = 'R', /* all that remains is execve */
	LAUNCH_MSG_ERROR = 'E',
};

struct launch_msg {
	enum launch_msg_type type;
	struct berth_error err;
};

/* ---- init.c ---- */

/* The life of init up to execve. sock is its end of the go socket. */
_Noreturn void init_run(const struct launch_spec *spec, int sock);

/* ---- process.c: no allocation, also used by enter.c and visit.c ---- */

/*
 * Everything that only the host's root may set, while we still are: resource limits, OOM score and its
 * floor, login uid. Without CAP_SYS_RESOURCE limits are lowered only, never raised. -errno.
 */
int process_settle_host(void);

/* Moves the caller into the v1 cgroups; with_unified also into the unified one. -errno. */
int process_join_cgroups(const struct cg_attach *a, bool with_unified);

/* Root of the user namespace that the caller has joined: no groups, gid 0, uid 0. -errno. */
int process_become_root(void);

/*
 * From the host's root to the CT's: cgroups, limits, all namespaces of init (the pid namespace for
 * children only), ids. Not dumpable afterwards: the tenant cannot trace us before an execve. -errno.
 */
int process_enter(int init_pidfd, const struct cg_attach *cgroup, bool with_unified);

/* Closes every descriptor but these n, which it sorts. -errno. */
int process_close_others(int *keep, unsigned int n);

/* An own anonymous session keyring, so that none is shared with the host. -errno. */
int process_new_keyring(void);

/* Drops all capabilities outside launch_capability_mask() from the bounding set. -errno. */
int process_bound_caps(void);

/* The working directory lies inside our root (CVE-2024-21626). -errno. */
int process_check_cwd(void);

/*
 * Kills a child of ours and reaps it. One that the kernel does not let die (a file system that does not answer)
 * is left behind after a second.
 */
void process_end(pid_t pid);

/* ---- caps.c ---- */

/* Makes all permitted capabilities effective (setresuid took them away). -errno. */
int caps_raise_effective(void);

/* Bounding set = the policy; inheritable and ambient empty; verified afterwards. */
int caps_settle(struct berth_error *err);

/* ---- mounts.c ---- */

enum {
	NODE_MAX = 8,
	COVER_MAX = 16
};

/* Mounts that must be made while the host's mounts are still in view; detached until attached. */
struct mount_set {
	int root; /* clone of the CT's root, or the detached mount itself */
	int proc, sys;
	int nodes[NODE_MAX]; /* in the order of device_nodes; -EBADF: not wanted */
};

#define MOUNT_SET_INIT                                                    \
	{                                                                 \
		.root = -EBADF, .proc = -EBADF, .sys = -EBADF, .nodes = { \
			-EBADF,                                           \
			-EBADF,                                           \
			-EBADF,                                           \
			-EBADF,                                           \
			-EBADF,                                           \
			-EBADF,                                           \
			-EBADF,                                           \
			-EBADF                                            \
		}                                                         \
	}

/* Directories of the CT that our mounts make; owned by the caller. */
struct ct_dirs {
	int root, run, dev, pts;
};

/*
 * Pure: does this text of /proc/self/mountinfo show that a mount covers a part of /proc or /sys? Then the
 * kernel refuses a new proc or sysfs to a user namespace. Mounts on directories that are made to be
 * mount points (always empty) do not count.
 */
bool mounts_host_covered(const char *mountinfo);

/* Host root: makes a mount namespace of its own with a proc and a sysfs that nothing covers. */
int mounts_uncover_host(struct berth_error *err);

/* In the new namespaces, working directory = the CT's root in the parent's mount namespace. */
int mounts_prepare(struct mount_set *set, const struct launch_spec *spec, struct berth_error *err);
/* The CT's root becomes "/"; everything of the host is gone. */
int mounts_enter_root(struct mount_set *set, struct berth_error *err);
/* /proc /sys /run /dev and what lies below them. */
int mounts_attach(struct mount_set *set, const struct launch_spec *spec, struct ct_dirs *ret,
		  struct berth_error *err);
void mounts_close(struct mount_set *set);

/* Helpers of mounts.c for devices.c. */
struct fs_option {
	const char *key, *value;
};
/* A new file system as a detached mount. options ends with a NULL key. Descriptor or -errno. */
int fs_mount(const char *type, const struct fs_option *options, unsigned int attrs);
enum {
	FS_SIZE_MAX = 24
};
/* Pure: the size= of a tmpfs that may hold so much of the CT's memory. Its root may change it. */
const char *tmpfs_size(uint64_t memory, unsigned int percent, char buf[FS_SIZE_MAX]);
/* Attaches a detached mount onto name below dirfd, without following any link. -errno. */
int mount_place(int mount_fd, int dirfd, const char *name);
/* As mount_place in the CT's root, where a missing directory is made. */
int mount_place_in_root(int mount_fd, int root_fd, const char *name, struct berth_error *err);

/* ---- devices.c ---- */

/* Clones of the host's nodes, each verified. */
int devices_prepare(int nodes[NODE_MAX], const struct launch_spec *spec, struct berth_error *err);
/* /dev and what lies below it, except the console. */
int devices_attach(const int nodes[NODE_MAX], const struct launch_spec *spec, int root_fd,
		   int *ret_dev, int *ret_pts, struct berth_error *err);
/* A pty of the CT's own devpts, its slave on /dev/console. */
int devices_console(int dev_fd, int pts_fd, int *ret_master, int *ret_slave,
		    struct berth_error *err);

/* ---- args.c ---- */

enum {
	ARGS_MAX = 1024,
	ARGS_SIZE_MAX = 1 << 20
};

/*
 * Pure: the layout of launch_enter.args_fd. Fills argv and envp (ARGS_MAX + 1 each) with
 * NULL-terminated pointers into buf. -EBADMSG for a bad text, -E2BIG for too many.
 */
int args_parse(char *buf, size_t len, char **argv, char **envp);

/* The value of NAME in envp, or NULL. */
const char *args_env(char *const *envp, const char *name);
