/* host_checks.c - what this host can and cannot do for CTs. Reads only; changes nothing. */
#include "runtime/worker/host_checks.h"

#include "netsetup/net.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"
#include "runtime/base/pidref.h"
#include "runtime/base/spawn.h"
#include "runtime/base/value.h"
#include "runtime/ct/bounds.h"
#include "runtime/ct/info.h"
#include "runtime/ct/pool_ct.h"
#include "runtime/ct/pools.h"
#include "runtime/ct/spec.h"
#include "runtime/ct/trouble.h"
#include "runtime/storage/volume.h"
#include "runtime/worker/criu_run.h"
#include "runtime/worker/host_hardening.h"
#include "runtime/worker/host_space.h"
#include "runtime/worker/volume_mount.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

enum {
	USER_NAMESPACES_MIN = 4096
};

struct checks {
	host_finding_fn *fn;
	void *data;
};

static void found(struct checks *c, const char *name, const char *level, const char *fix,
		  const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void found(struct checks *c, const char *name, const char *level, const char *fix,
		  const char *fmt, ...)
{
	char text[460];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->fn(name, level, text, fix, c->data);
}

/* The number at the start of a version word such as "6.12.43+deb13-amd64". */
static unsigned int version_part(const char **p)
{
	unsigned int v = 0;

	while (**p >= '0' && **p <= '9' && v < 100000)
		v = v * 10 + (unsigned int)(*(*p)++ - '0');
	if (**p == '.')
		(*p)++;
	return v;
}

static void check_kernel(struct checks *c)
{
	struct utsname u;
	const char *p;
	unsigned int major, minor;

	if (uname(&u) < 0)
		return;
	p = u.release;
	major = version_part(&p);
	minor = version_part(&p);
	if (major < 5 || (major == 5 && minor < 19))
		found(c, "kernel", "error", "apt-get install linux-image-amd64",
		      "kernel %s: idmapped overlay layers need 5.19 or later", u.release);
	else
		found(c, "kernel", "ok", "", "kernel %s", u.release);
}

/* fsopen(2) loads the module and makes nothing. */
static void check_filesystem(struct checks *c, const char *type, const char *what)
{
	auto_close int fd = fsopen(type, FSOPEN_CLOEXEC);
	char name[40], fix[40];

	(void)snprintf(name, sizeof(name), "fs-%s", type);
	(void)snprintf(fix, sizeof(fix), "modprobe %s", type);
	if (fd < 0)
		found(c, name, "error", fix, "the kernel has no %s, which holds %s: %s", type, what,
		      strerror(errno));
	else
		found(c, name, "ok", "", "%s for %s", type, what);
}

struct program_row {
	const char *name, *package, *level, *what;
};

static void check_program(struct checks *c, const struct program_row *row)
{
	static const char *const dirs[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
	char path[64], name[40], fix[80];

	(void)snprintf(name, sizeof(name), "program-%s", row->name);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dirs[i], row->name);
		if (access(path, X_OK) == 0) {
			found(c, name, "ok", "", "%s", path);
			return;
		}
	}
	(void)snprintf(fix, sizeof(fix), "apt-get install %s", row->package);
	found(c, name, row->level, fix, "%s is missing: %s", row->name, row->what);
}

static void check_programs(struct checks *c)
{
	static const struct program_row rows[] = {
		{"nft", "nftables", "error", "no CT can have a network"},
		{"mkfs.erofs", "erofs-utils", "warning", "no template can be made"},
		{"mmdebstrap", "mmdebstrap", "warning", "no Debian template can be built"},
		{"busybox", "busybox-static", "warning", "the template tiny cannot be built"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_program(c, &rows[i]);
}

static void check_need(const struct volume_need *need, void *data)
{
	struct checks *c = data;

	switch (need->kind) {
	case VOLUME_NEEDS_FILE_SYSTEM:
		check_filesystem(c, need->name, "CT volumes");
		break;
	case VOLUME_NEEDS_PROGRAM:
		check_program(c, &(struct program_row){need->name, need->from, need->level,
						       need->without});
		break;
	case VOLUME_NEEDS_NODE:
		if (access(need->path, R_OK | W_OK) < 0)
			found(c, need->name, need->level, need->from, "%s", need->without);
		else
			found(c, need->name, "ok", "", "%s for CT volumes", need->path);
		break;
	}
}

static void check_inode_limits(struct checks *c, struct worker *w)
{
	static const char name[] = "inode-limits";

	switch (worker_inode_limits(w)) {
	case VOLUME_CAN:
		found(c, name, "ok", "", "--diskinodes of a running CT can be lowered");
		break;
	case VOLUME_CANNOT:
		found(c, name, "warning", "modprobe quota_v2, or boot a kernel with CONFIG_QFMT_V2",
		      "the kernel has no project quota for volumes: each keeps the inodes that it "
		      "was created with, --diskinodes cannot lower them");
		break;
	case VOLUME_UNKNOWN:
		found(c, name, "warning", "berthd's log says why",
		      "cannot find out whether --diskinodes of a CT can be lowered");
		break;
	}
}

/* A policy of the admin's, who may have closed them to users: berthd does not raise it. */
static void check_user_namespaces(struct checks *c)
{
	static const char path[] = "/proc/sys/user/max_user_namespaces";
	char value[32];
	uint64_t now;

	if (file_read_line_at(AT_FDCWD, path, value, sizeof(value)) < 0 ||
	    parse_u64(value, &now) < 0)
		return;
	if (file_read_line_at(AT_FDCWD, "/proc/sys/kernel/unprivileged_userns_clone", value,
			      sizeof(value)) == 0 &&
	    strcmp(value, "0") == 0)
		found(c, "sysctl-unprivileged_userns_clone", "warning",
		      "sysctl -w kernel.unprivileged_userns_clone=1, and limit users by "
		      "user.max_user_namespaces",
		      "kernel.unprivileged_userns_clone is 0: a CT's network namespaces are not "
		      "counted, and nesting:on gives no user namespaces");
	if (now < USER_NAMESPACES_MIN)
		found(c, "sysctl-max_user_namespaces", "warning",
		      "unless you want this limit: sysctl user.max_user_namespaces=4096",
		      "user.max_user_namespaces is %llu: each CT needs two user namespaces",
		      (unsigned long long)now);
	else
		found(c, "sysctl-max_user_namespaces", "ok", "", "user.max_user_namespaces is %llu",
		      (unsigned long long)now);
}

static void check_core_pattern(struct checks *c)
{
	char value[160];

	if (file_read_line_at(AT_FDCWD, "/proc/sys/kernel/core_pattern", value, sizeof(value)) < 0)
		return;
	if (value[0] == '|')
		found(c, "core-pattern", "warning", "sysctl -w kernel.core_pattern=core",
		      "core dumps of CTs are piped to a program that runs as root of the host, "
		      "which CVE-2025-4598 and others attacked");
	else
		found(c, "core-pattern", "ok", "", "core dumps stay in the CT");
}

static void check_swap(struct checks *c)
{
	auto_free char *text = NULL;

	if (file_read_at(AT_FDCWD, "/proc/swaps", 65536, &text, NULL) < 0)
		return;
	if (strchr(text, '/') == NULL)
		found(c, "swap", "warning",
		      "fallocate -l 8G /swapfile; mkswap /swapfile; swapon /swapfile",
		      "this host has no swap: --swap is enforced but gives a CT nothing");
	else
		found(c, "swap", "ok", "", "the host has swap");
}

static void check_space(struct checks *c, struct worker *w)
{
	struct statvfs s;
	uint64_t free_mib;

	if (statvfs(w->paths.lib, &s) < 0)
		return;
	free_mib = (uint64_t)s.f_bavail * s.f_frsize >> 20;
	found(c, "disk", free_mib < 4096 ? "warning" : "ok", "", "%llu MiB free at %s",
	      (unsigned long long)free_mib, w->paths.lib);
}

static void check_promises(struct checks *c, struct worker *w)
{
	struct berth_error err;
	struct host_space s;
	uint64_t percent;

	if (host_space_read(w, &s, &err) < 0) {
		found(c, "disk-promised", "warning", "", "%s", err.msg);
		return;
	}
	percent = host_space_percent(&s);
	found(c, "disk-promised",
	      s.promised > s.room && (w->host.overcommit == 0 || percent > w->host.overcommit)
		      ? "warning"
		      : "ok",
	      s.promised > s.room ? "give it more disk, or CTs less: berth set CT --diskspace" : "",
	      "%u CTs were promised %llu MiB at %.100s, which has %llu MiB for them (%llu MiB kept "
	      "for "
	      "the host)%s",
	      s.n, (unsigned long long)(s.promised >> 20), w->paths.lib,
	      (unsigned long long)(s.room >> 20), (unsigned long long)(s.reserve >> 20),
	      s.promised > s.room ? ": when it is used up, the CTs that grew most get no more"
				  : "");
	if (s.frail > 0)
		found(c, "disk-cow", "warning", s.mend,
		      "%u volumes are copied on write: a full host can damage them", s.frail);
}

/* What berthd has found of CTs that run. */
static void check_trouble(struct checks *c, struct worker *w)
{
	auto_free uint32_t *ctids = NULL;
	struct berth_error err;
	int n = ct_info_list(&w->paths, &ctids, &err);

	for (int i = 0; i < n; i++) {
		char name[24], fix[40], text[CT_TROUBLE_MAX];
		bool read_only;

		if (ct_trouble_read(&w->paths, ctids[i], text, sizeof(text)) < 0)
			continue;
		read_only = strstr(text, "read-only") != NULL;
		(void)snprintf(name, sizeof(name), "ct-%u", ctids[i]);
		(void)snprintf(fix, sizeof(fix), "berth restart %u", ctids[i]);
		found(c, name, read_only ? "error" : "warning", read_only ? fix : "df -h",
		      "CT %u: %s", ctids[i], text);
	}
}

/* -ESRCH: nobody serves it; -ENOENT: it has none. */
static int view_is_served(const struct worker *w, uint32_t ctid)
{
	char path[BERTH_PATH_MAX + 32], text[128];
	struct pidref who;
	uint64_t pid, start;
	int r;

	(void)snprintf(path, sizeof(path), "%s/ct/%u/view", w->paths.run, ctid);
	r = file_read_line_at(AT_FDCWD, path, text, sizeof(text));
	if (r < 0)
		return r;
	if (value_get_u64(text, "pid", &pid) < 0 || pid > INT32_MAX ||
	    value_get_u64(text, "start", &start) < 0)
		return -EBADMSG;
	who = (struct pidref){(pid_t)pid, start};
	r = pidref_runs(&who);
	return r == 0 ? -ESRCH : r < 0 ? r : 0;
}

static void check_view(struct checks *c, struct worker *w)
{
	auto_free uint32_t *ctids = NULL;
	auto_close int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct berth_error err;
	int n;

	if (!w->host.view)
		return;
	if (fuse < 0) {
		found(c, "view", "warning", "modprobe fuse",
		      "CTs that start see this host's numbers in /proc: open /dev/fuse: %s",
		      strerror(errno));
		return;
	}
	found(c, "view", "ok", "", "CTs see their own memory and CPUs in /proc");
	n = ct_info_list(&w->paths, &ctids, &err);
	for (int i = 0; i < n; i++) {
		char name[24], fix[40];
		struct ct_run run;
		int r;

		if (ct_run_load(&w->paths, ctids[i], &run, NULL) < 0 || !run.launched)
			continue;
		r = view_is_served(w, ctids[i]);
		if (r == 0)
			continue;
		(void)snprintf(name, sizeof(name), "view-of-%u", ctids[i]);
		(void)snprintf(fix, sizeof(fix), "berth restart %u", ctids[i]);
		found(c, name, "warning", fix,
		      r == -ENOENT ? "CT %u sees this host's numbers in /proc, or an error"
				   : "CT %u: nobody answers for its memory and CPUs in /proc",
		      ctids[i]);
	}
}

static void check_cgroups(struct checks *c, struct worker *w, bool *ret_memory_v2)
{
	struct berth_error err;
	struct cg_host *cg;

	*ret_memory_v2 = true;
	if (worker_cg_open(w, &cg, &err) < 0) {
		found(c, "cgroups", "error", "mount -t cgroup2 cgroup2 /sys/fs/cgroup", "%s",
		      err.msg);
		return;
	}
	cg_doctor(cg, c->fn, c->data);
	*ret_memory_v2 = cg_host_probe(cg)->memory_v2;
	cg_host_free(cg);
}

static void check_bounds(struct checks *c, struct worker *w, bool memory_v2)
{
	auto_free uint32_t *ctids = NULL;
	struct bounds_host h;
	struct rlimit files;
	struct berth_error err;
	int n = ct_info_list(&w->paths, &ctids, &err);

	if (n < 0) {
		found(c, "bounds", "warning", "", "%s", err.msg);
		return;
	}
	/* The worker is berthd's child. */
	if (prlimit(getppid(), RLIMIT_NOFILE, NULL, &files) < 0) {
		found(c, "bounds", "warning", "", "read the limit of descriptors of berthd: %s",
		      strerror(errno));
		return;
	}
	bounds_read(files.rlim_cur, memory_v2, w->host.id_base_first, &h);
	bounds_doctor(&h, (uint64_t)n, c->fn, c->data);
}

/* Who takes what no cgroup counts? */
static void check_cts(struct checks *c, struct worker *w)
{
	auto_free uint32_t *ctids = NULL;
	struct berth_error err;
	int n = ct_info_list(&w->paths, &ctids, &err);

	for (int i = 0; i < n; i++) {
		char name[24], fix[40], what[160];
		struct pool_ct p;
		struct ct_run run;

		if (ct_run_load(&w->paths, ctids[i], &run, NULL) < 0 ||
		    pool_ct_read(run.init.pid, &p) < 0 || !pool_ct_unusual(&p, what, sizeof(what)))
			continue;
		(void)snprintf(name, sizeof(name), "pools-of-%u", ctids[i]);
		(void)snprintf(fix, sizeof(fix), "berth stop %u", ctids[i]);
		found(c, name, "warning", fix, "CT %u has %s, whose memory is not counted",
		      ctids[i], what);
	}
}

/* Without it all else works. */
static void check_criu(struct checks *c, struct worker *w)
{
	static const char fix[] = "apt-get install criu";
	struct berth_error err;
	uint32_t v = 0;
	int r = criu_version(w, &v, &err);

	if (r < 0 && v != 0)
		found(c, "criu", "warning", "", "CTs cannot be suspended: %.300s", err.msg);
	else if (r < 0)
		found(c, "criu", "warning", fix, "%.300s", err.msg);
	else
		found(c, "criu", "ok", "", "criu %u.%u.%u suspends and resumes CTs", v / 10000,
		      v / 100 % 100, v % 100);
}

void host_checks(struct worker *w, host_finding_fn *fn, void *data)
{
	const struct net_owner owner = spec_net_owner(&w->host, w->paths.root);
	struct checks c = {.fn = fn, .data = data};
	bool memory_v2;

	check_kernel(&c);
	check_cgroups(&c, w, &memory_v2);
	check_filesystem(&c, "overlay", "CT roots");
	check_filesystem(&c, "erofs", "templates");
	volume_needs(check_need, &c);
	check_inode_limits(&c, w);
	net_doctor(&owner, fn, data);
	check_programs(&c);
	check_criu(&c, w);
	check_user_namespaces(&c);
	pools_doctor(fn, data);
	check_bounds(&c, w, memory_v2);
	check_core_pattern(&c);
	host_hardening_checks(fn, data);
	check_swap(&c);
	check_space(&c, w);
	check_promises(&c, w);
	/* Last: a line a CT, and there is an end to what a worker may tell. */
	check_cts(&c, w);
	check_trouble(&c, w);
	check_view(&c, w);
}
