/*
 * child.h - inside launch: what stage 1, init and their parent share. Not for other modules.
 *
 * Step order of a start. Parent: clone stage 1, read its report, (network, state file), say go, collect.
 * Stage 1, host root in the CT's cgroups: settle what needs host privilege (limits, OOM score, login
 * uid), join the network namespace, make the cage, put it on the stage, join the user namespace, become its root, clone init
 * with CLONE_PARENT, end. Init: build the mounts, pivot, send its descriptors, drop, wait for go, exec.
 */
#pragma once

#include "runtime/launch/launch.h"
#include "runtime/view/view.h"

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

/* ---- cage.c: what the host makes for a CT, because its own root must not be able to change it ---- */

enum {
	NODE_MAX = 8
};

struct cage {
	int nodes; /* a tmpfs with the CT's own device nodes, see device_file */
	int sys; /* sysfs of the CT's network namespace, a read-only superblock */
	int pts; /* the CT's devpts, with the host's limit */
	int view; /* its files of /proc and /sys, from launch_view; < 0: none */
	int master, console; /* a pty of the host's: the master, and its slave as a mount */
};

/*
 * Host root, in the caller's mount namespace and the CT's network namespace. All are detached mounts, but for
 * the master.
 */
void cage_init(struct cage *c);
int cage_make(const struct launch_spec *spec, struct cage *ret, struct berth_error *err);
void cage_close(struct cage *c);

struct device_node {
	const char *name;
	unsigned int major, minor;
};
extern const struct device_node device_nodes[NODE_MAX];
/* Its name in cage.nodes. */
const char *device_file(int i);
/* Has the CT this one of device_nodes? */
bool device_is_wanted(int i, const struct launch_spec *spec);

/* ---- init.c ---- */

/* The life of init up to execve. sock is its end of the go socket. */
_Noreturn void init_run(const struct launch_spec *spec, struct cage *cage, int sock);

/* ---- process.c: no allocation, also used by enter.c and visit.c ---- */

/*
 * What only the host's root may set, while we still are: resource limits, login uid. Without CAP_SYS_RESOURCE
 * limits are lowered only, never raised. -errno.
 */
int process_settle_host(void);

/*
 * The OOM score. Init is to be the last victim, so all others have GUEST_OOM_SCORE (templates/guest.h). Whoever
 * joins a living CT has it before: with the score of a monitor it would make init the only victim.
 */
void process_settle_oom(bool is_init);

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

/*
 * Of the permitted capabilities those in keep (bits of 1 << CAP_X) stay, effective, inheritable and ambient, so that a
 * program that is run has them; the others go for good. -errno.
 */
int caps_keep(uint64_t keep);

/* Bounding set = the policy; inheritable and ambient empty; verified afterwards. */
int caps_settle(struct berth_error *err);

/* ---- mounts.c ---- */

/*
 * Host root: a mount namespace of the host's own with the CT's root and sysfs, which init's is then a copy of. What
 * the kernel copies for another user namespace is locked: its flags stay, and it cannot be unmounted from what it lies
 * on. So nobody in the CT can take the upper sysfs off the lower one. `ip netns exec` would do that, and then be
 * refused a new sysfs, as none is in view; where it cannot, it makes a read-only one.
 *
 * Two of them, because below a mount with a locked one on it no `mount --bind` works: that is the lower sysfs, and
 * not the root. The working directory becomes the lower one, and is carried over into the copy.
 */
int mounts_stage(const struct launch_spec *spec, const struct cage *cage, struct berth_error *err);

/* Mounts that must be made while the host's mounts are still in view; detached until attached. */
struct mount_set {
	int root, sys;
	int proc;
	int nodes[NODE_MAX]; /* in the order of device_nodes; < 0: not wanted */
	int view[VIEW_FILES]; /* in the order of view_places; < 0: none */
};

/* Directories of the CT that our mounts make; owned by the caller. */
struct ct_dirs {
	int root, run, dev;
	int slave; /* /dev/console, open */
};

/*
 * Pure: does this text of /proc/self/mountinfo show that a mount covers a part of /proc? Then the kernel
 * refuses a new proc to a user namespace. Mounts on directories that are made to be mount points (always
 * empty) do not count.
 */
bool mounts_host_covered(const char *mountinfo);

/* Host root, in a private mount namespace: a proc that nothing covers, over the host's. */
int mounts_uncover_host(struct berth_error *err);

/* In the new namespaces, with what mounts_stage has left. */
int mounts_prepare(struct mount_set *set, const struct launch_spec *spec, const struct cage *cage,
		   struct berth_error *err);
/* The CT's root becomes "/"; everything of the host is gone. */
int mounts_enter_root(struct mount_set *set, struct berth_error *err);
/* /proc /sys /run /dev and what lies below them. */
int mounts_attach(struct mount_set *set, const struct launch_spec *spec, const struct cage *cage,
		  struct ct_dirs *ret, struct berth_error *err);
void mounts_init(struct mount_set *set);
void mounts_close(struct mount_set *set);

/* Helpers of mounts.c for devices.c. */
struct fs_option {
	const char *key, *value;
};
/* A new file system as a detached mount. options ends with a NULL key; a NULL value: a flag. Descriptor or -errno. */
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

/* /dev and what lies below it. *ret_slave: /dev/console, open. */
int devices_attach(const struct mount_set *set, const struct launch_spec *spec,
		   const struct cage *cage, struct ct_dirs *dirs, struct berth_error *err);
/* Of cage.nodes, which is attached: only of such a mount may a part be cloned. -errno. */
int devices_clone(const struct launch_spec *spec, int nodes_fd, int ret[NODE_MAX]);

/* ---- view.c ---- */

/* The files of cage.view, which is attached. -errno. */
int view_clone(int view_fd, int ret[VIEW_FILES]);
/* Over what they stand for in the CT's root; what this kernel has not is left out. */
int view_attach(const int view[VIEW_FILES], int root_fd, struct berth_error *err);

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
