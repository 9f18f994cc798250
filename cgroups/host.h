/*
 * host.h - private to cgroups/: what discovery found and how to reach it.
 *
 * Every file of a CT is reached as "CTID/FILE" below the descriptor of PARENT/berth in the
 * hierarchy that carries its controller: no path walk from the root, no library call.
 */
#pragma once

#include "cgroups/cg.h"

#include <stddef.h>

enum cg_ctrl {
	CG_MEMORY,
	CG_CPU,
	CG_CPUSET,
	CG_PIDS,
	CG_IO,
	CG_CTRL_MAX,
	CG_CORE = CG_CTRL_MAX /* no controller: cgroup.* of the unified hierarchy */
};

enum {
	CG_REL_MAX = 128,
	CG_VALUE_MAX = 192,
	CG_PARENT_MAX = 256,
	CG_OWN_GROUPS = 2, /* inner and inner/.berth, which are ours */
	CG_CONTROLLER_MAX = 72 /* "name=" and the kernel's longest name */
};

/* One mounted hierarchy that we use. */
struct cg_hier {
	int root; /* its mount point */
	int berth; /* PARENT/berth in it, -EBADF while that does not exist */
	bool v2;
	char mount[CG_PARENT_MAX];
	char parent[CG_PARENT_MAX]; /* relative to the mount point, "" for the root */
	char controller[CG_CONTROLLER_MAX]; /* one in it, or "name=NAME"; "": the unified one */
};

struct cg_probed {
	bool known;
	struct cg_probe probe;
};

struct cg_host {
	struct cg_hier hier[1 + CG_V1_MAX]; /* [0] is the unified one */
	unsigned int n_hier;
	int of[CG_CTRL_MAX]; /* index in hier, -1: not mounted anywhere */
	bool enabled[CG_CTRL_MAX]; /* v2: listed in berth/cgroup.subtree_control */
	char enable[64]; /* the same as "+memory +pids", for the outer cgroup of a CT */
	char *delegate; /* text of /sys/kernel/cgroup/delegate, read when first needed */
	struct cg_probed *probed; /* filled when first asked for */
	char *claimed; /* the root whose PARENT/berth it was at cg_host_claim; NULL: not asked */
};

/* ---- discovery.c ---- */

enum {
	CG_MOUNT_MAX = 32
};

struct cg_mount {
	char controller[CG_CONTROLLER_MAX];
	char path[CG_PARENT_MAX];
};

/*
 * All controllers and named hierarchies with their mount points; returns the count or -errno. *ret is valid
 * until the next call.
 */
int cg_discover(const struct cg_mount **ret);
/* Makes GROUP (relative to the mount point) in the v1 hierarchy of a controller. -errno. */
int cg_discover_make_v1(const char *controller, const char *group);

/* ---- host.c ---- */

/*
 * Claims again what cg_host_claim has claimed, and holds it until released: between the two this berth's first CT
 * gets its cgroup, so that no other berth can take PARENT/berth as one without a CT. Without a claim: 0.
 */
int cg_host_claim_hold(struct cg_host *h, struct berth_error *err);
void cg_host_claim_release(struct cg_host *h);

const char *cg_ctrl_name(enum cg_ctrl c, bool v2);
/* The hierarchy that carries c for CTs, or NULL. */
const struct cg_hier *cg_hier_of(const struct cg_host *h, enum cg_ctrl c);
/* Opens PARENT/berth everywhere, making it when missing. */
int cg_host_ready(struct cg_host *h, struct berth_error *err);
/* Formats "MOUNT/PARENT/berth/CTID/FILE" for a message; returns buf. */
char *cg_where(const struct cg_hier *hi, uint32_t ctid, const char *file, char *buf, size_t size);

/* ---- io.c ---- */

/* "CTID/FILE" into buf (CG_REL_MAX); returns buf. */
char *cg_rel(uint32_t ctid, const char *file, char *buf);
int cg_read(const struct cg_hier *hi, uint32_t ctid, const char *file, char *buf, size_t size);
int cg_write(const struct cg_hier *hi, uint32_t ctid, const char *file, const char *value);
/* "max" or a number. */
int cg_read_max(const struct cg_hier *hi, uint32_t ctid, const char *file, uint64_t *ret);
/* KEY of a flat keyed file. */
int cg_read_key(const struct cg_hier *hi, uint32_t ctid, const char *file, const char *key,
		uint64_t *ret);
/* Whether FILE exists in every CT's cgroup: looked up in PARENT/berth. */
bool cg_has_file(const struct cg_hier *hi, const char *file);
/* Waits until KEY of cgroup.events is want; -ETIMEDOUT, or -ENOENT when the cgroup is gone. */
int cg_wait_event(const struct cg_hier *hi, uint32_t ctid, const char *key, uint64_t want,
		  unsigned int timeout_ms);

/* Calls fn for NAME below parent and all its descendants, children first. Stops at r < 0. */
typedef int cg_walk_fn(int parent, const char *name, int dirfd, void *data);
int cg_walk(int parent, const char *name, cg_walk_fn *fn, void *data);

/* ---- limits.c ---- */

enum cg_want {
	CG_LEAVE, /* do not touch the file */
	CG_DEFAULT, /* the kernel's own value: a missing file is fine */
	CG_LIMIT, /* a limit that must hold */
};

/* One file of one limit. */
struct cg_limit_row {
	const char *param; /* the admin's word for it */
	enum cg_ctrl ctrl;
	const char *v2, *v1; /* file names, NULL: none there */
	enum cg_want (*format)(const struct cg_limits *l, bool v2, char *buf, size_t size);
	bool keyed; /* the value begins with "MAJ:MIN", one line a device */
};

extern const struct cg_limit_row cg_limit_rows[];
extern const size_t cg_n_limit_rows;

/* The row's file here, or NULL when its hierarchy has none. */
const char *cg_row_file(const struct cg_host *h, const struct cg_limit_row *row);
int cg_row_refuse(const struct cg_host *h, const struct cg_limit_row *row, struct berth_error *err);
/* The part of cg_limits_check that no single row can judge; needs no system call. */
int cg_limits_check_combined(const struct cg_host *h, const struct cg_limits *want,
			     struct berth_error *err);
/* io.weight for ioprio 0..7; 4 gives 100, the default. */
uint32_t cg_io_weight(uint32_t ioprio);

/* ---- parse.c, also pure ---- */

/* The path in /proc/self/cgroup for a controller, NULL: the unified one. -ENOENT, -ENOSPC. */
int cg_parse_own(const char *text, const char *controller, char *buf, size_t size);
/* The line that begins with "KEY ", without its newline. -ENOENT, -ENOSPC. */
int cg_parse_line(const char *text, const char *key, char *buf, size_t size);
/* How many v1 hierarchies /proc/self/cgroup lists. */
unsigned int cg_parse_count_v1(const char *text);
/* Whether a blank-separated list has the word. */
bool cg_parse_has_word(const char *text, const char *word);
/* PARENT of NULL for a unified own path, see cg_host_open. */
int cg_parse_unified_parent(const char *own, char *buf, size_t size);
/* A path that a caller may give: absolute, clean, no "." or ".." component; the '/'s cut off. */
int cg_parse_parent(const char *parent, char *buf, size_t size);

/* ---- devices.c, the pure half ---- */

struct bpf_insn;
enum {
	CG_DEVICE_INSN_MAX = 768
};
/* Compiles base and more into insns; the count, or -E2BIG, -EINVAL. */
int cg_device_compile(const struct cg_device *more, size_t n_more, struct bpf_insn *insns,
		      size_t max);
/* Puts the base policy on PARENT/berth; replaces that of an older version. -errno. */
int cg_device_setup(struct cg_host *h);
/* 0 when the kernel takes such a program. */
int cg_device_probe(void);

/* ---- freeze.c ---- */

/* cg_ct_kill where cgroup.kill is missing. */
int cg_kill_by_pids(struct cg_host *h, uint32_t ctid, struct berth_error *err);
