/*
 * discovery.c - libcgroup: which controller is mounted where. The one file that knows it.
 * Debian's build of it hides hierarchies without a controller ("name=systemd"): those are looked up
 * in the mount table.
 *
 * libcgroup 2.0 keeps the mount table in global state, which cgroup_init fills anew (about 0.4 ms).
 * What it and the search found holds until the kernel says that the mount table has changed. Its
 * creation of groups is used for v1 hierarchies; on v2 it enables controllers before the group exists
 * and fails with ENOENT (2.0.2), so host.c makes those.
 */
#include "cgroups/host.h"

#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <libcgroup.h>
#include <mntent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static int lib_errno(int r)
{
	int sys = cgroup_get_last_errno();

	switch (r) {
	case 0:
		return 0;
	case ECGROUPNOTMOUNTED:
	case ECGROUPNOTEXIST:
	case ECGROUPSUBSYSNOTMOUNTED:
		return -ENOENT;
	case ECGROUPNOTOWNER:
	case ECGROUPNOTALLOWED:
		return -EPERM;
	case ECGOTHER:
		return sys > 0 ? -sys : -EIO;
	default:
		return -EIO;
	}
}

/* What the last search found; watch tells of changes since (proc_pid_mounts(5): POLLPRI). */
static struct {
	int watch;
	int n;
	struct cg_mount mounts[CG_MOUNT_MAX];
} known = {.watch = -EBADF};

static bool is_known(void)
{
	struct pollfd p = {.fd = known.watch, .events = POLLPRI};

	return known.watch >= 0 && poll(&p, 1, 0) == 0;
}

static int lib_init(void)
{
	int r = cgroup_init();

	/* A unified hierarchy without controllers alone counts as "not mounted" for libcgroup. */
	return r == ECGROUPNOTMOUNTED ? 0 : lib_errno(r);
}

static bool is_listed(const struct cg_mount *mounts, unsigned int n, const char *controller)
{
	for (unsigned int i = 0; i < n; i++)
		if (strcmp(mounts[i].controller, controller) == 0)
			return true;
	return false;
}

/* Appends the named hierarchies; returns the new count. */
static unsigned int discover_named(struct cg_mount *ret, unsigned int n, unsigned int max)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent e;
	char buf[4096];

	while (f != NULL && n < max && getmntent_r(f, &e, buf, sizeof(buf)) != NULL) {
		const char *name = strcmp(e.mnt_type, "cgroup") == 0 ? hasmntopt(&e, "name") : NULL;
		char word[CG_CONTROLLER_MAX];

		if (name == NULL)
			continue;
		(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(name, ","), name);
		if (strlen(e.mnt_dir) >= sizeof(ret->path) || is_listed(ret, n, word))
			continue;
		memcpy(ret[n].controller, word, sizeof(word));
		(void)snprintf(ret[n++].path, sizeof(ret->path), "%.255s", e.mnt_dir);
	}
	if (f != NULL)
		(void)endmntent(f);
	return n;
}

static int discover(struct cg_mount *ret, unsigned int max)
{
	static struct cgroup_mount_point info; /* 8 KiB: too much for a stack frame */
	void *handle = NULL;
	unsigned int n = 0;
	int r = lib_init();

	if (r < 0)
		return r;
	for (r = cgroup_get_controller_begin(&handle, &info); r == 0 && n < max;
	     r = cgroup_get_controller_next(&handle, &info)) {
		struct cg_mount *m = &ret[n];

		if (strlen(info.name) >= sizeof(m->controller) ||
		    strlen(info.path) >= sizeof(m->path))
			continue;
		(void)snprintf(m->controller, sizeof(m->controller), "%.71s", info.name);
		(void)snprintf(m->path, sizeof(m->path), "%.255s", info.path);
		n++;
	}
	(void)cgroup_get_controller_end(&handle);
	return (int)discover_named(ret, n, max);
}

int cg_discover(const struct cg_mount **ret)
{
	if (is_known()) {
		*ret = known.mounts;
		return known.n;
	}
	fd_close(&known.watch);
	/* Opened first: what changes meanwhile is noticed the next time. */
	known.watch = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	known.n = discover(known.mounts, CG_MOUNT_MAX);
	if (known.n < 0)
		fd_close(&known.watch);
	*ret = known.mounts;
	return known.n;
}

int cg_discover_make_v1(const char *controller, const char *group)
{
	const struct cg_mount *mounts;
	struct cgroup *g;
	int r = cg_discover(&mounts);

	if (r < 0)
		return r;
	g = cgroup_new_cgroup(group);
	if (g == NULL)
		return -ENOMEM;
	r = cgroup_add_controller(g, controller) == NULL ? -ENOMEM
							 : lib_errno(cgroup_create_cgroup(g, 0));
	cgroup_free(&g);
	return r;
}
