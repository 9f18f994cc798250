/* host.c - which hierarchies this host has, and PARENT/berth in each. */
#include "cgroups/host.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

enum {
	CLAIM_WAIT_MS = 5000
};

static const struct {
	const char *v2, *v1;
} ctrl_names[CG_CTRL_MAX] = {
	[CG_MEMORY] = {"memory", "memory"}, [CG_CPU] = {"cpu", "cpu"},
	[CG_CPUSET] = {"cpuset", "cpuset"}, [CG_PIDS] = {"pids", "pids"},
	[CG_IO] = {"io", "blkio"},
};

const char *cg_ctrl_name(enum cg_ctrl c, bool v2)
{
	return v2 ? ctrl_names[c].v2 : ctrl_names[c].v1;
}

const struct cg_hier *cg_hier_of(const struct cg_host *h, enum cg_ctrl c)
{
	const struct cg_hier *hi;

	if (c == CG_CORE)
		return &h->hier[0];
	if (h->of[c] < 0)
		return NULL;
	hi = &h->hier[h->of[c]];
	/* Before setup nobody knows what can be enabled: believe discovery. */
	return hi->v2 && hi->berth >= 0 && !h->enabled[c] ? NULL : hi;
}

static bool is_cgroup2(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* The errors of one who has too little of something: they say nothing of what was asked for. */
static bool is_lack(int r)
{
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -EIO;
}

/* Opens a mount point when it is of the wanted kind; -ENOENT when it is not. */
static int open_mount(const char *path, bool v2)
{
	auto_close int fd = dir_open_at(AT_FDCWD, path);

	if (fd < 0)
		return fd;
	return is_cgroup2(fd) == v2 ? take_fd(&fd) : -ENOENT;
}

static void hier_init(struct cg_hier *hi, int *root, const char *mount, bool v2)
{
	hi->root = take_fd(root);
	hi->berth = -EBADF;
	hi->v2 = v2;
	(void)snprintf(hi->mount, sizeof(hi->mount), "%s", mount);
}

static int find_unified(struct cg_host *h, const struct cg_mount *mounts, int n)
{
	/* libcgroup lists a hierarchy by its controllers; a bare one is found by its usual place. */
	static const char *const usual[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	const char *before = "";

	/* From the end: libcgroup puts v1 hierarchies first. */
	for (int i = n - 1; i >= 0; i--) {
		auto_close int fd = -EBADF;

		if (strcmp(before, mounts[i].path) == 0)
			continue;
		before = mounts[i].path;
		fd = open_mount(before, true);
		if (fd >= 0) {
			hier_init(&h->hier[0], &fd, before, true);
			return 0;
		}
		if (is_lack(fd))
			return fd;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		auto_close int fd = open_mount(usual[i], true);

		if (fd >= 0) {
			hier_init(&h->hier[0], &fd, usual[i], true);
			return 0;
		}
		if (is_lack(fd))
			return fd;
	}
	return -ENOENT;
}

/* The index of the v1 hierarchy mounted at path, added when new; -errno when it cannot be used. */
static int add_v1(struct cg_host *h, const char *path, const char *controller)
{
	auto_close int fd = -EBADF;

	for (unsigned int i = 1; i < h->n_hier; i++)
		if (strcmp(h->hier[i].mount, path) == 0)
			return (int)i;
	fd = h->n_hier <= CG_V1_MAX ? open_mount(path, false) : -ENOSPC;
	if (fd < 0)
		return fd;
	hier_init(&h->hier[h->n_hier], &fd, path, false);
	(void)snprintf(h->hier[h->n_hier].controller, sizeof(h->hier[0].controller), "%s",
		       controller);
	return (int)h->n_hier++;
}

static int place_controllers(struct cg_host *h, const struct cg_mount *mounts, int n)
{
	for (enum cg_ctrl c = 0; c < CG_CTRL_MAX; c++) {
		h->of[c] = -1;
		for (int i = 0; i < n && h->of[c] < 0; i++) {
			bool v2 = strcmp(mounts[i].path, h->hier[0].mount) == 0;

			if (strcmp(mounts[i].controller, cg_ctrl_name(c, v2)) != 0)
				continue;
			h->of[c] = v2 ? 0 : add_v1(h, mounts[i].path, mounts[i].controller);
			if (is_lack(h->of[c]))
				return h->of[c];
		}
	}
	return 0;
}

/*
 * Those that no limit needs, too: see cg.h. What cannot be used, doctor counts. What only could not be opened now is an
 * error: a CT's cgroup there would be forgotten.
 */
static int add_other_v1(struct cg_host *h, const struct cg_mount *mounts, int n)
{
	for (int i = 0; i < n; i++) {
		int r = strcmp(mounts[i].path, h->hier[0].mount) == 0
				? 0
				: add_v1(h, mounts[i].path, mounts[i].controller);

		if (is_lack(r))
			return r;
	}
	return 0;
}

/* PARENT of one hierarchy from this process's own place in it. */
static int own_parent(struct cg_hier *hi, const char *text)
{
	char own[CG_PARENT_MAX];
	int r = cg_parse_own(text, hi->v2 ? NULL : hi->controller, own, sizeof(own));

	if (r < 0)
		return r;
	/* Outside of our cgroup namespace: no path of ours leads there. */
	if (strncmp(own, "/..", 3) == 0)
		return -EXDEV;
	if (hi->v2)
		return cg_parse_unified_parent(own, hi->parent, sizeof(hi->parent));
	return cg_parse_parent(own, hi->parent, sizeof(hi->parent));
}

static int place_parents(struct cg_host *h, const char *parent, struct berth_error *err)
{
	auto_free char *text = NULL;
	int r = parent == NULL ? file_read_at(AT_FDCWD, "/proc/self/cgroup", 65536, &text, NULL)
			       : 0;

	if (r < 0)
		return berth_error_sys(err, r, "read /proc/self/cgroup");
	for (unsigned int i = 0; i < h->n_hier; i++) {
		struct cg_hier *hi = &h->hier[i];

		if (parent == NULL)
			r = own_parent(hi, text);
		else
			r = cg_parse_parent(parent, hi->parent, sizeof(hi->parent));
		if (r < 0 && parent != NULL)
			return berth_error_set(err, BERTH_ERR_VALUE, -r,
					       "cgroup parent '%s' is not an absolute path without "
					       "'..'; correct CGROUP_PARENT in berth.conf",
					       parent);
		if (r < 0)
			return berth_error_sys(err, r,
					       "find the cgroup of this process below %s; set "
					       "CGROUP_PARENT=/ in berth.conf",
					       hi->mount);
	}
	return 0;
}

/* "PARENT/berth", relative to the mount point. */
static char *berth_path(const struct cg_hier *hi, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s%sberth", hi->parent, hi->parent[0] != '\0' ? "/" : "");
	return buf;
}

/* That it is not there is no failure; who has no descriptor for it must not take it for missing. */
static int open_berth(struct cg_hier *hi)
{
	char path[CG_PARENT_MAX + 8];
	int fd;

	if (hi->berth >= 0)
		return 0;
	fd = dir_open_at(hi->root, berth_path(hi, path, sizeof(path)));
	if (fd >= 0)
		hi->berth = fd;
	return fd >= 0 || fd == -ENOENT ? 0 : fd;
}

static void load_enabled(struct cg_host *h)
{
	char text[256];
	size_t used = 0;

	h->enable[0] = '\0';
	if (h->hier[0].berth < 0 ||
	    file_read_line_at(h->hier[0].berth, "cgroup.subtree_control", text, sizeof(text)) < 0)
		return;
	for (enum cg_ctrl c = 0; c < CG_CTRL_MAX; c++) {
		h->enabled[c] = h->of[c] == 0 && cg_parse_has_word(text, cg_ctrl_name(c, true));
		if (h->enabled[c])
			used += (size_t)snprintf(h->enable + used, sizeof(h->enable) - used, "+%s ",
						 cg_ctrl_name(c, true));
	}
}

static int host_discover(struct cg_host *h, struct berth_error *err)
{
	const struct cg_mount *mounts;
	int n = cg_discover(&mounts), r;

	if (n < 0)
		return berth_error_sys(err, n, "libcgroup cannot read /proc/cgroups or mounts");
	r = find_unified(h, mounts, n);
	if (r < 0 && !is_lack(r))
		return berth_error_set(err, BERTH_ERR_UNSUPPORTED, ENOENT,
				       "no cgroup2 hierarchy is mounted: "
				       "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified");
	h->n_hier = r == 0; /* what was not opened is not closed */
	if (r == 0)
		r = place_controllers(h, mounts, n);
	if (r == 0)
		r = add_other_v1(h, mounts, n);
	return r < 0 ? berth_error_sys(err, r, "open the host's cgroup hierarchies") : 0;
}

static void host_drop(struct cg_host **h)
{
	cg_host_free(*h);
}

void cg_host_expect(void)
{
	const struct cg_mount *mounts;

	(void)cg_discover(&mounts);
}

int cg_host_open(const char *parent, struct cg_host **ret, struct berth_error *err)
{
	auto_ptr(host_drop) struct cg_host *h = calloc(1, sizeof(*h));
	int r;

	if (h == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory");
	h->probed = calloc(1, sizeof(*h->probed));
	if (h->probed == NULL)
		return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM, "no memory");
	r = host_discover(h, err);
	if (r < 0)
		return r;
	r = place_parents(h, parent, err);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < h->n_hier; i++) {
		r = open_berth(&h->hier[i]);
		if (r < 0)
			return berth_error_sys(err, r, "open the cgroup %s/%s/berth",
					       h->hier[i].mount, h->hier[i].parent);
	}
	load_enabled(h);
	*ret = take_ptr(h);
	return 0;
}

void cg_host_free(struct cg_host *h)
{
	if (h == NULL)
		return;
	for (unsigned int i = 0; i < h->n_hier; i++) {
		fd_close(&h->hier[i].root);
		fd_close(&h->hier[i].berth);
	}
	free(h->delegate);
	free(h->probed);
	free(h->claimed);
	free(h);
}

/* Calls fn for the mount point, each directory down to PARENT/berth, and that. */
typedef int level_fn(struct cg_host *h, int above, int dirfd, bool last);

static int for_levels(struct cg_host *h, const struct cg_hier *hi, bool make, level_fn *fn)
{
	char path[CG_PARENT_MAX + 8];
	auto_close int fd = dir_open_at(hi->root, ".");
	auto_close int above = -EBADF;
	char *p = berth_path(hi, path, sizeof(path));
	int r = fd < 0 ? fd : fn(h, -1, fd, false);

	while (r == 0 && *p != '\0') {
		size_t len = strcspn(p, "/");
		bool last = p[len] == '\0';

		p[len] = '\0';
		if (make && mkdirat(fd, p, 0755) < 0 && errno != EEXIST)
			return -errno;
		fd_close(&above);
		above = take_fd(&fd);
		fd = dir_open_at(above, p);
		r = fd < 0 ? fd : fn(h, above, fd, last);
		p += len + (last ? 0 : 1);
		p += strspn(p, "/");
	}
	return r;
}

/*
 * One write a controller: a refused one (cpu with realtime processes about) must not cost the
 * others. What could not be enabled is seen by load_enabled.
 */
static int enable_level(struct cg_host *h, int above, int dirfd, bool last)
{
	char text[256], word[24];
	int r = file_read_line_at(dirfd, "cgroup.subtree_control", text, sizeof(text));

	(void)above;
	(void)last;
	if (r < 0)
		return r;
	for (enum cg_ctrl c = 0; c < CG_CTRL_MAX; c++) {
		if (h->of[c] != 0 || cg_parse_has_word(text, cg_ctrl_name(c, true)))
			continue;
		(void)snprintf(word, sizeof(word), "+%s", cg_ctrl_name(c, true));
		(void)file_write_value_at(dirfd, "cgroup.subtree_control", word);
	}
	return 0;
}

static int fill_from_above(int above, int dirfd, const char *file)
{
	char text[1024];
	int r = file_read_line_at(dirfd, file, text, sizeof(text));

	if (r < 0 || text[0] != '\0')
		return r;
	r = file_read_line_at(above, file, text, sizeof(text));
	return r < 0 ? r : file_write_value_at(dirfd, file, text);
}

/* v1: a cpuset without CPUs and nodes takes no process; clone_children fills those of the CTs. */
static int fill_cpuset_level(struct cg_host *h, int above, int dirfd, bool last)
{
	int r = 0;

	(void)h;
	if (above < 0)
		return 0;
	r = fill_from_above(above, dirfd, "cpuset.cpus");
	if (r == 0)
		r = fill_from_above(above, dirfd, "cpuset.mems");
	if (r == 0 && last)
		r = file_write_value_at(dirfd, "cgroup.clone_children", "1");
	return r;
}

static int make_only(struct cg_host *h, int above, int dirfd, bool last)
{
	(void)h;
	(void)above;
	(void)dirfd;
	(void)last;
	return 0;
}

static int setup_v1(struct cg_host *h, struct cg_hier *hi)
{
	char path[CG_PARENT_MAX + 8];
	int r = 0;

	if (hi->berth < 0) {
		/* Whatever libcgroup makes of it: the directories decide. It has no named ones. */
		if (strncmp(hi->controller, "name=", 5) != 0)
			(void)cg_discover_make_v1(hi->controller,
						  berth_path(hi, path, sizeof(path)));
		r = for_levels(h, hi, true, make_only);
	}
	if (r == 0 && hi == cg_hier_of(h, CG_CPUSET))
		r = for_levels(h, hi, false, fill_cpuset_level);
	return r;
}

/* Controllers of the unified hierarchy that CTs need but PARENT did not get. */
static int check_enabled(const struct cg_host *h, struct berth_error *err)
{
	static const enum cg_ctrl need[] = {CG_MEMORY, CG_CPU, CG_PIDS};
	const struct cg_hier *hi = &h->hier[0];

	for (size_t i = 0; i < sizeof(need) / sizeof(need[0]); i++)
		if (h->of[need[i]] == 0 && !h->enabled[need[i]])
			return berth_error_set(
				err, BERTH_ERR_UNSUPPORTED, EBUSY,
				"controller %s cannot be enabled in %s/%s/cgroup.subtree_control: "
				"it is not delegated or processes sit there; start berthd by its "
				"unit (Delegate=yes, DelegateSubgroup=daemon) or set "
				"CGROUP_PARENT=/ in berth.conf",
				cg_ctrl_name(need[i], true), hi->mount, hi->parent);
	return 0;
}

int cg_host_setup(struct cg_host *h, struct berth_error *err)
{
	for (unsigned int i = 0; i < h->n_hier; i++) {
		struct cg_hier *hi = &h->hier[i];
		int r = hi->v2 ? for_levels(h, hi, true, enable_level) : setup_v1(h, hi);

		if (r == 0)
			r = open_berth(hi);
		if (r == 0 && hi->berth < 0)
			r = -ENOENT;
		if (r < 0)
			return berth_error_sys(err, r, "make the cgroup %s/%s/berth", hi->mount,
					       hi->parent);
	}
	load_enabled(h);
	h->probed->known = false;
	/* Where bpf(2) is refused, cg_ct_devices says so: no CT starts without a policy. */
	(void)cg_device_setup(h);
	return check_enabled(h, err);
}

int cg_host_ready(struct cg_host *h, struct berth_error *err)
{
	for (unsigned int i = 0; i < h->n_hier; i++)
		if (h->hier[i].berth < 0)
			return cg_host_setup(h, err);
	return 0;
}

static int has_ct(int berth)
{
	auto_closedir DIR *d = dir_stream_at(berth, ".");
	struct dirent *e;

	if (d == NULL)
		return -errno;
	while ((errno = 0, e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			return 1;
	return -errno;
}

static const char claim_name[] = "trusted.berth.root";

/* Whose it is: "" for nobody's. -errno. */
static int claim_read(int berth, char owner[static PATH_MAX + 1])
{
	ssize_t n = fgetxattr(berth, claim_name, owner, PATH_MAX);

	if (n < 0 && errno != ENODATA)
		return -errno;
	owner[n < 0 ? 0 : n] = '\0';
	return 0;
}

/* Under the lock. */
static int claim(const struct cg_hier *hi, const char *root, const char *below,
		 struct berth_error *err)
{
	char owner[PATH_MAX + 1];
	int r = claim_read(hi->berth, owner);

	if (r < 0)
		return berth_error_sys(err, r, "read %s of the cgroup %s/%s/berth", claim_name,
				       hi->mount, hi->parent);
	if (strcmp(owner, root) == 0)
		return 0;
	r = owner[0] == '\0' ? 0 : has_ct(hi->berth);
	if (r < 0)
		return berth_error_sys(err, r, "read the cgroup %s/%s/berth", hi->mount,
				       hi->parent);
	if (r > 0)
		return berth_error_set(
			err, BERTH_ERR_EXISTS, EEXIST,
			"the cgroup %s/%s/berth holds containers of another berthd (--root %s); "
			"set another CGROUP_PARENT in %s/etc/berth/berth.conf",
			hi->mount, hi->parent, owner, below);
	if (fsetxattr(hi->berth, claim_name, root, strlen(root), 0) < 0)
		return berth_error_sys(err, errno, "set %s of the cgroup %s/%s/berth", claim_name,
				       hi->mount, hi->parent);
	return 0;
}

/*
 * Nobody holds it for long. Who can open the directory can lock it (flock(2) asks for no write access), so only root
 * may read it from here on; what is known by its name can still be read by all.
 */
static int claim_lock(const struct cg_hier *hi, struct berth_error *err)
{
	uint64_t end = clock_deadline(CLAIM_WAIT_MS);

	if (fchmod(hi->berth, 0711) < 0)
		return berth_error_sys(err, errno, "chmod the cgroup %s/%s/berth", hi->mount,
				       hi->parent);
	while (flock(hi->berth, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return berth_error_sys(err, errno, "lock the cgroup %s/%s/berth", hi->mount,
					       hi->parent);
		if (clock_is_past(end))
			return berth_error_set(err, BERTH_ERR_LOCKED, EWOULDBLOCK,
					       "somebody holds a lock of the cgroup %s/%s/berth; "
					       "fuser -v %s/%s/berth tells who",
					       hi->mount, hi->parent, hi->mount, hi->parent);
		clock_pause_us(1000);
	}
	return 0;
}

int cg_host_claim(struct cg_host *h, const char *root, struct berth_error *err)
{
	const struct cg_hier *hi = &h->hier[0];
	const char *below = strcmp(root, "/") == 0 ? "" : root;
	char real[PATH_MAX];
	int r;

	if (hi->berth < 0)
		return 0;
	root = root[0] == '\0' ? "/" : root;
	/* One spelling: /srv//b and a link to it are the same berth. */
	if (realpath(root, real) != NULL)
		root = real;
	free(h->claimed);
	h->claimed = strdup(root);
	if (h->claimed == NULL)
		return berth_error_sys(err, ENOMEM, "claim a cgroup");
	r = claim_lock(hi, err);
	if (r == 0)
		r = claim(hi, root, below, err);
	(void)flock(hi->berth, LOCK_UN);
	return r;
}

int cg_host_claim_hold(struct cg_host *h, struct berth_error *err)
{
	const struct cg_hier *hi = &h->hier[0];
	const char *below;
	int r;

	if (h->claimed == NULL)
		return 0;
	below = strcmp(h->claimed, "/") == 0 ? "" : h->claimed;
	r = claim_lock(hi, err);
	if (r == 0)
		r = claim(hi, h->claimed, below, err);
	if (r < 0)
		cg_host_claim_release(h);
	return r;
}

void cg_host_claim_release(struct cg_host *h)
{
	(void)flock(h->hier[0].berth, LOCK_UN);
}

int cg_host_teardown(struct cg_host *h, struct berth_error *err)
{
	for (unsigned int i = 0; i < h->n_hier; i++) {
		struct cg_hier *hi = &h->hier[i];
		char path[CG_PARENT_MAX + 8];

		fd_close(&hi->berth);
		if (unlinkat(hi->root, berth_path(hi, path, sizeof(path)), AT_REMOVEDIR) < 0 &&
		    errno != ENOENT)
			return berth_error_sys(err, errno,
					       "remove the cgroup %s/%s (berth list "
					       "-a shows CTs that run)",
					       hi->mount, path);
	}
	return 0;
}
