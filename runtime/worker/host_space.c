/* host_space.c - what CTs were promised on the host's file system, and what is there. */
#include "runtime/worker/host_space.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/storage/volume.h"
#include "runtime/wire/report.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* One private area, a half-made one too: what it has was promised. */
static void add(int area, const char *name, dev_t dev, struct host_space *s, uint64_t *have)
{
	struct volume_promise p;

	if (volume_promised(area, name, &p) < 0 || p.dev != dev)
		return;
	s->n++;
	s->promised += p.size;
	*have += p.on_host;
	s->frail += p.mend != NULL;
	s->mend = p.mend != NULL ? p.mend : s->mend;
}

int host_space_read(struct worker *w, struct host_space *ret, struct berth_error *err)
{
	char path[BERTH_PATH_MAX];
	auto_close int area = dir_open_at(AT_FDCWD, path_below(w->paths.lib, "private", path));
	auto_closedir DIR *d = NULL;
	struct host_space s = {0};
	struct statvfs vfs;
	struct stat st;
	struct dirent *e;
	uint64_t have = 0;

	if (area < 0)
		return berth_error_sys(err, area, "open directory %s", path);
	if (fstat(area, &st) < 0 || fstatvfs(area, &vfs) < 0)
		return berth_error_sys(err, errno, "statfs of %s", path);
	d = dir_stream_at(area, ".");
	if (d == NULL)
		return berth_error_sys(err, errno, "read directory %s", path);
	while ((e = readdir(d)) != NULL)
		add(area, e->d_name, st.st_dev, &s, &have);
	s.avail = vfs.f_bavail * vfs.f_frsize;
	s.reserve = host_space_reserve(&w->host, vfs.f_blocks * vfs.f_frsize);
	s.room = have + (s.avail > s.reserve ? s.avail - s.reserve : 0);
	*ret = s;
	return 0;
}

uint64_t host_space_percent(const struct host_space *s)
{
	return s->room == 0 ? (s->promised == 0 ? 0 : UINT64_MAX)
			    : (uint64_t)((double)s->promised * 100 / (double)s->room);
}

int host_space_promise(struct worker *w, uint64_t more, struct berth_error *err)
{
	struct host_space s;
	char text[300];
	int r = host_space_read(w, &s, err);

	if (r < 0)
		return r;
	s.promised += more;
	if (s.promised <= s.room)
		return 0;
	(void)snprintf(
		text, sizeof(text),
		"the disks of %u CTs and this one would be %llu MiB, and %.80s has %llu MiB for "
		"them",
		s.n, (unsigned long long)(s.promised >> 20), w->paths.lib,
		(unsigned long long)(s.room >> 20));
	if (w->host.overcommit > 0 && host_space_percent(&s) > w->host.overcommit)
		return berth_error_set(err, BERTH_ERR_NO_SPACE, ENOSPC,
				       "CT %u: %s; ask for less, free some, or allow more: "
				       "DISK_OVERCOMMIT in berth.conf(5)",
				       w->ctid, text);
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
		       ": before it is used up, the CTs that grow most get \"No space left\" (see "
		       "berth doctor)");
	report_result("note.disk", text);
	return 1;
}
