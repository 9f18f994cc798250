/*
 * ct.c - the cgroups of one CT: made, delegated, removed, listed.
 *
 * The unified cgroup is made first and removed last, so it alone tells which CTs have any.
 */
#include "cgroups/host.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/clock.h"
#include "runtime/base/ev.h"
#include "runtime/base/fd.h"
#include "runtime/base/parse.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	DELEGATE_TEXT_MAX = 4096
};

/* What a CT may make below its own root, until its limits are applied. */
static const char max_descendants[] = "256", max_depth[] = "8";

static int rmdir_one(int parent, const char *name, int dirfd, void *data)
{
	(void)dirfd;
	(void)data;
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* One attempt at CTID and all below it. */
static int remove_once(const struct cg_hier *hi, uint32_t ctid)
{
	char name[16], rel[CG_REL_MAX];

	(void)snprintf(name, sizeof(name), "%u", ctid);
	if (hi->v2) {
		/* The usual case without reading any directory. */
		(void)unlinkat(hi->berth, cg_rel(ctid, "inner/.berth", rel), AT_REMOVEDIR);
		(void)unlinkat(hi->berth, cg_rel(ctid, "inner", rel), AT_REMOVEDIR);
	}
	if (unlinkat(hi->berth, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return cg_walk(hi->berth, name, rmdir_one, NULL);
}

/* Makes CTID; one left from a crash is empty and is made anew, so that it has no old limits. */
static int make_outer(const struct cg_hier *hi, uint32_t ctid, struct berth_error *err)
{
	char name[16];
	int r;

	(void)snprintf(name, sizeof(name), "%u", ctid);
	if (mkdirat(hi->berth, name, 0755) == 0)
		return 0;
	if (errno != EEXIST)
		return berth_error_sys(err, errno, "CT %u: make a cgroup below %s", ctid,
				       hi->mount);
	r = remove_once(hi, ctid);
	if (r == -EBUSY)
		return berth_error_set(err, BERTH_ERR_RUNNING, EBUSY,
				       "CT %u: its cgroup below %s holds processes already; berth "
				       "stop %u --fast",
				       ctid, hi->mount, ctid);
	if (r == 0 && mkdirat(hi->berth, name, 0755) < 0)
		r = -errno;
	return r == 0 ? 0
		      : berth_error_sys(err, r, "CT %u: remake its cgroup below %s", ctid,
					hi->mount);
}

static int write_outer(const struct cg_host *h, uint32_t ctid, struct berth_error *err)
{
	const struct cg_hier *hi = &h->hier[0];
	const struct {
		const char *file, *value;
	} rows[] = {
		{"cgroup.max.descendants", max_descendants},
		{"cgroup.max.depth", max_depth},
		{"cgroup.subtree_control", h->enable},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char where[512];
		int r = rows[i].value[0] != '\0' ? cg_write(hi, ctid, rows[i].file, rows[i].value)
						 : 0;

		if (r < 0)
			return berth_error_sys(
				err, r, "CT %u: write '%s' to %s", ctid, rows[i].value,
				cg_where(hi, ctid, rows[i].file, where, sizeof(where)));
	}
	return 0;
}

static int load_delegate(struct cg_host *h)
{
	int r;

	if (h->delegate != NULL)
		return 0;
	r = file_read_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", DELEGATE_TEXT_MAX, &h->delegate,
			 NULL);
	if (r != -ENOENT)
		return r;
	h->delegate = strdup("cgroup.procs\ncgroup.threads\ncgroup.subtree_control\n");
	return h->delegate == NULL ? -ENOMEM : 0;
}

/* The directory and the files that the kernel says may be given away; those absent are skipped. */
static int delegate(int fd, const char *list, uid_t uid, gid_t gid)
{
	char name[64];

	if (fchown(fd, uid, gid) < 0)
		return -errno;
	for (const char *p = list; *p != '\0';) {
		size_t len = strcspn(p, "\n");

		if (len > 0 && len < sizeof(name) && memchr(p, '/', len) == NULL) {
			memcpy(name, p, len);
			name[len] = '\0';
			if (fchownat(fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 &&
			    errno != ENOENT)
				return -errno;
		}
		p += len;
		p += *p == '\n';
	}
	return 0;
}

static int make_inner(struct cg_host *h, uint32_t ctid, uid_t uid, gid_t gid,
		      struct berth_error *err)
{
	const struct cg_hier *hi = &h->hier[0];
	char rel[CG_REL_MAX], where[512];
	auto_close int fd = -EBADF;
	int r = load_delegate(h);

	if (r < 0)
		return berth_error_sys(err, r, "read /sys/kernel/cgroup/delegate");
	cg_rel(ctid, "inner", rel);
	if (mkdirat(hi->berth, rel, 0755) < 0)
		r = -errno;
	if (r == 0) {
		fd = dir_open_at(hi->berth, rel);
		r = fd < 0 ? fd : delegate(fd, h->delegate, uid, gid);
	}
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: make and delegate %s", ctid,
				       cg_where(hi, ctid, "inner", where, sizeof(where)));
	return 0;
}

int cg_ct_create(struct cg_host *h, uint32_t ctid, uid_t uid, gid_t gid, struct berth_error *err)
{
	int r = cg_host_ready(h, err);
	unsigned int made = 0;

	if (r == 0)
		r = cg_host_claim_hold(h, err);
	while (r == 0 && made < h->n_hier) {
		r = make_outer(&h->hier[made], ctid, err);
		if (r == 0 && made == 0)
			cg_host_claim_release(h);
		if (r == 0)
			made++;
	}
	if (r < 0 && made == 0)
		cg_host_claim_release(h);
	if (r == 0)
		r = write_outer(h, ctid, err);
	if (r == 0)
		r = make_inner(h, ctid, uid, gid, err);
	while (r < 0 && made-- > 0)
		(void)remove_once(&h->hier[made], ctid);
	return r;
}

bool cg_ct_exists(struct cg_host *h, uint32_t ctid)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", ctid);
	return h->hier[0].berth >= 0 && cg_has_file(&h->hier[0], name);
}

int cg_ct_populated(struct cg_host *h, uint32_t ctid, struct berth_error *err)
{
	uint64_t v = 0;
	int r = -ENOENT;

	if (h->hier[0].berth >= 0)
		r = cg_read_key(&h->hier[0], ctid, "cgroup.events", "populated", &v);
	if (r == -ENOENT || r == -ENODEV)
		return 0;
	if (r < 0)
		return berth_error_sys(err, r, "CT %u: read cgroup.events", ctid);
	return v != 0;
}

/* The kernel lets go of dead processes a moment after it reports the cgroup empty. */
static int remove_retried(const struct cg_hier *hi, uint32_t ctid, uint64_t end)
{
	for (unsigned int ms = 1;; ms = ms < 8 ? ms * 2 : ms) {
		int r = remove_once(hi, ctid);

		if (r == 0 || (r != -EBUSY && r != -ENOTEMPTY) || ev_now_ms() >= end)
			return r;
		clock_pause_us(ms * 1000);
	}
}

static int refuse_remove(struct cg_host *h, uint32_t ctid, const struct cg_hier *hi, int r,
			 struct berth_error *err)
{
	char where[512];

	cg_where(hi, ctid, "cgroup.procs", where, sizeof(where));
	if (r != -EBUSY && r != -ETIMEDOUT)
		return berth_error_sys(err, r, "CT %u: remove its cgroup (%s)", ctid, where);
	return berth_error_set(
		err, BERTH_ERR_STUCK, EBUSY,
		"CT %u: %s in its cgroup (%s lists them); berth stop %u --fast", ctid,
		cg_ct_populated(h, ctid, NULL) == 1 ? "processes are still" : "something is still",
		where, ctid);
}

int cg_ct_remove(struct cg_host *h, uint32_t ctid, unsigned int timeout_ms, struct berth_error *err)
{
	uint64_t end = ev_now_ms() + timeout_ms;
	int r;

	if (h->hier[0].berth < 0)
		return 0;
	r = cg_wait_event(&h->hier[0], ctid, "populated", 0, timeout_ms);
	if (r < 0 && r != -ENOENT)
		return refuse_remove(h, ctid, &h->hier[0], r, err);
	for (unsigned int i = h->n_hier; i-- > 0;) {
		if (h->hier[i].berth < 0)
			continue;
		r = remove_retried(&h->hier[i], ctid, end);
		if (r < 0)
			return refuse_remove(h, ctid, &h->hier[i], r, err);
	}
	return 0;
}

int cg_ct_list(struct cg_host *h, uint32_t **ret, struct berth_error *err)
{
	auto_closedir DIR *d = NULL;
	auto_free uint32_t *list = NULL;
	struct dirent *e;
	size_t n = 0, room = 0;

	*ret = NULL;
	if (h->hier[0].berth < 0)
		return 0;
	d = dir_stream_at(h->hier[0].berth, ".");
	if (d == NULL)
		return berth_error_sys(err, errno, "read the cgroups of %s", h->hier[0].mount);
	while ((e = readdir(d)) != NULL) {
		uint32_t ctid;

		if (e->d_type != DT_DIR || parse_ctid(e->d_name, &ctid) < 0)
			continue;
		if (n == room) {
			uint32_t *bigger = reallocarray(list, room + 64, sizeof(*list));

			if (bigger == NULL)
				return berth_error_set(err, BERTH_ERR_NO_MEMORY, ENOMEM,
						       "no memory for cgroups");
			list = bigger;
			room += 64;
		}
		list[n++] = ctid;
	}
	*ret = take_ptr(list);
	return (int)n;
}
