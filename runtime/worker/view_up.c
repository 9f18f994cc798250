/* view_up.c - see view_up.h. */
#include "runtime/worker/view_up.h"

#include "runtime/base/child.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/launch/launch.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	END_MS = 2000
};

void ct_view_init(struct ct_view *v)
{
	view_fds_init(&v->fds);
	v->mount_fd = v->until = -EBADF;
	v->pid = 0;
}

/* What this host's cgroups do not count is the host's, or nothing. */
static int open_source(struct cg_host *cg, uint32_t ctid, enum view_source i)
{
	const struct view_origin *o = &view_origins[i];
	int fd = -ENOENT;

	if (o->v2 == NULL || o->v2[0] != '/')
		fd = cg_ct_open(cg, ctid, o->v2, o->v1);
	else if ((fd = open(o->v2, O_RDONLY | O_CLOEXEC)) < 0)
		fd = -errno;
	if (fd == -ENOENT || fd == -EOPNOTSUPP) {
		fd = open(i == VIEW_SRC_CPUS ? "/sys/devices/system/cpu/online" : "/dev/null",
			  O_RDONLY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	}
	return fd;
}

int ct_view_sources(struct cg_host *cg, uint32_t ctid, struct view_fds *fds,
		    struct berth_error *err)
{
	for (unsigned int i = 0; i < VIEW_SOURCES; i++) {
		const struct view_origin *o = &view_origins[i];

		fds->source[i] = open_source(cg, ctid, (enum view_source)i);
		if (fds->source[i] < 0)
			return berth_error_sys(err, fds->source[i], "CT %u: open %s", ctid,
					       o->v2 != NULL ? o->v2 : o->v1);
	}
	return 0;
}

/* Until the monitor's: mounting the files asks for them. */
static int begin_server(struct worker *w, struct ct_view *v, struct berth_error *err)
{
	int end[2];

	if (pipe2(end, O_CLOEXEC) < 0)
		return berth_error_sys(err, errno, "CT %u: pipe", w->ctid);
	v->pid = fork();
	if (v->pid == 0) {
		const struct view_serve s = {
			.fds = &v->fds, .uid = w->host.id_base_first, .until = end[0]};

		view_serve(&s);
	}
	(void)close(end[0]);
	v->until = end[1];
	return v->pid < 0 ? berth_error_sys(err, errno, "CT %u: fork", w->ctid) : 0;
}

int ct_view_up(struct worker *w, struct cg_host *cg, struct ct_view *v, struct berth_error *err)
{
	int r = launch_view(&v->fds.fuse, &v->mount_fd, err);

	if (r == 0)
		r = ct_view_sources(cg, w->ctid, &v->fds, err);
	if (r == 0)
		r = begin_server(w, v, err);
	if (r < 0)
		ct_view_down(v);
	return r;
}

void ct_view_down(struct ct_view *v)
{
	fd_close(&v->until);
	if (v->pid > 0)
		(void)child_end(v->pid, END_MS, NULL);
	v->pid = 0;
	fd_close(&v->mount_fd);
	view_fds_close(&v->fds);
}
