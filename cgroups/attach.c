/* attach.c - descriptors by which a process enters a CT's cgroups. */
#include "cgroups/host.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>

static int refuse(const struct cg_hier *hi, uint32_t ctid, const char *file, int r,
		  struct berth_error *err)
{
	char where[512];

	if (r == -ENOENT)
		return berth_error_set(err, BERTH_ERR_NOT_RUNNING, ENOENT,
				       "CT %u has no cgroup: it is not running", ctid);
	return berth_error_sys(err, r, "CT %u: open %s", ctid,
			       cg_where(hi, ctid, file, where, sizeof(where)));
}

/*
 * The CT may have removed the leaf: it is made whenever it is needed. Root owns it. Where the CT has used up its
 * cgroups there is init's, that of systemd or of a simple init.
 */
static int open_unified(const struct cg_hier *hi, uint32_t ctid, bool exec)
{
	char rel[CG_REL_MAX];
	int fd;

	cg_rel(ctid, exec ? "inner/.berth" : "inner", rel);
	fd = dir_open_at(hi->berth, rel);
	if (fd != -ENOENT || !exec)
		return fd;
	if (mkdirat(hi->berth, rel, 0755) == 0 || errno == EEXIST)
		return dir_open_at(hi->berth, rel);
	if (errno != EAGAIN)
		return -errno;
	fd = dir_open_at(hi->berth, cg_rel(ctid, "inner/init.scope", rel));
	return fd == -ENOENT ? dir_open_at(hi->berth, cg_rel(ctid, "inner", rel)) : fd;
}

int cg_ct_attach(struct cg_host *h, uint32_t ctid, bool exec, struct cg_attach *ret,
		 struct berth_error *err)
{
	struct cg_attach a = {.unified = -EBADF};

	a.unified = h->hier[0].berth < 0 ? -ENOENT : open_unified(&h->hier[0], ctid, exec);
	if (a.unified < 0)
		return refuse(&h->hier[0], ctid, "inner", a.unified, err);
	for (unsigned int i = 1; i < h->n_hier; i++) {
		char rel[CG_REL_MAX];
		int fd = openat(h->hier[i].berth, cg_rel(ctid, "tasks", rel),
				O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

		if (fd < 0) {
			int r = refuse(&h->hier[i], ctid, "tasks", -errno, err);

			cg_attach_close(&a);
			return r;
		}
		a.v1[a.n_v1++] = fd;
	}
	*ret = a;
	return 0;
}

void cg_attach_close(struct cg_attach *a)
{
	fd_close(&a->unified);
	for (unsigned int i = 0; i < a->n_v1; i++)
		fd_close(&a->v1[i]);
	a->n_v1 = 0;
}

int cg_take_out(const struct cg_host *h, pid_t pid)
{
	auto_free char *text = NULL;
	auto_close int dir = -EBADF;
	char own[CG_PARENT_MAX], path[2 * CG_PARENT_MAX], word[16];
	int r = file_read_at(AT_FDCWD, "/proc/self/cgroup", 65536, &text, NULL);

	if (r == 0)
		r = cg_parse_own(text, NULL, own, sizeof(own));
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s%s", h->hier[0].mount, own);
	dir = dir_open_at(AT_FDCWD, path);
	if (dir < 0)
		return dir;
	(void)snprintf(word, sizeof(word), "%d", (int)pid);
	return file_write_value_at(dir, "cgroup.procs", word);
}

int cg_ct_dir(const struct cg_host *h, uint32_t ctid)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", ctid);
	return h->hier[0].berth < 0 ? -ENOENT : dir_open_at(h->hier[0].berth, name);
}

int cg_ct_open(struct cg_host *h, uint32_t ctid, const char *v2, const char *v1)
{
	char rel[CG_REL_MAX];
	int fd = -ENOENT;

	for (unsigned int i = 0; i < h->n_hier; i++) {
		const char *file = h->hier[i].v2 ? v2 : v1;

		if (file == NULL || h->hier[i].berth < 0)
			continue;
		fd = openat(h->hier[i].berth, cg_rel(ctid, file, rel),
			    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 || errno != ENOENT)
			return fd < 0 ? -errno : fd;
		fd = -ENOENT;
	}
	return fd;
}
