/* paths.c - where everything lives. */
#include "runtime/base/paths.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int berth_paths_init(struct berth_paths *p, const char *root, struct berth_error *err)
{
	size_t len = root == NULL ? 0 : strlen(root);

	while (len > 0 && root[len - 1] == '/')
		len--;
	if (len >= sizeof(p->root) - 64)
		return berth_error_set(err, BERTH_ERR_VALUE, ENAMETOOLONG,
				       "--root: the path is longer than %zu bytes",
				       sizeof(p->root) - 64);
	if (len > 0 && root[0] != '/')
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "--root %s: the path must begin with '/'", root);
	(void)snprintf(p->root, sizeof(p->root), "%.*s", (int)len, len > 0 ? root : "");
	(void)snprintf(p->etc, sizeof(p->etc), "%s/etc/berth", p->root);
	(void)snprintf(p->lib, sizeof(p->lib), "%s/var/lib/berth", p->root);
	(void)snprintf(p->run, sizeof(p->run), "%s/run/berth", p->root);
	return 0;
}

struct dir_row {
	const char *base;
	const char *name;
	mode_t mode;
};

int berth_paths_make(const struct berth_paths *p, struct berth_error *err)
{
	/* What concerns CTs is root's: others ask berthd, if they may. */
	const struct dir_row rows[] = {
		{p->etc, "", 0755},	{p->etc, "ct", 0700},	   {p->etc, "samples", 0755},
		{p->lib, "", 0700},	{p->lib, "private", 0700}, {p->lib, "template", 0700},
		{p->lib, "dump", 0700}, {p->lib, "state", 0700},   {p->run, "", 0755},
		{p->run, "ct", 0700},
	};
	char path[BERTH_PATH_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stat st;
		int r;

		path_below(rows[i].base, rows[i].name, path);
		r = dir_make(path, 0755);
		if (r == 0 && (stat(path, &st) < 0 || ((st.st_mode & 07777) != rows[i].mode &&
						       chmod(path, rows[i].mode) < 0)))
			r = -errno;
		/* What runs is kept going on a disk that took no more: whoever needs the directory says so. */
		if (r < 0 && r != -EROFS)
			return berth_error_sys(err, r, "make directory %s", path);
	}
	return 0;
}

char *path_below(const char *base, const char *name, char *buf)
{
	(void)snprintf(buf, BERTH_PATH_MAX, name[0] == '\0' ? "%s%s" : "%s/%s", base, name);
	return buf;
}

char *path_ct_config(const struct berth_paths *p, uint32_t ctid, char *buf)
{
	(void)snprintf(buf, BERTH_PATH_MAX, "%.400s/ct/%u.conf", p->etc, ctid);
	return buf;
}

char *path_private(const struct berth_paths *p, uint32_t ctid, char *buf)
{
	(void)snprintf(buf, BERTH_PATH_MAX, "%.400s/private/%u", p->lib, ctid);
	return buf;
}

char *path_run_ct(const struct berth_paths *p, uint32_t ctid, char *buf)
{
	(void)snprintf(buf, BERTH_PATH_MAX, "%.400s/ct/%u", p->run, ctid);
	return buf;
}

char *path_audit(const struct berth_paths *p, char *buf)
{
	(void)snprintf(buf, BERTH_PATH_MAX, "%.400s/audit.log", p->lib);
	return buf;
}

char *path_daemon_socket(const struct berth_paths *p, char *buf)
{
	(void)snprintf(buf, BERTH_PATH_MAX, "%.400s/berthd.sock", p->run);
	return buf;
}

char *path_monitor_socket(const struct berth_paths *p, uint32_t ctid, char *buf)
{
	(void)snprintf(buf, BERTH_PATH_MAX, "%.400s/ct/%u/monitor.sock", p->run, ctid);
	return buf;
}

int paths_run_ct_open(const struct berth_paths *p, uint32_t ctid, struct berth_error *err)
{
	auto_close int fd = -EBADF;
	char path[BERTH_PATH_MAX];
	struct stat st;

	path_run_ct(p, ctid, path);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return berth_error_sys(err, errno, "CT %u: make directory %s", ctid, path);
	fd = dir_open_at(AT_FDCWD, path);
	if (fd < 0)
		return berth_error_sys(err, fd, "CT %u: open directory %s", ctid, path);
	if (fstat(fd, &st) < 0 || ((st.st_mode & 07777) != 0700 && fchmod(fd, 0700) < 0))
		return berth_error_sys(err, errno, "CT %u: close directory %s to others", ctid,
				       path);
	return take_fd(&fd);
}
