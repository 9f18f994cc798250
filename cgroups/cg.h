/*
 * cg.h - the cgroups of a CT: limits, statistics, freeze, kill, device policy.
 *
 * Layout in the unified hierarchy:
 *
 *	PARENT/berth/CTID          limits sit here, root-owned
 *	PARENT/berth/CTID/inner    delegated to the CT's root; the CT's cgroup namespace begins here
 *	PARENT/berth/CTID/inner/.berth  exec sessions (a leaf, so that the CT may enable controllers)
 *
 * Driver v2: every controller in the unified hierarchy. Driver hybrid: controllers still bound to
 * v1 hierarchies are used there, as PARENT/berth/CTID without levels below: nothing of v1 is
 * delegated. A CT is in its own cgroup of every v1 hierarchy that this host has mounted, whether a
 * limit needs it or not (name=systemd, devices, freezer...): root in a CT can mount any of them and
 * sees what is below its own cgroup there, which must not be the host's top.
 *
 * PARENT is a place in each hierarchy: see cg_host_open. Not thread-safe: libcgroup keeps global
 * state.
 */
#pragma once

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CG_UNLIMITED UINT64_MAX

enum {
	CG_V1_MAX = 16
};

struct cg_host; /* what discovery found; one a process */

/* The hierarchy state of this host, for doctor and for refusals. */
struct cg_probe {
	bool hybrid; /* at least one controller of ours is on v1 */
	bool memory, swap, cpu, cpuset, pids, io; /* can be enforced at all */
	bool memory_v2; /* memory is limited in the unified hierarchy */
	bool freeze, kill; /* cgroup.freeze, cgroup.kill in the unified hierarchy */
	bool devices; /* BPF_CGROUP_DEVICE attaches */
	char unified[256]; /* mount point of the unified hierarchy */
};

struct cg_limits {
	uint64_t memory; /* bytes of RAM, CG_UNLIMITED */
	uint64_t swap; /* bytes of swap, CG_UNLIMITED */
	uint64_t pids; /* processes and threads, CG_UNLIMITED */
	uint64_t cgroups; /* what the CT may make below its own, CG_UNLIMITED; 0: leave */
	uint32_t cpulimit; /* percent of one CPU, 0: none */
	uint32_t cpuunits; /* OpenVZ weight 8..500000, 1000 is normal */
	char cpumask[128]; /* CPU list "0-3,5", "" for all */
	uint32_t cpus; /* without a cpumask: it runs on so many, which berth picks; 0: all */
	char nodemask[128];
	uint32_t ioprio; /* 0..7, 4 is normal; 0xffffffff: leave */
	uint64_t io_bps, io_iops; /* per second, 0: none */
	dev_t io_dev; /* the block device that io_bps and io_iops bind to; 0: none */
};

struct cg_stat {
	uint64_t memory, memory_max_seen, memory_failcnt; /* bytes, bytes, events */
	uint64_t swap, swap_max_seen, swap_failcnt;
	uint64_t pids, pids_max_seen, pids_failcnt;
	uint64_t cgroups; /* made by the CT; the kernel counts neither a peak nor refusals */
	uint64_t cgroups_max; /* what it may make, CG_UNLIMITED; with CG_STAT_COUNTERS */
	uint64_t cpu_usec;
	uint64_t throttled; /* periods in which it had used up its CPU time */
	uint64_t periods,
		throttled_usec; /* with CG_STAT_THROTTLED: of how many, and how long it waited in all */
	uint64_t oom_kills;
};

/*
 * What a program must do to be in a CT's cgroups; all descriptors belong to the caller.
 * v1: `tasks` files open for writing. A single-threaded process writes "0" to each to move itself:
 * unlike cgroup.procs that takes no global lock and waits for no RCU grace period.
 * CLONE_NEWCGROUP must come after all of it (unshare), or the namespace begins elsewhere.
 */
struct cg_attach {
	int unified; /* dirfd for clone3(CLONE_INTO_CGROUP) */
	int v1[CG_V1_MAX];
	unsigned int n_v1;
};

/* Pressure stall information (Documentation/accounting/psi.rst). */
struct cg_stall {
	uint32_t avg10, avg60, avg300; /* hundredths of a percent of the last seconds */
	uint64_t usec; /* in all */
};

enum cg_pressure_of {
	CG_PRESSURE_CPU,
	CG_PRESSURE_MEMORY,
	CG_PRESSURE_IO,
	CG_PRESSURES
};

/* some: at least one process waited; full: all that wanted to run. Not known: this kernel has none (psi=1). */
struct cg_pressure {
	bool known;
	struct cg_stall some, full;
};

/* What has gone through a block device since the start. */
struct cg_io {
	uint64_t read_bytes, write_bytes, reads, writes;
};

/* ---- pure parsers (unit tests and fuzz) ---- */

/* The text of cpu.pressure and its like. -EINVAL. */
int cg_pressure_parse(const char *text, struct cg_pressure *ret);
/* The line of a device in io.stat; -ENOENT. */
int cg_io_parse(const char *text, dev_t dev, struct cg_io *ret);
/* The lines of a device in v1's blkio.throttle.io_service_bytes and io_serviced. -ENOENT, -EINVAL. */
int cg_io_parse_v1(const char *text, dev_t dev, uint64_t *ret_read, uint64_t *ret_write);

/* "memory.events"-like text: the number behind KEY; -ENOENT, -EINVAL. */
int cg_parse_key(const char *text, const char *key, uint64_t *ret);
/* "max" or a number. */
int cg_parse_max(const char *text, uint64_t *ret);
/* cpuunits 8..500000 to cpu.weight 1..10000 (1000 -> 100) and to v1 cpu.shares (1000 -> 1024). */
uint32_t cg_weight_from_units(uint32_t cpuunits);
uint64_t cg_shares_from_units(uint32_t cpuunits);
/* A CPU list: 0 and the highest CPU in *ret_max, or -EINVAL. */
int cg_parse_cpulist(const char *list, unsigned int *ret_max);
/*
 * n CPUs of the list for a CT, in turn: CTs with numbers in a row get CPUs in a row. "" (all) for 0, for no fewer
 * than there are, and for what does not fit. -EINVAL for no list.
 */
int cg_pick_cpus(const char *list, uint32_t n, uint32_t ctid, char *buf, size_t size);

/* ---- host ---- */

/*
 * Discovers the hierarchies (libcgroup). parent: a path below each hierarchy's root such as
 * "/tenants" or "/". NULL: in the unified hierarchy the root, or, when this process's cgroup is a
 * leaf named "daemon" (DelegateSubgroup=daemon), the one above that leaf; in each v1 hierarchy this
 * process's own cgroup there. Every process that works on the same CTs must give the same
 * parent, and with NULL must sit in the same cgroups.
 */
int cg_host_open(const char *parent, struct cg_host **ret, struct berth_error *err);
/* Searches the mount table in advance; a cg_host_open of this process does it again only after a change. */
void cg_host_expect(void);
void cg_host_free(struct cg_host *h);
const struct cg_probe *cg_host_probe(const struct cg_host *h);

/* Findings about this host's cgroups. level: "ok", "warning", "error"; fix may be "". */
typedef void cg_doctor_fn(const char *name, const char *level, const char *text, const char *fix,
			  void *data);
void cg_doctor(const struct cg_host *h, cg_doctor_fn *fn, void *data);

/* Makes PARENT/berth and enables controllers down to it. Idempotent; called at daemon start. */
int cg_host_setup(struct cg_host *h, struct berth_error *err);
/*
 * Marks PARENT/berth as that of the berth whose files are below root (the attribute trusted.berth.root of the
 * unified hierarchy, cgroups(7)), so that another one with the same PARENT takes no CT there for its own. One
 * without a CT changes hands. root: "" or "/" without --root. BERTH_ERR_EXISTS when it is another's; 0 where there is no PARENT/berth yet.
 */
int cg_host_claim(struct cg_host *h, const char *root, struct berth_error *err);
/* Removes PARENT/berth everywhere; -EBUSY while a CT has a cgroup there. For uninstall, tests. */
int cg_host_teardown(struct cg_host *h, struct berth_error *err);

/* ---- one CT ---- */

/* Which member of want this host cannot enforce: BERTH_ERR_LIMIT naming limit, reason and file. */
int cg_limits_check(const struct cg_host *h, const struct cg_limits *want, struct berth_error *err);

/* Makes both levels, owner uid:gid for inner, cgroup.max.descendants/depth on the outer one. */
int cg_ct_create(struct cg_host *h, uint32_t ctid, uid_t uid, gid_t gid, struct berth_error *err);

/*
 * Writes all limits. Lowering memory below use first tries memory.reclaim; EBUSY there is a
 * BERTH_ERR_LIMIT that says how much is in use. All-or-nothing: on failure the old values are back.
 */
int cg_ct_apply(struct cg_host *h, uint32_t ctid, const struct cg_limits *limits,
		struct berth_error *err);

/* What cg_ct_apply would write now, in its order; a file that has its value already is left out. */
typedef void cg_change_fn(const char *file, const char *old, const char *value, void *data);
int cg_ct_changes(struct cg_host *h, uint32_t ctid, const struct cg_limits *l, cg_change_fn *fn,
		  void *data, struct berth_error *err);

/*
 * Device policy by BPF: null zero full random urandom tty console ptmx pts/n, inherited from
 * PARENT/berth, and more, which needs a program of its own on the outer cgroup. Replaces what was
 * set before, also of a running CT.
 */
struct cg_device {
	char type; /* 'c' or 'b' */
	uint32_t major, minor; /* UINT32_MAX: any */
	bool read, write, mknod;
};
int cg_ct_devices(struct cg_host *h, uint32_t ctid, const struct cg_device *more, size_t n_more,
		  struct berth_error *err);

/* Descriptors for entering: exec = false for init (inner), true for exec sessions (inner/.berth). */
int cg_ct_attach(struct cg_host *h, uint32_t ctid, bool exec, struct cg_attach *ret,
		 struct berth_error *err);
void cg_attach_close(struct cg_attach *a);
/*
 * Moves a process of ours from a CT's unified cgroup to this process's own one, so that it goes on when the CT is
 * frozen. Its v1 cgroups stay. -errno.
 */
int cg_take_out(const struct cg_host *h, pid_t pid);
/* The file that limits the cgroups of a CT, for messages. */
void cg_ct_max_descendants_path(const struct cg_host *h, uint32_t ctid, char *buf, size_t size);
/* Its directory in the unified hierarchy; the caller closes it. -ENOENT is proof that it has none. */
int cg_ct_dir(const struct cg_host *h, uint32_t ctid);

/*
 * A file of its limits or numbers, open for reading: that of v2, else that of v1, whichever its controller's hierarchy has.
 * NULL: not in that version. Descriptor or -errno; -ENOENT: this kernel has neither.
 */
int cg_ct_open(struct cg_host *h, uint32_t ctid, const char *v2, const char *v1);

int cg_ct_stat(struct cg_host *h, uint32_t ctid, struct cg_stat *ret, struct berth_error *err);
/* Each number is a file to be read: only those of what; the others are 0. */
enum cg_stat_what {
	CG_STAT_CPU = 1,
	CG_STAT_MEMORY = 2,
	CG_STAT_SWAP = 4,
	CG_STAT_PIDS = 8,
	CG_STAT_CGROUPS = 16,
	CG_STAT_COUNTERS = 32, /* of those: the most ever used, and failures */
	CG_STAT_THROTTLED = 64,
	CG_STAT_ALL = 127
};
int cg_ct_stat_some(struct cg_host *h, uint32_t ctid, unsigned int what, struct cg_stat *ret,
		    struct berth_error *err);
/* What cannot be read is not known, or 0. */
void cg_ct_pressure(const struct cg_host *h, uint32_t ctid, enum cg_pressure_of of,
		    struct cg_pressure *ret);
void cg_host_pressure(enum cg_pressure_of of, struct cg_pressure *ret);
/* v1 counts what was read or written around the page cache only: there, writeback is nobody's. */
void cg_ct_io(const struct cg_host *h, uint32_t ctid, dev_t dev, struct cg_io *ret);
/* Bytes of its RAM that are page cache of files, which the kernel takes back when it needs them; 0 when that cannot be read. */
uint64_t cg_ct_cache(const struct cg_host *h, uint32_t ctid);
int cg_ct_freeze(struct cg_host *h, uint32_t ctid, bool frozen, struct berth_error *err);
/* Does not wait until the last process goes on. */
int cg_ct_thaw(struct cg_host *h, uint32_t ctid, struct berth_error *err);
/* SIGKILL to everything in it (works while frozen). Does not wait. */
int cg_ct_kill(struct cg_host *h, uint32_t ctid, struct berth_error *err);
/* 1 when a process is left, 0 when not. */
int cg_ct_populated(struct cg_host *h, uint32_t ctid, struct berth_error *err);
bool cg_ct_exists(struct cg_host *h, uint32_t ctid);
/* rmdir of the whole subtree in every hierarchy, retried for timeout_ms. Missing is success. */
int cg_ct_remove(struct cg_host *h, uint32_t ctid, unsigned int timeout_ms,
		 struct berth_error *err);
/* CTIDs that have a cgroup now; returns the count; *ret is malloc'ed, or NULL. For garbage collection. */
int cg_ct_list(struct cg_host *h, uint32_t **ret, struct berth_error *err);
